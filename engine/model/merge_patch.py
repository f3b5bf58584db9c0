"""JSON merge patches (RFC 7396): what of an object is to be another way."""

from __future__ import annotations

from typing import Any


def merge_patch(target: Any, patch: Any) -> Any:
    """The patched value. Objects are merged key by key, null takes a key away, all else replaces the whole.

    Neither argument is changed. The depth is that of the patch, which a reader of bodies has limited.
    """
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged
