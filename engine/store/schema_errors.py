"""How a migration fails, in words for the operator who ran it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import asyncpg


class MigrationError(Exception):
    """The database cannot be brought to, or is not at, the schema of this version of Tasker.

    `str(error)` says what is wrong; `hint` says what to do next.
    """

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


CANNOT_CONNECT = (
    OSError,
    TimeoutError,
    ValueError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a connection that was cut between two messages
)


@contextmanager
def connecting(dsn: str, variable: str = "DATABASE_URL") -> Iterator[None]:
    """Turn what can go wrong with a connection into a MigrationError that shows no password.

    `variable` is where the URL was read from.
    """
    try:
        yield
    except CANNOT_CONNECT as error:
        raise cannot_connect(dsn, error, variable) from error


def cannot_connect(dsn: str, error: Exception, variable: str = "DATABASE_URL") -> MigrationError:
    """What to say of a database that is not there."""
    return MigrationError(
        f"cannot connect to the database {_shown(dsn)}: {error or type(error).__name__}",
        f"check {variable} and that the server runs",
    )


@contextmanager
def in_file(path: str, sql: str) -> Iterator[None]:
    """Say in which file, and on which line of it, the server refused a statement."""
    try:
        yield
    except asyncpg.PostgresError as error:
        position = getattr(error, "position", None)
        line = f":{sql.count(chr(10), 0, int(position)) + 1}" if position else ""
        raise MigrationError(f"{path}{line}: {error}", getattr(error, "hint", None) or "") from error


def _shown(dsn: str) -> str:
    parts = urlsplit(dsn)
    where = parts.hostname or parts.query.partition("host=")[2] or "localhost"
    return f"{parts.path.lstrip('/') or '(default)'} at {where}" + (f":{parts.port}" if parts.port else "")
