"""The garbage collector leaves alone what was there before the first test.

A run imports some hundred thousand objects that stay to its end. Each full collection would look through
all of them, and the dashboard's tests make many: up to a sixth of their processor time.
"""

from __future__ import annotations

import gc

YOUNG = 10_000
"""New objects between two collections; tests make and drop whole screens."""

gc.disable()


def pytest_collection_finish() -> None:
    """From here on objects come and go, and are collected."""
    gc.freeze()
    gc.set_threshold(YOUNG, 10, 10)
    gc.enable()
