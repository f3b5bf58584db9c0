"""What the screen of one task hears from its workers."""

from __future__ import annotations

from collections.abc import Sequence

from textual.message import Message

from engine.model.wire.details import LogRecord, StepDetail, StepWhy
from engine.model.wire.tasks import StepAuditResponse, TaskResponse
from tasker_tui.feed import News


class TaskArrived(Message):
    """The task and its steps were loaded."""

    def __init__(self, task: TaskResponse, steps: Sequence[StepDetail]) -> None:
        super().__init__()
        self.task, self.steps = task, steps


class TaskFailed(Message):
    """The task could not be loaded."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


class StepArrived(Message):
    """The attempts of a step, newest first, and its log were loaded."""

    def __init__(self, uuid: str, audit: Sequence[StepAuditResponse], log: Sequence[LogRecord]) -> None:
        super().__init__()
        self.uuid, self.audit, self.log = uuid, audit, log


class WhyArrived(Message):
    """The server has said why the unfinished steps are where they are."""

    def __init__(self, reasons: Sequence[StepWhy]) -> None:
        super().__init__()
        self.reasons = reasons


class TaskNews(Message):
    """The task's own feed has learned something."""

    def __init__(self, news: News) -> None:
        super().__init__()
        self.news = news
