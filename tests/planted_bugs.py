"""Bugs that are planted on purpose, to see that a test, a property or a storm finds them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock


@contextmanager
def planted(place: object, name: str, wrong: object) -> Iterator[None]:
    """Run with ``wrong`` instead of the function ``name`` of ``place``, a module or a class of ours.

    The one way in which a test replaces a function of ours (``tests/unit/test_house.py`` sees to it): other tests put fakes at the
    wire, or hand them in.
    """
    with mock.patch.object(place, name, wrong):
        yield
