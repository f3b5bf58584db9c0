"""Which server a command talks to: an address, a profile, the default profile, or this machine."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Annotated, Any

import typer

from tasker_tui.cli.errors import USAGE, CommandError
from tasker_tui.profiles import LOCAL_URL as LOCAL_URL
from tasker_tui.profiles import KeyUnavailable, Profile

_PROFILE: ContextVar[Profile] = ContextVar("profile")
_NAME: ContextVar[tuple[str, bool] | None] = ContextVar("profile name", default=None)
"""The name that was given, and whether by the option rather than the variable."""


def target(url: str) -> Profile:
    """How to talk to the server at `url`, which `choose_url` has answered."""
    profile = _PROFILE.get(Profile(url=url))
    return profile if profile.url == url else Profile(url=url)


def choose_profile(context: typer.Context, name: str | None) -> str | None:
    """Callback of `--profile`: remembers the name for `choose_url`."""
    source = context.get_parameter_source("profile")
    _NAME.set((name, source is not None and source.name == "COMMANDLINE") if name else None)
    return name


def choose_url(context: typer.Context, url: str) -> str:
    """Callback of `--url`: the address, or that of a profile. Raises CommandError and ConfigError."""
    source = context.get_parameter_source("url")
    where, named = source.name if source else "DEFAULT", _NAME.get()
    by_option = where == "COMMANDLINE"
    if by_option and not (named and named[1]):
        _PROFILE.set(Profile(url=url))
    elif named and where != "DEFAULT" and by_option == named[1]:
        both = "--url and --profile" if by_option else "TASKER_URL and TASKER_PROFILE"
        raise CommandError(f"{both} are both given", "leave one of them out", USAGE)
    elif named or where == "DEFAULT":
        _PROFILE.set(_from_file(named[0] if named else None))
    else:
        _PROFILE.set(Profile(url=url))
    return _PROFILE.get().url


def _from_file(name: str | None) -> Profile:
    from tasker_tui.user_config import load_user_config  # most commands are given an address

    config = load_user_config()
    name = name or config.default_profile
    return config.profile(name) if name else Profile()


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
