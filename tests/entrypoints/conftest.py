"""The commands as people start them: processes of their own, with the image API on loopback."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from bot.entrypoints.loopback import served
from bot.simulators.images import ImagesSimulator, create_images_app

PATIENCE = 30.0
COMMANDS = Path(sys.executable).parent


@dataclass(frozen=True, slots=True)
class Ended:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def report(self) -> dict[str, Any]:
        """All of stdout, which must be one JSON object and nothing else."""
        parsed = json.loads(self.out)
        assert isinstance(parsed, dict)
        return parsed

    @property
    def complaint(self) -> list[str]:
        """The lines of stderr, of a command that has nothing else to say."""
        assert self.out == ""
        assert "Traceback" not in self.err
        return self.err.splitlines()


class Running:
    """A command that has not ended yet."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.heard = ""

    def send(self, name: signal.Signals) -> None:
        self.process.send_signal(name)

    async def hears(self, words: str) -> str:
        """Read stderr up to the line with these words."""
        assert self.process.stderr is not None
        async with asyncio.timeout(PATIENCE):
            while line := (await self.process.stderr.readline()).decode():
                self.heard += line
                if words in line:
                    return line
        raise AssertionError(f"it ended without a word of {words!r}: {self.heard}")

    async def ended(self, stdin: bytes = b"") -> Ended:
        """Give it the last of its input, and all that it said."""
        async with asyncio.timeout(PATIENCE):
            out, err = await self.process.communicate(stdin)
        assert self.process.returncode is not None
        return Ended(self.process.returncode, out.decode(), self.heard + (err or b"").decode())


class Shell:
    """A shell in a home of its own, whose environment names the simulated image API."""

    def __init__(self, home: Path, images_url: str) -> None:
        self.home = home
        self.env = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "OPENAI_API_KEY": "sk-simulated",
            "OPENAI_BASE_URL": f"{images_url}/v1",
            "GPTIMAGE_DATA_DIR": str(home / "data"),
        }

    def batch(self, *prompts: str, **more: object) -> str:
        """Write a batch of one cheap image for each prompt; gives the file's name."""
        jobs = [{"prompt": p, "quality": "low", "output_path": f"{p}.png"} for p in prompts]
        return self.file("batch.json", json.dumps({"jobs": jobs, "output_dir": "out"} | more))

    def file(self, name: str, text: str) -> str:
        (self.home / name).write_text(text)
        return name

    def images(self, folder: str = "out") -> list[str]:
        """The files in a folder, with the folders between."""
        root = self.home / folder
        return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())

    async def run(
        self, *command: str, stdin: str = "", env: Mapping[str, str | None] | None = None
    ) -> Ended:
        """Run a command to its end; `None` takes a variable away."""
        async with self.start(*command, env=env) as running:
            return await running.ended(stdin.encode())

    @asynccontextmanager
    async def start(
        self,
        program: str,
        *arguments: str,
        env: Mapping[str, str | None] | None = None,
        stderr: int = asyncio.subprocess.PIPE,
    ) -> AsyncIterator[Running]:
        """A command that is running, and is ended after the block if it has not ended itself."""
        merged = {
            name: value for name, value in {**self.env, **(env or {})}.items() if value is not None
        }
        process = await asyncio.create_subprocess_exec(
            str(COMMANDS / program),
            *arguments,
            cwd=self.home,
            env=merged,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=stderr,
        )
        try:
            yield Running(process)
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


@pytest.fixture
def images() -> ImagesSimulator:
    return ImagesSimulator()


@pytest.fixture
async def shell(tmp_path: Path, images: ImagesSimulator) -> AsyncIterator[Shell]:
    async with served(create_images_app(images)) as url:
        yield Shell(tmp_path, url)


async def until(seen: Callable[[], object]) -> None:
    """Look again and again until it is there."""
    async with asyncio.timeout(PATIENCE):
        while not seen():
            await asyncio.sleep(0.02)
