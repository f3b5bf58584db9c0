"""The inputs that tasks were started with here, kept for the next start of the template.

They are in `$XDG_STATE_HOME/tasker/inputs` (else `~/.local/state/tasker/inputs`), one file a template, which
its owner alone can read: inputs may hold what others should not see.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

KEPT = 20
"""Inputs of a template; the oldest goes when one more comes."""
LARGEST = 65_536
"""Bytes of JSON; what is larger is not kept."""


@dataclass(frozen=True, slots=True)
class PastInput:
    """A context, and when a task was started with it."""

    at: datetime
    context: dict[str, Any]


def past_inputs(namespace: str, name: str) -> list[PastInput]:
    """The inputs of a template, the newest first; none if they cannot be read."""
    try:
        found = json.loads(_file(namespace, name).read_text(encoding="utf-8"))
        return [PastInput(datetime.fromisoformat(entry["at"]), dict(entry["context"])) for entry in found]
    except (OSError, ValueError, TypeError, KeyError):
        return []


def keep_input(namespace: str, name: str, context: dict[str, Any], at: datetime) -> None:
    """Remember an input as the newest. Raises OSError if it cannot be written."""
    text = json.dumps(context)
    if not context or len(text) > LARGEST:
        return
    others = [entry for entry in past_inputs(namespace, name) if json.dumps(entry.context) != text]
    kept = [PastInput(at, context), *others][:KEPT]
    file = _file(namespace, name)
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    new = file.with_suffix(f".{os.getpid()}")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        json.dump([{"at": entry.at.isoformat(), "context": entry.context} for entry in kept], opened)
    new.replace(file)


def _file(namespace: str, name: str) -> Path:
    state = os.environ.get("XDG_STATE_HOME") or ""
    folder = Path(state) if Path(state).is_absolute() else Path.home() / ".local" / "state"
    return folder / "tasker" / "inputs" / f"{quote(namespace, safe='')}.{quote(name, safe='')}.json"
