"""The settings of every Tasker process.

Where a value comes from, the first that has it: arguments of `load_settings`, environment variables
(`TASKER_SECTION_NAME`, such as TASKER_SERVER_PORT), `.env`, `tasker.<environment>.toml`, `tasker.toml`,
the default. TASKER_CONFIG_PATH names another `tasker.toml`, or the folder that holds it. Text in a TOML
file may hold `${NAME}` or `${NAME:-default}`, which stand for environment variables (reference 8.7).

Variables with names of their own (reference 7.4): DATABASE_URL (database.url), TASKER_ENV (environment),
TASKER_TEMPLATE_PATH (worker.templates), TASKER_LEASE_SECONDS (worker.lease_seconds),
RABBITMQ_URL (rabbitmq.url), PGMQ_DATABASE_URL (pgmq.url).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PositiveFloat,
    PositiveInt,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from engine.settings_sources import SettingsError, origin_of, settings_sources

MASK = "********"
SECRET_PARAMETER = re.compile(r"(?i)((?:^|[?&])(?:password|sslpassword|passfile)=)[^&]*")


def _split(value: object) -> object:
    """A list written in one variable: JSON, or items between commas."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        import json

        return json.loads(value)
    return [item.strip() for item in value.split(",") if item.strip()]


StringList = Annotated[list[str], NoDecode, BeforeValidator(_split)]
Port = Annotated[int, Field(ge=0, le=65535)]


