"""What routes work with, made once a process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Annotated

from fastapi import Depends, Request

from engine.api.batcher import CreateBatcher
from engine.api.database import Database
from engine.api.pressure import Pressure
from engine.api.stream.hub import Hub
from engine.background import Background
from engine.messaging.notify import Notifier
from engine.model.breaker import Reading
from engine.model.wire.queues import Broker
from engine.observability.metrics import HttpMetrics
from engine.orchestration.loops import Loop
from engine.orchestration.publishing import StepPublisher
from engine.settings import Settings
from engine.store.pool import Pool
from engine.store.revisions import RevisionCache

VERSION = version("tasker")


@dataclass(frozen=True, slots=True)
class ApiDeps:
    """What the API is given: `loops` and `breakers` are those of this process's engine, for its health,
    `publisher` is what sends its steps to a broker outside the database, `background` where they run."""

    pool: Pool
    settings: Settings
    notifier: Notifier
    loops: Sequence[Loop] = ()
    breakers: Sequence[Reading] = ()
    publisher: StepPublisher | None = None
    background: Background = field(default_factory=Background)


class Services:
    """The parts that routes share."""

    def __init__(self, deps: ApiDeps) -> None:
        self.settings = deps.settings
        self.notifier = deps.notifier
        self.publisher = deps.publisher
        self.background = deps.background
        self.database = Database(deps.pool)
        self.breakers: list[Reading] = [self.database.breaker, *deps.breakers]
        self.revisions = RevisionCache(deps.pool)
        self.batcher = CreateBatcher(self.database, deps.notifier)
        self.pressure = Pressure(self.database, self.batcher, deps.settings.backpressure)
        self.looking = Loop("pressure", self.pressure.look)
        """Run beside the server."""
        self.loops = [*deps.loops, self.looking]
        self.hub = Hub(deps.pool)
        self.http = HttpMetrics()

    def broker(self) -> Broker:
        """What carries the messages, and whether it does."""
        if self.publisher is None:
            return Broker(name="pgmq", connected=True, problem=None)
        return self.publisher.status()


def services_of(request: Request) -> Services:
    """The services of the application that answers a request."""
    services: Services = request.app.state.services
    return services


Api = Annotated[Services, Depends(services_of)]
