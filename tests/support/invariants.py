"""The invariants of the data, asked after every test that uses a database.

A test with the fixture `database` or `stack` is covered by itself. A test that makes its databases with
`pg_server.new_database` calls `assert_invariants` at its end.
"""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

# The fixtures whose database is asked; each gives a DSN, or has one.
FIXTURES = ("database", "stack", "shared_stack")


def violations(dsn: str) -> list[str]:
    """Every broken invariant of a database in a sentence."""
    with psycopg.connect(dsn) as conn:
        rows = conn.execute("SELECT invariant, subject, detail FROM tasker.invariant_violations()").fetchall()
    return [f"{invariant}: {subject}: {detail}" for invariant, subject, detail in rows]


def assert_invariants(dsn: str) -> None:
    """Fail with all that is wrong with a database, if anything is."""
    found = violations(dsn)
    assert not found, "broken invariants:\n" + "\n".join(found)


@pytest.fixture(autouse=True)
def invariants_hold(request: pytest.FixtureRequest) -> Iterator[None]:
    """Ask the test's database after the test."""
    used = [request.getfixturevalue(name) for name in FIXTURES if name in request.fixturenames]
    yield
    for fixture in used:
        assert_invariants(fixture if isinstance(fixture, str) else fixture.dsn)
