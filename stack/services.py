"""The three processes: what is started, with which environment, and how to see that it is well."""

import json
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from predictor.entry import slots_for_cog, tracing_of
from predictor.health import read_health
from stack.settings import ROOT, StackSettings, python_path

_BRIDGE_SECRETS = (
    "BRIDGE_TOKEN",
    "BRIDGE_AUTH_TOKEN",
    "WEBHOOK_SECRET",
    "WEBHOOK_SIGNING_KEY",
    "REDIS_URL",
)
REFUSED = "refused: "
_REFUSALS = {"SettingsError", "MissingLibraries"}  # errors of a setup that another try repeats
_LAST_SECONDS = 40.0  # after its drain a bridge hands on what is left, and tries its webhooks


@dataclass(frozen=True, slots=True)
class Service:
    """A process to keep alive.

    ``check`` returns None while all is well, else a reason; a reason that starts with "broken"
    means that only a restart helps, one that starts with "refused: " that not even this does.
    The process itself must listen on ``port``: what another one answers there is not its answer.
    ``stdin`` is handed over at the start.
    """

    name: str
    command: tuple[str, ...]
    environ: Mapping[str, str]
    check: Callable[[], str | None]
    port: int | None = None
    stdin: str = ""
    stop_seconds: float = 10.0


def services(settings: StackSettings) -> list[Service]:
    """In the order in which they are started; they are stopped the other way round."""
    found = [cog(settings), bridge(settings)]
    return found if settings.own_redis_port is None else [redis(settings), *found]


def redis(settings: StackSettings) -> Service:
    """A Redis of our own on loopback: with a password, and an append-only file."""
    folder = settings.state_dir / "redis"
    folder.mkdir(parents=True, exist_ok=True)
    port = settings.own_redis_port or 0
    config = [
        f"port {port}",
        "bind 127.0.0.1",
        f"dir {json.dumps(str(folder), ensure_ascii=False)}",  # Redis escapes as JSON does
        "appendonly yes",
        'save ""',
        "maxmemory-policy noeviction",
        "slowlog-max-len 0",  # it would keep pieces of what was written
        # The configuration goes through a pipe: a password on the command line is for all to see.
        f"requirepass {settings.redis_password}",
    ]
    return Service(
        name="redis",
        command=("redis-server", "-"),
        environ=settings.environ,
        check=lambda: _listens(port),
        port=port,
        stdin="\n".join(config),
    )


def cog(settings: StackSettings) -> Service:
    """Cog's server with our predictor."""
    environ = {
        **settings.environ,
        "PATH": python_path(),
        "PORT": str(settings.cog_port),
        "COG_PREDICT_TYPE_STUB": settings.predictor,
        "COG_LOG_LEVEL": settings.environ.get("COG_LOG_LEVEL") or "warn",
        # By default Cog writes JSON, the bridge text.
        "LOG_FORMAT": "json" if settings.environ.get("LOG_FORMAT") == "json" else "console",
        "MODELS": settings.models,
        "BRIDGE_INTERNAL_URL": f"http://127.0.0.1:{settings.internal_port}",
        "PYANNOTE_METRICS_ENABLED": "0",
        # Threads that wait must not spin: beside a busy process that costs 40 times the work.
        "OMP_WAIT_POLICY": "PASSIVE",
        **slots_for_cog(settings.environ),
    }
    # Secrets of the bridge are none of the predictor's business.
    for name in _BRIDGE_SECRETS:
        environ.pop(name, None)
    environ |= tracing_of(environ)
    return Service(
        name="cog",
        command=(sys.executable, "-m", "cog.server.http", "--host", "127.0.0.1"),
        environ=environ,
        check=lambda: _cog_problem(settings.cog_url),
        port=settings.cog_port,
    )


def bridge(settings: StackSettings) -> Service:
    """The gateway."""
    environ = {
        **settings.environ,
        "REDIS_URL": settings.redis_url,
        "COG_URL": settings.cog_url,
        "BRIDGE_PORT": str(settings.bridge_port),
        "INTERNAL_PORT": str(settings.internal_port),
        "FILES_DIR": str(settings.files_dir),
        "DRAIN_SECONDS": str(settings.drain_seconds),
        "MODELS": settings.models,
        "LOG_LEVEL": settings.environ.get("LOG_LEVEL") or "WARNING",
    }
    if settings.own_redis_port is not None:
        environ.pop("REDIS_PASSWORD", None)  # another one's; REDIS_URL holds the password
    return Service(
        name="bridge",
        command=(settings.environ.get("BRIDGE_PYTHON") or sys.executable, "-m", "bridge"),
        environ=environ,
        check=lambda: _bridge_problem(settings.url),
        port=settings.bridge_port,
        stop_seconds=settings.drain_seconds + _LAST_SECONDS,
    )


def working_directory() -> Path:
    """Where the processes run: Cog finds predict.py and its schema relative to it."""
    return ROOT


def _listens(port: int) -> str | None:
    with socket.socket() as probe:
        probe.settimeout(1)
        return None if probe.connect_ex(("127.0.0.1", port)) == 0 else "does not listen yet"


def _cog_problem(url: str) -> str | None:
    body = _get_json(f"{url}/health-check")
    health = read_health(body)
    if health.ready:
        return None
    if health.broken:
        log = str((body.get("setup") or {}).get("logs") or health.reason)
        # Cog puts its own words, and those of its worker, before the error's.
        error = log.strip().rpartition("setup failed: ")[2]
        kind, _, reason = error.partition(": ")
        refused = kind in _REFUSALS and health.status == "SETUP_FAILED"
        return f"{REFUSED}{reason}" if refused else f"broken: {health.status} {error}"
    return str(health.status)


def _bridge_problem(url: str) -> str | None:
    body = _get_json(f"{url}/health-check")
    reason = body.get("reason", "does not answer yet")
    return None if reason is None else str(reason)


def _get_json(url: str) -> dict[str, Any]:
    try:
        with urllib.request.urlopen(url, timeout=6) as response:  # noqa: S310 - our own address
            body = json.load(response)
    except urllib.error.HTTPError as error:
        body = _parse(error.read())
    except (OSError, ValueError):
        body = {}
    return body if isinstance(body, dict) else {}


def _parse(text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return {}
