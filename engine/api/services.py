"""What routes work with, made once a process."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Annotated

from fastapi import Depends, Request

from engine.api.batcher import CreateBatcher
from engine.api.database import Database
from engine.api.stream.hub import Hub
from engine.messaging.notify import Notifier
from engine.observability.metrics import HttpMetrics
from engine.orchestration.loops import Loop
from engine.settings import Settings
from engine.store.pool import Pool
from engine.store.revisions import RevisionCache

VERSION = version("tasker")


@dataclass(frozen=True, slots=True)
class ApiDeps:
    """What the API is given: `loops` are the engine's that run in this process, for its health."""

    pool: Pool
    settings: Settings
    notifier: Notifier
    loops: Sequence[Loop] = ()


class Services:
    """The parts that routes share."""

    def __init__(self, deps: ApiDeps) -> None:
        self.settings = deps.settings
        self.notifier = deps.notifier
        self.loops = deps.loops
        self.database = Database(deps.pool)
        self.revisions = RevisionCache(deps.pool)
        self.batcher = CreateBatcher(self.database, deps.notifier)
        self.hub = Hub(deps.pool)
        self.http = HttpMetrics()


def services_of(request: Request) -> Services:
    """The services of the application that answers a request."""
    services: Services = request.app.state.services
    return services


Api = Annotated[Services, Depends(services_of)]
