"""The stored execution result, rebuilt from a row."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from uuid import UUID

from engine.model.execution import execution_result

AT = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
STEP, WORKER = UUID(int=1), UUID(int=2)


def row(**fields):
    plain = {
        "step_uuid": STEP, "success": True, "result": '{"n": 1}', "details": None, "execution_ms": 7,
        "worker_uuid": WORKER, "started_at": AT, "recorded_at": AT,
    }  # fmt: skip
    return plain | fields


def test_a_plain_success():
    result = execution_result(row(result=json.dumps({"n": 2**90})))
    assert result["result"] == {"n": 2**90}
    assert (result["success"], result["status"], result["error"]) == (True, "completed", None)
    assert result["step_uuid"] == str(STEP)
    assert result["orchestration_metadata"] is None
    metadata = result["metadata"]
    assert metadata["started_at"] == metadata["completed_at"] == "2026-01-31T12:00:00.000000Z"
    assert (metadata["execution_time_ms"], metadata["worker_id"]) == (7, str(WORKER))
    assert (metadata["handler_version"], metadata["retryable"], metadata["custom"]) == ("1.0.0", False, {})


def test_a_failure_has_everything_that_was_told():
    details = {
        "error_type": "rate_limit_error", "message": "slow down", "retryable": True, "retry_after": 30,
        "error_code": "E7", "backtrace": ["a", "b"], "status_code": 429, "context": {"url": "x"},
        "metadata": {"k": 1}, "headers": {"retry-after": "30"}, "handler_version": "2.0.0",
    }  # fmt: skip
    result = execution_result(row(success=False, result=None, details=json.dumps(details)))
    assert result["error"] == {
        "message": "slow down", "error_type": "rate_limit_error", "backtrace": ["a", "b"], "retryable": True,
        "status_code": 429, "context": {"url": "x"},
    }  # fmt: skip
    assert (result["result"], result["status"]) == (None, "failed")
    metadata = result["metadata"]
    assert (metadata["error_code"], metadata["handler_version"], metadata["custom"]) == (
        "E7",
        "2.0.0",
        {"k": 1},
    )
    assert result["orchestration_metadata"]["headers"] == {"retry-after": "30"}
    assert result["orchestration_metadata"]["backoff_hint"] == {"retry_after_seconds": 30}


def test_what_an_operator_or_the_engine_recorded_has_no_worker():
    result = execution_result(row(worker_uuid=None, started_at=None, execution_ms=None, result="null"))
    assert result["result"] is None
    assert result["metadata"]["worker_id"] is None
    assert result["metadata"]["handler_version"] is None
    assert result["metadata"]["started_at"] is None
