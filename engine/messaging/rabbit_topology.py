"""The queues of RabbitMQ: one a namespace, durable, each with a queue for messages that nobody can use."""

from __future__ import annotations

import logging
from typing import TypeAlias

from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.exceptions import ChannelNotFoundEntity, ChannelPreconditionFailed

from engine.messaging.rabbit_link import answered
from engine.settings import RabbitSettings
from engine.store.registration import queue_name

log = logging.getLogger("tasker.messaging")

Arguments: TypeAlias = "dict[str, str | int]"

DEAD_LETTERS = "_dlq"
DEAD_LETTERS_KEPT = 10_000


async def declare_queue(connection: AbstractConnection, namespace: str, settings: RabbitSettings) -> None:
    """Have a namespace's queue and its dead-letter queue there; raises what a broker that is away raises.

    A queue that exists with other arguments is used as it is, and the log says so.
    """
    name = queue_name(namespace)
    kind = settings.queue_type
    dead_letters: Arguments = {"x-queue-type": kind, "x-max-length": DEAD_LETTERS_KEPT}
    arguments: Arguments = {
        "x-queue-type": kind,
        "x-dead-letter-exchange": "",
        "x-dead-letter-routing-key": f"{name}{DEAD_LETTERS}",
        **({"x-delivery-limit": settings.delivery_limit} if kind == "quorum" else {}),
    }
    await _declare(connection, f"{name}{DEAD_LETTERS}", dead_letters)
    await _declare(connection, name, arguments)


async def queue_depth(connection: AbstractConnection, namespace: str) -> int | None:
    """How many messages wait in a namespace's queue; None if there is no queue."""
    try:
        async with answered(), _channel(connection) as channel:
            found = await channel.declare_queue(queue_name(namespace), passive=True)
    except ChannelNotFoundEntity:
        return None
    return found.declaration_result.message_count or 0


async def _declare(connection: AbstractConnection, name: str, arguments: Arguments) -> None:
    try:
        # A refusal closes the channel, so each gets one of its own.
        async with answered(), _channel(connection) as channel:
            await channel.declare_queue(name, durable=True, arguments={**arguments})
    except ChannelPreconditionFailed as error:
        log.warning(
            "queue %s exists with other arguments and is used as it is (%s); "
            "delete it to have it made anew, or set TASKER_RABBITMQ_QUEUE_TYPE to its type",
            name,
            error,
        )


def _channel(connection: AbstractConnection) -> AbstractChannel:
    return connection.channel(publisher_confirms=False)
