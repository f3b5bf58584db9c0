"""The command line as a user meets it: what it prints where, and how it ends."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.settings import load_settings
from migrations import function_files, schema_files
from tasker_tui.cli.catalogue import CATALOGUE
from tasker_tui.dev.folder import DataFolder
from tasker_tui.dev.options import StackOptions
from tests.support.forks import FORKS
from tests.support.postgres import PgServer

OLD_SERVER = Path("/usr/lib/postgresql/15/bin")
ENVIRONMENT = {k: v for k, v in os.environ.items() if not k.startswith("TASKER_") and k != "DATABASE_URL"}


def tasker(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the command `tasker` in a folder without settings."""
    return FORKS.run([*map(str, arguments)], cwd=cwd, env=ENVIRONMENT)


@contextlib.contextmanager
def taken_port() -> Iterator[int]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def refused(done: subprocess.CompletedProcess[str], message: str) -> None:
    """The command ended with 2 and two lines, the first of which says why."""
    assert done.returncode == 2
    assert done.stdout == ""
    lines = done.stderr.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("error: ")
    assert message in lines[0]
    assert lines[1].startswith("  hint: ")


def test_help_lists_the_commands(tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("tasker")
    done = subprocess.run([program, "--help"], cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True)
    assert done.returncode == 0
    for command in ("dev", "server", "worker", "migrate", "tui", "task", "version"):
        assert f"\n  {command} " in done.stdout


@pytest.mark.parametrize(
    "command",
    [
        "server",
        "worker",
        "migrate",
        "doctor",
        "task list --url http://127.0.0.1:9",
        "dlq queue --url http://127.0.0.1:9",
        "failures --url http://127.0.0.1:9",
    ],
    ids=lambda command: command.partition(" -")[0],
)
def test_the_installed_command_says_who_does_not_answer(command: str, tmp_path: Path) -> None:
    """The other tests fork theirs from a process that has imported everything."""
    program = Path(sys.executable).with_name("tasker")
    environment = ENVIRONMENT | {"DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none"}
    arguments = [program, *command.split()]
    done = subprocess.run(arguments, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == (4 if "--url" in command else 2), done.stderr
    assert "127.0.0.1:9" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", CATALOGUE)
def test_each_command_is_found_alone_and_among_all(command: str, tmp_path: Path) -> None:
    alone, among_all = tasker(command, "--help", cwd=tmp_path), tasker("--help", cwd=tmp_path)
    assert alone.returncode == 0
    assert f" {command} [OPTIONS]" in alone.stdout
    assert f"\n  {command} " in among_all.stdout


def test_help_loads_nothing_heavy(tmp_path: Path) -> None:
    program = "import sys, tasker_tui.cli.entry, tasker_tui.cli.main; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    heavy = {"asyncpg", "pydantic", "httpx", "textual", "rich", "fastapi", "structlog", "psutil", "asyncio"}
    assert heavy.isdisjoint(done.stdout.split())


def test_an_unknown_option_is_named_with_the_near_one(tmp_path: Path) -> None:
    refused(tasker("dev", "--prot", "1", cwd=tmp_path), "no such option: --prot (Possible options: --port)")


def test_migrate_without_a_database_says_what_to_set(tmp_path: Path) -> None:
    refused(tasker("migrate", cwd=tmp_path), "no database is configured")


async def test_migrate_shows_what_it_did(bare_server: PgServer, tmp_path: Path) -> None:
    async with bare_server.new_database("template0") as dsn:
        planned = json.loads(
            tasker("migrate", "--database-url", dsn, "--dry-run", "--json", cwd=tmp_path).stdout
        )
        assert planned["dry_run"] is True
        assert len(planned["changes"]) == 1 + len(schema_files()) + len(function_files())

        done = tasker("migrate", "--database-url", dsn, cwd=tmp_path)
        assert done.returncode == 0
        assert all(file.name in done.stdout for file in (*schema_files(), *function_files()))

        again = json.loads(tasker("migrate", "--database-url", dsn, "--json", cwd=tmp_path).stdout)
        assert (again["changes"], again["schema_version"]) == ([], len(schema_files()))


def test_dev_refuses_a_taken_port_and_names_who_has_it(tmp_path: Path) -> None:
    with taken_port() as port:
        done = tasker("dev", "--headless", "--data-dir", tmp_path / "data", "--port", str(port), cwd=tmp_path)
    refused(done, f"port {port} of 127.0.0.1 cannot be used: Address already in use")
    assert f"pid {os.getpid()}" in done.stderr
    assert not (tmp_path / "data").exists()


def test_dev_refuses_the_same_port_twice(tmp_path: Path) -> None:
    refused(tasker("dev", "--headless", "--port", "9", "--worker-port", "9", cwd=tmp_path), "are both 9")


def test_dev_refuses_a_foreign_folder(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("do not lose me")
    done = tasker(
        "dev", "--headless", "--port", "0", "--worker-port", "0", "--data-dir", tmp_path, cwd=tmp_path
    )
    refused(done, "was not made by Tasker")


def test_dev_refuses_a_folder_in_use(tmp_path: Path) -> None:
    with DataFolder(tmp_path / "data"):
        options = ("--port", "0", "--worker-port", "0", "--data-dir", tmp_path / "data")
        refused(
            tasker("dev", "--headless", *options, cwd=tmp_path),
            f"in use by another tasker dev (pid {os.getpid()})",
        )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--templates", "nowhere"), "--templates nowhere: there is no such folder or file"),
        (
            ("--handlers", "nowhere.at_all"),
            "--handlers nowhere.at_all: there is no such folder, Python file or module",
        ),
        (("--database-url", "postgresql://x/y", "--fresh"), "--database-url goes with neither"),
        (
            ("--database-url", "postgresql://a:b@127.0.0.1:1/c"),
            "cannot connect to the database c at 127.0.0.1:1",
        ),
    ],
)
def test_dev_refuses_what_cannot_work(tmp_path: Path, options: tuple[str, ...], message: str) -> None:
    refused(tasker("dev", "--headless", "--port", "0", "--worker-port", "0", *options, cwd=tmp_path), message)


def test_dev_without_a_terminal_says_headless(tmp_path: Path) -> None:
    refused(tasker("dev", cwd=tmp_path), "the dashboard needs a terminal")


def test_wrong_settings_are_refused_before_anything_starts(tmp_path: Path) -> None:
    (tmp_path / "tasker.toml").write_text("[sever]\nport = 1\n")
    refused(tasker("dev", "--headless", cwd=tmp_path), "tasker.toml: unknown setting sever")


def test_the_defaults_of_dev_are_those_of_the_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in os.environ if name.startswith("TASKER_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    settings, options = load_settings(), StackOptions()
    assert (options.port, options.worker_port) == (settings.server.port, settings.worker.port)
    assert options.drain_seconds == settings.worker.drain_timeout_seconds


@pytest.fixture
def old_server() -> Iterator[str]:
    """A PostgreSQL 15, where the machine has one."""
    if not OLD_SERVER.exists():
        pytest.skip("no PostgreSQL 15 is installed on this machine")
    account = {"user": "nobody", "group": "nogroup", "extra_groups": []} if os.geteuid() == 0 else {}
    folder = Path("/tmp") / f"tasker-test-{os.getpid()}"
    folder.mkdir(mode=0o777)
    folder.chmod(0o777)
    data = folder / "data"

    def run(program: str, *arguments: str) -> None:
        argv = [str(OLD_SERVER / program), "-D", str(data), *arguments]
        subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **account)

    run("initdb", "-U", "postgres", "-A", "trust", "--no-sync")
    run("pg_ctl", "-w", "-o", f"-k {folder} -c listen_addresses=", "-l", str(folder / "log"), "start")
    yield f"postgresql://postgres@/postgres?host={folder}"
    run("pg_ctl", "-m", "immediate", "stop")
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    "command", [("migrate",), ("dev", "--headless", "--port", "0", "--worker-port", "0")]
)
def test_a_server_that_is_too_old_is_refused(
    old_server: str, tmp_path: Path, command: tuple[str, ...]
) -> None:
    refused(tasker(*command, "--database-url", old_server, cwd=tmp_path), "the server is PostgreSQL 15.")
