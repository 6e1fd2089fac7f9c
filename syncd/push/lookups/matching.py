"""Match the products and customers of a group of sales: from memory, then the ledger, then BigCommerce; with SKU aliases.

One look-up serves the whole group; hits and misses are both kept, misses not for long (a product may be added any
minute); a store whose rules need no catalogue lines is never asked.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct, json

from syncd.bigcommerce.catalog import CatalogClient, CatalogVariant
from syncd.bigcommerce.customers import CustomersClient, NewCustomer
from syncd.canonical import CanonicalOrder
from syncd.canonical.kinds import LineKind
from syncd.clock import Clock
from syncd.errors import ConfigError
from syncd.ledger import Code, Ledger
from syncd.logs import get_logger
from syncd.mapping.addresses import email_of
from syncd.mapping.formats import normal_code
from syncd.mapping.model import CatalogMatch, Choice, Matches, RequiredModifier
from syncd.mapping.rules import Rules, applied
from syncd.push.lookups.lookup_cache import TTL, CatalogMirror, LookupCache, Ttl

_PROBE = "syncd-check"
_FEWEST_DIGITS = 7


class Remotes(Struct, frozen=True):
    """The two clients that look-ups use."""

    catalog: CatalogClient
    customers: CustomersClient


class Matcher:
    """Matches the sales of one store with its catalog and customers."""

    def __init__(  # noqa: PLR0913, PLR0917  the store, by its doors and rules
        self, store: str, ledger: Ledger, remotes: Remotes, rules: Rules, clock: Clock, ages: Ttl = TTL
    ) -> None:
        self._remotes, self._rules = remotes, rules
        self._aliases = Aliases(rules.aliases)
        catalog, customers = remotes.catalog, remotes.customers
        place = (store, ledger, clock)
        self.mirror = CatalogMirror(store, ledger, catalog, clock)
        self._distrusted: dict[Code, set[str]] = {"sku": set(), "upc": set()}
        self._skus = LookupCache("sku", lambda codes: self._ask("sku", codes), _write, _read, place, ages)
        self._upcs = LookupCache("upc", lambda codes: self._ask("upc", codes), _write, _read, place, ages)
        self._emails = LookupCache("customer", customers.by_email, str, int, place, ages)
        self._phones = LookupCache("phone", customers.by_phone, str, int, place, ages)

    def gather(self, orders: Sequence[CanonicalOrder], *, may_create: bool = True) -> list[Matches]:
        """Return the matches of each order, in the same order; ``may_create`` lets the config's rule create unknown customers.

        Raises:
            RemoteError: BigCommerce could not be asked.

        """
        aliases = self._aliases.current()
        asks_catalog = self._asks_catalog()
        skus = _codes(orders, "sku")
        if (card := self._rules.gift_card_sku) and any(
            line.kind is LineKind.GIFT_CARD for order in orders for line in order.lines
        ):
            skus |= {normal_code(card)}
        upcs = _codes(orders, "upc")
        renamed = {aliases[code] for code in skus | upcs if code in aliases}
        if asks_catalog and may_create and (skus or upcs):
            self.mirror.build_if_small()
        by_sku = self._skus.get(skus | renamed) if asks_catalog else {}
        by_upc = self._upcs.get(_unanswered(orders, by_sku, aliases)) if asks_catalog else {}
        return [
            Matches(by_sku, by_upc, *found, aliases=aliases)
            for found in self._customers(orders, may_create=may_create and self._rules.customers == "create")
        ]

    def _customers(self, orders: Sequence[CanonicalOrder], *, may_create: bool) -> list[tuple[int | None, str]]:
        """Find the customer of each order, and say how: by e-mail, else by phone where the sale names no e-mail."""
        if self._rules.customers == "guest":
            return [(None, "")] * len(orders)
        emails = {email for order in orders if (email := _email(order))}
        by_email = self._emails.get(emails)
        phones = {phone for order in orders if not _email(order) and (phone := _phone(order))}
        by_phone = self._phones.get(phones)
        if may_create:
            by_email = {**by_email, **self._created(orders, by_email)}
        return [_customer(order, by_email, by_phone) for order in orders]

    def _created(self, orders: Sequence[CanonicalOrder], known: Mapping[str, int]) -> dict[str, int]:
        """Make the unknown customers of ``orders``; the store itself lets an e-mail be used once."""
        wanted = {
            email: new
            for order in orders
            if (email := _email(order)) not in known and (new := _new(order, self._rules))
        }
        if not wanted:
            return {}
        made = self._remotes.customers.create(list(wanted.values()))
        self._emails.put(made)
        get_logger().info("customers_created", customers=len(made), not_created=len(wanted) - len(made))
        return made

    def _ask(self, by: Code, codes: Sequence[str]) -> dict[str, CatalogMatch]:
        """Look codes up in the mirror, or in the catalog where there is no complete mirror or its answer was just refused."""
        catalog = self._remotes.catalog
        ask = catalog.variants_by_sku if by == "sku" else catalog.variants_by_upc
        if not self.mirror.serves:
            return _matches(ask(codes))
        doubted = sorted(self._distrusted[by] & set(codes))
        found = self.mirror.find(by, [code for code in codes if code not in self._distrusted[by]])
        if doubted:
            there = ask(doubted)
            self.mirror.drop(by, [code for code in doubted if code not in there])
            self._distrusted[by] -= set(doubted)
            found |= there
        return _matches(found)

    def forget(self, order: CanonicalOrder) -> None:
        """Forget the matches of an order's products: BigCommerce has just refused one of them."""
        aliases = self._aliases.current()
        skus, upcs = _codes([order], "sku"), _codes([order], "upc")
        skus |= {aliases[code] for code in skus | upcs if code in aliases}
        self._distrusted["sku"] |= skus
        self._distrusted["upc"] |= upcs
        self._skus.forget(skus)
        self._upcs.forget(upcs)

    def forget_customer(self, order: CanonicalOrder) -> None:
        """Forget the match of an order's customer: it was deleted in BigCommerce, or merged into another."""
        self._emails.forget({_email(order)} - {""})
        self._phones.forget({_phone(order)} - {""})

    def refresh(self) -> int:
        """Refresh in the background: walk the catalog on, ask again for old hits that are in use; return how many codes.

        Raises:
            RemoteError: BigCommerce could not be asked.

        """
        if self._asks_catalog():
            self.mirror.keep_up()
        return sum(shelf.refresh() for shelf in (self._skus, self._upcs)) + sum(
            shelf.refresh() for shelf in (self._emails, self._phones)
        )

    def ask_catalog(self) -> None:
        """One look-up past every cache, to see that the token may read the catalog.

        Raises:
            RemoteError: it may not, or BigCommerce could not be asked.

        """
        self._remotes.catalog.variants_by_sku([_PROBE])

    def ask_customers(self) -> None:
        """One look-up past every cache, to see that the token may read customers.

        Raises:
            RemoteError: it may not, or BigCommerce could not be asked.

        """
        self._remotes.customers.by_email([f"{_PROBE}@example.com"])

    def _asks_catalog(self) -> bool:
        rules = self._rules
        places = [place.stock for place in rules.locations.values()] + [
            source.stock for source in rules.sources.values()
        ]
        return "bigcommerce" in (rules.stock, *places)


