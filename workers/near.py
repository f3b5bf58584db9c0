"""Names that somebody may have meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def near_names(wanted: str, known: Iterable[str]) -> list[str]:
    """At most three names that resemble it as a whole, or in their last part alone; the nearest first."""
    names = list(known)
    whole = difflib.get_close_matches(wanted, names, n=3, cutoff=0.6)
    by_last = {name.rpartition(".")[2].lower(): name for name in names}
    last = difflib.get_close_matches(wanted.rpartition(".")[2].lower(), by_last, n=3, cutoff=0.8)
    return list(dict.fromkeys([*whole, *(by_last[name] for name in last)]))[:3]


def did_you_mean(wanted: str, known: Iterable[str]) -> str:
    """` Did you mean 'a' or 'b'?`, or nothing if nothing is near."""
    near = near_names(wanted, known)
    return f" Did you mean {' or '.join(repr(name) for name in near)}?" if near else ""
