"""What does a comment ask of the bot? Markdown is parsed, so that only plain text can command.

A command is the one line of a paragraph that begins with its token; what it works on is the
fenced block or the list below. Quotes, code, HTML and other people's slash commands say nothing.
"""

import difflib
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from bot.core.errors import CommandError
from bot.core.said import said

Flags = Mapping[str, object]
"""Fields of the batch that the comment sets, to lay over those of the block."""


@dataclass(frozen=True, slots=True)
class Block:
    """The text of a fenced block; `language` is the word behind the fence, "" for none."""

    text: str
    language: str = ""


@dataclass(frozen=True, slots=True)
class Prompts:
    """The plain form: each line of a list is a prompt."""

    prompts: tuple[str, ...]


Source = Block | Prompts


@dataclass(frozen=True, slots=True)
class Batch:
    """Make the images."""

    source: Source
    flags: Flags = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Estimate:
    """Say what the images would cost."""

    source: Source
    flags: Flags = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Help:
    """Say how it is done."""


Command = Batch | Estimate | Help

COMMANDS = ("/batch", "/estimate", "/batch help")
"""What there is, for the sentences that say so."""

_TOKENS: Mapping[str, Callable[[Source, Flags], Command]] = {
    "/batch": Batch,
    "/estimate": Estimate,
}
_WORDS: Mapping[str, Callable[[], Command]] = {"help": Help}


def parse_command(text: str) -> Command | None:
    """The command in a comment; None if it holds none for us. Raises CommandError, nothing else."""
    if not any(token in text for token in _TOKENS):
        return None
    comment = _read(text)
    match comment.lines:
        case ():
            return None
        case (line,):
            return _interpret(line, comment)
        case several:
            raise CommandError(
                said("This comment holds {count} commands.", count=len(several)),
                said("Write one command in a comment."),
            )


def _interpret(line: str, comment: "_Comment") -> Command | None:
    command, *words = _split(line)
    flags, names = _flags(words)
    source = _source(comment)
    if names:
        return _named(command, names, source)
    if source is not None:
        return _TOKENS[command](source, flags)
    if comment.bare and not flags:
        return Help()
    raise CommandError(
        said("There is no batch below {command}.", command=command),
        said("Put the JSON into a fenced block below the command, or write the prompts as a list."),
    )


def _named(command: str, names: Sequence[str], source: Source | None) -> Command | None:
    if command == "/batch" and names[0] in _WORDS:
        return _WORDS[names[0]]()
    if command != "/batch" and source is None:
        return None  # `/estimate 3h` is a planning bot's
    raise CommandError(
        said("{command} does not know the word “{word}”.", command=command, word=names[0]),
        _suggest(names[0]),
    )


def _suggest(name: str) -> str:
    if "/" in name or name.endswith((".json", ".jsonc", ".yaml", ".yml")):
        return said("Files of the repository cannot be named here: put the JSON below the command.")
    if close := difflib.get_close_matches(name.lower(), _WORDS, n=1):
        return said("Did you mean {word}?", word=f"/batch {close[0]}")
    there = ", ".join(COMMANDS)
    return said("The commands are {names}. Prompts go below the command, as a list.", names=there)


# --- words and flags --------------------------------------------------------------------------


def _money(value: str) -> Decimal:
    return Decimal(value.removeprefix("$"))


_FLAGS: Mapping[str, Callable[[str], object]] = {
    "model": str,
    "quality": str,
    "size": str,
    "output_format": str,
    "output_compression": int,
    "background": str,
    "moderation": str,
    "input_fidelity": str,
    "sample_count": int,
    "max_cost": _money,
    "max_concurrent": int,
    "timeout": int,
}


def _split(line: str) -> list[str]:
    try:
        return shlex.split(line)
    except ValueError:
        raise CommandError(
            said("A quotation mark in the command line is not closed."),
            said("Close it, or leave it out."),
        ) from None


def _flags(words: Sequence[str]) -> tuple[Flags, list[str]]:
    flags: dict[str, object] = {}
    names: list[str] = []
    rest = iter(words)
    for word in rest:
        if not word.startswith(("--", "—")):  # telephones make one dash of two
            names.append(word)
            continue
        name, equals, value = word.lstrip("-—").partition("=")
        key = name.replace("-", "_")
        _check_flag(name, key, flags)
        flags[key] = _value(name, value if equals else next(rest, ""))
    return flags, names


def _check_flag(name: str, key: str, flags: Flags) -> None:
    if key not in _FLAGS:
        close = difflib.get_close_matches(key.lower(), _FLAGS, n=1)
        raise CommandError(
            said("The flag “--{name}” is unknown.", name=name),
            said("Did you mean {word}?", word=_dashed(close[0]))
            if close
            else said("The flags are {names}.", names=", ".join(map(_dashed, _FLAGS))),
        )
    if key in flags:
        raise CommandError(
            said("The flag {flag} is there twice.", flag=_dashed(key)), said("Give it once.")
        )


