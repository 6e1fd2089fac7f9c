"""Which tests `make test` leaves to `make test-all`: those that need a browser, kill processes, wait for real time or repeat a
contract on a server. Each line is a path under tests/, or a path and the beginning of a test's name; CI runs both halves.
"""

from __future__ import annotations

THOROUGH = (
    # a real browser
    "browser/",
    # daemons with a page, and commands that talk to a store
    "flows/test_daemon.py",
    "flows/test_orders.py",
    "service/test_alerts.py",
    "service/test_page.py",
    "service/test_accounts.py",
    "service/test_acting.py",
    "service/test_api.py",
    "service/test_story.py",
    "service/test_pauses.py::test_the",
    # properties over whole sales
    "unit/sale/test_changes.py::test_what_changed_one_way",
    "unit/sale/test_search_words.py::test_every_name_number",
    # processes that are killed, disks that are full, a day that is compressed
    "chaos/",
    "flows/test_checkout.py::test_a_process_killed_at_any_call",
    "fleet/test_fleet.py",
    "fleet/test_handover.py",
    "fleet/test_upgrade.py",
    "fleet/test_day.py::test_the_page",
    "fleet/test_move.py",
    "fleet/test_fail_over.py",
    "fleet/test_recipe.py",
    "fleet/test_people.py",
    "fleet/test_page.py",
    "fleet/test_pooler.py",
    "fleet/test_queue.py::test_a_hint_that_cannot_be_given",
    "service/test_conf_d.py::test_a_file_that",
    "heart/test_life.py",
    "heart/test_books_mutants.py",
    "service/test_alert_day.py",
    "service/test_clock_jumps.py",
    "service/test_quota.py",
    "service/test_reload.py",
    "service/test_week.py",
    "service/test_tills.py",
    # a wheel that is built and installed, a tutorial that is typed
    "flows/test_own_adapter.py",
    "flows/test_tutorial.py",
    "flows/test_init.py",
    "flows/test_site.py",
    "flows/test_mails.py",
    # hundreds of commands
    "flows/test_odd_words.py",
    "flows/test_without_secrets.py",
    "flows/test_config_commands.py::test_an_old_config",
    "flows/test_config_commands.py::test_check_looks",
    "flows/test_recipes.py",
    "flows/test_init_sources.py",
    "flows/test_connect.py",
    "flows/test_macos.py",
    # tills' own databases, and the adapters' contract on them
    "flows/test_tills.py",
    "flows/test_till_samples.py",
    "sources/test_contract.py::TestOdoo",
    "sources/test_contract.py::TestOpenSourcePos",
    "sources/test_contract.py::TestUniCenta",
    "sources/test_contract.py::TestSquareWithTokensThatRotate",
    "sources/test_contract.py::TestCsvOverSftp",
    "sources/test_contract.py::TestCsvInABucket",
    "sources/test_contract.py::TestWorkbooks",
    "sources/test_odoo.py",
    "sources/test_sql.py",
    # large ledgers and catalogs
    "flows/test_large_catalog.py",
    "flows/test_mirror.py",
    "heart/test_first_walk.py",
    "ledger/test_plans.py",
    "ledger/test_retention.py::test_a_vacuum",
    "ledger/test_schema.py::test_a_ledger_that_many_open",
    # many commands, one after another, each a process of its own
    "flows/test_after_push.py",
    "flows/test_alone.py",
    "flows/test_api_samples.py",
    "flows/test_audit.py",
    "flows/test_backfills.py",
    "flows/test_catalog.py",
    "flows/test_guess.py",
    "flows/test_ledger_care.py",
    "flows/test_names.py",
    "flows/test_probe.py",
    "flows/test_rules.py",
    "flows/test_samples.py",
    "flows/test_sources.py",
    "flows/test_words.py",
    "service/test_intake.py",
    "service/test_secrets.py",
    # the same again: on another database, in other forms of paging, with more seeds
    "contracts/test_openapi.py",
    "heart/test_own_doing.py::test_a_sale_whose_creates",
    "heart/test_own_doing.py::test_intents",
    "heart/test_audit.py",
    "heart/test_nightly.py",
    "heart/test_points.py",
    "heart/test_poison.py::test_a_poisonous_line",
    "heart/test_pauses.py",
    "heart/test_poison.py::test_any_sale",
    "heart/test_whole_order.py",
    "heart/test_store_wide.py",
    "ledger/test_postgresql.py",
    "sources/test_contract.py::TestRest",
    "sources/test_sftp.py",
    "unit/mapping/test_mutants.py",
    # real time
    "flows/test_bad_input.py",
    "service/test_health.py::test_the_watchdog",
    "sources/test_workbooks.py::test_a_workbook_that_lies",
)


def is_thorough(node: str) -> bool:
    """Whether a test, by its node id relative to the repository, belongs to the longer half."""
    return node.removeprefix("tests/").startswith(THOROUGH)
