"""What the bot answers to questions about its runs."""

from collections.abc import Sequence

from bot.core.errors import OrderError
from bot.core.markdown.parts import stopped
from bot.core.markup import address, body, escape, table
from bot.core.messages import Messages
from bot.core.ports import Cap
from bot.core.pricing import Money
from bot.core.run import ItemState, RunState, RunView, Stop


def status(
    view: RunView | None,
    url: str | None,
    budgets: Sequence[tuple[Cap, Money]],
    messages: Messages,
) -> str:
    """How a run is doing, if there is one, and what each cap has left."""
    words = messages.asked
    return body(
        *(_run(view, url, messages) if view else (f"### {words.no_run}",)),
        table(words.budgets, [_budget(*each, messages) for each in budgets]) if budgets else "",
    )


def undone(error: OrderError, url: str | None, messages: Messages) -> str:
    """Why a command was not carried out, and what to do instead."""
    what, hint = (escape(messages.tell(text), 500) for text in (error.message, error.hint))
    return body(
        f"### {messages.asked.undone}",
        what,
        f"*{hint}*" if hint else "",
        _link(error.run, url, messages) if error.run else "",
    )


def _run(view: RunView, url: str | None, messages: Messages) -> Sequence[str]:
    words, count, run = messages.asked, view.count(), view.run
    counts = (
        messages.live.states[state].format(n=count[state]) for state in ItemState if count[state]
    )
    amounts = (run.expected, view.paid, view.in_doubt, run.upper_bound)
    return (
        f"### {words.states[run.state].format(run=run.id)}",
        " · ".join(counts),
        _stop(view, messages),
        table(messages.final.amounts, [[_amount(each, messages) for each in amounts]], "--:"),
        _link(run.id, url, messages),
    )


def _stop(view: RunView, messages: Messages) -> str:
    stop = view.run.stop
    if stop is Stop.CANCELLED and view.run.state is not RunState.DONE:
        return messages.asked.stopping
    return stopped(view.run, messages)


def _link(run: str, url: str | None, messages: Messages) -> str:
    return f"[{messages.asked.link.format(run=run)}]({address(url)})" if url else ""


def _budget(cap: Cap, left: Money, messages: Messages) -> Sequence[str]:
    return (escape(messages.tell(cap.name), 100), str(left), str(cap.limit))


def _amount(amount: Money | None, messages: Messages) -> str:
    return messages.unknown if amount is None else str(amount)
