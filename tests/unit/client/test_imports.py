"""What importing the client brings along: handlers and the command line import it."""

from __future__ import annotations

import subprocess
import sys


def test_the_client_loads_no_server():
    heavy = ("asyncpg", "fastapi", "uvicorn", "aio_pika", "textual", "jsonschema_rs")
    code = f"import sys, engine.client; print([name for name in {heavy} if name in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"
