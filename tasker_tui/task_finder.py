"""Finds a task by the first or the last characters of its id, which is what lists show."""

from __future__ import annotations

from collections.abc import Iterable

from tasker_tui.client_port import TaskerPort
from tasker_tui.text import plural

LOOKED_AT = 100


class NoSuchTask(ValueError):
    """No task, or more than one; the message says what is missing."""


async def find_task(client: TaskerPort, known: Iterable[str], part: str) -> str:
    """The id that `part` means. The server finds how an id begins; one that is `known` may also end so.

    Raises NoSuchTask, and what the client raises.
    """
    wanted = _digits(part)
    found = {uuid for uuid in known if _digits(uuid).startswith(wanted) or _digits(uuid).endswith(wanted)}
    page = await client.list_tasks(q=part, limit=LOOKED_AT)
    ids = (str(task.task_uuid) for task in page.tasks)
    found |= {uuid for uuid in ids if _digits(uuid).startswith(wanted)}
    if len(found) == 1:
        return found.pop()
    if found:
        raise NoSuchTask(f"{plural(len(found), 'task')} begin or end in {part}: give more of the id")
    raise NoSuchTask(
        f"no task that is shown ends in {part}, and the server has none that begins so: give the whole id"
    )


def _digits(uuid: str) -> str:
    return uuid.replace("-", "").lower()
