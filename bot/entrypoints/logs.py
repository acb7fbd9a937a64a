"""The log of a process that keeps running: structured lines on stderr.

Every line, also of the libraries, goes the same way: it gets the ids of what its task works on,
and loses what is secret. Prompts are in none of ours.
"""

import logging
import sys
from types import TracebackType

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from bot.engine.context import bound
from bot.entrypoints import redaction

_log = logging.getLogger(__name__)


def to_stderr(*, debug: bool, quiet: bool = False) -> None:
    """Send the log of this process there: as JSON, or in columns where a person reads it.

    A `quiet` one tells of trouble only.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_formatter(terminal=sys.stderr.isatty()))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
    usual = logging.WARNING if quiet else logging.INFO
    logging.getLogger("bot").setLevel(logging.DEBUG if debug else usual)
    # They say what they do with each job; more than that would be every statement and prompt.
    for library in ("arq", "uvicorn"):
        logging.getLogger(library).setLevel(logging.INFO if debug else logging.WARNING)
    sys.excepthook = _last_words


def _formatter(*, terminal: bool) -> logging.Formatter:
    about: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(allow=["items"]),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,  # never with the values of variables
        _add_ids,
    ]
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=about,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.dev.ConsoleRenderer()
            if terminal
            else structlog.processors.JSONRenderer(ensure_ascii=False),
            _redact,
        ],
    )


def _add_ids(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    return {**event, **bound()}


def _redact(_logger: WrappedLogger, _name: str, line: object) -> str:
    """The finished line, so that nothing comes in behind it."""
    return redaction.clean(str(line))


def _last_words(kind: type[BaseException], error: BaseException, at: TracebackType | None) -> None:
    _log.critical("the process ends with an error", exc_info=(kind, error, at))
