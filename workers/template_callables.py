"""Which handlers a folder of templates names, without validating the templates."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def callables_below(path: Path) -> tuple[list[Path], list[str]]:
    """Return the YAML files below a folder (or the one file), and what handlers their steps name, sorted.

    A file that is no template adds nothing: the template loader is who reports it.
    """
    import yaml

    files = [path] if path.is_file() else sorted((*path.rglob("*.yaml"), *path.rglob("*.yml")))
    callables: set[str] = set()
    for file in files:
        try:
            callables.update(_callables_of(yaml.safe_load(file.read_text(encoding="utf-8"))))
        except (OSError, ValueError, yaml.YAMLError):
            continue
    return files, sorted(callables)


def _callables_of(template: Any) -> list[str]:
    steps = template.get("steps") if isinstance(template, dict) else None
    handlers = [step.get("handler") for step in steps or [] if isinstance(step, dict)]
    return [str(item["callable"]) for item in handlers if isinstance(item, dict) and item.get("callable")]
