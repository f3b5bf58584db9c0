"""The embedded server: made, restarted, taken over, refused, and gone when its parent is gone."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import psutil
import pytest

from tasker_tui.dev.errors import StackError
from tasker_tui.dev.folder import DataFolder
from tasker_tui.dev.leftovers import PID_FILE
from tasker_tui.dev.postgres import EmbeddedPostgres, running_postgres

HOLDER = """
import sys, time
from pathlib import Path
from tasker_tui.dev.postgres import running_postgres
with running_postgres(Path(sys.argv[1])) as dsn:
    print(dsn, flush=True)
    time.sleep(600)
"""


async def value(dsn: str, query: str) -> object:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


def socket_folder(dsn: str) -> Path:
    return Path(parse_qs(urlsplit(dsn).query)["host"][0])


def server_pid(data_dir: Path) -> int:
    return int((data_dir / "postgres" / PID_FILE).read_text().split()[0])


async def test_it_runs_durably_on_a_private_socket_alone(tmp_path: Path) -> None:
    with DataFolder(tmp_path / "data") as folder:
        server = EmbeddedPostgres(folder)
        dsn = await server.start()
        try:
            durable = "SELECT current_setting('fsync') || ' ' || current_setting('synchronous_commit')"
            assert await value(dsn, durable) == "on on"
            assert await value(dsn, "SELECT current_setting('server_version_num')::int / 10000") == 18
            assert await value(dsn, "SELECT count(*) > 0 FROM pg_stat_statements") is True
            assert socket_folder(dsn).stat().st_mode & 0o777 == 0o700
            assert psutil.Process(server_pid(folder.path)).net_connections(kind="inet") == []
        finally:
            await server.stop()
        assert not (socket_folder(dsn) / ".s.PGSQL.5432").exists()


async def test_data_outlives_a_restart_but_not_a_fresh_start(tmp_path: Path) -> None:
    with DataFolder(tmp_path / "data") as folder:
        server = EmbeddedPostgres(folder)
        await value(await server.start(), "CREATE TABLE kept AS SELECT 42 AS answer")
        await server.stop()
        assert await value(await server.start(), "SELECT answer FROM kept") == 42
        await server.stop()

        server.prepare(fresh=True)
        assert await value(await server.start(), "SELECT to_regclass('kept')") is None
        await server.stop()


async def test_a_server_left_by_an_earlier_run_is_taken_over(tmp_path: Path) -> None:
    with DataFolder(tmp_path / "data") as folder:
        left = EmbeddedPostgres(folder)
        await value(await left.start(), "CREATE TABLE kept AS SELECT 42 AS answer")
        first = server_pid(folder.path)

        server = EmbeddedPostgres(folder)
        try:
            assert await value(await server.start(), "SELECT answer FROM kept") == 42
            assert server_pid(folder.path) != first
        finally:
            await server.stop()
            await left.stop()


async def test_a_killed_server_starts_again_with_its_data(tmp_path: Path) -> None:
    with DataFolder(tmp_path / "data") as folder:
        killed = EmbeddedPostgres(folder)
        await value(await killed.start(), "CREATE TABLE kept AS SELECT 42 AS answer")
        os.kill(server_pid(folder.path), signal.SIGKILL)

        server = EmbeddedPostgres(folder)
        try:
            assert await value(await server.start(), "SELECT answer FROM kept") == 42
        finally:
            await server.stop()


def test_a_stale_pid_file_that_names_another_program_harms_neither(tmp_path: Path) -> None:
    with running_postgres(tmp_path / "data"):
        pass
    bystander = subprocess.Popen(["sleep", "600"])
    stale = f"{bystander.pid}\n/data\n0\n5432\n/tmp\n\n\nready\n"
    (tmp_path / "data" / "postgres" / PID_FILE).write_text(stale)
    try:
        with running_postgres(tmp_path / "data") as dsn:
            assert asyncio.run(value(dsn, "SELECT 1")) == 1
            assert bystander.poll() is None
    finally:
        bystander.kill()
        bystander.wait()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_the_server_ends_with_its_parent(tmp_path: Path, how: signal.Signals) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "data")], stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline()
    server = psutil.Process(server_pid(tmp_path / "data"))
    holder.send_signal(how)
    holder.wait()
    psutil.wait_procs([server], timeout=20)
    assert not server.is_running()
    assert "database system is shut down" in (tmp_path / "data" / "logs" / "postgres.log").read_text()


def test_the_data_of_another_major_version_is_left_alone_and_says_how_to_export(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with DataFolder(data) as folder:
        EmbeddedPostgres(folder).prepare()
        (folder.database / "PG_VERSION").write_text("17\n")
        with pytest.raises(StackError, match="PostgreSQL 17") as caught:
            EmbeddedPostgres(folder).prepare()
        assert "pg_dump" in caught.value.hint
        assert (folder.database / "PG_VERSION").read_text() == "17\n"
        EmbeddedPostgres(folder).prepare(fresh=True)
        assert (folder.database / "PG_VERSION").read_text() == "18\n"


def test_a_folder_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("do not lose me")
    with pytest.raises(StackError, match="not made by Tasker"):
        DataFolder(tmp_path).acquire()
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_folder_in_use_is_refused_and_names_its_user(tmp_path: Path) -> None:
    with DataFolder(tmp_path / "data"), pytest.raises(StackError, match=f"in use.*pid {os.getpid()}"):
        DataFolder(tmp_path / "data").acquire()
    with DataFolder(tmp_path / "data") as folder:
        assert folder.logs.is_dir()


def test_a_path_that_cannot_be_a_folder_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StackError, match="cannot be used"):
        DataFolder(tmp_path / "file" / "data").acquire()


def test_an_interrupted_first_start_is_begun_again(tmp_path: Path) -> None:
    with DataFolder(tmp_path / "data") as folder:
        half = folder.path / "postgres.new"
        half.mkdir()
        (half / "PG_VERSION").write_text("18\n")
    with running_postgres(tmp_path / "data") as dsn:
        assert asyncio.run(value(dsn, "SELECT 1")) == 1


def test_a_path_too_long_for_a_socket_gets_a_socket_folder_elsewhere(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 100)
    with running_postgres(deep) as dsn:
        assert asyncio.run(value(dsn, "SELECT 1")) == 1
        assert socket_folder(dsn).stat().st_mode & 0o777 == 0o700
    assert not socket_folder(dsn).exists()
