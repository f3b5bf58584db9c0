"""Profiles: the servers that somebody works with, each with its key and with what may be done there."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tasker_tui.toml_lines import Document

if TYPE_CHECKING:
    from engine.client import TaskerClient

LOCAL_URL = "http://127.0.0.1:8080"
NAMES = ("url", "key", "token", "read_only", "color")
KEY_COMMAND_SECONDS = 60
"""A password manager may ask somebody for something."""


class KeyUnavailable(Exception):
    """The key of a profile can't be read; `hint` says what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Secret:
    """Where a key comes from: `kind` is plain, env, file or command, `value` what it names."""

    kind: str
    value: str

    def read(self) -> str:
        """The key. A command is waited for. Raises KeyUnavailable."""
        match self.kind:
            case "env":
                key = os.environ.get(self.value, "")
                trouble = f"the variable {self.value} is not set"
            case "file":
                key, trouble = _read_file(_path(self.value)), f"{self.value} is empty"
            case "command":
                key, trouble = _run(self.value), f"`{self.value}` wrote nothing"
            case _:
                key, trouble = self.value, "it is empty"
        if not key.strip():
            raise KeyUnavailable(trouble)
        return key.strip()


def _path(text: str) -> Path:
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise KeyUnavailable(f"{text} names a user whom this machine doesn't know") from None


@dataclass(frozen=True, slots=True)
class Profile:
    """One server. Without a `name` it is an address that was given. `color` is that of the header."""

    name: str = ""
    url: str = LOCAL_URL
    key: Secret | None = None
    token: Secret | None = None
    read_only: bool = False
    color: str = ""

    @property
    def address(self) -> str:
        """The url as logs and screens show it: without a password."""
        scheme, _, rest = self.url.partition("://")
        return f"{scheme}://{rest.rpartition('@')[2]}"

    @property
    def options(self) -> str:
        """What a command of `tasker` needs to reach it; nothing for this machine's usual address."""
        if self.name:
            return f"--profile {shlex.quote(self.name)}"
        return "" if self.url == LOCAL_URL else f"--url {shlex.quote(self.address)}"

    @property
    def why_read_only(self) -> str:
        """Why nothing can be changed there; empty if it can."""
        return f"the profile {self.name} is read-only" if self.read_only else ""

    def connect(self) -> TaskerClient:
        """A client of the server; its key is read now. Raises KeyUnavailable."""
        import httpx

        from engine.client import TaskerClient

        try:
            key = self.key.read() if self.key else None
            token = self.token.read() if self.token else None
        except KeyUnavailable as error:
            raise KeyUnavailable(f"the key of the profile {self.name}: {error}", error.hint) from error
        try:
            return TaskerClient(self.url, key, token=token, read_only=self.why_read_only, patience=0)
        except (ValueError, httpx.InvalidURL) as error:
            problem = str(error) if isinstance(error, httpx.InvalidURL) else "url or key can't be sent"
            raise KeyUnavailable(f"the profile {self.name}: {problem}") from None


def read_profiles(document: Document) -> dict[str, Profile]:
    """The profiles of a user's file, in its order. Raises ConfigError."""
    return {name: _read_profile(document, name) for name in document.table(("profiles",))}


def _read_profile(document: Document, name: str) -> Profile:
    path = ("profiles", name)
    given = document.table(path, NAMES)
    if "url" not in given:
        raise document.error(path, f"the profile {name} has no url", 'url = "https://…"')
    url = document.value((*path, "url"), str)
    if not url.startswith(("http://", "https://")):
        raise document.error((*path, "url"), "url must begin with http:// or https://")
    if "key" in given and "token" in given:
        raise document.error((*path, "token"), "there is a key already: give one of key and token")
    return Profile(
        name,
        url,
        _read_secret(document, (*path, "key"), given),
        _read_secret(document, (*path, "token"), given),
        document.value((*path, "read_only"), bool, False),
        document.value((*path, "color"), str, ""),
    )


def _read_secret(document: Document, path: tuple[str, ...], given: Mapping[str, Any]) -> Secret | None:
    found = given.get(path[-1])
    ways = f'{path[-1]} = {{ env = "NAME" }}, {{ file = "PATH" }} or {{ command = "pass show tasker" }}'
    match found:
        case None:
            return None
        case str():
            _refuse_others(document, path, ways)
            return Secret("plain", found)
        case {"env": str(value)} | {"file": str(value)} | {"command": str(value)} if len(found) == 1:
            return Secret(next(iter(found)), value)
    raise document.error(path, f"{path[-1]} is not one that can be read", ways)


def _refuse_others(document: Document, path: tuple[str, ...], ways: str) -> None:
    """A key in plain text in a file that others can read is none."""
    if document.file.exists() and document.file.stat().st_mode & 0o077:
        hint = f"chmod 600 {document.file}, or {ways}"
        raise document.error(path, f"a {path[-1]} is written here, and others can read this file", hint)


def _read_file(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise KeyUnavailable(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from None


def _run(command: str) -> str:
    """What a command writes. It gets no input: the dashboard has the terminal."""
    try:
        done = subprocess.run(
            shlex.split(command), stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=KEY_COMMAND_SECONDS, check=False,
        )  # fmt: skip
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        raise KeyUnavailable(f"`{command}` cannot be run: {error}") from None
    if done.returncode:
        said = done.stderr.strip().splitlines()[-1:] or ["it said nothing"]
        raise KeyUnavailable(f"`{command}` ended with {done.returncode}: {said[0][:200]}")
    return done.stdout
