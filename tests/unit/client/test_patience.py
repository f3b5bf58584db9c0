"""The clients ask a busy server again, where that is safe."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from engine.client import ApiError, SyncTaskerClient, TaskerClient
from engine.client.patience import Waits


def healthy() -> httpx.Response:
    return httpx.Response(200, json={"status": "healthy", "timestamp": "2026-01-01T00:00:00Z"})


def busy(code: str = "BACKPRESSURE", after: int | None = 0, status: int = 503) -> httpx.Response:
    error = {"code": code, "message": "too much waits", "retry_after_seconds": after}
    return httpx.Response(status, json={"error": error})


class Server:
    """Gives these answers, one after the other."""

    def __init__(self, *answers: httpx.Response) -> None:
        self.asked = 0
        self._answers: Iterator[httpx.Response] = iter(answers)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        return next(self._answers)

    async def ask(self, request: httpx.Request) -> httpx.Response:
        return self(request)


async def test_a_busy_server_is_asked_again_until_it_answers() -> None:
    server = Server(busy("SERVICE_UNAVAILABLE"), busy(), healthy())
    async with TaskerClient("http://it", transport=httpx.MockTransport(server.ask)) as client:
        assert (await client.health()).status == "healthy"
    assert server.asked == 3
    again = Server(busy(), healthy())
    with SyncTaskerClient(base_url="http://it", transport=httpx.MockTransport(again)) as blocking:
        assert blocking.health_check().status == "healthy"
    assert again.asked == 2


@pytest.mark.parametrize(
    "answer",
    [busy("SERVICE_UNAVAILABLE"), busy("BACKPRESSURE", after=3600), busy(after=None), busy(status=500)],
    ids=["may have been done", "too long", "says nothing of when", "is no refusal"],
)
async def test_a_creation_is_not_sent_again(answer: httpx.Response) -> None:
    server = Server(answer, busy())
    async with TaskerClient("http://it", transport=httpx.MockTransport(server.ask)) as client:
        with pytest.raises(ApiError, match="too much waits"):
            await client.create_task("linear")
    assert server.asked == 1


def test_patience_ends() -> None:
    waits, refused = Waits("POST", 60), ApiError(503, "BACKPRESSURE", "busy", {"retry_after_seconds": 20})
    waited = [waits.before_next(refused), waits.before_next(refused)]
    assert all(20 <= one <= 24 for one in waited)
    with pytest.raises(ApiError):
        [waits.before_next(refused) for _ in range(2)]
