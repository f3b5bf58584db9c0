"""The objects of the REST API against the written contract, field by field."""

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, TypeAdapter, ValidationError

from engine.model.problems import field_problems
from engine.model.wire import base, dead_letters, health, operations, requests, tasks, worker

CONTRACT = Path(__file__).with_name("wire_contract.txt").read_text()
REQUESTS = {"DlqInvestigationUpdate", "ManualCompletionData"}


def contract() -> list[tuple[str, str, dict[str, str]]]:
    """(server or worker, object, field → type) for each line of the contract."""
    rows, part = [], ""
    for line in CONTRACT.splitlines():
        if line.startswith("["):
            part = line.strip("[]")
        elif line and not line.startswith("#"):
            name, fields = line.split(": ", 1)
            rows.append((part, name, dict(field.split(": ", 1) for field in fields.split(", "))))
    return rows


def model_of(part: str, name: str) -> type[BaseModel]:
    if part == "worker" and hasattr(worker, name):
        return getattr(worker, name)
    areas = (tasks, requests, operations, dead_letters, health, worker)
    return next(getattr(area, name) for area in areas if hasattr(area, name))


def shape(schema: dict, defs: dict) -> tuple[str, bool]:
    """A field's JSON type and whether it may be null."""
    if "anyOf" in schema:
        kinds = [shape(one, defs)[0] for one in schema["anyOf"]]
        others = [kind for kind in kinds if kind != "null"]
        assert len(others) == 1
        return others[0], "null" in kinds
    if "$ref" in schema:
        target = schema["$ref"].rsplit("/", 1)[1]
        return ("string" if defs[target].get("type") == "string" else target), False
    if "type" not in schema:
        return "any JSON", True
    if schema["type"] == "array":
        return shape(schema["items"], defs)[0] + "[]", False
    return schema["type"], False


def expected(text: str, enums: set[str]) -> tuple[str, bool]:
    names = {
        "int": "integer",
        "bool": "boolean",
        "uuid": "string",
        "timestamp": "string",
        "naive timestamp": "string",
        "map of any JSON": "object",
    }
    bare = text.removesuffix("?")
    if bare == "any JSON":
        return bare, True
    kind, many = bare.removesuffix("[]"), "[]" if bare.endswith("[]") else ""
    kind = "string" if kind in enums else names.get(kind, kind)
    return kind + many, text.endswith("?")


@pytest.mark.parametrize(
    ("part", "name", "fields"), contract(), ids=lambda value: value if isinstance(value, str) else ""
)
def test_object_has_every_field_of_the_contract_with_its_type(part, name, fields):
    schema = model_of(part, name).model_json_schema(mode="serialization")
    defs = schema.get("$defs", {})
    enums = {"DlqReason", "DlqResolutionStatus", "StalenessHealthStatus", "CircuitBreakerState"}
    for field, kind in fields.items():
        assert shape(schema["properties"][field], defs) == expected(kind, enums), f"{name}.{field}"
    if name not in REQUESTS:
        assert set(fields) <= set(schema["required"])


class Times(base.WireModel):
    at: base.Timestamp
    naive: base.NaiveTimestamp


AT = datetime(2026, 1, 31, 12, 0, 0, 123456, tzinfo=UTC)


def test_times_are_written_in_the_two_forms_of_the_contract():
    written = Times(at=AT, naive=AT).model_dump_json()
    assert written == '{"at":"2026-01-31T12:00:00.123456Z","naive":"2026-01-31T12:00:00.123456"}'


def test_microseconds_are_written_even_when_they_are_zero():
    at = AT.replace(microsecond=0)
    assert Times(at=at, naive=at).model_dump_json().count(".000000") == 2


@given(
    st.datetimes(
        min_value=datetime(2, 1, 1),
        max_value=datetime(9999, 12, 30),
        timezones=st.sampled_from([UTC, timezone(timedelta(hours=5, minutes=30))]),
    )
)
def test_times_survive_a_round_trip_in_any_zone(at):
    again = Times.model_validate_json(Times(at=at, naive=at).model_dump_json())
    assert again.at == at
    assert again.naive == at
    assert again.naive.tzinfo is not None


def test_a_time_without_a_zone_is_refused_where_the_zone_matters():
    with pytest.raises(ValidationError):
        Times.model_validate({"at": "2026-01-31T12:00:00", "naive": "2026-01-31T12:00:00"})


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01T00:00:00", ""])
def test_a_text_that_is_no_time_is_refused_as_a_wrong_field(text):
    with pytest.raises(ValidationError) as caught:
        Times.model_validate({"at": "2026-01-31T12:00:00Z", "naive": text})
    assert [problem.path for problem in field_problems(caught.value, Times)] == ["naive"]


def problems_of(body: object, kind: object = requests.TaskRequest) -> list[tuple[str, str, str | None]]:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(kind).validate_python(body)
    return [(p.path, p.message, p.hint) for p in field_problems(caught.value, kind)]


def test_the_call_of_the_quick_start_is_enough():
    task = requests.TaskRequest.model_validate_json(
        b'{"template_name": "linear_workflow", "namespace": "example"}'
    )
    assert (task.name, task.namespace, task.version, task.context) == ("linear_workflow", "example", None, {})
    assert (task.priority, task.tags, task.reason) == (0, [], "Task requested")


