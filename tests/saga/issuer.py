"""An issuer of ID tokens on this machine: discovery and keys over real HTTP, and tokens as a test wants them."""

from __future__ import annotations

import json
import os
import secrets
import threading
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey

from shared import clock

CLIENT_ID = "stagedoor-web"


class LocalIssuer:
    """Answers until `stop`; `down` makes it answer 503, `redirect` sends everybody elsewhere."""

    def __init__(self) -> None:
        self.keys: dict[str, Key] = {}
        self.asked: list[str] = []
        self.down = False
        self.redirect: str | None = None
        self.discovery: dict[str, Any] = {}
        self.padding = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                status, body = outer.answer(self.path)
                self.send_response(status)
                if outer.redirect is not None:
                    self.send_header("Location", outer.redirect)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: Any) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()
        self.issuer = f"http://127.0.0.1:{self._server.server_address[1]}/pool"
        self.add_key("RS256")

    def stop(self) -> None:
        """Ends it; its port is closed then."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, path: str) -> tuple[int, bytes]:
        """What it says at a path."""
        if self.redirect is not None:
            return 302, b""
        if self.down:
            return 503, b""
        if path == "/pool/.well-known/openid-configuration":
            document = {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys", **self.discovery}
            return 200, json.dumps(document).encode() + b" " * self.padding
        keys = [
            {**key.as_dict(private=isinstance(key, OctKey)), "kid": key_id, "use": "sig"}
            for key_id, key in self.keys.items()
        ]
        return 200, json.dumps({"keys": keys}).encode()

    def add_key(self, algorithm: str) -> str:
        """Another key, and its id: `<algorithm>-…`."""
        key_id = f"{algorithm}-{secrets.token_hex(4)}"
        key: Key
        if algorithm.startswith("ES"):
            key = ECKey.generate_key("P-384" if algorithm == "ES384" else "P-256")
        elif algorithm.startswith("HS"):
            key = OctKey.generate_key(256)
        else:
            key = OKPKey.generate_key("Ed25519") if algorithm == "Ed25519" else RSAKey.generate_key(2048)
        self.keys[key_id] = key
        return key_id

    def claims(self, **other: Any) -> dict[str, Any]:
        """What an ID token says, given out now to somebody new; a claim that is None is left out."""
        seconds = int(clock.now().timestamp())
        subject = secrets.token_hex(8)
        said = {
            "iss": self.issuer,
            "sub": subject,
            "aud": CLIENT_ID,
            "iat": seconds,
            "exp": seconds + 3600,
            "email": f"{subject}@example.com",
            "email_verified": True,
            "name": "Ivy Issued",
            **other,
        }
        return {name: value for name, value in said.items() if value is not None}

    def token(self, key_id: str | None = None, header: dict[str, Any] | None = None, **claims: Any) -> str:
        """An ID token, signed with that key, or the newest."""
        key_id = key_id or list(self.keys)[-1]
        algorithm = key_id.partition("-")[0]
        full = {"alg": algorithm, "kid": key_id, "typ": "JWT", **(header or {})}
        return jwt.encode(full, self.claims(**claims), self.keys[key_id], algorithms=[algorithm])


@lru_cache(maxsize=1)
def issuer_of_this_process() -> LocalIssuer:
    """One for all tests of a process that need no more of it than tokens; it is trusted from then on."""
    issuer = LocalIssuer()
    os.environ["TRUSTED_ISSUERS"] = json.dumps([{"issuer": issuer.issuer, "client_ids": [CLIENT_ID]}])
    return issuer
