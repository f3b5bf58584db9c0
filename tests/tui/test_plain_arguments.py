"""`tasker tui` reads plain arguments without Typer: as Typer would, or not at all."""

from __future__ import annotations

import contextvars
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from tasker_tui.cli.errors import CommandError
from tasker_tui.cli.main import app
from tasker_tui.cli.plain import read_plain
from tasker_tui.cli.target import offer_profiles, target
from tasker_tui.profiles import Profile
from tasker_tui.toml_lines import ConfigError

FILE = """\
[profiles.local]
url = "http://127.0.0.1:8080"

[profiles.production]
url = "https://tasker.example.com"
read_only = true
"""
VARIABLES = ("TASKER_URL", "TASKER_PROFILE")
Read = tuple[Profile, str | None]

program: Any = typer.main.get_command(app)
offer_profiles(program)

words = st.sampled_from(
    [
        "--url",
        "--profile",
        "--url=http://b",
        "--profile=local",
        "--url=",
        "--profile=",
        "http://a",
        "local",
        "production",
        "nobody",
        "tasks?state:error",
        "a=b",
        "-",
        "--",
        "-u",
        "--ur",
        "--serve",
        "--port=1",
    ]
) | st.just("")
environments = st.fixed_dictionaries(
    {}, optional={name: st.sampled_from(["http://c", "production", ""]) for name in VARIABLES}
)


@pytest.fixture(scope="module", autouse=True)
def _file(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("config")
    (folder / "tasker").mkdir()
    Path(folder / "tasker" / "config.toml").write_text(FILE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(folder))
        yield


def read_by_typer(arguments: list[str]) -> Read:
    with typer.Context(program, info_name="tasker") as above:
        context = program.commands["tui"].make_context("tui", arguments, parent=above)
    assert not context.params["serve"]
    return target(context.params["url"]), context.params["locator"]


def outcome(read: Callable[[], Read | None]) -> Read | str | None:
    """What was read, or why nothing could be."""
    try:
        return contextvars.copy_context().run(read)
    except (CommandError, ConfigError) as error:
        return f"{type(error).__name__}: {error}"


@given(st.lists(words, max_size=5), environments)
def test_what_is_read_without_typer_is_what_typer_reads(
    arguments: list[str], environment: dict[str, str]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for name in VARIABLES:
            patch.delenv(name, raising=False)
        for name, value in environment.items():
            patch.setenv(name, value)
        plain = outcome(lambda: read_plain(["tui", *arguments], os.environ))
        if plain is not None:
            assert outcome(lambda: read_by_typer(arguments)) == plain


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["tasks?state:error"],
        ["--url", "http://a"],
        ["--url=http://a", "task/1"],
        ["failures", "--profile", "local"],
    ],
    ids=["nothing", "locator", "url", "both", "profile"],
)
def test_what_one_types_every_day_is_plain(arguments: list[str]) -> None:
    plain = read_plain(["tui", *arguments], {})
    assert plain is not None
    assert plain == contextvars.copy_context().run(read_by_typer, arguments)


@pytest.mark.parametrize("arguments", [["dev"], ["tui", "--help"], ["tui", "a", "b"], ["tui", "--url"]])
def test_the_rest_is_left_to_typer(arguments: list[str]) -> None:
    assert read_plain(arguments, {}) is None
