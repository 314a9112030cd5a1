"""Every variable reaches Cog as it was set, empty or not."""

import re
import socket
import subprocess
from pathlib import Path

import pytest
import yaml

from bridge.settings import Settings as BridgeSettings
from scripts.reference import bridge_variables
from stack.preflight import prepared
from stack.services import bridge, cog, redis
from stack.settings import ROOT, SLOTS, StackSettings, free_port
from tests.conftest import wait_until
from transcription.engine.settings import Settings

MEANT = ("ALIGN_LANGUAGES", "MODEL_SOURCES")  # empty, they say: none
SECRETS = {"BRIDGE_TOKEN": "a-token-for-tests", "WEBHOOK_SECRET": "a-secret-for-tests"}


def predictor_variables() -> set[str]:
    code = (ROOT / "transcription/engine/settings.py").read_text()
    return set(re.findall(r'environment(?:\.get\(|, )"([A-Z_]+)"', code))


def test_empty_variables_reach_the_processes() -> None:
    empty = dict.fromkeys(predictor_variables() | {"LOG_LEVEL", "COG_LOG_LEVEL"}, "")
    settings = StackSettings.from_env({**empty, **SECRETS, "DEVICE": "cpu"}, alone=True)
    given = cog(settings).environ
    for name in MEANT:
        assert given[name] == ""
    assert given["MODELS"] == settings.models == "base"
    assert (given["COG_LOG_LEVEL"], bridge(settings).environ["LOG_LEVEL"]) == ("warn", "WARNING")
    read = Settings.from_environment(given)
    assert (read.align_languages, read.sources) == ({}, ())


@pytest.mark.parametrize("name", sorted(predictor_variables() - {"BRIDGE_INTERNAL_URL"}))
def test_compose_hands_every_variable_of_the_predictor_on(name: str) -> None:
    service = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["whisperx"]
    value = service["environment"].get(name, "missing")
    # Without a value, Compose hands on what was set, also to nothing, and nothing otherwise.
    assert value is None or value in (f"${{{name}:-}}", f"${{{name}:-base}}")
    if name in MEANT:
        assert value is None


INSIDE = {"COG_URL", "FILES_DIR", "INTERNAL_PORT", "METRICS_PORT", "REDIS_URL"}


@pytest.mark.parametrize("name", sorted({name for name, _, _ in bridge_variables()} - INSIDE))
def test_compose_hands_every_variable_of_the_bridge_on(name: str) -> None:
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    if name in ("BRIDGE_HOST", "BRIDGE_PORT"):  # where the container's own port is reached
        assert services["pod"]["ports"] == ["${BRIDGE_HOST:-127.0.0.1}:${BRIDGE_PORT:-8080}:8080"]
        return
    value = services["bridge"]["environment"].get(name, "missing")
    assert value is None or value.startswith(f"${{{name}:")


def test_a_stack_that_runs_alone_takes_nothing_of_another() -> None:
    shared = {
        "BRIDGE_PORT": "8080",
        "COG_PORT": "5000",
        "INTERNAL_PORT": "8081",
        "METRICS_PORT": "9090",
        "REDIS_URL": "redis://redis.example:6379/0",
        "REDIS_PASSWORD": "the-password-of-the-other",
        "FILES_DIR": "/files-of-the-other",
    }
    given = {**SECRETS, **shared, "DEVICE": "cpu", "STATE_DIR": "/state"}
    alone = StackSettings.from_env(given, alone=True)
    assert alone.own_redis_port is not None
    assert str(alone.files_dir) == "/state/files"
    assert set(shared.values()).isdisjoint(
        {*alone.environ.values(), *bridge(alone).environ.values()}
    )


def test_the_password_of_another_redis_is_not_that_of_ones_own(tmp_path: Path) -> None:
    given = {**SECRETS, "DEVICE": "cpu", "STATE_DIR": str(tmp_path)}
    password = {"REDIS_PASSWORD": "the-password-of-the-other"}
    own = StackSettings.from_env({**given, **password})
    read = BridgeSettings.from_env(bridge(own).environ)
    assert read.redis_address == own.redis_url
    others = {**given, **password, "REDIS_URL": "redis://redis.example:6379/0"}
    theirs = BridgeSettings.from_env(bridge(StackSettings.from_env(others)).environ)
    assert "the-password-of-the-other" in theirs.redis_address


