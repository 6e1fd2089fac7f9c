"""What accounts of the page, and tokens of programs, may do."""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """What an account may do on the page: see; decide too; manage accounts, tokens and uploads too."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"


class Scope(StrEnum):
    """What a program may read by the API: how things stand; sales too; who bought and what was sold too."""

    STATUS = "status"
    SALES = "sales"
    CUSTOMERS = "customers"
