"""What an Odoo server asks for."""

from __future__ import annotations

from syncd.sources.setup import TIMEZONE, Question, Setup, SignInWay

SETUP = Setup(
    title="Odoo",
    intro="Sign in to Odoo as a user who may read the Point of Sale.",
    questions=(
        Question("url", "Odoo's address", "Such as https://myshop.odoo.com."),
        Question(
            "database",
            "Name of the database",
            "Often the first part of the address; Odoo shows it at /web/database/selector.",
        ),
        TIMEZONE,
    ),
    ways=(
        SignInWay(
            "jsonrpc",
            "any Odoo from 13 on",
            (
                Question("login", "Login of the user", "What you type to sign in: an e-mail address as a rule."),
                Question("key", "API key (not shown)", "Odoo, My Profile, Account Security, New API Key.", secret=True),
            ),
        ),
        SignInWay(
            "json2",
            "Odoo 19 and newer",
            (
                Question("key", "API key (not shown)", "Odoo, My Profile, Account Security, New API Key.", secret=True),
                Question("api", "API", default="json2", choices=("json2",)),
            ),
        ),
    ),
)
