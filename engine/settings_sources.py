"""Where settings are read from besides arguments: environment variables, `.env` and TOML files."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dotenv import dotenv_values
from pydantic import BaseModel
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    InitSettingsSource,
    PydanticBaseSettingsSource,
)

# Variables that have a name of their own, and the name that the rule would give them.
ALIASES = {
    "DATABASE_URL": "TASKER_DATABASE_URL",
    "TASKER_ENV": "TASKER_ENVIRONMENT",
    "TASKER_TEMPLATE_PATH": "TASKER_WORKER_TEMPLATES",
    "TASKER_LEASE_SECONDS": "TASKER_WORKER_LEASE_SECONDS",
    "RABBITMQ_URL": "TASKER_RABBITMQ_URL",
    "PGMQ_DATABASE_URL": "TASKER_PGMQ_URL",
}
REFERENCE = re.compile(r"\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<default>:-[^}]*)?\}")


class SettingsError(Exception):
    """The settings cannot be used; `str(error)` says which and why, `hint` what to do next."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class EnvironmentSource(EnvSettingsSource):
    """Environment variables."""

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return _with_aliases(super()._load_env_vars())


class DotEnvSource(DotEnvSettingsSource):
    """The file `.env` of the working directory."""

    def _load_env_vars(self) -> Mapping[str, str | None]:
        return _with_aliases(super()._load_env_vars())


def settings_sources(settings_cls: type[BaseSettings]) -> tuple[PydanticBaseSettingsSource, ...]:
    """Environment variables, `.env` and the TOML files, the strongest first."""
    files = [
        InitSettingsSource(settings_cls, init_kwargs=settings_in(file, settings_cls))
        for file in reversed(toml_files())
    ]
    return (EnvironmentSource(settings_cls), DotEnvSource(settings_cls), *files)


def settings_in(file: Path, settings_cls: type[BaseModel]) -> dict[str, Any]:
    """What a TOML file sets, with its references to variables resolved; raises SettingsError."""
    values = read_toml(file)
    _refuse_unknown(values, settings_cls, file, ())
    resolved: dict[str, Any] = _resolve(values, file)
    return resolved


def toml_files() -> list[Path]:
    """The TOML files that exist: `tasker.toml`, then its overlay for the environment, which wins."""
    base = _base_file()
    variables = _variables()
    environment = variables.get("TASKER_ENV") or variables.get("TASKER_ENVIRONMENT")
    if not environment:
        environment = (
            str(read_toml(base).get("environment", "development")) if base.exists() else "development"
        )
    overlay = base.with_name(f"{base.stem}.{environment}.toml")
    return [path for path in (base, overlay) if path.exists()]


def read_toml(path: Path) -> dict[str, Any]:
    """Parse one file; raises SettingsError with file and line."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path}: {error}") from error


def origin_of(path: tuple[str, ...]) -> str:
    """Where the setting at `path` was read from, in words for an error message."""
    name = "_".join(("TASKER", *path[:2])).upper()
    names = [name, *(short for short, long in ALIASES.items() if long == name)]
    for found in names:
        if os.environ.get(found):
            return f"from {found}"
    for found in names:
        if _variables().get(found):
            return f"from {found} in .env"
    for file in reversed(toml_files()):
        if _holds(read_toml(file), path):
            return f"from {file}"
    return "given by the caller"


def _base_file() -> Path:
    named = _variables().get("TASKER_CONFIG_PATH")
    if not named:
        return Path("tasker.toml")
    path = Path(named).expanduser()
    if path.is_dir():
        return path / "tasker.toml"
    if not path.exists():
        raise SettingsError(f"TASKER_CONFIG_PATH names {path}, which does not exist")
    return path


def _variables() -> dict[str, str]:
    """Environment variables over those of `.env`."""
    in_file = {name: value for name, value in dotenv_values(".env").items() if value}
    return in_file | dict(os.environ)


def _with_aliases(variables: Mapping[str, str | None]) -> dict[str, str | None]:
    """Give variables with a name of their own the name that the rule gives, unless that is set too."""
    found = dict(variables)
    for short, long in ALIASES.items():
        value = found.get(short.lower())
        if value is not None:
            found.setdefault(
                long.lower(), value.replace(os.pathsep, ",") if short.endswith("_PATH") else value
            )
    return found


def _holds(values: object, path: tuple[str, ...]) -> bool:
    for part in path[:2]:
        if not isinstance(values, dict) or part not in values:
            return False
        values = values[part]
    return True


def _refuse_unknown(
    values: Mapping[str, Any], model: type[BaseModel], file: Path, above: tuple[str, ...]
) -> None:
    for key, value in values.items():
        path = ".".join((*above, key))
        if key not in model.model_fields:
            near = difflib.get_close_matches(key, model.model_fields, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known here: {', '.join(model.model_fields)}"
            raise SettingsError(f"{file}: unknown setting {path}", hint)
        section = model.model_fields[key].annotation
        if isinstance(section, type) and issubclass(section, BaseModel):
            if not isinstance(value, dict):
                raise SettingsError(f"{file}: {path} is a section, not a value", f"write [{path}]")
            _refuse_unknown(value, section, file, (*above, key))


def _resolve(value: Any, file: Path) -> Any:
    if isinstance(value, str):
        return REFERENCE.sub(lambda found: _referenced(found, file), value)
    if isinstance(value, dict):
        return {key: _resolve(item, file) for key, item in value.items()}
    if isinstance(value, list):
        return [_resolve(item, file) for item in value]
    return value


def _referenced(found: re.Match[str], file: Path) -> str:
    value = _variables().get(found["name"])
    if value is not None:
        return value
    if found["default"] is None:
        raise SettingsError(
            f"{file}: {found[0]} names an environment variable that is not set",
            f"set {found['name']}, or give a default: ${{{found['name']}:-value}}",
        )
    return found["default"].removeprefix(":-")
