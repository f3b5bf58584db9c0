import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model.inputs import MAX_PROBLEMS, InputProblem, InputValidator, SchemaInvalid

ITEM = {"type": "object", "properties": {"price": {"type": "number", "minimum": 0}}}
ORDER = InputValidator({
    "type": "object",
    "required": ["items"],
    "properties": {
        "items": {"type": "array", "items": ITEM},
        "email": {"type": "string", "format": "email"},
        "a/b~c": {"type": "integer"},
    },
})  # fmt: skip


def paths(context: object) -> list[str]:
    return [problem.path for problem in ORDER.errors(context)]


def test_a_good_context_has_no_problems():
    assert ORDER.errors({"items": [{"price": 1}], "email": "a@example.org"}) == []


def test_every_refused_value_is_told_with_its_pointer():
    found = ORDER.errors({"items": [{"price": 1}, {"price": -1}, {"price": "x"}]})
    assert found == [
        InputProblem("/items/1/price", "-1 is less than the minimum of 0"),
        InputProblem("/items/2/price", '"x" is not of type "number"'),
    ]


def test_a_missing_value_is_told_at_its_object():
    [problem] = ORDER.errors({})
    assert (problem.path, problem.message) == ("", '"items" is a required property')


def test_odd_names_are_escaped_and_formats_are_checked():
    assert sorted(paths({"items": [], "a/b~c": "x", "email": "nobody"})) == ["/a~1b~0c", "/email"]


def test_big_whole_numbers_are_compared_exactly():
    limit = InputValidator({"properties": {"n": {"maximum": 10**30}}})
    assert limit.errors({"n": 10**30}) == []
    assert len(limit.errors({"n": 10**30 + 1})) == 1


def test_messages_and_their_number_are_bounded():
    found = ORDER.errors({"items": [{"price": "x" * 10_000}] * 1_000})
    assert len(found) == MAX_PROBLEMS
    assert all(len(problem.message) <= 500 for problem in found)


@pytest.mark.parametrize(
    ("schema", "location", "hint"),
    [
        ({"type": "objekt"}, ("type",), "did you mean 'object'?"),
        ({"properties": {"a": {"type": "text"}}}, ("properties", "a", "type"), "the types are array"),
        ({"$ref": "https://example.org/schema"}, (), "put the definition under $defs"),
        ({"$schema": "https://example.org/draft"}, (), None),
    ],
)
def test_a_schema_that_cannot_be_used_says_where(schema, location, hint):
    with pytest.raises(SchemaInvalid) as caught:
        InputValidator(schema)
    assert caught.value.location == location
    assert (caught.value.hint or "").startswith(hint or "")
    assert (caught.value.hint is None) == (hint is None)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.dictionaries(
        st.sampled_from(["type", "properties", "items", "$ref", "pattern", "enum", "allOf"]), json_values
    )
)
def test_any_schema_is_compiled_or_refused(schema):
    try:
        validator = InputValidator(schema)
    except SchemaInvalid as problem:
        assert problem.message  # noqa: PT017
        return
    validator.errors({"a": [1, "x"]})