def _value(name: str, value: str) -> object:
    convert = _FLAGS[name.replace("-", "_")]
    if not value or value.startswith("--"):
        raise CommandError(
            said("The flag --{name} needs a value.", name=name),
            said("Write --{name} and the value.", name=name),
        )
    try:
        return convert(value)
    except (ValueError, InvalidOperation):
        raise CommandError(
            said("The flag --{name} needs a number, not “{value}”.", name=name, value=value),
            said("For example: {example}", example=f"--{name} 2"),
        ) from None


def _dashed(key: str) -> str:
    return "--" + key.replace("_", "-")


# --- Markdown ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Comment:
    """The parts of a comment that matter; `bare` means that nothing follows the command's line."""

    lines: tuple[str, ...]
    blocks: tuple[Block, ...]
    lists: tuple[tuple[Token, ...], ...]
    bare: bool


def _command_rule(state: StateInline, silent: bool) -> bool:
    """An inline rule of markdown-it: a token of ours at the start of a line takes the line.

    Inline rules never see the inside of code spans and HTML, and links look ahead at a deeper
    level; so what this rule sees is plain text.
    """
    start = state.src.rfind("\n", 0, state.pos) + 1
    if state.level or state.src[start : state.pos].strip():
        return False
    end = state.src.find("\n", state.pos)
    line = state.src[state.pos : end if end >= 0 else state.posMax].removesuffix("\\")
    if line.split(maxsplit=1)[:1] not in [[token] for token in _TOKENS]:
        return False
    if not silent:
        state.push("command", "", 0).content = line
    state.pos += len(line)
    return True


_MARKDOWN = MarkdownIt("commonmark")
_MARKDOWN.inline.ruler.before("text", "command", _command_rule)


def _read(text: str) -> _Comment:
    tokens = _MARKDOWN.parse(text)
    found = [i for i, token in enumerate(tokens) if _commands(tokens, i)]
    if not found:
        return _Comment((), (), (), bare=True)
    below = tokens[found[0] + 2 :]
    return _Comment(
        lines=tuple(line for i in found for line in _commands(tokens, i)),
        blocks=tuple(_block(token) for token in below if _is_top(token, "fence")),
        lists=tuple(_lists(below)),
        bare=not below and _is_last(tokens[found[0]]),
    )


def _commands(tokens: Sequence[Token], i: int) -> list[str]:
    if tokens[i].type != "inline" or not _is_top(tokens[i - 1], "paragraph_open"):
        return []
    return [child.content for child in tokens[i].children or () if child.type == "command"]


def _is_top(token: Token, kind: str) -> bool:
    return token.type == kind and token.level == 0


def _is_last(paragraph: Token) -> bool:
    children = paragraph.children or []
    return bool(children) and children[-1].type == "command"


def _block(fence: Token) -> Block:
    language = (fence.info.split() or [""])[0]
    return Block(fence.content, language.lower())


def _lists(tokens: Sequence[Token]) -> list[tuple[Token, ...]]:
    lists: list[tuple[Token, ...]] = []
    start = 0
    for i, token in enumerate(tokens):
        if token.level == 0 and token.type in {"bullet_list_open", "ordered_list_open"}:
            start = i
        if token.level == 0 and token.type in {"bullet_list_close", "ordered_list_close"}:
            lists.append(tuple(tokens[start + 1 : i]))
    return lists


# --- what the command works on ----------------------------------------------------------------

_ONE = said("Keep the one that is meant; a comment can hold one batch.")
_UNDERSTOOD = frozenset({"", "json", "jsonc", "yaml", "yml"})


def _source(comment: _Comment) -> Source | None:
    match comment.blocks, comment.lists:
        case (), ():
            return None
        case (), (one,):
            return Prompts(_prompts(one))
        case (block,), _:
            return _understood(block)
        case (), several:
            message = said("There are {count} lists below the command.", count=len(several))
            raise CommandError(message, _ONE)
        case several, _:
            message = said("There are {count} blocks below the command.", count=len(several))
            raise CommandError(message, _ONE)


def _understood(block: Block) -> Block:
    if block.language in _UNDERSTOOD:
        return block
    raise CommandError(
        said("The block below the command is marked as “{word}”.", word=block.language),
        said("JSON and YAML are understood: mark the block as json or yaml."),
    )


def _prompts(tokens: Sequence[Token]) -> tuple[str, ...]:
    shape = [token.type for token in tokens]
    items = shape.count("list_item_open")
    item = ["list_item_open", "paragraph_open", "inline", "paragraph_close", "list_item_close"]
    if shape != item * items:
        raise CommandError(
            said("The list below the command is not one of plain lines."),
            said("Write one prompt in each line, such as: - a red fox"),
        )
    return tuple(" ".join(token.content.split()) for token in tokens if token.type == "inline")
