"""What a command works on, wherever its author put it, becomes a batch."""

import asyncio
from dataclasses import replace

from bot.core.command import Batch, Block, Estimate, InRepository, Prompts
from bot.core.errors import BatchError, CommandError, HostError, Problem
from bot.core.parse import Around, ParsedBatch, parse_batch, parse_batch_data, parse_yaml
from bot.core.ports import Host, NoFile
from bot.core.run import Thread
from bot.core.said import said

_MOST_BYTES = 1_000_000
_YAML = frozenset({"yaml", "yml"})


async def read_batch(
    command: Batch | Estimate, thread: Thread, host: Host, around: Around
) -> ParsedBatch:
    """The batch of a command. Raises CommandError for no file, BatchError for a wrong batch."""
    around = replace(around, overrides=command.flags)
    match command.source:
        case Block(text, language):
            # Off the loop: a long batch takes a while, and other runs go on meanwhile.
            return await asyncio.to_thread(_parsed, text, language, around)
        case Prompts(prompts):
            return parse_batch_data({"jobs": [{"prompt": p} for p in prompts]}, around)
        case InRepository(path):
            return await _of_file(path, await _bytes(path, thread, host), around)


def _parsed(text: str, language: str, around: Around) -> ParsedBatch:
    if language in _YAML:
        return parse_yaml(text, around)
    return parse_batch(text, around, comments=language == "jsonc")


async def _of_file(path: str, data: bytes, around: Around) -> ParsedBatch:
    language = path.lower().rpartition(".")[2]
    try:
        return await asyncio.to_thread(_parsed, _text(data), language, around)
    except BatchError as error:
        raise BatchError(error.problems, file=path) from None


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = said("it is not UTF-8 text (byte {place})", place=error.start)
        raise BatchError([Problem("", message)]) from None


async def _bytes(path: str, thread: Thread, host: Host) -> bytes:
    try:
        found = await host.file(thread, path, _MOST_BYTES)
    except HostError as error:
        raise CommandError(
            said("“{path}” could not be read: {why}", path=path, why=error.message),
            said("Nothing was started. Comment again in a moment."),
        ) from error
    if isinstance(found, NoFile):
        raise _no_file(path, found)
    return found


def _no_file(path: str, why: NoFile) -> CommandError:
    match why:
        case NoFile.MISSING:
            return CommandError(
                said("There is no file “{path}” on the default branch.", path=path),
                said("Check the name, and that it has been merged."),
            )
        case NoFile.FOLDER:
            return CommandError(
                said("“{path}” is a folder.", path=path), said("Name the file in it.")
            )
        case NoFile.LINK | NoFile.SUBMODULE:
            return CommandError(
                said("“{path}” leads out of this repository.", path=path),
                said("Name a file that is in it."),
            )
        case NoFile.TOO_LARGE:
            return CommandError(
                said("“{path}” is larger than {most:,} bytes.", path=path, most=_MOST_BYTES),
                said("Split it into several batches."),
            )
