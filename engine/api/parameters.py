"""What several routes ask for in their addresses."""

from __future__ import annotations

MAX_ID = 2**63 - 1
"""The highest number that the database can give a row."""
