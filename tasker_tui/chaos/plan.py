"""What a seed stands for: the system, its load, and which faults come when. The same seed, the same plan."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from tasker_tui.dev.options import Broker


class Kind(StrEnum):
    """Everything that can be done to a system; each value is the name it has in results."""

    WORKER_KILLED = "worker killed"
    WORKER_STOPPED = "worker stopped past its lease"
    DISK_FULL = "disk of a worker full"
    CLOCK_WRONG = "clock of a worker wrong"
    ENGINE_KILLED = "engine killed"
    ENGINE_STOPPED = "engine stopped"
    POSTGRES_RESTARTED = "PostgreSQL restarted"
    POSTGRES_KILLED = "PostgreSQL killed"
    BACKEND_KILLED = "process of PostgreSQL killed"
    CONNECTIONS_CUT = "connections cut"
    CONNECTIONS_TAKEN = "connections taken"
    TABLES_LOCKED = "pools exhausted"
    SNAPSHOT_HELD = "snapshot held"
    RABBITMQ_RESTARTED = "RabbitMQ restarted"
    RABBITMQ_KILLED = "RabbitMQ killed"
    RABBITMQ_WIPED = "RabbitMQ wiped"
    RABBITMQ_STOPPED = "RabbitMQ stopped"
    HANDLER_BLOCKS = "handler blocks"
    HANDLER_LEAKS = "handler leaks"
    HANDLER_RAISES = "handler raises BaseException"
    HANDLER_NOT_JSON = "handler returns no JSON"
    HANDLER_HUGE = "handler returns 100 MB"


OF_WORKERS = (Kind.WORKER_KILLED, Kind.WORKER_STOPPED, Kind.DISK_FULL, Kind.CLOCK_WRONG)
OF_ENGINES = (Kind.ENGINE_KILLED, Kind.ENGINE_STOPPED)
OF_POSTGRES = (
    Kind.POSTGRES_RESTARTED,
    Kind.POSTGRES_KILLED,
    Kind.BACKEND_KILLED,
    Kind.CONNECTIONS_CUT,
    Kind.CONNECTIONS_TAKEN,
    Kind.TABLES_LOCKED,
    Kind.SNAPSHOT_HELD,
)
OF_RABBITMQ = (
    Kind.RABBITMQ_RESTARTED,
    Kind.RABBITMQ_KILLED,
    Kind.RABBITMQ_WIPED,
    Kind.RABBITMQ_STOPPED,
)
MISBEHAVIOUR = {
    Kind.HANDLER_BLOCKS: "block",
    Kind.HANDLER_LEAKS: "leak",
    Kind.HANDLER_RAISES: "raise",
    Kind.HANDLER_NOT_JSON: "not_json",
    Kind.HANDLER_HUGE: "huge",
}
"""How a handler of workers/chaos is told to misbehave."""

SHAPES = ("linear", "diamond", "decision", "batch", "retries")
LEASE_SECONDS = 2.0
LOAD_SECONDS = 9.0
FEWEST_TASKS, MOST_TASKS = 50, 90
ENGINES = WORKERS = 2
SHORT = (0.2, 2.0)
LASTING = {
    Kind.WORKER_STOPPED: (LEASE_SECONDS + 0.5, LEASE_SECONDS + 2.0),
    Kind.SNAPSHOT_HELD: (3.0, 8.0),
    Kind.RABBITMQ_STOPPED: (2.0, 12.0),
    Kind.CLOCK_WRONG: (120.0, 900.0),
}
"""How many seconds a fault lasts, or a clock is wrong by, where that is not SHORT."""
LONG_UNDER_LONG_LOAD = (Kind.SNAPSHOT_HELD, Kind.DISK_FULL)
"""They last a third of a load that is longer than usual, and more."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Something done at `at` seconds after the load began; `target` chooses among the workers or engines.

    `seconds` is how long it lasts, how long what was killed stays away, or how wrong a clock is (below 0: it
    is late).
    """

    kind: Kind
    at: float
    seconds: float
    target: int


@dataclass(frozen=True, slots=True)
class PlannedTask:
    """A task that is created `at` seconds after the load began; `how` it misbehaves, empty for those that
    don't."""

    number: int
    template: str
    at: float
    how: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """A run of a `seed`: whose load lasts `seconds`, with faults of `only` some kinds (empty: any)."""

    seed: int
    broker: Broker
    seconds: float
    only: tuple[Kind, ...]
    tasks: tuple[PlannedTask, ...]
    faults: tuple[Fault, ...]

    @property
    def kinds(self) -> Counter[Kind]:
        """How often each kind of fault comes, those of handlers among them."""
        kind_of = {how: kind for kind, how in MISBEHAVIOUR.items()}
        handlers = Counter(kind_of[task.how] for task in self.tasks if task.how)
        return Counter(fault.kind for fault in self.faults) + handlers


