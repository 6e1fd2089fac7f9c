"""What sales, lines, fees, tenders and refunds may be, in the words of the trade."""

from __future__ import annotations

from enum import StrEnum


class SaleStatus(StrEnum):
    """Where the sale stands in the POS."""

    COMPLETED = "completed"
    OPEN = "open"
    VOIDED = "voided"
    REFUNDED = "refunded"
    PARTIALLY_REFUNDED = "partially_refunded"


class OpenKind(StrEnum):
    """Why a sale is still open. On account, the goods have left and are yet to be paid; with all others they are still there."""

    PARKED = "parked"
    QUOTE = "quote"
    LAY_BY = "lay_by"
    ON_ACCOUNT = "on_account"
    WORK_ORDER = "work_order"


class Fulfilment(StrEnum):
    """How the goods reach the customer."""

    IN_STORE = "in_store"
    PICKUP = "pickup"
    SHIP = "ship"
    DIGITAL = "digital"


class LineKind(StrEnum):
    """What a line sells."""

    PRODUCT = "product"
    CUSTOM = "custom"
    GIFT_CARD = "gift_card"
    SERVICE = "service"
    DEPOSIT = "deposit"


class FeeKind(StrEnum):
    """What a charge outside the lines is for."""

    SERVICE_CHARGE = "service_charge"
    TIP = "tip"
    BAG = "bag"
    DELIVERY = "delivery"
    SURCHARGE = "surcharge"
    OTHER = "other"


class TenderKind(StrEnum):
    """How a part of the sale was paid."""

    CASH = "cash"
    CARD = "card"
    GIFT_CARD = "gift_card"
    STORE_CREDIT = "store_credit"
    ON_ACCOUNT = "on_account"
    LOYALTY = "loyalty"
    EXCHANGE = "exchange"
    OTHER = "other"


class TenderStatus(StrEnum):
    """Whether a tender counts: only a captured one does."""

    CAPTURED = "captured"
    PENDING = "pending"
    FAILED = "failed"
    VOIDED = "voided"


class RefundStatus(StrEnum):
    """Whether money went back: only a completed refund counts."""

    COMPLETED = "completed"
    PENDING = "pending"
    FAILED = "failed"
