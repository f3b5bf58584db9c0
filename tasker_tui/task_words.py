"""Words that can be typed on the list of tasks, as far as they are in memory."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence

from tasker_tui.view_models import TaskRow


def arguments(rows: Sequence[TaskRow], templates: Iterable[str]) -> dict[str, Sequence[str]]:
    """What can follow commands."""
    runs = {shlex.join((row.namespace, row.name, row.version)) for row in rows}
    return {"task": [row.uuid for row in rows], "runs": sorted(runs), "start": sorted(templates)}


def names(
    rows: Sequence[TaskRow], templates: Iterable[str], saved: Iterable[str]
) -> dict[str, Sequence[str]]:
    """What can follow the keys of a filter."""
    return {
        "@": list(saved),
        "template": sorted(templates),
        "namespace": sorted({row.namespace for row in rows}),
        "tag": sorted({tag for row in rows for tag in row.tags or ()}),
        "initiator": sorted({row.initiator for row in rows if row.initiator}),
    }