def _unanswered(
    orders: Iterable[CanonicalOrder], by_sku: Mapping[str, CatalogMatch], aliases: Mapping[str, str]
) -> set[str]:
    """Return the UPCs of lines whose SKU, or whose alias, has found nothing."""
    wanted: set[str] = set()
    for order in orders:
        for line in order.lines:
            sku, upc = normal_code(line.sku or ""), normal_code(line.upc or "")
            if upc and upc not in aliases and aliases.get(sku, sku) not in by_sku and sku not in by_sku:
                wanted.add(upc)
    return wanted


def _codes(orders: Iterable[CanonicalOrder], field: str) -> set[str]:
    codes = (getattr(line, field) for order in orders for line in order.lines)
    return {normal for code in codes if code and (normal := normal_code(code))}


def _email(order: CanonicalOrder) -> str:
    return email_of(order.customer.email).lower() if order.customer else ""


def _phone(order: CanonicalOrder) -> str:
    phone = order.customer.phone.strip() if order.customer else ""
    return phone if sum(letter.isdigit() for letter in phone) >= _FEWEST_DIGITS and "," not in phone else ""


def _customer(
    order: CanonicalOrder, by_email: Mapping[str, int], by_phone: Mapping[str, int]
) -> tuple[int | None, str]:
    if email := _email(order):
        return by_email.get(email), "e-mail"
    return by_phone.get(_phone(order)), "phone number"


