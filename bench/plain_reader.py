"""The least that any client must do: ask on a bare socket, read the answer, throw it away.

`plain_reader.py <address> <calls> <at once>` prints the seconds for all calls.
"""

import json
import socket
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

_PIECE = 256 * 1024


def read_one(host: str, port: int, number: int) -> None:
    body = json.dumps(
        {
            "model": "gpt-image-1-mini",
            "prompt": f"picture {number}",
            "size": "1024x1024",
            "quality": "low",
        }
    )
    head = (
        f"POST /v1/images/generations HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer simulated"
        f"\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        "Connection: close\r\n\r\n"
    )
    with socket.create_connection((host, port)) as connection:
        connection.sendall((head + body).encode())
        assert connection.recv(_PIECE).startswith(b"HTTP/1.1 200")
        while connection.recv(_PIECE):
            pass


def main(url: str, calls: int, at_once: int) -> float:
    address = urlsplit(url)
    host, port = address.hostname or "", address.port or 80
    begun = time.perf_counter()
    with ThreadPoolExecutor(at_once) as readers:
        list(readers.map(lambda number: read_one(host, port, number), range(calls)))
    return time.perf_counter() - begun


if __name__ == "__main__":
    print(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
