"""Sentences that remember how they were made, so that they can be said in another language.

They are raised, compared and stored as the English text that they are. What can be shown to a
person is translated where it is shown: see bot.core.messages.
"""

import json
from collections.abc import Mapping
from typing import Any, Self, TypeAlias

Value: TypeAlias = str | int | float
"""What stands in a sentence; a sentence may stand in another one."""

_MARK = '{"said":'


class Said(str):
    """An English sentence, with its template and what was filled in."""

    __slots__ = ("template", "values")

    template: str
    values: Mapping[str, Value]

    def __new__(cls, template: str, values: Mapping[str, Value]) -> Self:
        """The template with its names filled in, as `str.format` does it."""
        made = super().__new__(cls, template.format(**values))
        made.template, made.values = template, values
        return made

    def __getnewargs__(self) -> tuple[str, Mapping[str, Value]]:  # type: ignore[override]  # a copy
        return self.template, self.values


def said(template: str, /, **values: object) -> Said:
    """The sentence; numbers keep their kind for the sake of formats such as `{n:,}`."""
    return Said(
        template,
        {
            name: value if isinstance(value, Said | int | float) else str(value)
            for name, value in values.items()
        },
    )


def translated(text: str, table: Mapping[str, str]) -> str:
    """The text in the language of the table, which goes from English templates to its own.

    What the table lacks stays English, as does text that is no sentence of ours.
    """
    if not isinstance(text, Said):
        return text
    values = {
        name: translated(value, table) if isinstance(value, str) else value
        for name, value in text.values.items()
    }
    return table.get(text.template, text.template).format(**values)


# --- in the ledger ----------------------------------------------------------------------------


def stored(text: str) -> str:
    """A sentence as a text that keeps its parts; any other text as it is."""
    return json.dumps(_parts(text), ensure_ascii=False) if isinstance(text, Said) else text


def restored(text: str) -> str:
    """What `stored` was given; also plain text, as earlier versions stored it."""
    return _whole(json.loads(text)) if text.startswith(_MARK) else text


def _parts(text: Said) -> dict[str, object]:
    values = {
        name: _parts(value) if isinstance(value, Said) else value
        for name, value in text.values.items()
    }
    return {"said": text.template, "with": values}


def _whole(parts: Mapping[str, Any]) -> Said:
    values = {
        name: _whole(value) if isinstance(value, Mapping) else value
        for name, value in parts["with"].items()
    }
    return Said(parts["said"], values)
