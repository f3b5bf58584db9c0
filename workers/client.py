"""The REST API's client under the name that handlers and scripts know (reference python-sdk)."""

from engine.client import SyncTaskerClient as TaskerClient

__all__ = ["TaskerClient"]
