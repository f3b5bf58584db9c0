"""Why a step that has not ended is where it is: the kinds of reasons, and those that lists can look for."""

from __future__ import annotations

WHY_FILTERS = (
    "failed",
    "no_worker",
    "no_handler",
    "paused",
    "batch_failed",
    "retry",
    "queued",
    "batch_limit",
    "engine",
    "running",
)
"""The kinds of `StepWhy` that say by themselves what is to be done, those first that say the most about their
task. `parents` and `failed_parent` are left out: nearly every unfinished task has such steps, and the reason
is with the steps that they wait for."""
