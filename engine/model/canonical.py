"""One spelling for equal JSON, so that it can be hashed."""

from __future__ import annotations

import json
from typing import Any


def canonical_json(value: Any) -> bytes:
    """UTF-8 JSON with the keys of every object sorted by code point and no spaces.

    `value` is what `load_json` reads. Numbers are told apart as JSON spells them: 1 and 1.0 differ, 1.0 and
    1.00 do not.
    """
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()
