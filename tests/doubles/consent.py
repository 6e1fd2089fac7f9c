"""The page of a POS on which an owner allows access, for doubles: a code is worth tokens once, and only with what was asked."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from syncd.testing.double import CannedAnswer, RecordedRequest


@dataclass
class ConsentPage:
    """``more`` is what the POS adds to its answer; ``refuses`` is the error of an owner who presses Deny."""

    client_id: str = "app"
    secret: str = ""
    more: Mapping[str, str] = field(default_factory=dict)
    refuses: str = ""
    asked: list[Mapping[str, str]] = field(default_factory=list)
    _codes: dict[str, tuple[str, str]] = field(default_factory=dict)

    def opened(self, asked: RecordedRequest) -> CannedAnswer:
        """The owner opens the page and allows access (or denies it): the browser is sent on."""
        said = {name: values[0] for name, values in asked.query.items()}
        self.asked.append(said)
        if said.get("client_id") != self.client_id or said.get("response_type") != "code":
            return CannedAnswer(400, {"error": "unknown application"})
        back = {"state": said.get("state", "")}
        if self.refuses:
            back |= {"error": self.refuses}
        else:
            code = f"code-{len(self.asked)}"
            self._codes[code] = (said.get("redirect_uri", ""), said.get("code_challenge", ""))
            back |= {"code": code, **self.more}
        return CannedAnswer(302, None, {"Location": f"{said['redirect_uri']}?{urlencode(back)}"})

    def exchanged(self, body: Mapping[str, str], *, names_redirect: bool = True) -> str:
        """Why a code is worth nothing; empty where it is worth tokens."""
        redirect, challenge = self._codes.pop(body.get("code", ""), ("", "?"))
        if not redirect:
            return "the code is not known, or was used"
        if body.get("client_id") != self.client_id or (self.secret and body.get("client_secret") != self.secret):
            return "the application is not known"
        if names_redirect and body.get("redirect_uri") != redirect:
            return "the redirect address is another one"
        digest = hashlib.sha256(body.get("code_verifier", "").encode()).digest()
        if challenge and base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != challenge:
            return "the verifier does not fit"
        return "" if challenge or self.secret else "neither a secret nor a challenge"
