"""Forms made from JSON Schemas: fields, documents, and problems where they belong."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasker_tui.forms import (
    Draft,
    FormChecker,
    NotAValue,
    document_of,
    draft_of,
    fields_of,
    json_document,
    new_draft,
    place_problems,
    with_item,
    with_text,
    with_variant,
    without_item,
)

ORDER = {
    "type": "object",
    "required": ["customer", "payment"],
    "properties": {
        "customer": {"type": "string", "title": "Customer", "description": "Who orders.", "minLength": 2},
        "quantity": {"type": "integer", "minimum": 1, "maximum": 99, "default": 3},
        "address": {
            "type": "object",
            "required": ["city"],
            "properties": {"city": {"type": "string"}, "zip": {"$ref": "#/$defs/zip"}},
        },
        "price": {"type": ["number", "null"], "exclusiveMinimum": 0},
        "express": {"type": "boolean", "default": False},
        "payment": {"enum": ["card", "invoice"]},
        "speed": {"oneOf": [{"const": 1, "title": "slow"}, {"const": 2, "title": "fast"}]},
        "day": {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]},
        "items": {
            "type": "array",
            "title": "Items",
            "items": {
                "type": "object",
                "required": ["sku"],
                "properties": {"sku": {"type": "string"}, "quantity": {"type": "integer", "default": 1}},
            },
        },
        "tags": {"type": "array", "items": {"type": "string"}},
        "parcel": {
            "oneOf": [
                {
                    "properties": {"by": {"const": "post"}, "stamp": {"type": "string"}},
                    "required": ["by"],
                },
                {
                    "properties": {
                        "by": {"const": "ship"},
                        "stamp": {"type": "string"},
                        "port": {"type": "string"},
                    },
                    "required": ["by", "port"],
                },
            ]
        },
        "either": {"oneOf": [{"type": "string"}, {"type": "integer"}]},
        "anything": {},
    },
    "$defs": {"zip": {"type": "string", "title": "Postcode"}},
}
GOOD = {"customer": "Ada", "payment": "card"}


def form_of(document):
    draft = draft_of(ORDER, document)
    return fields_of(ORDER, draft), draft


def field_at(fields, *path):
    return next(field for field in fields if field.path == path)


def made(draft):
    return document_of(ORDER, fields_of(ORDER, draft), draft)


def test_fields_follow_the_schema_with_what_is_inside_others_last():
    fields = fields_of(ORDER, new_draft(ORDER))
    assert [(f.path, f.kind, f.required) for f in fields] == [
        (("customer",), "text", True),
        (("quantity",), "integer", False),
        (("price",), "number", False),
        (("express",), "choice", False),
        (("payment",), "choice", True),
        (("speed",), "choice", False),
        (("day",), "text", False),
        (("either",), "json", False),
        (("anything",), "json", False),
        (("address", "city"), "text", False),
        (("address", "zip"), "text", False),
        (("items",), "list", False),
        (("tags",), "list", False),
        (("parcel",), "variant", False),
        (("parcel", "by"), "choice", False),
        (("parcel", "stamp"), "text", False),
    ]
    assert field_at(fields, "quantity").help == "from 1, to 99"
    assert field_at(fields, "customer").help == "Who orders"
    assert [choice.label for choice in field_at(fields, "speed").choices] == ["slow", "fast"]
    assert field_at(fields, "day").example == "2026-03-14"
    assert field_at(fields, "address", "zip").title == "Postcode"
    assert field_at(fields, "address", "zip").section == "address"
    assert [choice.label for choice in field_at(fields, "parcel").choices] == ["post", "ship"]
    assert made(new_draft(ORDER))[0] == {"quantity": 3, "express": False, "payment": "card"}


@pytest.mark.parametrize(
    ("path", "text", "message"),
    [
        (("customer",), "  ", "is required"),
        (("quantity",), "many", "must be a whole number, such as 3"),
        (("quantity",), "1_0", "must be a whole number, such as 3"),
        (("price",), "cheap", "must be a number, such as 12.9"),
        (("price",), "1e999", "1e999 is too large a number"),
        (("either",), "[1,", "not JSON: Expecting value at column 4"),
        (("either",), "NaN", "not JSON: NaN is no JSON value"),
    ],
)
def test_a_wrong_text_is_named_at_its_field(path, text, message):
    _, problems = made(with_text(draft_of(ORDER, GOOD), path, text))
    assert problems == {path: message}


def test_a_field_is_needed_as_soon_as_its_object_is_there():
    draft = with_text(draft_of(ORDER, GOOD), ("address", "zip"), "N1")
    assert made(draft)[1] == {("address", "city"): "is required"}
    assert made(with_text(draft, ("address", "zip"), "")) == (GOOD, {})


def test_items_come_with_their_defaults_and_go_from_the_middle():
    draft = draft_of(ORDER, GOOD | {"tags": ["a", "b", "c"]})
    listed = field_at(fields_of(ORDER, draft), "items")
    for sku in ("TEA", "CUP", "POT"):
        draft = with_item(ORDER, draft, listed)
        number = draft.lengths["items",] - 1
        draft = with_text(draft, ("items", number, "sku"), sku)
    assert made(draft)[0]["items"] == [{"sku": sku, "quantity": 1} for sku in ("TEA", "CUP", "POT")]
    assert field_at(fields_of(ORDER, draft), "items", 2, "sku").section == "Items 3"
    draft = without_item(without_item(draft, ("items",), 1), ("tags",), 0)
    document, problems = made(draft)
    assert [item["sku"] for item in document["items"]] == ["TEA", "POT"]
    assert document["tags"] == ["b", "c"]
    assert problems == {}
    for _ in range(2):
        draft = without_item(draft, ("items",), 0)
    assert "items" not in made(draft)[0]


def test_another_variant_keeps_what_both_have():
    draft = draft_of(ORDER, GOOD | {"parcel": {"by": "post", "stamp": "red"}})
    chooser = field_at(fields_of(ORDER, draft), "parcel")
    draft = with_variant(ORDER, draft, chooser, 1)
    document, problems = made(draft)
    assert document["parcel"] == {"by": "ship", "stamp": "red"}
    assert problems == {("parcel", "port"): "is required"}
    assert draft_of(ORDER, document).variants["parcel",] == 1


def test_a_list_begins_with_the_items_that_it_needs():
    schema = {
        "required": ["rows"],
        "properties": {
            "rows": {
                "type": "array",
                "minItems": 2,
                "items": {"type": "object", "properties": {"n": {"type": "integer"}}},
            },
        },
    }
    assert new_draft(schema).lengths["rows",] == 2


def test_the_schemas_problems_go_to_their_fields():
    document = {"customer": "A", "payment": "card", "quantity": 0, "items": [{"sku": "TEA"}, {"sku": 3}]}
    fields, _ = form_of(document)
    placed, others = place_problems(fields, FormChecker(ORDER).problems(document))
    assert set(placed) == {("customer",), ("quantity",), ("items", 1, "sku")}
    assert others == []


def test_a_value_that_does_not_fit_its_field_is_written_as_json():
    document = GOOD | {"quantity": "three", "address": "London", "customer": "two\nlines", "price": None}
    fields, draft = form_of(document)
    assert {field.kind for field in fields if field.path[0] in document} == {"json", "choice"}
    assert draft.texts["customer",] == '"two\\nlines"'
    assert made(draft) == (document, {})


def test_a_schema_that_refers_to_itself_ends():
    schema = {
        "properties": {"node": {"$ref": "#/$defs/n"}, "other": {"$ref": "#/$defs/m"}},
        "$defs": {"n": {"properties": {"n": {"$ref": "#/$defs/n"}}}, "m": {"$ref": "#/$defs/m"}},
    }
    fields = fields_of(schema, Draft())
    assert {field.kind for field in fields} == {"json"}


@pytest.mark.parametrize("text", ["[]", "3", '{"a": Infinity}', "{", "9" * 5000], ids=range(5))
def test_what_is_no_json_object_is_refused(text):
    with pytest.raises(NotAValue):
        json_document(text)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
names = st.sampled_from([*ORDER["properties"], "extra"])
item = st.fixed_dictionaries({}, optional={"sku": st.text(), "quantity": st.integers(), "more": anything})
documents = st.dictionaries(names, anything, max_size=6) | st.fixed_dictionaries(
    {"customer": st.text(), "payment": st.sampled_from(["card", "invoice", "gold"])},
    optional={
        "quantity": st.integers() | st.floats(0, 9),
        "address": st.fixed_dictionaries({}, optional={"city": st.text(), "x": anything}),
        "items": st.lists(item, max_size=3),
        "tags": st.lists(st.text(), max_size=3),
        "parcel": st.fixed_dictionaries(
            {"by": st.sampled_from(["post", "ship"])}, optional={"port": anything}
        ),
    },
)


@given(documents)
def test_any_document_survives_the_form(document):
    fields, draft = form_of(document)
    again, problems = document_of(ORDER, fields, draft)
    assert json.dumps(again, sort_keys=True) == json.dumps(document, sort_keys=True)
    assert set(problems.values()) <= {"is required"}
    assert len({field.path for field in fields}) == len(fields)


@given(documents, st.data())
def test_an_item_that_is_added_and_taken_away_leaves_no_trace(document, data):
    fields, draft = form_of(document)
    lists = [field for field in fields if field.kind == "list"]
    if not lists:
        return
    listed = data.draw(st.sampled_from(lists))
    before = draft.lengths.get(listed.path, 0)
    more = with_item(ORDER, draft, listed)
    assert len(fields_of(ORDER, more)) > len(fields)
    less = without_item(more, listed.path, before)
    emptied = listed.path in draft.lengths and not before
    kept = {path: n for path, n in draft.lengths.items() if path != listed.path} if emptied else draft.lengths
    assert less == replace(draft, lengths=kept)