def test_a_carriage_return_is_no_part_of_a_value() -> None:
    given = {"DEVICE": "cpu\r", "MODELS": "demo\r", "STATE_DIR": "/state\r", "COG_PORT": "5001\r"}
    read = StackSettings.from_env(given | SECRETS)
    assert (read.models, str(read.state_dir), read.cog_port) == ("demo", "/state", 5001)
    assert "\r" not in "".join(cog(read).environ.values())


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:8085"),
        ("0.0.0.0", "http://127.0.0.1:8085"),
        ("::", "http://[::1]:8085"),
        ("::1", "http://[::1]:8085"),
        ("192.0.2.7", "http://192.0.2.7:8085"),
    ],
)
def test_the_bridge_is_asked_where_it_listens(host: str, url: str) -> None:
    given = {"DEVICE": "cpu", "BRIDGE_HOST": host, "BRIDGE_PORT": "8085"}
    assert StackSettings.from_env(given | SECRETS).url == url


def test_the_seed_systems_name_for_the_token_makes_up_no_other() -> None:
    given = {
        "DEVICE": "cpu",
        "WEBHOOK_SECRET": "a-secret",
        "BRIDGE_AUTH_TOKEN": "a-token-of-before",
    }
    read = StackSettings.from_env(given)
    assert (read.bridge_token, read.generated) == ("a-token-of-before", {})
    assert BridgeSettings.from_env(bridge(read).environ).bearer_tokens == ("a-token-of-before",)


def test_port_0_is_a_free_one() -> None:
    given = {"DEVICE": "cpu", "BRIDGE_PORT": "0", "COG_PORT": "0"}
    read = StackSettings.from_env(given | SECRETS)
    assert min(read.bridge_port, read.cog_port) > 0


def test_a_folder_may_have_any_name(tmp_path: Path) -> None:
    given = {"DEVICE": "cpu", "STATE_DIR": str(tmp_path / 'Zoë\'s "own\\folder"\n')}
    settings = StackSettings.from_env(given | SECRETS)
    own = redis(settings)
    with subprocess.Popen(own.command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        assert process.stdin is not None
        process.stdin.write(own.stdin.encode())
        process.stdin.close()
        written = settings.state_dir / "redis" / "appendonlydir"
        wait_until(written.is_dir, "Redis has its folder")
        process.terminate()


def test_a_secret_that_was_made_up_is_kept_for_the_next_run(tmp_path: Path) -> None:
    given = {"DEVICE": "cpu", "STATE_DIR": str(tmp_path)}
    first = StackSettings.from_env(given)
    with prepared(first):
        pass
    kept = tmp_path / "webhook-secret"
    assert kept.stat().st_mode & 0o777 == 0o600
    second = StackSettings.from_env(given)
    assert second.webhook_secret == first.webhook_secret != ""
    assert second.bridge_token != first.bridge_token
    assert StackSettings.from_env({**given, **SECRETS}).webhook_secret == SECRETS["WEBHOOK_SECRET"]


@pytest.mark.parametrize(
    ("given", "bridge_slots", "cog_slots"),
    [
        ({}, SLOTS, SLOTS),
        ({"COG_SLOTS": ""}, SLOTS, SLOTS),
        ({"COG_SLOTS": "3"}, 3, 3),
        ({"DEVICE": "cuda"}, 1, 1),
        ({"COG_PREDICT_TYPE_STUB": "predict.py:Predictor"}, SLOTS, SLOTS),
        # Whose `run` may not be asynchronous; Cog refuses more than one of that kind.
        ({"COG_PREDICT_TYPE_STUB": "evaluation/predictors/timed.py:Predictor"}, 1, 1),
        ({"COG_PREDICT_TYPE_STUB": "company.py:Predictor", "COG_SLOTS": "2"}, 2, 2),
        ({"COG_MAX_CONCURRENCY": "4"}, 1, 4),
    ],
)
def test_bridge_and_cog_are_told_of_the_same_slots(
    given: dict[str, str], bridge_slots: int, cog_slots: int
) -> None:
    settings = StackSettings.from_env({**SECRETS, "DEVICE": "cpu", **given}, alone=True)
    assert BridgeSettings.from_env(bridge(settings).environ).cog_slots == bridge_slots
    assert Settings.from_environment(cog(settings).environ).slots == cog_slots


def test_no_port_is_given_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    named = iter([4001, 4001, 4001, 4002])

    class Probe(socket.socket):
        def getsockname(self) -> tuple[str, int]:
            return "127.0.0.1", next(named)

    monkeypatch.setattr(socket, "socket", Probe)
    assert [free_port(), free_port()] == [4001, 4002]


def test_the_pages_address_has_a_token_that_was_made_up_where_one_is_needed(tmp_path: Path) -> None:
    def page(**environ: str) -> str:
        settings = StackSettings.from_env({"STATE_DIR": str(tmp_path), **environ}, alone=True)
        return settings.page_url.removeprefix(settings.url)

    assert re.fullmatch(r"/#token=[0-9a-f]{32}", page())
    assert page(ALLOW_ANONYMOUS="0").startswith("/#token=")
    assert page(ALLOW_ANONYMOUS="1") == page(BRIDGE_TOKEN=SECRETS["BRIDGE_TOKEN"]) == "/"
