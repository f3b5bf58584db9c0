"""Places where a test can have the process killed: before and after each commit of the hot path, and each
message to RabbitMQ and its acknowledgement.

`TASKER_CRASH_AT=submit.after` kills the process (SIGKILL, nothing is cleaned up) when it gets there;
`submit.after:3` the third time.
"""

from __future__ import annotations

import os
import signal

_name, _, _count = os.environ.get("TASKER_CRASH_AT", "").partition(":")
_left = int(_count or 1)


def crash_point(name: str) -> None:
    """Die here if the environment says so."""
    global _left
    if name != _name:
        return
    _left -= 1
    if _left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
