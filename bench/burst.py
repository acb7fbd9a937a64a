"""Many deliveries, at their own pace: whoever sends them does not wait for the answers.

`burst.py <address> <deliveries> <seconds>` prints what was answered; every tenth is sent twice.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from urllib.parse import urlsplit

from deliveries import BATCH, delivery

_CONNECTIONS = 64


async def main(url: str, count: int, seconds: float) -> dict[str, object]:
    address = urlsplit(url)
    requests = [delivery(BATCH, number) for number in range(count)]
    requests = [requests[n - 1 if n % 10 == 9 else n] for n in range(count)]
    waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
    statuses, waits = Counter[int](), list[float]()

    async def courier() -> None:
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        while True:
            due, request = await waiting.get()
            writer.write(request)
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            await reader.readexactly(int(head.split(b"content-length: ")[1].split(b"\r\n")[0]))
            statuses[int(head.split()[1])] += 1
            waits.append(time.perf_counter() - due)
            waiting.task_done()

    couriers = [asyncio.create_task(courier()) for _ in range(_CONNECTIONS)]
    begun = time.perf_counter()
    for number, request in enumerate(requests):
        due = begun + number * seconds / count
        await asyncio.sleep(due - time.perf_counter())
        waiting.put_nowait((due, request))
    await waiting.join()
    took = time.perf_counter() - begun
    for task in couriers:
        task.cancel()
    late = sorted(waits)[int(len(waits) * 0.99)]
    distinct = len(set(requests))
    return {"statuses": statuses, "distinct": distinct, "seconds": took, "p99_ms": late * 1000}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))))
