"""Who and where of a POSLog transaction: store, till, cashier, customer. Pure."""

from __future__ import annotations

from typing import Any

from syncd.sources.poslog.elements import Element, Node, attribute


def _unit_of(whole: Node) -> Element | None:
    """Return the element that names the store: where there are several units, the one of the store itself."""
    units = [one for unit in whole.nodes("BusinessUnit") for one in unit.all("UnitID")]
    stores = [one for one in units if attribute(one, "TypeCode").lower() in ("retailstore", "store")]
    return next(iter(stores or units or whole.all("RetailStoreID")), None)


def store_id(whole: Node) -> str:
    """Return the store's id, empty where none is named."""
    unit = _unit_of(whole)
    return (unit.text or "").strip() if unit is not None else ""


def store_of(whole: Node) -> dict[str, Any] | None:
    """Return the store, as a location."""
    unit, key = _unit_of(whole), store_id(whole)
    return {"id": key, "name": attribute(unit, "Name")} if key and unit is not None else None


def register_of(whole: Node) -> dict[str, Any] | None:
    """Return the till."""
    key = whole.text("WorkstationID")
    return {"id": key} if key else None


def operator_of(whole: Node) -> dict[str, Any] | None:
    """Return the cashier."""
    key = whole.text("OperatorID")
    return {"id": key, "name": attribute(whole.all("OperatorID")[0], "OperatorName")} if key else None


def customer_of(retail: Node) -> dict[str, Any] | None:
    """Return the customer, None where the receipt names nobody."""
    person = next(retail.nodes("Customer"), None)
    if person is None:
        return None
    name = person.node("Name")
    whole_name = name.text("OfficialName", "FullName") or (name.element.text or "").strip() if name else ""
    given, _, family = whole_name.rpartition(" ")
    first = name.text("FirstName", "GivenName") if name else ""
    last = name.text("LastName", "FamilyName") if name else ""
    return {
        "id": person.text("CustomerID", "AlternateID") or None,
        "first_name": first or given or family,
        "last_name": last or (family if given else ""),
        "email": person.text("eMail", "EMail", "Email"),
        "phone": person.text("TelephoneNumber", "Telephone"),
    }
