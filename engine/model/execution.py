"""The stored result of an attempt in the shape that clients and handlers know (reference 7.1)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from engine.model.payload import load_json

DEFAULT_VERSION = "1.0.0"
"""Of a handler that says none; workers leave it out of what they store."""


def execution_result(row: Mapping[str, Any]) -> dict[str, Any]:
    """Rebuild the execution result from a row of `step_attempts`.

    `row` has its columns step_uuid, success, result, details, execution_ms, worker_uuid, started_at and
    recorded_at, and may have worker_hostname; the JSON columns are text. The handler's data is under
    `result`; `error` is null for a success.
    """
    details: dict[str, Any] = load_json(row["details"]) if row["details"] else {}
    success: bool = row["success"]
    return {
        "step_uuid": str(row["step_uuid"]),
        "success": success,
        "status": "completed" if success else "failed",
        "result": load_json(row["result"]) if row["result"] is not None else None,
        "error": None if success else _error(details),
        "metadata": _metadata(row, details),
        "orchestration_metadata": _orchestration_metadata(details),
    }


def _error(details: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "message": details.get("message", ""),
        "error_type": details.get("error_type"),
        "backtrace": details.get("backtrace"),
        "retryable": details.get("retryable", True),
        "status_code": details.get("status_code"),
        "context": details.get("context") or {},
    }


def _metadata(row: Mapping[str, Any], details: Mapping[str, Any]) -> dict[str, Any]:
    worker = row["worker_uuid"]
    return {
        "execution_time_ms": row["execution_ms"],
        "handler_version": details.get("handler_version", None if worker is None else DEFAULT_VERSION),
        "retryable": not row["success"] and details.get("retryable", True),
        "completed_at": _moment(row["recorded_at"]),
        "worker_id": None if worker is None else str(worker),
        "worker_hostname": row.get("worker_hostname"),
        "started_at": _moment(row["started_at"]),
        "custom": details.get("metadata") or {},
        "error_code": details.get("error_code"),
        "error_type": details.get("error_type"),
        "context": details.get("context") or {},
    }


def _orchestration_metadata(details: Mapping[str, Any]) -> dict[str, Any] | None:
    headers, retry_after = details.get("headers"), details.get("retry_after")
    if not headers and retry_after is None and "error_context" not in details:
        return None
    return {
        "headers": headers or {},
        "error_context": details.get("error_context"),
        "backoff_hint": None if retry_after is None else {"retry_after_seconds": retry_after},
        "custom": {},
    }


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.astimezone(UTC).isoformat(timespec="microseconds")[:-6] + "Z"
