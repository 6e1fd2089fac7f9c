"""Creates a second that the sandbox answers, over plain keep-alive sockets: what no push benchmark can exceed."""

from __future__ import annotations

import json
import os
import socket
import threading
import time

from syncd.mapping.create import map_create
from syncd.mapping.model import Mapped, Matches
from syncd.mapping.rules import Rules
from syncd.testing.orders import sale
from tests.shop import Store, running_sandbox

_SENT, _CONNECTIONS = 6000, 4


def requests_of(store: Store, count: int, source: str = "till") -> list[bytes]:
    """Whole requests, made beforehand."""
    place = {"street_1": "1 Main", "city": "Austin", "state": "TX", "zip": "78701", "country_iso2": "US"}
    rules = Rules.model_validate({"default_address": place})
    made = []
    for number in range(count):
        mapped = map_create(sale(source=source, sale_id=f"x{number}"), Matches(), rules)
        assert isinstance(mapped, Mapped)
        body = json.dumps(mapped.payload).encode()
        head = f"POST /stores/{store.store_hash}/v2/orders HTTP/1.1\r\nHost: x\r\nX-Auth-Token: {store.token}\r\n"
        head += "Accept: application/json\r\n"
        made.append(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    return made


def exchange(address: tuple[str, int], requests: list[bytes]) -> None:
    """Send each request and read its whole answer."""
    with socket.create_connection(address) as connection:
        file = connection.makefile("rb")
        for request in requests:
            connection.sendall(request)
            assert file.readline().startswith((b"HTTP/1.1 200", b"HTTP/1.1 201"))
            while file.readline() != b"\r\n":
                pass
            while length := int(file.readline(), 16):
                file.read(length + 2)
            file.readline()


def main() -> None:
    """Print the rate."""
    with running_sandbox() as (process, store):
        if hasattr(os, "sched_setaffinity") and (os.cpu_count() or 1) > 1:
            os.sched_setaffinity(process.pid, {1})
            os.sched_setaffinity(0, {0})
        host, port = store.url.removeprefix("http://").split(":")
        made = requests_of(store, _SENT)
        threads = [
            threading.Thread(target=exchange, args=((host, int(port)), made[start::_CONNECTIONS]))
            for start in range(_CONNECTIONS)
        ]
        begin = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        print(f"sandbox: {_SENT / (time.perf_counter() - begin):.0f} creates/s over {_CONNECTIONS} connections")


if __name__ == "__main__":
    main()
