"""Which server a command talks to: an address, a profile, the default profile, or this machine."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Annotated, Any

import typer

from tasker_tui.cli.errors import USAGE, CommandError
from tasker_tui.cli.server_choice import Said, choose
from tasker_tui.profiles import LOCAL_URL as LOCAL_URL
from tasker_tui.profiles import KeyUnavailable, Profile

_PROFILE: ContextVar[Profile] = ContextVar("profile")
_NAME: ContextVar[Said | None] = ContextVar("profile name", default=None)


def target(url: str) -> Profile:
    """How to talk to the server at `url`, which `choose_url` has answered."""
    profile = _PROFILE.get(Profile(url=url))
    return profile if profile.url == url else Profile(url=url)


def choose_profile(context: typer.Context, name: str | None) -> str | None:
    """Callback of `--profile`: remembers the name for `choose_url`."""
    source = context.get_parameter_source("profile")
    _NAME.set(Said(name, source is not None and source.name == "COMMANDLINE") if name else None)
    return name


def choose_url(context: typer.Context, url: str) -> str:
    """Callback of `--url`: the address, or that of a profile. Raises CommandError and ConfigError."""
    source = context.get_parameter_source("url")
    where = source.name if source else "DEFAULT"
    said = None if where == "DEFAULT" else Said(url, where == "COMMANDLINE")
    _PROFILE.set(choose(said, _NAME.get()))
    return _PROFILE.get().url


def read_key(profile: Profile) -> Any:
    """A client of the profile's server. Raises CommandError where its key can't be read."""
    try:
        return profile.connect()
    except KeyUnavailable as error:
        raise CommandError(str(error), error.hint, USAGE) from error


UrlOption = Annotated[
    str,
    typer.Option("--url", envvar="TASKER_URL", callback=choose_url, help="Address of the server."),
]


def offer_profiles(command: Any) -> None:
    """Give every command below that has `--url` the option `--profile` as well."""
    for sub in getattr(command, "commands", {}).values():
        offer_profiles(sub)
    names = [parameter.name for parameter in command.params]
    if "url" in names and "profile" not in names:
        command.params.insert(names.index("url"), _profile_option())


def _profile_option() -> Any:
    probe = typer.Typer()

    @probe.command()
    def _(
        profile: Annotated[
            str | None,
            typer.Option("--profile", envvar="TASKER_PROFILE", metavar="NAME", callback=choose_profile,
                         help="A server of your own file: see `tasker config`."),
        ] = None,
    ) -> None: ...  # fmt: skip

    option = next(one for one in typer.main.get_command(probe).params if one.name == "profile")
    option.expose_value = False
    option.is_eager = True
    return option
