"""A comment's Markdown, parsed so that only plain text can command."""

from collections.abc import Sequence
from dataclasses import dataclass

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

from bot.core.command.values import Block, Prompts, Source
from bot.core.errors import CommandError
from bot.core.said import said

TOKENS = ("/batch", "/estimate")


@dataclass(frozen=True, slots=True)
class Comment:
    """The parts of a comment that matter; `bare` means that nothing follows the command's line."""

    lines: tuple[str, ...]
    blocks: tuple[Block, ...]
    lists: tuple[tuple[Token, ...], ...]
    bare: bool

    @property
    def holds_batch(self) -> bool:
        """Whether there is something below the command that may be a batch."""
        return bool(self.blocks or self.lists)


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
    if line.split(maxsplit=1)[:1] not in [[token] for token in TOKENS]:
        return False
    if not silent:
        state.push("command", "", 0).content = line
    state.pos += len(line)
    return True


_MARKDOWN = MarkdownIt("commonmark")
_MARKDOWN.inline.ruler.before("text", "command", _command_rule)


def read(text: str) -> Comment:
    """The parts of a comment that a command can be made of."""
    tokens = _MARKDOWN.parse(text)
    found = [i for i, token in enumerate(tokens) if _commands(tokens, i)]
    if not found:
        return Comment((), (), (), bare=True)
    below = tokens[found[0] + 2 :]
    return Comment(
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


# --- what stands below the command ------------------------------------------------------------

_ONE = said("Keep the one that is meant; a comment can hold one batch.")
_UNDERSTOOD = frozenset({"", "json", "jsonc", "yaml", "yml"})


def source(comment: Comment) -> Source | None:
    """The batch below the command, if there is one. Raises CommandError."""
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
