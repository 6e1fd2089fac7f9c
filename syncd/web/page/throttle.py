"""A throttle by address: whoever guesses passwords waits, and nobody else does."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address

from syncd.clock import Clock

Network = IPv4Network | IPv6Network
_TRIES, _TRIES_EACH_S = 5, 12.0  # five at once, then one every twelve seconds
_MOST_ADDRESSES = 10_000
_REPORT_EACH_S = 60.0


@dataclass(slots=True)
class _Bucket:
    tries: float
    at_s: float
    refused: int = 0
    reported_s: float | None = None


class Throttle:
    """Tries to sign in, by the address they come from; of IPv6, by its network of 64 bits, of which every home has one."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def may_try(self, address: str) -> bool:
        """Whether another try may be made from there now; counts it."""
        with self._lock:
            bucket = self._bucket(address)
            if bucket.tries < 1:
                return False
            bucket.tries -= 1
            return True

    def failed(self, address: str) -> int:
        """Count a try that was refused; return how many to report now, 0 where they are reported together in a while."""
        with self._lock:
            bucket, now = self._bucket(address), self._clock.elapsed().seconds
            bucket.refused += 1
            if bucket.reported_s is not None and now - bucket.reported_s < _REPORT_EACH_S:
                return 0
            number, bucket.refused, bucket.reported_s = bucket.refused, 0, now
            return number

    def _bucket(self, address: str) -> _Bucket:
        now, name = self._clock.elapsed().seconds, _network(address)
        bucket = self._buckets.setdefault(name, _Bucket(_TRIES, now))
        bucket.tries = min(_TRIES, bucket.tries + (now - bucket.at_s) / _TRIES_EACH_S)
        bucket.at_s = now
        self._buckets.move_to_end(name)
        while len(self._buckets) > _MOST_ADDRESSES:
            self._buckets.popitem(last=False)
        return bucket


def _network(address: str) -> str:
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return str(IPv6Address(int(parsed) >> 64 << 64))
    return str(getattr(parsed, "ipv4_mapped", None) or parsed)


def client_of(peer: str, forwarded: str, proxies: Collection[Network]) -> str:
    """Return the address of a client: of those that ``X-Forwarded-For`` names, the last that is no proxy of ours. Pure.

    ``peer`` is who has connected; only where that is a proxy of ours is anything believed that the header says.
    """
    seen = peer
    for named in reversed([part.strip() for part in forwarded.split(",") if part.strip()]):
        if not _is_in(seen, proxies):
            break
        seen = named
    return seen


def _is_in(address: str, networks: Collection[Network]) -> bool:
    try:
        parsed = ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in networks)