def _new(order: CanonicalOrder, rules: Rules) -> NewCustomer | None:
    """Return the customer to make; BigCommerce wants an e-mail and both names."""
    customer, billing = order.customer, order.billing
    if customer is None or not email_of(customer.email):
        return None
    first = customer.first_name or (billing.first_name if billing else "")
    last = customer.last_name or (billing.last_name if billing else "")
    if not first or not last:
        return None
    company = customer.company or (billing.company if billing else "")
    channel, group = applied(order, rules).channel_id, rules.customer_group_id
    return NewCustomer(_email(order), first, last, company, customer.phone, channel, group)


def _matches(found: Mapping[str, CatalogVariant]) -> dict[str, CatalogMatch]:
    return {code: _match(variant) for code, variant in found.items()}


def _match(variant: CatalogVariant) -> CatalogMatch:
    return CatalogMatch(
        product_id=variant.product_id,
        variant_id=variant.variant_id,
        sku=variant.sku,
        name=variant.name,
        digital=variant.digital,
        options=variant.options,
        required=tuple(
            RequiredModifier(one.id, one.name, one.free_text, tuple(Choice(*choice) for choice in one.choices))
            for one in variant.required
        ),
    )


def _write(match: CatalogMatch) -> str:
    return json.encode(match).decode()


_read = json.Decoder(CatalogMatch).decode


_CURE = "Give it two columns, the till's code and the catalog's SKU: 4006381333931,PEN-BLUE"


class Aliases:
    """The aliases of one store, by the till's code; both sides blank-stripped and upper case."""

    def __init__(self, path: Path | None) -> None:
        """Read the file at once.

        Raises:
            ConfigError: it cannot be read: sales must not go out as if it were empty.

        """
        self._path = path
        self._seen: tuple[int, int] | None = None
        self._known: Mapping[str, str] = {}
        if path is not None:
            try:
                self._read(path)
            except OSError as error:
                raise ConfigError(f"{path} cannot be read: {error.strerror}", cure=_CURE) from None

    def current(self) -> Mapping[str, str]:
        """Return the aliases of the file as it is now; while it cannot be read, as it was read last."""
        if self._path is not None:
            try:
                self._read(self._path)
            except (OSError, ConfigError) as error:
                get_logger().warning("aliases_not_read", path=str(self._path), why=str(error))
        return self._known

    def _read(self, path: Path) -> None:
        stat = path.stat()
        if (stat.st_mtime_ns, stat.st_size) != self._seen:
            self._known = read_aliases(path)
            self._seen = (stat.st_mtime_ns, stat.st_size)
            get_logger().info("aliases_read", path=str(path), aliases=len(self._known))


def read_aliases(path: Path) -> dict[str, str]:
    """Return the aliases of a file.

    Raises:
        ConfigError: a line has not two columns, or one code has two meanings.
        OSError: the file cannot be read.

    """
    known: dict[str, str] = {}
    with path.open(encoding="utf-8-sig", newline="") as lines:
        for number, row in enumerate(csv.reader(lines), start=1):
            if not any(cell.strip() for cell in row) or row[0].lstrip().startswith("#"):
                continue
            if len(row) != 2 or not row[0].strip() or not row[1].strip():
                raise ConfigError(f"{path}, line {number} is no alias: {','.join(row)[:80]!r}", cure=_CURE)
            code, sku = normal_code(row[0]), normal_code(row[1])
            if known.setdefault(code, sku) != sku:
                raise ConfigError(f"{path}, line {number}: {code} already means {known[code]}", cure=_CURE)
    return known
