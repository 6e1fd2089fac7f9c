"""How a webhook proves who sent it: an HMAC of its body in a header."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct
from pydantic import SecretStr

from syncd.sources.capabilities import Delivery
from syncd.sources.errors import Forged
from syncd.sources.records import Document


class Signature(Struct, frozen=True):
    """The header, its algorithm, and the forms in which the digest may be written there (``hex``, ``base64``).

    ``found`` takes the digest out of a header that says more than that.
    """

    header: str
    forms: tuple[str, ...] = ("base64",)
    algorithm: Callable[[], Any] = hashlib.sha256
    found: Callable[[str], str] = str

    def check(self, delivery: Delivery, secret: SecretStr, before: str = "") -> None:
        """Check a delivery against the secret; ``before`` is what is signed in front of the body.

        Raises:
            Forged: the signature is missing or wrong.

        """
        signed = before.encode() + delivery.body
        digest = hmac.new(secret.get_secret_value().encode(), signed, self.algorithm).digest()
        right = {"hex": digest.hex().encode(), "base64": base64.b64encode(digest)}
        said = self.found(delivery.headers.get(self.header.lower(), "")).encode()
        if not any([hmac.compare_digest(said, right[form]) for form in self.forms]):  # noqa: C419  each is compared, so that the time tells nothing
            what = f"{before} and the body" if before else "the body"
            raise Forged(f"{self.header} is not the signature of this source's secret over {what}")


def event_of(delivery: Delivery, vendor: str) -> Document:
    """Return the body of a delivery as an object.

    Raises:
        ValueError: it is none.

    """
    event = json.loads(delivery.body)
    if not isinstance(event, Mapping):
        msg = f"the body is no event of {vendor}'s"
        raise ValueError(msg)
    return event
