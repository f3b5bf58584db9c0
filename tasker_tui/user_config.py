"""The user's own file: profiles, keys and colours. See docs/configuration.md."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import platformdirs

from tasker_tui.profiles import Profile, read_profiles
from tasker_tui.toml_lines import ConfigError, ConfigErrors, Document

SECTIONS = ("default_profile", "theme", "profiles", "keys", "themes")


@dataclass(frozen=True, slots=True)
class UserConfig:
    """What the file says. `document` is None where there is no file.

    Keys and themes are read by the dashboard (`keys_of`, `themes_of`): a mistake there is no reason not to
    start.
    """

    file: Path
    document: Document | None = None
    profiles: Mapping[str, Profile] = field(default_factory=dict)
    default_profile: str | None = None

    def profile(self, name: str) -> Profile:
        """The profile of that name. Raises ConfigError."""
        if name not in self.profiles:
            known = ", ".join(self.profiles) or "none"
            raise ConfigError(
                self.file, 1, f"there is no profile {name!r}", f"the profiles of this file: {known}"
            )
        return self.profiles[name]

    def read(self, reader: Callable[[Document], Any], default: Any) -> tuple[Any, list[str]]:
        """What a reader finds, and what is wrong; `default` if there is nothing, or anything is wrong."""
        if self.document is None:
            return default, []
        try:
            return reader(self.document), []
        except ConfigError as error:
            return default, [error.told]
        except ConfigErrors as found:
            return default, [error.told for error in found.errors]


def config_file() -> Path:
    """Where the file is, whether there is one or not: `$XDG_CONFIG_HOME/tasker/config.toml`."""
    return platformdirs.user_config_path("tasker") / "config.toml"


def load_user_config(file: Path | None = None) -> UserConfig:
    """Read the file. Raises ConfigError for what is no TOML, an unknown name, or a wrong profile."""
    file = file or config_file()
    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        return UserConfig(file)
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise ConfigError(file, 1, f"the file cannot be read: {reason}") from None
    document = Document(file, text)
    document.table((), SECTIONS)
    profiles = read_profiles(document)
    default = document.value(("default_profile",), str)
    if default is not None and default not in profiles:
        known = ", ".join(profiles) or "none"
        raise document.error(("default_profile",), f"there is no profile {default!r}", f"profiles: {known}")
    return UserConfig(file, document, profiles, default)