class Section(BaseModel):
    """A group of settings; a name that it does not know is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class DatabaseSettings(Section):
    """The PostgreSQL that holds everything. `pool_size` is the most connections of one process."""

    url: str | None = None
    pool_size: Annotated[int, Field(ge=2, le=1000)] = 10

    @property
    def dsn(self) -> str:
        """The URL to connect to; raises SettingsError when none is set."""
        if not self.url:
            raise SettingsError(
                "no database is configured", "set DATABASE_URL=postgresql://user@host/database"
            )
        return self.url


class ServerSettings(Section):
    """The process `tasker server`. On a loopback `host`, browsers may call it from this machine and from
    `cors_origins` alone; elsewhere from `cors_origins`, or from anywhere when there are none. `bulk_limit`
    is how many tasks or steps one bulk operation may select."""

    host: str = "127.0.0.1"
    port: Port = 8080
    cors_origins: StringList = []
    config_endpoint: bool = False
    request_timeout_seconds: PositiveFloat = 30.0
    bulk_limit: PositiveInt = 500_000


class BackpressureSettings(Section):
    """When new tasks are refused with 503, so that what waits stays bounded. The depths are those of one
    queue: the ready steps of a namespace, results, events. From `queue_critical` on nothing is taken in;
    `waiting_creations` is how many requests one engine lets wait for a transaction."""

    queue_warning: PositiveInt = 10_000
    queue_critical: PositiveInt = 50_000
    queue_overflow: PositiveInt = 100_000
    waiting_creations: Annotated[int, Field(ge=20, le=1_000_000)] = 5_000

    @model_validator(mode="after")
    def _ascending(self) -> BackpressureSettings:
        if not self.queue_warning <= self.queue_critical <= self.queue_overflow:
            raise ValueError("queue_warning, queue_critical and queue_overflow must not fall")
        return self


class WorkerSettings(Section):
    """The process `tasker worker`.

    `templates` are folders or files of YAML, `handlers` modules, files or folders of Python. `namespaces`
    limits what is claimed; empty means those of the templates. `slots` is how many steps run at once.
    `replace_templates` lets a template that changed replace the registered one of the same version.
    """

    host: str = "127.0.0.1"
    port: Port = 8081
    namespaces: StringList = []
    templates: StringList = []
    handlers: StringList = []
    replace_templates: bool = False
    slots: PositiveInt = 100
    lease_seconds: PositiveFloat = 30.0
    drain_timeout_seconds: Annotated[float, Field(ge=0)] = 25.0


class MessagingSettings(Section):
    """How workers learn of ready steps: by PGMQ, or by RabbitMQ (reference 4). All processes of one database
    have the same."""

    backend: Literal["pgmq", "rabbitmq"] = "pgmq"


class RabbitSettings(Section):
    """The RabbitMQ of `messaging.backend = "rabbitmq"`.

    `prefetch` is how many messages of one namespace a worker holds, `delivery_limit` how often a quorum
    queue delivers one before it goes to the dead-letter queue.
    """

    name: ClassVar[Literal["rabbitmq"]] = "rabbitmq"

    url: str | None = None
    queue_type: Literal["quorum", "classic"] = "quorum"
    prefetch: Annotated[int, Field(ge=1, le=1000)] = 20
    delivery_limit: PositiveInt = 20

    @property
    def address(self) -> str:
        """The URL to connect to; raises SettingsError when none is set, or one of something else."""
        if not self.url:
            raise SettingsError(
                "messaging.backend is rabbitmq, and no RabbitMQ is configured",
                "set RABBITMQ_URL=amqp://user:password@host:5672/",
            )
        parts = urlsplit(self.url)
        if parts.scheme not in ("amqp", "amqps") or not parts.hostname:
            raise SettingsError(
                f"rabbitmq.url is not the URL of a RabbitMQ: {without_password(self.url)}",
                "write it as amqp://user:password@host:5672/, or amqps:// with TLS",
            )
        return self.url


class PgmqSettings(Section):
    """The PGMQ of `messaging.backend = "pgmq"`: in the tasks' database, unless `url` names another one.

    In another one, `deployment_mode` says how workers learn of messages (reference 4): by LISTEN and NOTIFY
    and a look now and then (Hybrid), by one of them alone (EventDrivenOnly, PollingOnly).
    """

    name: ClassVar[Literal["pgmq"]] = "pgmq"

    url: str | None = None
    deployment_mode: Literal["Hybrid", "EventDrivenOnly", "PollingOnly"] = "Hybrid"

    @property
    def dsn(self) -> str:
        """The URL to connect to; raises SettingsError for one of something else."""
        if urlsplit(self.url or "").scheme not in ("postgresql", "postgres"):
            raise SettingsError(
                f"pgmq.url is not the URL of a PostgreSQL: {without_password(self.url)}",
                "write it as postgresql://user@host/database, or unset it to have the queues with the tasks",
            )
        return self.url or ""

    @property
    def notifies(self) -> bool:
        """Whether workers are told of messages."""
        return self.deployment_mode != "PollingOnly"

    @property
    def poll_seconds(self) -> float | None:
        """After how long a worker looks without being told; None for never."""
        return {"Hybrid": 1.0, "PollingOnly": 0.25}.get(self.deployment_mode)


class StalenessSettings(Section):
    """The search for tasks that are past the limits of their template's `lifecycle`: how often, and how many
    tasks at once. With `dry_run` they are logged and left as they are."""

    interval_seconds: PositiveFloat = 60.0
    batch_size: Annotated[int, Field(ge=1, le=10_000)] = 100
    dry_run: bool = False


class WebhookSettings(Section):
    """Calls to webhooks: how long one may take, how many attempts it gets, how long the log of them is kept.
    Unless `allow_private_networks`, only addresses of the public internet are called."""

    timeout_seconds: Annotated[float, Field(gt=0, le=60)] = 10.0
    max_attempts: Annotated[int, Field(ge=1, le=50)] = 8
    keep_days: Annotated[int, Field(ge=1, le=3650)] = 30
    allow_private_networks: bool = False


class RetentionSettings(Section):
    """How long finished tasks are kept, with all that belongs to them; for ever where `keep_days` is not set.

    `keep_failed_days` is for those that ended in error, else they are kept as long as the others. Tasks with
    an open dead letter are kept. With `export_folder` they are appended to files in it before they go.
    """

    keep_days: Annotated[int, Field(ge=1, le=36_500)] | None = None
    keep_failed_days: Annotated[int, Field(ge=1, le=36_500)] | None = None
    export_folder: Path | None = None


class LoggingSettings(Section):
    """`auto` writes JSON in production and lines for people elsewhere."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["auto", "console", "json"] = "auto"


