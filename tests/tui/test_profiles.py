"""Profiles: the file, the header, read-only servers, and the change from one to another."""

from __future__ import annotations

import contextvars
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path

import pytest
import typer
from textual.screen import ModalScreen

from engine.client import ApiError, TaskerClient
from tasker_tui.cli.errors import CommandError
from tasker_tui.cli.target import UrlOption, offer_profiles, target
from tasker_tui.profiles import KeyUnavailable, Profile, Secret
from tasker_tui.toml_lines import ConfigError, line_of
from tasker_tui.user_config import UserConfig, load_user_config
from tests.tui.keyboard import press
from tests.tui.scenes import day, order_task
from tests.tui.support import FakeClock, FakeTasker, dashboard, screen_text

FILE = """\
default_profile = "local"

[profiles.local]
url = "http://127.0.0.1:8080"

[profiles.production]
url = "https://tasker.example.com"
token = { env = "TASKER_PRODUCTION_TOKEN" }
read_only = true
color = "red"
"""


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "config.toml"
    file.write_text(text)
    return file


def test_profiles_are_read_and_keys_come_from_where_they_are_kept(tmp_path, monkeypatch):
    monkeypatch.setenv("TASKER_PRODUCTION_TOKEN", "from the environment\n")
    config = load_user_config(written(tmp_path, FILE))
    assert config.default_profile == "local"
    assert config.profiles["local"] == Profile("local", "http://127.0.0.1:8080")
    production = config.profiles["production"]
    assert (production.read_only, production.color) == (True, "red")
    assert production.token.read() == "from the environment"
    (tmp_path / "key").write_text("from a file\n")
    assert Secret("file", str(tmp_path / "key")).read() == "from a file"
    assert Secret("command", "echo from a command").read() == "from a command"


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        ("env", "TASKER_NO_SUCH_KEY", "TASKER_NO_SUCH_KEY is not set"),
        ("file", "/nowhere/key", "/nowhere/key cannot be read"),
        ("command", "false", "`false` ended with 1"),
        ("command", "no-such-program here", "cannot be run"),
    ],
    ids=["env", "file", "failed", "missing"],
)
def test_a_key_that_cannot_be_read_says_why(kind, value, said):
    with pytest.raises(KeyUnavailable, match="the key of the profile production") as caught:
        Profile("production", key=Secret(kind, value)).connect()
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("[profiles.a]\nurl = ", 2, "invalid value"),
        ("[profiles.a]\nurl = 'http://a'\n\n[profils.b]\n", 4, "there is no 'profils' here"),
        ("[profiles.a]\nurl = 'http://a'\nreadonly = true\n", 3, "there is no 'readonly' here"),
        ("[profiles.a]\nread_only = true\n", 1, "the profile a has no url"),
        ("[profiles.a]\n# no scheme\nurl = 'a:8080'\n", 3, "must begin with http://"),
        ("[profiles.a]\nurl = 'http://a'\nread_only = 'yes'\n", 3, "read_only must be true or false"),
        ("[profiles.a]\nurl = 'http://a'\nkey = { vault = 'x' }\n", 3, "key is not one that can be read"),
        ("[profiles.a]\nurl = 'http://a'\nkey = 'secret'\n", 3, "others can read this file"),
        ("default_profile = 'b'\n[profiles.a]\nurl = 'http://a'\n", 1, "there is no profile 'b'"),
        ("[profiles]\na = 1\n", 2, "profiles.a must be a table"),
    ],
    ids=["syntax", "section", "name", "no-url", "url", "bool", "secret", "plain", "default", "table"],
)
def test_a_mistake_is_told_with_file_and_line(tmp_path, text, line, said):
    file = written(tmp_path, text)
    file.chmod(0o644)
    with pytest.raises(ConfigError) as caught:
        load_user_config(file)
    assert str(caught.value).startswith(f"{file}:{line}: ")
    assert said in str(caught.value)


def test_no_file_is_no_mistake(tmp_path):
    assert load_user_config(tmp_path / "config.toml").profiles == {}


def test_lines_are_found_in_quoted_and_dotted_names():
    text = 'a = [\n 1]\n[keys]\n"task.retry" = "r"\n[x.\'y z\']\nb.c = 1\n'
    assert line_of(text, ("keys", "task.retry")) == 4
    assert line_of(text, ("x", "y z", "b", "c")) == 6
    assert line_of(text, ("x", "y z", "other")) == 5


