"""The models of the canonical order are built when the first document is read, whoever reads it, and however many do at once."""

from __future__ import annotations

import subprocess
import sys

from syncd.testing.orders import sale

_THREADS = 16
_AT_ONCE = f"""
import sys, threading
from concurrent.futures import ThreadPoolExecutor
from syncd.canonical import CanonicalOrder
text, together = sys.stdin.read(), threading.Barrier({_THREADS})
sys.setswitchinterval(1e-6)
def read(_):
    together.wait()
    return CanonicalOrder.from_json(text).to_json() == text
with ThreadPoolExecutor({_THREADS}) as pool:
    print(all(pool.map(read, range({_THREADS}))))
"""


def test_threads_that_all_read_the_first_document_read_it_whole() -> None:
    for _ in range(5):
        done = subprocess.run(
            [sys.executable, "-c", _AT_ONCE], input=sale().to_json(), capture_output=True, text=True, check=False
        )
        assert (done.stdout, done.stderr) == ("True\n", "")
