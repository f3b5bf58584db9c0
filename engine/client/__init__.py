"""The typed client of the REST API: `TaskerClient` for asyncio, and `SyncTaskerClient` for everybody else.

Both raise `ApiError` when the server says no, and `ServerUnreachable` when it does not answer.
"""

from engine.client.asynchronous import TaskerClient
from engine.client.errors import ApiError, ServerUnreachable
from engine.client.events import StreamEvent
from engine.client.synchronous import SyncTaskerClient

__all__ = ["ApiError", "ServerUnreachable", "StreamEvent", "SyncTaskerClient", "TaskerClient"]
