"""Settings: which source wins, what files may hold, how mistakes are named, and what is never shown."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.settings import load_settings, without_password
from engine.settings_sources import SettingsError


@pytest.fixture(autouse=True)
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory and no variable of ours."""
    for name in list(os.environ):
        if name.startswith("TASKER_") or name in ("DATABASE_URL", "RABBITMQ_URL", "PGMQ_DATABASE_URL"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_defaults_need_no_file() -> None:
    settings = load_settings()
    assert (settings.environment, settings.server.port, settings.worker.port) == ("development", 8080, 8081)
    assert (settings.worker.lease_seconds, settings.worker.drain_timeout_seconds) == (30, 25)
    assert settings.missing_handler_grace_seconds == 60


def test_each_source_wins_over_those_below_it(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def port() -> int:
        return load_settings().server.port

    (workplace / "tasker.toml").write_text("[server]\nport = 1\nhost = '0.0.0.0'\n")
    assert port() == 1
    (workplace / "tasker.development.toml").write_text("[server]\nport = 2\n")
    assert port() == 2
    (workplace / ".env").write_text("TASKER_SERVER_PORT=3\n")
    assert port() == 3
    monkeypatch.setenv("TASKER_SERVER_PORT", "4")
    assert port() == 4
    assert load_settings(server={"port": 5}).server.port == 5
    assert load_settings(server={"port": 5}).server.host == "0.0.0.0"


@pytest.mark.parametrize("by", ["variable", "dotenv", "file"])
def test_the_environment_chooses_the_overlay(
    workplace: Path, monkeypatch: pytest.MonkeyPatch, by: str
) -> None:
    (workplace / "tasker.toml").write_text("environment = 'production'\n" if by == "file" else "")
    (workplace / ".env").write_text("TASKER_ENV=production\n" if by == "dotenv" else "")
    if by == "variable":
        monkeypatch.setenv("TASKER_ENV", "production")
    (workplace / "tasker.production.toml").write_text("[worker]\nslots = 7\n")
    (workplace / "tasker.development.toml").write_text("[worker]\nslots = 8\n")
    settings = load_settings()
    assert (settings.environment, settings.worker.slots) == ("production", 7)


def test_variables_with_names_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://h/a")
    monkeypatch.setenv("TASKER_LEASE_SECONDS", "2.5")
    monkeypatch.setenv("TASKER_TEMPLATE_PATH", "/one:/two")
    settings = load_settings()
    assert settings.database.dsn == "postgresql://h/a"
    assert settings.worker.lease_seconds == 2.5
    assert settings.worker.templates == ["/one", "/two"]
    monkeypatch.setenv("TASKER_DATABASE_URL", "postgresql://h/b")
    assert load_settings().database.dsn == "postgresql://h/b"


@pytest.mark.parametrize("text", ["a, b", '["a", "b"]'])
def test_a_list_in_a_variable(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("TASKER_WORKER_NAMESPACES", text)
    assert load_settings().worker.namespaces == ["a", "b"]


def test_a_config_path_names_a_file_or_a_folder(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (workplace / "etc").mkdir()
    (workplace / "etc" / "tasker.toml").write_text("[worker]\nslots = 3\n")
    for named in ("etc", "etc/tasker.toml"):
        monkeypatch.setenv("TASKER_CONFIG_PATH", named)
        assert load_settings().worker.slots == 3
    monkeypatch.setenv("TASKER_CONFIG_PATH", "nowhere.toml")
    with pytest.raises(SettingsError, match=r"TASKER_CONFIG_PATH names nowhere\.toml"):
        load_settings()


def test_text_in_a_file_may_name_variables(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (workplace / "tasker.toml").write_text(
        "[database]\nurl = 'postgresql://${DB_HOST:-localhost}/${DB_NAME}'\n"
        "[server]\nport = '${PORT:-9000}'\n"
    )
    with pytest.raises(
        SettingsError, match=r"tasker\.toml: \$\{DB_NAME\} names an environment variable"
    ) as caught:
        load_settings()
    assert "${DB_NAME:-value}" in caught.value.hint
    monkeypatch.setenv("DB_NAME", "orders")
    settings = load_settings()
    assert (settings.database.url, settings.server.port) == ("postgresql://localhost/orders", 9000)


def test_an_unknown_key_in_a_file_names_file_key_and_the_nearest(workplace: Path) -> None:
    (workplace / "tasker.toml").write_text("[server]\nprot = 1\n")
    with pytest.raises(SettingsError, match=r"tasker\.toml: unknown setting server\.prot") as caught:
        load_settings()
    assert caught.value.hint == "did you mean port?"


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        ("server = 1\n", r"tasker\.toml: server is a section"),
        ("[server\n", r"tasker\.toml: .*line 1"),
        ("[server]\nport = 70000\n", r"server\.port \(from tasker\.toml\): .*65535, not 70000"),
        ("[logging]\nformat = 'smoke'\n", r"logging\.format \(from tasker\.toml\): .*'json'"),
    ],
)
def test_a_mistake_in_a_file_says_where(workplace: Path, toml: str, message: str) -> None:
    (workplace / "tasker.toml").write_text(toml)
    with pytest.raises(SettingsError, match=message):
        load_settings()


def test_mistakes_in_variables_name_them_all(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASKER_LEASE_SECONDS", "soon")
    monkeypatch.setenv("TASKER_SERVER_PROT", "1")
    (workplace / ".env").write_text("TASKER_WORKER_SLOTS=0\n")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    for part in (
        "from TASKER_LEASE_SECONDS",
        "unknown setting server.prot",
        "from TASKER_WORKER_SLOTS in .env",
    ):
        assert part in str(caught.value)


def test_a_missing_database_says_what_to_set() -> None:
    with pytest.raises(SettingsError, match="no database") as caught:
        _ = load_settings().database.dsn
    assert "DATABASE_URL" in caught.value.hint


@pytest.mark.scenario(99)
def test_what_is_shown_holds_no_password() -> None:
    settings = load_settings(
        database={"url": "postgresql://me:s3cret@db:5432/tasker?password=s3cret&sslmode=require"}
    )
    shown = settings.redacted()
    assert (
        shown["database"]["url"]
        == "postgresql://me:********@db:5432/tasker?password=********&sslmode=require"
    )
    assert set(shown) >= {"database", "server", "worker", "logging"}


@given(password=st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=12))
def test_no_password_survives_in_a_shown_url(password: str) -> None:
    assert password not in str(
        without_password(f"postgresql://user:{password}@host/db?password={password}&a=b")
    )


def test_the_broker_is_chosen_by_a_variable_and_its_password_is_not_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert load_settings().broker is None
    monkeypatch.setenv("TASKER_MESSAGING_BACKEND", "rabbitmq")
    assert load_settings().broker == load_settings().rabbitmq
    with pytest.raises(SettingsError) as refused:
        assert load_settings().rabbitmq.address
    assert "set RABBITMQ_URL=amqp://" in refused.value.hint
    monkeypatch.setenv("RABBITMQ_URL", "http://ada:secret@mq:15672/")
    with pytest.raises(SettingsError, match=r"not the URL of a RabbitMQ: http://ada:\*+@mq:15672/"):
        assert load_settings().rabbitmq.address
    monkeypatch.setenv("RABBITMQ_URL", "amqp://ada:secret@mq:5672/shop")
    monkeypatch.setenv("TASKER_RABBITMQ_QUEUE_TYPE", "classic")
    settings = load_settings()
    assert settings.rabbitmq.address == "amqp://ada:secret@mq:5672/shop"
    assert settings.redacted()["rabbitmq"]["url"] == "amqp://ada:********@mq:5672/shop"
    assert settings.rabbitmq.queue_type == "classic"


def test_the_queues_live_in_a_database_of_their_own_when_one_is_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tasks, queues = "postgresql://ada@db/tasks", "postgresql://ada:secret@mq/queues"
    monkeypatch.setenv("DATABASE_URL", tasks)
    monkeypatch.setenv("PGMQ_DATABASE_URL", tasks)
    assert load_settings().broker is None
    monkeypatch.setenv("PGMQ_DATABASE_URL", queues)
    assert load_settings().broker == load_settings().pgmq
    assert load_settings().pgmq.dsn == queues
    assert "secret" not in str(load_settings().redacted())
    polls = {}
    for mode in ("Hybrid", "EventDrivenOnly", "PollingOnly"):
        monkeypatch.setenv("TASKER_PGMQ_DEPLOYMENT_MODE", mode)
        polls[mode] = (load_settings().pgmq.notifies, load_settings().pgmq.poll_seconds is not None)
    assert polls == {
        "Hybrid": (True, True),
        "EventDrivenOnly": (True, False),
        "PollingOnly": (False, True),
    }
    monkeypatch.setenv("TASKER_MESSAGING_BACKEND", "rabbitmq")
    assert load_settings().broker == load_settings().rabbitmq
    monkeypatch.setenv("PGMQ_DATABASE_URL", "amqp://ada:secret@mq/")
    with pytest.raises(SettingsError, match=r"not the URL of a PostgreSQL: amqp://ada:\*+@mq/"):
        assert load_settings().pgmq.dsn


def test_a_broker_that_is_not_known_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TASKER_MESSAGING_BACKEND", "kafka")
    with pytest.raises(SettingsError, match=r"messaging.backend .from TASKER_MESSAGING_BACKEND.*'kafka'"):
        load_settings()


def test_what_does_not_do_what_it_says_is_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().warnings == []
    monkeypatch.setenv("TASKER_PGMQ_DEPLOYMENT_MODE", "PollingOnly")
    assert "PollingOnly does nothing" in load_settings().warnings[0]
    monkeypatch.setenv("PGMQ_DATABASE_URL", "postgresql://tasker@queues/queues")
    monkeypatch.setenv("TASKER_RABBITMQ_QUEUE_TYPE", "classic")
    assert load_settings().warnings == []
    monkeypatch.setenv("TASKER_MESSAGING_BACKEND", "rabbitmq")
    assert ["know no rabbitmq.delivery_limit" in one for one in load_settings().warnings] == [True]
