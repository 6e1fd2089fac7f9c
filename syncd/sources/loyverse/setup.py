"""What a Loyverse account asks for."""

from __future__ import annotations

from syncd.sources.setup import TIMEZONE, Question, Setup, SignInWay

SETUP = Setup(
    title="Loyverse",
    intro="Sign in to the Loyverse back office as the owner.",
    ways=(
        SignInWay(
            "token",
            "an access token",
            (
                Question(
                    "token",
                    "Access token (not shown)",
                    "Loyverse back office, Integrations, Access tokens, Add access token.",
                    secret=True,
                ),
            ),
        ),
    ),
    questions=(TIMEZONE,),
)