class Settings(BaseSettings):
    """Everything that is configured. `missing_handler_grace_seconds` is how long a step waits for a worker
    that has its handler before it fails."""

    environment: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]*$")] = "development"
    missing_handler_grace_seconds: Annotated[float, Field(ge=0)] = 60.0
    database: DatabaseSettings = DatabaseSettings()
    server: ServerSettings = ServerSettings()
    backpressure: BackpressureSettings = BackpressureSettings()
    worker: WorkerSettings = WorkerSettings()
    messaging: MessagingSettings = MessagingSettings()
    rabbitmq: RabbitSettings = RabbitSettings()
    pgmq: PgmqSettings = PgmqSettings()
    staleness: StalenessSettings = StalenessSettings()
    webhooks: WebhookSettings = WebhookSettings()
    retention: RetentionSettings = RetentionSettings()
    logging: LoggingSettings = LoggingSettings()

    model_config = SettingsConfigDict(
        env_prefix="TASKER_",
        env_nested_delimiter="_",
        env_nested_max_split=1,
        env_ignore_empty=True,
        env_file=".env",
        dotenv_filtering="only_existing",
        extra="forbid",
        frozen=True,
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The sources in the order that the module's description gives."""
        return (init_settings, *settings_sources(settings_cls))

    @property
    def broker(self) -> RabbitSettings | PgmqSettings | None:
        """What carries the messages outside the tasks' database; None where that one does."""
        if self.messaging.backend == "rabbitmq":
            return self.rabbitmq
        elsewhere = self.pgmq.url not in (None, self.database.url)
        return self.pgmq if elsewhere else None

    @property
    def warnings(self) -> list[str]:
        """What is set and does not what one may expect of it, for the log of a start."""
        found = []
        if self.messaging.backend == "rabbitmq" and self.rabbitmq.queue_type == "classic":
            found.append(
                "rabbitmq.queue_type is classic: such queues know no rabbitmq.delivery_limit, so a message "
                "that ends each worker that takes it comes again for ever; set it to quorum to have a limit"
            )
        if self.broker is None and self.pgmq.deployment_mode != "Hybrid":
            found.append(
                f"pgmq.deployment_mode = {self.pgmq.deployment_mode} does nothing: it is for queues in "
                "a database of their own; set PGMQ_DATABASE_URL to have one, or unset it"
            )
        return found

    def redacted(self) -> dict[str, Any]:
        """All settings as JSON, without what must not be shown; for `/config`."""
        return _redact(self.model_dump(mode="json"))


def load_settings(**values: Any) -> Settings:
    """Read the settings; `values` win over every other source.

    Raises SettingsError, which names each wrong value, where it came from and what would be right.
    """
    try:
        return Settings(**values)
    except ValidationError as error:
        problems = [_problem(details) for details in error.errors()]
        raise SettingsError("; ".join(problems)) from None


def _problem(details: ErrorDetails) -> str:
    path = tuple(str(part) for part in details["loc"])
    where = f"{'.'.join(path)} ({origin_of(path)})"
    if details["type"] == "extra_forbidden":
        return f"unknown setting {where}"
    message = details["msg"]
    return f"{where}: {message[0].lower()}{message[1:]}, not {details['input']!r}"


def _redact(values: dict[str, Any]) -> dict[str, Any]:
    return {
        key: _redact(value) if isinstance(value, dict) else without_password(value) if key == "url" else value
        for key, value in values.items()
    }


def without_password(url: str | None) -> str | None:
    """A URL with its passwords masked, wherever they stand in it."""
    if url is None:
        return None
    parts = urlsplit(url)
    netloc = parts.netloc
    if parts.password is not None:
        account, _, place = netloc.rpartition("@")
        netloc = f"{account.partition(':')[0]}:{MASK}@{place}"
    query = SECRET_PARAMETER.sub(rf"\g<1>{MASK}", parts.query)
    return parts._replace(netloc=netloc, query=query).geturl()
