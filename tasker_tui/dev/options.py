"""What `tasker dev` was asked for, checked and turned into the environment of its processes."""

from __future__ import annotations

import importlib.util
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tasker_tui.dev.errors import StackError
from tasker_tui.dev.ports import LOOPBACK, Ports

Broker = Literal["pgmq", "rabbitmq"]

EXAMPLE_HANDLERS = "workers.examples.handlers"


@dataclass(frozen=True, slots=True)
class StackOptions:
    """The options of `tasker dev`; ports of 0 take any free one, `data_dir` None is the default folder.

    With `broker` rabbitmq a private node is started, unless `rabbitmq_url` names one that runs.
    """

    port: int = 8080
    worker_port: int = 8081
    data_dir: Path | None = None
    fresh: bool = False
    database_url: str | None = None
    broker: Broker = "pgmq"
    rabbitmq_url: str | None = None
    templates: Sequence[str] = ()
    handlers: Sequence[str] = ()
    reload: bool = True
    drain_seconds: float = 25.0


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the worker's templates and handlers are: the bundled examples first, then the user's."""

    templates: tuple[str, ...]
    handlers: tuple[str, ...]
    watched: tuple[Path, ...]


def find_sources(options: StackOptions) -> Sources:
    """Check that all templates and handlers exist; raises StackError that names the one which does not."""
    examples = _package_folder("workers") / "examples"
    templates = [_template_place(given) for given in options.templates]
    handlers = [_handler_place(given) for given in options.handlers]
    watched = [examples, *templates, *(place for _, place in handlers)]
    return Sources(
        (str(examples / "templates"), *map(str, templates)),
        (EXAMPLE_HANDLERS, *(source for source, _ in handlers)),
        tuple(dict.fromkeys(watched)),
    )


def process_environment(
    options: StackOptions, sources: Sources, dsn: str, rabbitmq_url: str | None, ports: Ports
) -> Mapping[str, str]:
    """The variables that the server and the worker of this stack are configured with."""
    return {
        "TASKER_ENV": os.environ.get("TASKER_ENV") or "development",
        "TASKER_DATABASE_URL": dsn,
        "TASKER_SERVER_HOST": LOOPBACK,
        "TASKER_SERVER_PORT": str(ports.server),
        "TASKER_SERVER_CONFIG_ENDPOINT": "true",
        "TASKER_WORKER_HOST": LOOPBACK,
        "TASKER_WORKER_PORT": str(ports.worker),
        "TASKER_WORKER_TEMPLATES": json.dumps(sources.templates),
        "TASKER_WORKER_HANDLERS": json.dumps(sources.handlers),
        "TASKER_WORKER_REPLACE_TEMPLATES": "true",
        "TASKER_WORKER_DRAIN_TIMEOUT_SECONDS": str(options.drain_seconds),
        "TASKER_MISSING_HANDLER_GRACE_SECONDS": "0",
        "TASKER_WEBHOOKS_ALLOW_PRIVATE_NETWORKS": "true",
        "TASKER_MESSAGING_BACKEND": options.broker,
        **({"TASKER_RABBITMQ_URL": rabbitmq_url} if rabbitmq_url else {}),
    }


def _template_place(given: str) -> Path:
    path = Path(given).expanduser().absolute()
    if not path.exists():
        raise StackError(
            f"--templates {given}: there is no such folder or file", "give a folder of YAML files"
        )
    return path


def _handler_place(given: str) -> tuple[str, Path]:
    """The source as the worker takes it, and the folder or file in which it changes."""
    path = Path(given).expanduser().absolute()
    folder = None if os.sep in given else _module_place(given)
    if folder is not None:
        return given, folder
    if path.is_dir() or (path.is_file() and path.suffix == ".py"):
        return str(path), path
    raise StackError(
        f"--handlers {given}: there is no such folder, Python file or module",
        "give a folder, a .py file, or the dotted name of a module that Python finds from here",
    )


def _module_place(name: str) -> Path | None:
    """Where a module is, found by its first part alone: looking for the rest would import it."""
    try:
        spec = importlib.util.find_spec(name.partition(".")[0])
    except (ImportError, ValueError):
        return None
    if spec is None or not spec.has_location or spec.origin is None:
        return None
    origin = Path(spec.origin)
    return origin.parent if origin.name == "__init__.py" else origin


def _package_folder(name: str) -> Path:
    place = _module_place(name)
    if place is None:
        raise StackError(f"the package {name} is not installed", "install Tasker again")
    return place
