"""What anybody would write in ten minutes: asyncio, the SDK, a semaphore, and no ledger.

`plain_sdk.py <address> <calls> <at once> <folder>` prints the seconds from the first call to the
last file.
"""

import asyncio
import base64
import sys
import time
from pathlib import Path

from openai import AsyncOpenAI


async def main(url: str, calls: int, at_once: int, folder: Path) -> float:
    client = AsyncOpenAI(api_key="simulated", base_url=f"{url}/v1")
    slots = asyncio.Semaphore(at_once)

    async def draw(number: int) -> None:
        async with slots:
            answer = await client.images.generate(
                model="gpt-image-1-mini",
                prompt=f"picture {number}",
                size="1024x1024",
                quality="low",
            )
            assert answer.data
            picture = base64.b64decode(answer.data[0].b64_json or "")
            await asyncio.to_thread((folder / f"{number}.png").write_bytes, picture)

    begun = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for number in range(calls):
            group.create_task(draw(number))
    return time.perf_counter() - begun


if __name__ == "__main__":
    print(asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Path(sys.argv[4]))))
