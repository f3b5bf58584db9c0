"""Makes the calls that webhooks wait for. A receiver that is slow or dead costs nobody else anything."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from datetime import timedelta
from importlib.metadata import version
from uuid import UUID

import httpx

from engine.model.breaker import OUTSIDE, BreakerGroup
from engine.model.webhooks import signed_headers, wait_after
from engine.model.wire.webhooks import DeliveryAttempt, DeliveryState
from engine.orchestration.public_hosts import HostRefused, public_address
from engine.settings import WebhookSettings
from engine.store import webhooks
from engine.store.pool import Pool
from engine.store.webhooks import DueDelivery

log = logging.getLogger("tasker.webhooks")

AT_ONCE = 50
EACH = 5
"""Calls of one engine at once, and of them to one webhook."""

LOOK_SECONDS = 1.0
LEASE_MARGIN_SECONDS = 30.0
EXCERPT = 1024
"""Bytes of an answer that are read, and kept."""

GONE = 410
TOO_MANY = 429
USER_AGENT = f"tasker/{version('tasker')}"


class WebhookSender:
    """Takes due calls from the database and makes them beside each other; `close` waits for none of them."""

    def __init__(self, pool: Pool, settings: WebhookSettings) -> None:
        self._pool = pool
        self._settings = settings
        self._lease = timedelta(seconds=settings.timeout_seconds + LEASE_MARGIN_SECONDS)
        self.on_free: Callable[[], None] = lambda: None
        """Called when a call has ended and others may be waiting for it."""
        self._more = False
        self._client: httpx.AsyncClient | None = None
        self._calls: dict[asyncio.Task[None], UUID] = {}
        self.breakers: BreakerGroup[UUID] = BreakerGroup("webhooks", OUTSIDE)
        """One a webhook: what a dead receiver is to be told waits, and spends no attempts."""

    async def look(self) -> float:
        """Begin the calls that are due; returns in how many seconds to look again."""
        free = AT_ONCE - len(self._calls)
        if free <= 0:
            return LOOK_SECONDS
        left_alone = {*self._calls.values(), *self.breakers.blocked()}
        due = await webhooks.take_due(self._pool, free, EACH, list(left_alone), self._lease)
        self._more = len(due) >= EACH
        for one in due:
            call = asyncio.create_task(self._deliver(one), name=f"webhook {one.webhook_uuid}")
            self._calls[call] = one.webhook_uuid
            call.add_done_callback(self._ended)
        return LOOK_SECONDS

    def _ended(self, call: asyncio.Task[None]) -> None:
        self._calls.pop(call, None)
        if self._more:
            self.on_free()

    async def close(self) -> None:
        """Break off what is being called; it is called again when its lease is over."""
        for call in list(self._calls):
            call.cancel()
        await asyncio.gather(*self._calls, return_exceptions=True)
        if self._client is not None:
            await self._client.aclose()

    async def forget(self) -> None:
        """Drop the log of what is long ago."""
        await webhooks.forget_deliveries(self._pool, timedelta(days=self._settings.keep_days))

    async def _deliver(self, due: DueDelivery) -> None:
        try:
            attempt = await self._call(due)
            self.breakers.report(due.webhook_uuid, good=_answers(attempt))
            state, again_in = self._verdict(due, attempt)
            await webhooks.keep_attempt(self._pool, due, attempt, state, again_in)
            if attempt.status == GONE:
                await webhooks.switch_off(self._pool, due.webhook_uuid, "the receiver answered 410 Gone")
                log.warning("webhook %s is switched off: %s answered 410", due.webhook_uuid, due.url)
        except Exception:
            # Its lease ends, and it is called again.
            log.exception("the call of webhook %s could not be written down", due.webhook_uuid)

    def _verdict(self, due: DueDelivery, attempt: DeliveryAttempt) -> tuple[DeliveryState, timedelta | None]:
        if attempt.status is not None and 200 <= attempt.status < 300:
            return DeliveryState.DELIVERED, None
        if due.attempt >= self._settings.max_attempts or attempt.status == GONE:
            return DeliveryState.FAILED, None
        return DeliveryState.PENDING, timedelta(seconds=wait_after(due.attempt))

    async def _call(self, due: DueDelivery) -> DeliveryAttempt:
        began, status, response, error = time.perf_counter(), None, None, None
        try:
            async with asyncio.timeout(self._settings.timeout_seconds):
                status, response = await self._post(due)
        except TimeoutError:
            error = f"no answer within {self._settings.timeout_seconds:g} s"
        except (HostRefused, httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as problem:
            error = str(problem) or type(problem).__name__
        return DeliveryAttempt(
            at=due.at,
            status=status,
            error=error,
            response=response,
            milliseconds=round(1000 * (time.perf_counter() - began)),
        )

    async def _post(self, due: DueDelivery) -> tuple[int, str]:
        url, body = httpx.URL(due.url), due.body.encode()
        headers = {"content-type": "application/json", "user-agent": USER_AGENT, "host": _authority(url)}
        headers["accept-encoding"] = "identity"
        headers |= signed_headers(due.secret, str(due.delivery_uuid), int(due.at.timestamp()), body)
        extensions = {}
        if not self._settings.allow_private_networks:
            # Called by the number that was looked at: a name may mean another one a moment later.
            extensions = {"sni_hostname": url.host}
            url = url.copy_with(host=await public_address(url.host, url.port or _port(url)))
        if self._client is None:
            # No connection is used again: it was made for another name that has the same number.
            alone = httpx.Limits(max_keepalive_connections=0)
            self._client = httpx.AsyncClient(
                follow_redirects=False, trust_env=False, timeout=None, limits=alone
            )
        async with self._client.stream(
            "POST", url, content=body, headers=headers, extensions=extensions
        ) as answer:
            return answer.status_code, await _beginning(answer)


def _answers(attempt: DeliveryAttempt) -> bool:
    """Whether a receiver is there, though it may refuse what it is told."""
    return attempt.status is not None and attempt.status < 500 and attempt.status != TOO_MANY


async def _beginning(answer: httpx.Response) -> str:
    read = b""
    async for part in answer.aiter_raw(EXCERPT):
        read += part
        if len(read) >= EXCERPT:
            break
    return read[:EXCERPT].decode(errors="replace").replace("\x00", "\ufffd")


def _authority(url: httpx.URL) -> str:
    return url.netloc.decode("ascii")


def _port(url: httpx.URL) -> int:
    return 443 if url.scheme == "https" else 80
