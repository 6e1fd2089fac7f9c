"""What a Shopify shop asks for."""

from __future__ import annotations

import re

from syncd.sources.setup import Question, Setup, SignInWay


def shop_of(answer: str) -> str:
    """Return a shop's name, of its address as well."""
    found = re.search(r"([A-Za-z0-9-]+)\.myshopify\.com", answer) or re.search(
        r"admin\.shopify\.com/store/([A-Za-z0-9-]+)", answer
    )
    return found[1] if found else answer


SETUP = Setup(
    title="Shopify POS",
    intro="Sign in to Shopify as the owner. Sales of the web shop stay where they are; only those of the tills are carried.",
    questions=(
        Question(
            "shop",
            "Your shop's address",
            "Shopify admin, Settings, Domains: SHOP.myshopify.com. The first part alone will do.",
            cleaned=shop_of,
        ),
    ),
    ways=(
        SignInWay(
            "app",
            "an app of the Dev Dashboard: what Shopify offers to new shops",
            (
                Question(
                    "app.client_id",
                    "Client ID",
                    "dev.shopify.com, your app (scopes read_orders, read_customers), Settings.",
                ),
                Question("app.client_secret", "Client secret (not shown)", "The same page: Secret.", secret=True),
            ),
        ),
        SignInWay(
            "token",
            "an Admin API access token: of a custom app made in the Shopify admin before 2026",
            (
                Question(
                    "token",
                    "Admin API access token (not shown)",
                    "Shopify admin, Settings, Apps, Develop apps, your app, API credentials. It begins with shpat_.",
                    secret=True,
                ),
            ),
        ),
    ),
    words=("shopify",),
)
