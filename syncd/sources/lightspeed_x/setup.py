"""What a Lightspeed Retail (X-Series) store asks for."""

from __future__ import annotations

import re

from syncd.sources.setup import Question, Setup, SignInWay


def prefix_of(answer: str) -> str:
    """Return the store's prefix, of its whole address as well."""
    found = re.search(r"([A-Za-z0-9-]+)\.(?:retail\.lightspeed\.app|vendhq\.com)", answer)
    return found[1] if found else answer


SETUP = Setup(
    title="Lightspeed Retail (X-Series)",
    intro="Sign in to Lightspeed as an owner or a manager.",
    questions=(
        Question(
            "prefix",
            "Your store's address",
            "In the browser's address line: https://PREFIX.retail.lightspeed.app. The prefix alone will do.",
            cleaned=prefix_of,
        ),
    ),
    ways=(
        SignInWay(
            "token",
            "a personal token: quickest, on plans that have them",
            (
                Question(
                    "token",
                    "Personal token (not shown)",
                    "Lightspeed, Setup, Personal tokens, Add personal token. It begins with lsxs_pt_.",
                    secret=True,
                ),
            ),
        ),
        SignInWay(
            "browser",
            "sign in to Lightspeed in a browser, for an application of your own",
            (
                Question("oauth.client_id", "Client ID", "developers.retail.lightspeed.app, your application."),
                Question("oauth.client_secret", "Client secret (not shown)", "The same page.", secret=True),
            ),
            consent=True,
        ),
    ),
    words=("lightspeed", "vend"),
)
