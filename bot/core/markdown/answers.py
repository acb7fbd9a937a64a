"""Answers to comments that start no run."""

from collections.abc import Sequence
from math import ceil

from bot.core.errors import BatchError, CommandError, Problem, Refused, RulesError
from bot.core.markdown.parts import ROOM, amount, counted, warned
from bot.core.markup import body, escape, fit, folded, table
from bot.core.messages import Messages
from bot.core.pricing import Costs, Estimate


def batch_problems(error: BatchError, messages: Messages, *, commented: bool = True) -> str:
    """Everything that is wrong with the batch at once, each with its place.

    Only a batch that was `commented` can be mended by an edit.
    """
    mend = messages.mend if commented else messages.mend_batch
    if error.file:
        mend = messages.mend_file.format(file=escape(error.file))
    return fit(lambda rows: _problems(error, messages, rows, mend), len(error.problems), ROOM)


def _problems(error: BatchError, messages: Messages, rows: int, mend: str) -> str:
    problems, more = error.problems, len(error.problems) - rows
    title = messages.rules_problems if isinstance(error, RulesError) else messages.problems
    return body(
        f"### {counted(title, len(problems))}",
        "\n".join(_problem(problem, messages) for problem in problems[:rows]),
        counted(messages.more, more) if more else "",
        mend,
    )


def _problem(problem: Problem, messages: Messages) -> str:
    tell = messages.tell
    place = f"<code>{escape(tell(problem.path), 120)}</code> " if problem.path else ""
    hint = f"<br>*{escape(tell(problem.hint), 300)}*" if problem.hint else ""
    return f"- {place}{escape(tell(problem.message), 300)}{hint}"


def command_problem(error: CommandError, messages: Messages) -> str:
    """What is wrong with the command, and one that would be right."""
    what, hint = (escape(messages.tell(text), 300) for text in (error.message, error.hint))
    said = body(what, f"*{hint}*" if hint else "")
    return body(f"### {messages.command}", said, folded("/batch help", messages.help))


def refused(error: Refused, messages: Messages) -> str:
    """Why a valid batch does not run."""
    return body(f"### {messages.refused[error.reason]}", escape(messages.tell(error.message), 500))


def help_text(messages: Messages) -> str:
    """How it is done, with examples to copy."""
    return messages.help.strip()


def estimate_answer(
    estimate: Estimate, warnings: Sequence[str], messages: Messages, offer: str = ""
) -> str:
    """What a batch would cost, and the line that runs exactly it if there is an offer."""

    def render(rows: int) -> str:
        run = f"{messages.estimated.run}\n\n```\n/batch run {offer}\n```" if offer else ""
        return body(_estimate(estimate, warnings, messages, rows), run)

    return fit(render, len(estimate.jobs), ROOM)


def _estimate(estimate: Estimate, warnings: Sequence[str], messages: Messages, rows: int) -> str:
    words, elided = messages.estimated, len(estimate.jobs) - rows
    return body(
        f"### {counted(words.title, estimate.images)}",
        _price_table(estimate, messages, rows),
        counted(messages.more, elided) if elided else "",
        words.unpriced if estimate.total.high is None else "",
        words.time.format(minutes=ceil(estimate.seconds / 60)),
        warned([*warnings, *estimate.warnings], messages),
    )


def _price_table(estimate: Estimate, messages: Messages, rows: int) -> str:
    words = messages.estimated
    jobs = [
        [f"{job.index + 1}", f"{job.images}", *_range(job.cost, messages)]
        for job in estimate.jobs[:rows]
    ]
    total = [words.total, f"{estimate.images}", *_range(estimate.total, messages)]
    return table(words.columns, [*jobs, [f"**{cell}**" for cell in total]], "--:")


def _range(costs: Costs, messages: Messages) -> list[str]:
    return [amount(each, messages) for each in (costs.low, costs.expected, costs.high)]
