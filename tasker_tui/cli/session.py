"""A command's conversation with the server, and how its failures become the command's."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from engine.client import ApiError, ServerUnreachable, TaskerClient
from tasker_tui.cli.errors import FAILED, NOT_FOUND, UNAVAILABLE, CommandError
from tasker_tui.cli.target import read_key, target

T = TypeVar("T")


def converse(url: str, run: Callable[[TaskerClient], Awaitable[T]]) -> T:
    """Give `run` a client of the server at `url`, with the key of the profile that was chosen.

    Raises CommandError with the exit code that fits.
    """

    async def conversation() -> T:
        async with client:
            return await run(client)

    client: TaskerClient = read_key(target(url))
    try:
        return asyncio.run(conversation())
    except ApiError as error:
        raise CommandError(error.message, _hint(error), _code(error.status)) from error
    except ServerUnreachable as error:
        raise CommandError(str(error), error.hint, UNAVAILABLE) from error


def _code(status: int) -> int:
    if status == 404:
        return NOT_FOUND
    return UNAVAILABLE if status >= 500 else FAILED


def _hint(error: ApiError) -> str:
    """The server's hint, else what its details offer: the task that is there, the fields that are wrong."""
    if existing := error.details.get("existing_task_uuid"):
        return f"it is there already: tasker task show {existing}"
    if problems := error.details.get("problems"):
        return "; ".join(": ".join(filter(None, (one["path"], one["message"]))) for one in problems)
    return error.hint
