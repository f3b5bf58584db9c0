"""Forms made from JSON Schemas: fields, documents, and problems where they belong."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasker_tui.forms import FormChecker, document_of, fields_of, place_problems, texts_of

ORDER = {
    "type": "object",
    "required": ["customer", "payment"],
    "properties": {
        "customer": {"type": "string", "title": "Customer", "description": "Who orders.", "minLength": 2},
        "quantity": {"type": "integer", "minimum": 1, "maximum": 99, "default": 3},
        "price": {"type": ["number", "null"], "exclusiveMinimum": 0},
        "express": {"type": "boolean", "default": False},
        "payment": {"enum": ["card", "invoice"]},
        "items": {"type": "array", "items": {"type": "object"}},
        "address": {
            "type": "object",
            "required": ["city"],
            "properties": {"city": {"type": "string"}, "zip": {"$ref": "#/$defs/zip"}},
        },
        "either": {"oneOf": [{"type": "string"}, {"type": "integer"}]},
    },
    "$defs": {"zip": {"type": "string", "title": "Postcode"}},
}


def test_fields_follow_the_schema():
    fields = fields_of(ORDER)
    assert [(f.path, f.kind, f.required) for f in fields] == [
        (("customer",), "text", True),
        (("quantity",), "integer", False),
        (("price",), "number", False),
        (("express",), "choice", False),
        (("payment",), "choice", True),
        (("items",), "json", False),
        (("address", "city"), "text", False),
        (("address", "zip"), "text", False),
        (("either",), "json", False),
    ]
    by_path = {f.path: f for f in fields}
    assert by_path["quantity",].default == "3"
    assert by_path["quantity",].help == "from 1, to 99"
    assert by_path["customer",].help == "Who orders"
    assert by_path["payment",].default == '"card"'
    assert by_path["express",].choices == (True, False)
    assert by_path["address", "zip"].title == "Postcode"
    assert by_path["address", "zip"].section == "address"


def test_texts_make_a_document():
    texts = {
        ("customer",): "Ada",
        ("quantity",): "7",
        ("price",): "12.5",
        ("express",): "true",
        ("payment",): '"invoice"',
        ("items",): '[{"sku": "TEA"}]',
        ("address", "city"): "London",
    }
    document, problems = document_of(fields_of(ORDER), texts)
    assert problems == {}
    assert document == {
        "customer": "Ada",
        "quantity": 7,
        "price": 12.5,
        "express": True,
        "payment": "invoice",
        "items": [{"sku": "TEA"}],
        "address": {"city": "London"},
    }
    assert FormChecker(ORDER).problems(document) == []


@pytest.mark.parametrize(
    ("path", "text", "message"),
    [
        (("customer",), "  ", "is required"),
        (("quantity",), "many", "must be a whole number, such as 3"),
        (("price",), "cheap", "must be a number, such as 12.9"),
        (("items",), "[1,", "not JSON: Expecting value at column 4"),
    ],
)
def test_a_wrong_text_is_named_at_its_field(path, text, message):
    good = {("customer",): "Ada", ("payment",): '"card"'}
    _, problems = document_of(fields_of(ORDER), good | {path: text})
    assert problems == {path: message}


def test_the_schemas_problems_go_to_their_fields():
    fields = fields_of(ORDER)
    document = {"customer": "A", "payment": "card", "quantity": 0, "items": [3]}
    placed, others = place_problems(fields, FormChecker(ORDER).problems(document))
    assert set(placed) == {("customer",), ("quantity",), ("items",)}
    assert placed["items",].startswith("0: ")
    assert others == []


def test_a_schema_that_refers_to_itself_ends():
    schema = {
        "properties": {"node": {"$ref": "#/$defs/n"}},
        "$defs": {"n": {"properties": {"n": {"$ref": "#/$defs/n"}}}},
    }
    fields = fields_of(schema)
    assert fields
    assert fields[-1].kind == "json"


@given(
    st.fixed_dictionaries(
        {"customer": st.text(min_size=2).filter(str.strip), "payment": st.sampled_from(["card", "invoice"])},
        optional={
            "quantity": st.integers(1, 99),
            "price": st.floats(0.01, 1e6),
            "express": st.booleans(),
            "items": st.lists(st.dictionaries(st.text(), st.integers())),
            "address": st.fixed_dictionaries({"city": st.text(min_size=1).filter(str.strip)}),
            "either": st.integers() | st.text(min_size=1),
        },
    )
)
def test_a_document_survives_the_form(document):
    fields = fields_of(ORDER)
    again, problems = document_of(fields, texts_of(fields, document))
    assert problems == {}
    assert json.dumps(again, sort_keys=True) == json.dumps(document, sort_keys=True)
