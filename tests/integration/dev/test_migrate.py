"""Migrations: applied once, by many at once, refused when the database and the files disagree."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import asyncpg
import pytest

from engine.store.migrate import check_schema, migrate
from engine.store.schema_errors import MigrationError, in_file
from migrations import function_files, schema_files
from tests.support.postgres import PgServer


@pytest.fixture
async def empty(bare_server: PgServer) -> AsyncIterator[str]:
    async with bare_server.new_database("template0") as dsn:
        yield dsn


@asynccontextmanager
async def connected(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(dsn)
    try:
        yield connection
    finally:
        await connection.close()


async def execute(dsn: str, statement: str) -> None:
    async with connected(dsn) as connection:
        await connection.execute(statement)


async def test_a_new_database_has_its_partitions_before_anybody_can_write(empty: str) -> None:
    await migrate(empty)
    async with connected(empty) as connection:
        where = await connection.fetchval(
            """
            INSERT INTO tasker.transitions (task_uuid, task_path, at)
            VALUES (tasker.uuid7(), '{pending}', now())
            RETURNING tableoid::regclass::text
            """
        )
        assert where != "tasker.transitions_default"
        assert await connection.fetchval("SELECT tasker.ensure_partitions()") == 0


async def test_an_empty_database_gets_everything_and_a_second_run_changes_nothing(empty: str) -> None:
    report = await migrate(empty)
    assert report.changes[0].kind == "pgmq"
    assert [change.name for change in report.changes[1:]] == [
        *(file.name for file in schema_files()),
        *(file.name for file in function_files()),
    ]
    assert report.schema_version == len(schema_files())
    async with connected(empty) as connection:
        assert await check_schema(connection) == len(schema_files())
        await connection.execute("SELECT pgmq.create('works')")
    assert (await migrate(empty)).changes == []


async def test_a_dry_run_lists_the_same_and_does_nothing(empty: str) -> None:
    planned = await migrate(empty, dry_run=True)
    assert planned.schema_version == 0
    async with connected(empty) as connection:
        assert await connection.fetchval("SELECT to_regnamespace('tasker')") is None
        assert await connection.fetchval("SELECT to_regnamespace('pgmq')") is None
    done = await migrate(empty)
    assert [(c.kind, c.name) for c in planned.changes] == [(c.kind, c.name) for c in done.changes]


async def test_several_processes_may_migrate_at_once(empty: str) -> None:
    reports = await asyncio.gather(*(migrate(empty) for _ in range(4)))
    changes = [(change.kind, change.name) for report in reports for change in report.changes]
    assert len(changes) == len(set(changes)) == 1 + len(schema_files()) + len(function_files())


async def test_a_function_is_applied_again_when_its_content_differs(database: str) -> None:
    name = function_files()[0].name
    await execute(database, f"UPDATE tasker.schema_functions SET checksum = 'older' WHERE name = '{name}'")
    async with connected(database) as connection:
        with pytest.raises(MigrationError, match=f"lacks 1 changes, the first is {name}"):
            await check_schema(connection)
    assert [change.name for change in (await migrate(database)).changes] == [name]
    assert (await migrate(database)).changes == []


async def test_an_applied_file_that_changed_is_refused(database: str) -> None:
    await execute(database, "UPDATE tasker.schema_migrations SET checksum = 'other' WHERE number = 1")
    with pytest.raises(MigrationError, match=f"{schema_files()[0].name}.sql changed after") as caught:
        await migrate(database)
    assert "next number" in caught.value.hint


async def test_a_database_ahead_of_the_code_is_not_migrated_but_may_be_worked_with(database: str) -> None:
    await execute(database, "INSERT INTO tasker.schema_migrations VALUES (9999, '9999_later', 'x')")
    with pytest.raises(MigrationError, match="at schema 9999"):
        await migrate(database)
    async with connected(database) as connection:
        assert await check_schema(connection) == 9999


async def test_a_database_that_was_never_migrated_says_what_to_run(empty: str) -> None:
    async with connected(empty) as connection:
        with pytest.raises(MigrationError, match="never migrated") as caught:
            await check_schema(connection)
    assert caught.value.hint == "run `tasker migrate`"


async def test_an_owner_without_superuser_rights_can_migrate(bare_server: PgServer, empty: str) -> None:
    await execute(empty, "CREATE ROLE plain LOGIN")
    try:
        await execute(empty, f"ALTER DATABASE {urlsplit(empty).path[1:]} OWNER TO plain")
        report = await migrate(empty.replace("//tasker@", "//plain@"))
        assert report.schema_version == len(schema_files())
    finally:
        await execute(empty, "REASSIGN OWNED BY plain TO tasker; DROP OWNED BY plain; DROP ROLE plain")


async def test_no_connection_names_the_place_but_not_the_password() -> None:
    with pytest.raises(MigrationError, match=r"tasker at 127\.0\.0\.1:1") as caught:
        await migrate("postgresql://someone:secret@127.0.0.1:1/tasker")
    assert "secret" not in str(caught.value)


async def test_refused_sql_names_file_and_line(empty: str) -> None:
    sql = "SELECT 1;\nSELECT 2;\nSELEC 3;"
    async with connected(empty) as connection:
        with (
            pytest.raises(MigrationError, match=r"^some/file\.sql:3: syntax error"),
            in_file("some/file.sql", sql),
        ):
            await connection.execute(sql)
