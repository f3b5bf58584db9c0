"""What a database that is away at the start is called, whatever the driver makes of it."""

from __future__ import annotations

import asyncpg
import pytest

from engine.store.schema_errors import MigrationError, connecting


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError("nobody listens"),
        asyncpg.ConnectionDoesNotExistError("closed in the middle"),
        asyncpg.InternalClientError("cannot switch to state 15"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_connection_that_fails_or_is_cut_is_said_without_the_password(error):
    away = pytest.raises(MigrationError, match="cannot connect to the database")
    with away as raised, connecting("postgresql://ana:secret@host/db"):
        raise error
    assert str(error) in str(raised.value)
    assert "secret" not in str(raised.value)
