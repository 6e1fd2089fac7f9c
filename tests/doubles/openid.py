"""A provider of OpenID Connect that vouches for whomever a test names, and lies where a test wants it to."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, OKPKey, RSAKey


def _base64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


CLIENT, SECRET = "syncd-page", "a secret between page and provider"


@dataclass
class OpenIdDouble:
    """``claims`` and ``header`` go into the next ID tokens beside the usual; ``key`` signs them, and ``published`` are its keys."""

    claims: dict[str, Any] = field(default_factory=lambda: {"email": "ann@example.com", "email_verified": True})
    header: dict[str, Any] = field(default_factory=dict)
    refuses: str = ""
    says: dict[str, Any] = field(default_factory=dict)
    url: str = ""
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.key = RSAKey.generate_key(2048, auto_kid=True)
        self.published: list[OctKey | RSAKey | ECKey | OKPKey] = [self.key]
        self.given: list[str] = []

    def rotate(self) -> None:
        """Sign with a new key from now on, and publish that alone."""
        self.key = fresh = RSAKey.generate_key(2048, auto_kid=True)
        self.published = [fresh]

    def __enter__(self) -> Self:
        double = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                if parts.path == "/.well-known/openid-configuration":
                    self.answer(200, double.discovery())
                elif parts.path == "/keys":
                    self.answer(200, KeySet(double.published).as_dict(private=False))
                elif parts.path == "/authorize":
                    asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
                    self.send_response(302)
                    self.send_header("Location", double.authorized(asked))
                    self.end_headers()
                else:
                    self.answer(404, {})

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
                form = {name: values[0] for name, values in parse_qs(body).items()}
                self.answer(*double.token(form, self.headers.get("Authorization", "")))

            def answer(self, status: int, document: object) -> None:
                content = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_words: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        # Another site than the page at 127.0.0.1, as a browser sees it: so it is with a provider.
        self.url = f"http://localhost:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def discovery(self) -> dict[str, Any]:
        """What the provider says of itself."""
        places = {
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": f"{self.url}/keys",
        }
        return {"issuer": self.url, **places, **self.says}

    def authorized(self, asked: dict[str, str]) -> str:
        """Where a browser goes once somebody has signed in here."""
        assert asked["client_id"] == CLIENT
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        assert "openid" in asked["scope"].split()
        if self.refuses:
            return f"{asked['redirect_uri']}?{urlencode({'state': asked['state'], 'error': self.refuses})}"
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        return f"{asked['redirect_uri']}?{urlencode({'state': asked['state'], 'code': code})}"

    def token(self, form: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        """Give an ID token for a code: once, to the client with its secret, that knows the verifier."""
        asked = self.codes.pop(form.get("code", ""), None)
        basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        challenge = _base64(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        good = asked is not None and challenge == asked["code_challenge"]
        if (
            not good
            or asked is None
            or authorization != f"Basic {basic}"
            or form["redirect_uri"] != asked["redirect_uri"]
        ):
            return 400, {"error": "invalid_grant"}
        now = int(time.time())
        claims = {"iss": self.url, "aud": CLIENT, "sub": "1", "iat": now, "exp": now + 300, "nonce": asked["nonce"]}
        header = {"alg": "RS256", "kid": self.key.kid, **self.header}
        token = self.signed(
            header, {name: value for name, value in {**claims, **self.claims}.items() if value is not None}
        )
        self.given.append(token)
        return 200, {"access_token": "x", "token_type": "Bearer", "id_token": token}

    def signed(self, header: dict[str, Any], claims: dict[str, Any]) -> str:
        """A token as the test wants it: without a signature (``none``), or signed with the public key as if that were shared."""
        if header["alg"] in ("none", "HS256"):
            words = ".".join(_base64(json.dumps(one).encode()) for one in (header, claims))
            public = self.key.as_pem(private=False)
            return (
                f"{words}.{_base64(hmac.digest(public, words.encode(), 'sha256') if header['alg'] != 'none' else b'')}"
            )
        return jwt.encode(header, claims, self.key, algorithms=[header["alg"]])
