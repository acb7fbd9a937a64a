"""Expressions of workflows, evaluated by GitHub's own package in a Node process.

`expressions/` holds its lock and the ten lines that ask it; npm installs it once, outside the tree.
"""

import asyncio
import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

SOURCE = Path(__file__).parent / "expressions"
FILES = ("package.json", "package-lock.json", "evaluate.js")

_PLACE = re.compile(r"\$\{\{((?:'(?:[^']|'')*'|[^'])*?)\}\}")
_STATUS = re.compile(r"\b(always|success|failure|cancelled)\s*\(")
_LONGEST_LINE = 2**24


class ExpressionError(Exception):
    """GitHub's package refuses the expression."""


def installed() -> Path:
    """The folder with the package, made once for each lock; skips where npm cannot make it."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("needs node and npm, for GitHub's own package of expressions")
    contents = b"".join((SOURCE / name).read_bytes() for name in FILES)
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gptimage-tests"
    folder = cache / f"expressions-{hashlib.sha256(contents).hexdigest()[:16]}"
    if not folder.exists():
        _install(folder)
    return folder


def _install(folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as made:
        for name in FILES:
            shutil.copy(SOURCE / name, made)
        done = subprocess.run(
            ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"],
            cwd=made,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            pytest.skip(f"npm could not install @actions/expressions: {done.stderr[-500:]}")
        try:
            Path(made).rename(folder)
        except OSError:  # another test process was quicker
            assert folder.exists()
        else:
            Path(made).mkdir()  # what the block removes at its end


class Expressions:
    """Evaluates in the contexts that it is given; `status` is that of the job so far."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def fill(self, template: str, contexts: Mapping[str, Any], status: str) -> str:
        """The text with each `${{ }}` replaced."""
        parts, end = [], 0
        for place in _PLACE.finditer(template):
            value = await self.evaluate(place[1], contexts, status)
            parts += [template[end : place.start()], value]
            end = place.end()
        return "".join([*parts, template[end:]])

    async def holds(self, condition: str, contexts: Mapping[str, Any], status: str) -> bool:
        """Whether an `if:` lets its step run: one without a status function asks for success."""
        whole = _PLACE.fullmatch(condition.strip())
        expression = whole[1] if whole else condition
        if not _STATUS.search(expression):
            expression = f"success() && ({expression})"
        return await self.evaluate(f"!!({expression})", contexts, status) == "true"

    async def evaluate(self, expression: str, contexts: Mapping[str, Any], status: str) -> str:
        """What the expression is as text."""
        question = {"expression": expression, "contexts": contexts, "status": status}
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin
        assert stdout
        stdin.write(json.dumps(question).encode() + b"\n")
        answer = json.loads(await stdout.readline())
        if "error" in answer:
            raise ExpressionError(f"{expression}: {answer['error']}")
        return str(answer["text"])


@asynccontextmanager
async def expressions() -> AsyncIterator[Expressions]:
    """GitHub's package, ready to be asked."""
    process = await asyncio.create_subprocess_exec(
        "node",
        "evaluate.js",
        cwd=installed(),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=_LONGEST_LINE,
    )
    try:
        yield Expressions(process)
    finally:
        assert process.stdin
        process.stdin.close()
        await process.wait()