def test_an_old_client_that_sends_every_field_is_understood():
    correlation = uuid4()
    body = {
        "name": "linear", "namespace": "example", "version": "1.0.0", "context": {"n": 2**200},
        "initiator": "me", "source_system": "tests", "reason": "because", "tags": {"team": "billing", "n": 1},
        "requested_at": "2026-01-31T12:00:00.123", "options": None, "priority": None,
        "correlation_id": str(correlation), "parent_correlation_id": None, "idempotency_key": None,
    }  # fmt: skip
    task = requests.TaskRequest.model_validate(body)
    assert task.tags == ["team:billing", "n:1"]
    assert task.priority == 0
    assert task.correlation_id == correlation
    assert task.context == {"n": 2**200}
    assert {"options", "requested_at"}.isdisjoint(task.model_dump())


def test_configuration_is_another_name_of_context():
    assert requests.TaskRequest.model_validate({"name": "a", "configuration": {"x": 1}}).context == {"x": 1}


def test_two_names_of_one_field_are_refused():
    body = {"name": "a", "template_name": "b", "context": {}, "configuration": {}}
    assert problems_of(body) == [
        ("template_name", "is another name of 'name'; give one of the two", None),
        ("configuration", "is another name of 'context'; give one of the two", None),
    ]


def test_unknown_fields_are_refused_with_the_near_names():
    assert problems_of({"name": "a", "namspace": "b"}) == [
        ("namspace", "unknown field 'namspace'", "did you mean 'namespace' or 'name'?")
    ]
    [(path, message, hint)] = problems_of({"name": "a", "zzz": "b"})
    assert (path, message) == ("zzz", "unknown field 'zzz'")
    assert hint is not None
    assert "idempotency_key" in hint


@pytest.mark.parametrize(
    ("field", "value", "words"),
    [
        ("name", "", "at least 1 character"),
        ("name", "a" * 256, "at most 255 characters"),
        ("namespace", "n\0", "must not contain a NUL character"),
        ("version", "1" * 51, "at most 50 characters"),
        ("reason", "r" * 501, "at most 500 characters"),
        ("priority", 101, "less than or equal to 100"),
        ("priority", -101, "greater than or equal to -100"),
        ("context", [1], "valid dictionary"),
        ("context", None, "valid dictionary"),
        ("correlation_id", "no", "valid UUID"),
        ("tags", ["x"] * 1001, "at most 1000 items"),
        ("tags", "x", "valid list"),
        ("idempotency_key", "", "at least 1 character"),
    ],
)
def test_limits_of_a_task_request(field, value, words):
    [(path, message, _)] = problems_of({"name": "a"} | {field: value})
    assert path == field
    assert words in message


def test_all_problems_are_reported_at_once():
    found = problems_of({"namespace": "", "priority": 1000, "contxt": {}})
    assert [path for path, _, _ in found] == ["name", "namespace", "priority", "contxt"]
    assert found[0][1] == "is required"


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ({"action_type": "reset_for_retry", "reason": "r", "reset_by": "me"}, requests.ResetForRetry),
        ({"action_type": "resolve_manually", "reason": "r", "resolved_by": "me"}, requests.ResolveManually),
        (
            {"action_type": "complete_manually", "completion_data": {"result": [1]}, "reason": "r",
             "completed_by": "me"},
            requests.CompleteManually,
        ),
    ],
)  # fmt: skip
def test_an_action_on_a_step_is_told_apart_by_its_type(body, kind):
    assert isinstance(TypeAdapter(requests.StepAction).validate_python(body), kind)


def test_a_wrong_field_of_an_action_is_named_without_the_tag():
    body = {"action_type": "complete_manually", "reason": "r", "completed_by": "me",
            "completion_data": {"result": 1, "metdata": {}}}  # fmt: skip
    assert problems_of(body, requests.StepAction) == [
        ("completion_data.metdata", "unknown field 'metdata'", "did you mean 'metadata'?")
    ]


def test_an_unknown_action_names_the_known_ones():
    [(_, message, _)] = problems_of({"action_type": "reset"}, requests.StepAction)
    assert "reset_for_retry" in message
    assert "complete_manually" in message


def test_an_error_sends_only_what_it_knows():
    body = requests.ErrorBody(error=requests.ErrorDetail(code="NOT_FOUND", message="no such task"))
    assert body.model_dump_json() == '{"error":{"code":"NOT_FOUND","message":"no such task"}}'
    known = requests.ErrorDetail(code="CONFLICT", message="exists", existing_task_uuid=UUID(int=1))
    assert known.model_dump(mode="json")["existing_task_uuid"] == str(UUID(int=1))


def test_a_bulk_request_keeps_items_that_are_no_task_for_their_own_answer():
    body = requests.BulkCreateRequest.model_validate({"tasks": [{"name": "a"}, 7]})
    assert body.tasks == [{"name": "a"}, 7]
    assert problems_of({"tasks": []}, requests.BulkCreateRequest)[0][0] == "tasks"


def test_an_answer_ignores_fields_of_a_newer_server():
    row = {"name": "n", "description": None, "template_count": 1, "colour": "red"}
    assert tasks.NamespaceSummary.model_validate(row).template_count == 1
