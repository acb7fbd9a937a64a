from datetime import datetime

from pydantic import BaseModel

from bot.core.run import RunView


class Report(BaseModel):
    pass


def report(view: RunView, now: datetime) -> Report: ...
def to_json(report: Report) -> str: ...
def to_text(report: Report) -> str: ...
def exit_code(report: Report) -> int: ...
