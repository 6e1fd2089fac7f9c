"""An S3 server on this machine (moto's), with one bucket in it."""

from __future__ import annotations

import itertools
import logging
from pathlib import Path
from typing import Any, Self

import obstore
import requests
from moto.server import ThreadedMotoServer
from obstore.store import S3Store
from pydantic import SecretStr

logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
_NUMBERS = itertools.count(1)


class BucketDouble:
    """Speaks the real protocol over HTTP; ``store`` is how a test puts files there and looks at them."""

    server: ThreadedMotoServer | None = None
    url = ""

    def __enter__(self) -> Self:
        if BucketDouble.server is None:  # one for all tests of a process; each has a bucket of its own
            BucketDouble.server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
            BucketDouble.server.start()
            host, port = BucketDouble.server.get_host_and_port()
            BucketDouble.url = f"http://{host}:{port}"
        self.name = f"shop-{next(_NUMBERS)}"
        requests.put(f"{self.url}/{self.name}", timeout=10).raise_for_status()
        self.store = S3Store(
            self.name,
            prefix="till",
            endpoint=self.url,
            access_key_id="key-of-the-double",
            secret_access_key="secret-of-the-double",
            region="us-east-1",
            client_options={"allow_http": True},
        )
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def table(self, **more: Any) -> dict[str, Any]:
        """The settings of this bucket."""
        keys = {"access_key": SecretStr("key-of-the-double"), "secret_key": SecretStr("secret-of-the-double")}
        return {"url": f"s3://{self.name}/till", "endpoint": self.url, "region": "us-east-1", **keys, **more}

    def put(self, name: str, content: str | bytes) -> None:
        obstore.put(self.store, name, content.encode() if isinstance(content, str) else content)

    def text(self, name: str) -> str:
        return bytes(obstore.get(self.store, name).bytes()).decode()

    @property
    def names(self) -> list[str]:
        return sorted(str(one["path"]) for page in obstore.list(self.store) for one in page)

    def take(self, folder: Path) -> None:
        """Move every file of a folder into the bucket."""
        for file in sorted(folder.glob("export-*")):
            self.put(file.name, file.read_bytes())
            file.unlink()
