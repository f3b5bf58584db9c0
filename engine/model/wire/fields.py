"""Texts that many bodies have, and the names that some fields had before."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

NO_NUL = r"^[^\x00]*$"
"""Pattern of every text: PostgreSQL cannot store a NUL character."""

Text255 = Annotated[str, Field(max_length=255, pattern=NO_NUL)]
Name = Annotated[str, Field(min_length=1, max_length=255, pattern=NO_NUL)]
Version = Annotated[str, Field(min_length=1, max_length=50, pattern=NO_NUL)]
Reason = Annotated[str, Field(max_length=500, pattern=NO_NUL)]

OTHER_NAMES = {"template_name": "name", "configuration": "context"}
"""Names that the quick start of old used for fields of a task request."""