async def test_a_read_only_profile_changes_nothing_and_says_why(tmp_path):
    config = load_user_config(written(tmp_path, FILE))
    client = FakeTasker(FakeClock(), [order_task()])
    async with dashboard(client, profile=config.profiles["production"], config=config) as pilot:
        assert screen_text(pilot).startswith(" ◆ production  ro  ● live")
        for keys in ("r", "c", "p", "s", "enter r", "R", "m", "M"):
            await press(pilot, *keys.split())
            said = [notice.message for notice in pilot.app._notifications][-1]
            assert said.endswith(": the profile production is read-only; P changes the profile")
        assert not isinstance(pilot.app.screen, ModalScreen)
    assert client.changes == 0


async def test_the_client_of_a_read_only_profile_sends_no_change():
    async with Profile("production", "http://127.0.0.1:9", read_only=True).connect() as client:
        assert isinstance(client, TaskerClient)
        with pytest.raises(ApiError, match="the profile production is read-only"):
            await client.cancel_task("0")


class Elsewhere(Profile):
    """A profile whose server is a fake one."""

    __slots__ = ("server",)

    def connect(self):
        return self.server


async def test_p_goes_to_another_server_and_leaves_nothing_of_the_old_one():
    clock = FakeClock()
    here, there = FakeTasker(clock, [order_task()]), FakeTasker(clock, day()[10:12])
    local, production = (
        Profile("local"),
        Elsewhere("production", "https://tasker.example.com", read_only=True),
    )
    object.__setattr__(production, "server", there)
    broken = Profile("staging", key=Secret("command", "sh -c 'echo [/b] no vault >&2; exit 7'"))
    config = UserConfig(Path("config.toml"), profiles={p.name: p for p in (local, broken, production)})
    async with dashboard(here, profile=local, config=config) as pilot:
        await press(pilot, "enter", "P", "down", "enter")
        [notice] = pilot.app._notifications
        assert "[/b] no vault" in notice.message
        assert "[/b] no vault" in screen_text(pilot)
        assert screen_text(pilot).startswith(" ◆ local  rw")
        await press(pilot, "P", "down", "down", "enter")
        shown = screen_text(pilot)
        assert shown.startswith(" ◆ production  ro  ● live")
        assert "order_fulfillment" not in shown
        assert next(iter(there.tasks.values())).name in shown
        assert here.named("close")
        await press(pilot, "r", "y", "c")
        assert pilot.app.clipboard.endswith(" --profile production")
    assert here.changes == there.changes == 0


async def test_without_profiles_p_says_how_to_write_one():
    async with dashboard(FakeTasker(FakeClock(), [order_task()])) as pilot:
        await press(pilot, "P")
        assert "[profiles.production]" in screen_text(pilot)


@pytest.mark.parametrize(
    ("arguments", "variables", "said"),
    [
        ("", {}, "local http://127.0.0.1:8080"),
        ("--profile production", {}, "production https://tasker.example.com"),
        ("", {"TASKER_PROFILE": "production"}, "production https://tasker.example.com"),
        ("--url http://a", {"TASKER_PROFILE": "production"}, " http://a"),
        ("--profile production", {"TASKER_URL": "http://a"}, "production https://tasker.example.com"),
        ("", {"TASKER_URL": "http://a"}, " http://a"),
        ("--url http://a --profile local", {}, "--url and --profile are both given"),
        ("", {"TASKER_URL": "http://a", "TASKER_PROFILE": "local"}, "TASKER_URL and TASKER_PROFILE are both"),
        ("--profile prod", {}, "config.toml:1: there is no profile 'prod'"),
    ],
    ids=[
        "default",
        "option",
        "variable",
        "url",
        "option-first",
        "url-variable",
        "both",
        "both-set",
        "unknown",
    ],
)
def test_a_command_finds_its_server(tmp_path, arguments, variables, said):
    folder = tmp_path / "tasker"
    folder.mkdir()
    written(folder, FILE)
    app = typer.Typer()

    @app.command()
    def show(url: UrlOption = "http://127.0.0.1:8080") -> None:
        found = target(url)
        print(found.name, found.url)

    command = typer.main.get_command(app)
    offer_profiles(command)
    environment = {"XDG_CONFIG_HOME": str(tmp_path), "TASKER_URL": None, "TASKER_PROFILE": None}
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(StringIO()) as out:
        for name, value in (environment | variables).items():
            patch.delenv(name, raising=False) if value is None else patch.setenv(name, value)
        try:
            contextvars.copy_context().run(command, arguments.split(), standalone_mode=False)
        except (CommandError, ConfigError) as error:
            print(error)
    assert said in out.getvalue()


def test_no_password_of_an_address_is_shown():
    profile = Profile(url="https://ana:secret@tasker.example:8443")
    assert profile.options == "--url https://tasker.example:8443"
    assert profile.address == "https://tasker.example:8443"
