"""The arguments of `tasker tui`, read without Typer where they are plain.

Typer, and all that it makes of a command's options, is a tenth of a second until the first rows. What is not
plain (help, `--serve`, whatever is wrong) is left to it, so that there is one place that explains.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tasker_tui.cli.server_choice import Said, choose
from tasker_tui.profiles import Profile

VARIABLES = {"--url": "TASKER_URL", "--profile": "TASKER_PROFILE"}


def read_plain(arguments: Sequence[str], environment: Mapping[str, str]) -> tuple[Profile, str | None] | None:
    """The server and the locator of `tui [LOCATOR] [--url URL] [--profile NAME]`; None where there is more.

    Raises CommandError and ConfigError.
    """
    if arguments[:1] != ["tui"]:
        return None
    said = {
        option: Said(environment[name], False) for option, name in VARIABLES.items() if name in environment
    }
    locators: list[str] = []
    given = set[str]()
    rest = iter(arguments[1:])
    for argument in rest:
        option, equals, value = argument.partition("=")
        if option not in VARIABLES:
            locators.append(argument)
            continue
        if option in given:
            return None
        given.add(option)
        said[option] = Said(value if equals else next(rest, ""), True)
    values = [*locators, *(one.value for one in said.values())]
    if len(locators) > 1 or not all(value and not value.startswith("-") for value in values):
        return None
    return choose(said.get("--url"), said.get("--profile")), next(iter(locators), None)
