"""The simulated image API in a process of its own: prints its address, serves until it is ended.

`image_server.py <latency in ms> <bytes of a picture>`
"""

import asyncio
import sys

from bot.entrypoints.loopback import served
from bot.simulators.images import ImagesSimulator, Settings, create_images_app


async def main(latency_ms: int, padding_bytes: int) -> None:
    simulator = ImagesSimulator(Settings(latency_ms=latency_ms, padding_bytes=padding_bytes))
    async with served(create_images_app(simulator)) as url:
        print(url, flush=True)
        await asyncio.to_thread(sys.stdin.read)  # its end is the end of whoever started us


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
