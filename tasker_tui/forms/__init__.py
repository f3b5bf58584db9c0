"""A form from a template's JSON Schema: which fields it has, and the document that their texts make.

The schema and a `Draft` (the texts, and how many items each list has) make the fields; fields and draft make
the document; a document makes a draft again, without loss. What cannot be one field is a field of JSON text.
"""

from __future__ import annotations

from tasker_tui.forms.documents import document_of
from tasker_tui.forms.drafts import (
    Draft,
    draft_of,
    new_draft,
    with_item,
    with_text,
    with_variant,
    without_item,
)
from tasker_tui.forms.fields import Field, fields_of
from tasker_tui.forms.problems import FormChecker, place_problems
from tasker_tui.forms.shapes import Path
from tasker_tui.forms.state import FormState, Reading
from tasker_tui.forms.values import NotAValue, json_document

__all__ = [
    "Draft",
    "Field",
    "FormChecker",
    "FormState",
    "NotAValue",
    "Path",
    "Reading",
    "document_of",
    "draft_of",
    "fields_of",
    "json_document",
    "new_draft",
    "place_problems",
    "with_item",
    "with_text",
    "with_variant",
    "without_item",
]
