"""A store that speaks S3 on loopback, with a new bucket for whoever asks."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx
from moto.server import ThreadedMotoServer
from pydantic import SecretStr

from bot.adapters.spool.shared import SharedSpool, connect

KEY_ID, KEY = "simulated-id", "simulated%2Fsecret"


@dataclass(frozen=True)
class Bucket:
    """A bucket that was just made."""

    endpoint: str
    name: str

    @property
    def url(self) -> str:
        host = f"{KEY_ID}:{KEY}@{self.name}"
        return f"s3://{host}/some/prefix?endpoint={self.endpoint}"

    def spool(self, machine: Path) -> SharedSpool:
        """As one machine sees it."""
        store = connect(SecretStr(self.url), seconds=0.3)
        return SharedSpool(store, machine / "spool", machine / "spool-copies")

    def make(self) -> None:
        httpx.put(f"{self.endpoint}/{self.name}", timeout=60).raise_for_status()

    def wreck(self) -> None:
        """Take the bucket away with all that is in it; `make` brings an empty one."""
        httpx.post(f"{self.endpoint}/moto-api/reset").raise_for_status()


@contextmanager
def bucket() -> Iterator[Bucket]:
    # A list that meets a deletion breaks off in this server, with a trace on the page. To who asked
    # it is a 500 like any store's, and asked again.
    logging.getLogger("werkzeug").setLevel(logging.CRITICAL)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    made = Bucket(f"http://{host}:{port}", f"bucket-{uuid4().hex[:8]}")
    made.make()
    try:
        yield made
    finally:
        server.stop()
