"""One heap for all threads: what many threads allocate and free is given to the next, and not kept for each of them."""

from __future__ import annotations

import subprocess
import sys

_THREADS = """
import re, sys, threading
from pathlib import Path
from syncd.service.memory import share_one_heap
if sys.argv[1] == "shared":
    share_one_heap()
from concurrent.futures import ThreadPoolExecutor
ready = threading.Barrier(8)
def work(_):
    ready.wait()
    for _ in range(50):
        [bytearray(2_000) for _ in range(200)]
with ThreadPoolExecutor(8) as pool:
    list(pool.map(work, range(8)))
    maps = Path("/proc/self/smaps").read_text()
print(len(re.findall(r"^Size: +65\\d{3} kB$|^Size: +6[0-4]\\d{3} kB$", maps, re.MULTILINE)))
"""


def _heaps(how: str) -> int:
    """How many heaps of threads a process has: glibc maps 64 MB for each."""
    done = subprocess.run([sys.executable, "-c", _THREADS, how], capture_output=True, text=True, check=True)
    return int(done.stdout)


def test_threads_share_one_heap() -> None:
    assert _heaps("each its own") > 0, "this machine's allocator is another one: the test says nothing"
    assert _heaps("shared") == 0
