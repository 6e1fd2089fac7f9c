"""What people do on the page: the advised decision first, what cannot help refused in words, and a minute to take it back."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from syncd.ledger import DecisionResult
from syncd.sale.overrides import Verb
from syncd.testing.clocks import ManualClock
from syncd.web.page.flash import LASTS, FlashMessage, FlashMessages, message_after
from tests.ledger.test_links import back, sold
from tests.service.daemons import until
from tests.service.pages import PASSWORD, Served, a_sale, held, of, pressed, settled, users


def story(served: Served, key: str) -> Any:
    return json.loads(served.shop.run("sale", key, "--json").out)


def state(served: Served, key: str) -> str:
    return str(story(served, key)["state"])


def buttons(text: str) -> list[tuple[str, bool]]:
    """The decisions that a page offers, and whether each is the one that stands out."""
    found = re.findall(r'<button name="verb" value="([\w-]+)"( class="quiet")?', text)
    return [(verb, not quiet) for verb, quiet in found]


@pytest.mark.parametrize("verb", ["skip", "release"])
def test_a_decision_is_told_and_taken_back_within_the_minute(served: Served, verb: str) -> None:
    served.shop.drop("a.jsonl", held("h1"))
    settled(served, 1)
    before = story(served, "till:h1")
    page = served.post(of(served, "h1"), verb=verb)
    assert {"skip": "1 sale skipped.", "release": "1 sale released; sent in a minute."}[verb] in page.text
    assert state(served, "till:h1") == {"skip": "skipped", "release": "pending"}[verb]
    again = pressed(served, page, "undo")
    assert "1 sale back to what it was before the last decision." in again.text
    after = story(served, "till:h1")
    assert (after["state"], after["why"]) == (before["state"], before["why"])
    assert [row["actor"] for row in after["audit"][-2:]] == ["page:local", "page:local"]
    assert served.shop.store.orders() == []
    assert "The minute is over" in pressed(served, page, "undo").text  # it was taken back once
    assert state(served, "till:h1") == "held"


def test_what_somebody_else_decided_since_is_not_taken_back(served: Served) -> None:
    served.shop.drop("a.jsonl", held("h1") + held("h2"))
    settled(served, 2)
    (group,) = set(re.findall(r'href="(/attention/[0-9a-f]+)"', served.get("/attention").text))
    page = served.post(group, verb="skip", scope="all", sure="yes")
    assert "2 sales skipped." in page.text
    assert served.shop.run("release", "till:h1", "--reason", "counted").code == 0
    until(lambda: state(served, "till:h1") == "synced")
    again = pressed(served, page, "undo").text
    assert "1 sale back to what it was" in again
    assert "1 sale unchanged: something else was decided about it since." in again
    assert (state(served, "till:h1"), state(served, "till:h2")) == ("synced", "held")


def test_a_release_waits_a_minute_and_can_be_sent_at_once(served: Served) -> None:
    served.shop.drop("a.jsonl", held("h1") + a_sale("s1"))
    settled(served, 2)
    page = served.post(of(served, "h1"), verb="release")
    until(lambda: len(served.shop.store.orders()) == 1)
    due = story(served, "till:h1")["next_attempt_at"]
    assert due is not None
    assert "1 sale sent now." in pressed(served, page, "send").text
    until(lambda: len(served.shop.store.orders()) == 2)
    assert state(served, "till:h1") == "synced"


def test_the_advised_decision_stands_out_and_what_cannot_help_is_refused_in_words(served: Served) -> None:
    served.shop.drop("a.jsonl", held("h1") + back().to_json() + "\n")
    settled(served, 2)
    sum_is_wrong, returned = served.get(of(served, "h1")).text, served.get(of(served, "till:back")).text
    assert buttons(sum_is_wrong)[0] == ("release", True)
    assert all(not stands_out for _, stands_out in buttons(sum_is_wrong)[1:])
    assert "release" not in dict(buttons(returned))
    assert "retry" not in dict(buttons(returned))
    refused = served.post(of(served, "till:back"), verb="release")
    assert refused.status_code == 400
    assert "release does not help with till:back" in refused.text
    assert state(served, "till:back") == "held"
    groups = set(re.findall(r'href="(/attention/[0-9a-f]+)"', served.get("/attention").text))
    (of_returns,) = [group for group in groups if "Pick the sale" in served.get(group).text]
    assert dict(buttons(served.get(of_returns).text)) == {"skip": True}
    answer = served.post(of_returns, verb="release", scope="all", sure="yes")
    assert "Pick the sale that the goods came from" in answer.text
    assert state(served, "till:back") == "held"


def test_a_return_that_was_linked_by_mistake_says_that_it_was_linked(served: Served) -> None:
    served.shop.drop("a.jsonl", sold("o1").to_json() + "\n" + back().to_json() + "\n")
    settled(served, 2)
    page = served.post(f"{of(served, 'till:back')}/link", original="till:o1")
    assert "1 sale linked." in page.text


def test_who_only_sees_can_take_nothing_back(served: Served) -> None:
    served.shop.drop("a.jsonl", held("h1"))
    settled(served, 1)
    page = served.post(of(served, "h1"), verb="skip")
    users(served.shop, "add", "vic", "--role", "viewer")
    until(lambda: served.get("/").url.endswith("/login"))
    served.sign_in("vic", PASSWORD)
    found = re.search(r'action="(/outcome/[0-9a-f]+)"', page.text)
    assert found
    assert served.post(found[1], csrf=served.csrf("/"), do="undo", to="/").status_code == 403
    assert state(served, "till:h1") == "skipped"


def test_an_outcome_is_kept_for_a_minute_and_taken_back_once() -> None:
    clock = ManualClock()
    messages = FlashMessages(clock)
    name = messages.keep(FlashMessage("Done."))
    assert messages.get(name) == FlashMessage("Done.")
    assert messages.get("0" * 16) is None
    clock.pass_time(LASTS.total_seconds() + 1)
    assert messages.get(name) is None
    assert messages.take(name) is None
    other = messages.keep(FlashMessage("Done."))
    assert messages.take(other) is not None
    assert messages.take(other) is None


def test_what_was_left_is_told_by_reason_the_most_frequent_first() -> None:
    clock = ManualClock()
    refused = (
        *tuple((f"till:{n}", "already in BigCommerce") for n in range(4)),
        ("till:9", "it is rejected: use retry"),
    )
    outcome = message_after(Verb.SKIP, DecisionResult(("till:a", "till:b"), refused), "ada", clock.now())
    assert outcome.words == "2 sales skipped."
    assert outcome.left == (
        "4 sales unchanged: already in BigCommerce.",
        "1 sale unchanged: it is rejected: use retry.",
    )
    assert outcome.undo is not None
    nothing = message_after(Verb.SKIP, DecisionResult((), refused), "ada", clock.now())
    assert (nothing.words, nothing.undo) == ("Nothing was changed.", None)