def kind_named(option: str) -> Kind | None:
    """The kind that a command line calls so, such as `worker-killed`; None if there is none."""
    return Kind.__members__.get(option.upper().replace("-", "_"))


def option_of(kind: Kind) -> str:
    """What a command line calls a kind."""
    return kind.name.lower().replace("_", "-")


def plan_of(seed: int, broker: Broker, seconds: float = LOAD_SECONDS, only: Sequence[Kind] = ()) -> Plan:
    """The plan of a seed, whose load lasts `seconds`.

    Every part of the system gets a fault at least. With `only` there are no others than these, again and
    again, or once and for longer.
    """
    random = Random(f"{seed} {broker}")
    times = max(1, round(seconds / LOAD_SECONDS))
    kinds = [kind for kind in only for _ in range(1 if kind in LONG_UNDER_LONG_LOAD else times)]
    kinds = kinds or _kinds(random, broker)
    faults = [_fault(random, kind, seconds) for kind in kinds if kind not in MISBEHAVIOUR]
    hows = [MISBEHAVIOUR[kind] for kind in kinds if kind in MISBEHAVIOUR]
    tasks = _tasks(random, hows, seconds)
    in_time = tuple(sorted(faults, key=lambda fault: fault.at))
    return Plan(seed, broker, seconds, tuple(only), tuple(tasks), in_time)


def _kinds(random: Random, broker: Broker) -> list[Kind]:
    everywhere = [*OF_WORKERS, *OF_ENGINES, *OF_POSTGRES]
    chosen = [random.choice(OF_WORKERS), random.choice(OF_ENGINES), random.choice(OF_POSTGRES)]
    if broker == "rabbitmq":
        chosen.append(random.choice(OF_RABBITMQ))
    chosen += random.choices(everywhere, k=random.randrange(3))
    return [*chosen, *random.sample(list(MISBEHAVIOUR), 2)]


def _fault(random: Random, kind: Kind, seconds: float) -> Fault:
    if kind in LONG_UNDER_LONG_LOAD and seconds > LOAD_SECONDS:
        at, lasts = random.uniform(0.5, seconds / 3), random.uniform(seconds / 3, seconds * 2 / 3)
    else:
        at = 0.0 if kind is Kind.CLOCK_WRONG else random.uniform(0.5, seconds)
        lasts = random.uniform(*LASTING.get(kind, SHORT))
    if kind is Kind.CLOCK_WRONG and random.randrange(2):
        lasts = -lasts
    return Fault(kind, round(at, 3), round(lasts, 3), random.randrange(2))


def _tasks(random: Random, hows: list[str], seconds: float) -> list[PlannedTask]:
    count = round(random.randint(FEWEST_TASKS, MOST_TASKS) * seconds / LOAD_SECONDS)
    templates = [random.choice(SHAPES) for _ in range(count)]
    planned = [(template, "") for template in templates] + [("misbehaviour", how) for how in hows]
    random.shuffle(planned)
    moments = sorted(round(random.uniform(0, seconds), 3) for _ in planned)
    return [
        PlannedTask(number, template, at, how)
        for number, ((template, how), at) in enumerate(zip(planned, moments, strict=True))
    ]
