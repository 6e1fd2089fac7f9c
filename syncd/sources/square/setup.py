"""What a Square account asks for."""

from __future__ import annotations

from syncd.sources.setup import Question, Setup, SignInWay

_CONSOLE = "developer.squareup.com/apps, your application (Create one), tab Production"

SETUP = Setup(
    title="Square",
    intro="Sign in to developer.squareup.com with your Square login and create an application (any name).",
    ways=(
        SignInWay(
            "token",
            "your own account's access token: quickest, for a shop of your own",
            (
                Question(
                    "token", "Access token (not shown)", f"{_CONSOLE}: Credentials, Access token, Show.", secret=True
                ),
            ),
        ),
        SignInWay(
            "browser",
            "sign in to Square in a browser: reads only what syncd needs",
            (
                Question(
                    "oauth.client_id", "Application ID", f"{_CONSOLE}: OAuth, Application ID. It begins with sq0idp-."
                ),
                Question(
                    "oauth.client_secret",
                    "Application secret (not shown; Enter: none, sign in with PKCE)",
                    f"{_CONSOLE}: OAuth, Application secret, Show.",
                    secret=True,
                    optional=True,
                ),
            ),
            consent=True,
        ),
    ),
)
