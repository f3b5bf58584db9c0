"""Which server is meant by what a command line and the environment say."""

from __future__ import annotations

from typing import NamedTuple

from tasker_tui.cli.errors import USAGE, CommandError
from tasker_tui.profiles import Profile


class Said(NamedTuple):
    """A value, and whether an option said it rather than a variable."""

    value: str
    by_option: bool


def choose(url: Said | None, profile: Said | None) -> Profile:
    """The server at `url`, or that of a profile, or the default one. An option wins over a variable.

    Raises CommandError where both are said in the same way, and ConfigError.
    """
    if url and profile and url.by_option == profile.by_option:
        both = "--url and --profile" if url.by_option else "TASKER_URL and TASKER_PROFILE"
        raise CommandError(f"{both} are both given", "leave one of them out", USAGE)
    if url and (url.by_option or not profile):
        return Profile(url=url.value)
    return _from_file(profile.value if profile else None)


def _from_file(name: str | None) -> Profile:
    from tasker_tui.user_config import load_user_config  # most commands are given an address

    config = load_user_config()
    name = name or config.default_profile
    return config.profile(name) if name else Profile()
