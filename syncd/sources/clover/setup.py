"""What a Clover merchant asks for."""

from __future__ import annotations

from syncd.sources.setup import TIMEZONE, Question, Setup, SignInWay

SETUP = Setup(
    title="Clover",
    intro="Sign in to the Clover dashboard as the owner.",
    questions=(
        Question("merchant_id", "Merchant ID", "Clover dashboard, Account & Setup, Merchants: 13 letters and digits."),
        Question(
            "api_url",
            "Where the account is",
            "North America: https://api.clover.com. Europe: https://api.eu.clover.com. Latin America: https://api.la.clover.com.",
            default="https://api.clover.com",
        ),
        TIMEZONE,
    ),
    ways=(
        SignInWay(
            "token",
            "an API token of your own merchant account: quickest",
            (
                Question(
                    "token",
                    "API token (not shown)",
                    "Clover dashboard, Account & Setup, API tokens, Create new token; allow it to read orders, payments, inventory,"
                    " employees, customers and merchant.",
                    secret=True,
                ),
            ),
        ),
        SignInWay(
            "browser",
            "sign in to Clover in a browser, for an app of your own",
            (Question("oauth.client_id", "App ID", "Clover Developer Dashboard, your app, App Settings: App ID."),),
            consent=True,
        ),
    ),
)
