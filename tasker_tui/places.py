"""Which screen shows a place.

Screens are imported when they are opened: their parts would slow the start of the dashboard.
"""

from __future__ import annotations

from tasker_tui.filters import parse_filter
from tasker_tui.locator import Locator
from tasker_tui.screens.base import OperatorScreen
from tasker_tui.services import Services


def screen_at(services: Services, where: Locator, over: bool = False) -> OperatorScreen:
    """Make the screen of a place that `parse_locator` knows; `over` leads from a list of tasks back to what
    is below."""
    match where.place, *where.path:
        case ["tasks"]:
            return _tasks(services, where.query, over)
        case ["task", uuid, *rest]:
            return _task(services, uuid, rest[1] if rest else None)
        case ["step", uuid, name]:
            return _step(services, uuid, name)
        case ["failures"]:
            return _failures(services, where.query)
        case ["letters"]:
            return _letters(services, where.query)
        case ["bulk"]:
            return _bulk(services, where.query)
        case ["queues"]:
            return _queues(services, where.query)
        case ["templates"]:
            return _templates(services, where.query)
        case ["template", namespace, name, version]:
            return _template(services, namespace, name, version)
        case ["workers"]:
            return _workers(services, where.query)
        case ["worker", uuid]:
            return _worker(services, uuid, where.query)
        case ["events"]:
            return _events(services, where.query)
        case ["pulse"]:
            return _pulse(services)
        case ["stack"]:
            return _stack(services)
        case ["runs", *_]:
            return _runs(services, where)
        case ["compare", one, other]:
            return _compare(services, one, other)
    raise AssertionError(f"no screen shows {where}")


def _tasks(services: Services, query: str, over: bool) -> OperatorScreen:
    from tasker_tui.screens.tasks import TasksScreen

    return TasksScreen(services, parse_filter(query), over)


def _task(services: Services, uuid: str, step: str | None) -> OperatorScreen:
    from tasker_tui.screens.task import TaskScreen

    return TaskScreen(services, uuid, step)


def _step(services: Services, uuid: str, name: str) -> OperatorScreen:
    from tasker_tui.screens.step import StepScreen

    return StepScreen(services, uuid, name)


def _failures(services: Services, query: str) -> OperatorScreen:
    from tasker_tui.screens.failures import FailuresScreen

    return FailuresScreen(services, query)


def _letters(services: Services, query: str) -> OperatorScreen:
    from tasker_tui.screens.letters import LettersScreen

    return LettersScreen(services, query)


def _bulk(services: Services, query: str) -> OperatorScreen:
    from tasker_tui.screens.bulk import BulkScreen

    return BulkScreen(services, query)


def _queues(services: Services, query: str) -> OperatorScreen:
    from tasker_tui.screens.queues import QueuesScreen

    return QueuesScreen(services, query)


def _templates(services: Services, query: str) -> OperatorScreen:
    from tasker_tui.screens.templates import TemplatesScreen

    return TemplatesScreen(services, query)


def _template(services: Services, namespace: str, name: str, version: str) -> OperatorScreen:
    from tasker_tui.screens.template import TemplateScreen

    return TemplateScreen(services, namespace, name, version)


def _workers(services: Services, query: str) -> OperatorScreen:
    from tasker_tui.screens.workers import WorkersScreen

    return WorkersScreen(services, query)


def _worker(services: Services, uuid: str, query: str) -> OperatorScreen:
    from tasker_tui.screens.worker import WorkerScreen

    return WorkerScreen(services, uuid, query)


def _events(services: Services, query: str) -> OperatorScreen:
    from tasker_tui.screens.events import EventsScreen

    return EventsScreen(services, query)


def _pulse(services: Services) -> OperatorScreen:
    from tasker_tui.screens.pulse import PulseScreen

    return PulseScreen(services)


def _stack(services: Services) -> OperatorScreen:
    from tasker_tui.screens.stack import StackScreen

    return StackScreen(services)


def _runs(services: Services, where: Locator) -> OperatorScreen:
    from tasker_tui.screens.runs import RunsScreen

    return RunsScreen(services, *where.path, query=where.query)


def _compare(services: Services, one: str, other: str) -> OperatorScreen:
    from tasker_tui.screens.compare import CompareScreen

    return CompareScreen(services, one, other)
