"""What `make up` takes from its environment, with safe defaults for everything."""

import os
import secrets
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from transcription.default_model import default_model, has_gpu
from transcription.environment import PORTS, whole

ROOT = Path(__file__).parent.parent
PREDICTOR = "predict.py:Predictor"
# Recordings at once on a processor: an hour, eight voice messages, and one more (decision 103).
SLOTS = 10
DRAIN_SECONDS = 30  # how long a stopping bridge goes on with the predictions it runs
_NAME_BEFORE = "BRIDGE_AUTH_TOKEN"  # of BRIDGE_TOKEN, in the system before
KEPT_IN = "webhook-secret"  # in STATE_DIR
LOOPBACK = "127.0.0.1"
_EVERYWHERE = {"0.0.0.0": LOOPBACK, "::": "::1"}  # noqa: S104 - what stands for it on this machine
_GIVEN: set[int] = set()  # the system may name a port again as soon as it is closed
# What two stacks must not have in common; a stack that runs alone ignores it.
_SHARED = (
    "BRIDGE_PORT",
    "COG_PORT",
    "INTERNAL_PORT",
    "METRICS_PORT",
    "REDIS_URL",
    "REDIS_PASSWORD",
    "FILES_DIR",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StackSettings:
    """Where the three processes listen, and what they share.

    ``own_redis_port`` is None when ``redis_url`` is somebody else's Redis, which is then used as
    it is. ``generated`` holds the secrets that were made up because none were given. ``chosen``
    says why ``models`` are what they are where nobody named any. ``environ`` is passed on to the
    processes as it is, empty variables included: some of theirs mean something when they are empty.
    """

    bridge_host: str
    bridge_port: int
    cog_port: int
    internal_port: int
    metrics_port: int
    drain_seconds: int
    bridge_token: str = field(repr=False)
    webhook_secret: str = field(repr=False)
    redis_url: str = field(repr=False)
    own_redis_port: int | None
    redis_password: str = field(repr=False)
    models: str
    chosen: str
    predictor: str
    state_dir: Path
    files_dir: Path
    generated: Mapping[str, str] = field(repr=False)
    environ: Mapping[str, str] = field(repr=False)

    @property
    def url(self) -> str:
        """Base of the API, as this machine reaches it."""
        host = _EVERYWHERE.get(self.bridge_host, self.bridge_host)
        return f"http://{f'[{host}]' if ':' in host else host}:{self.bridge_port}"

    @property
    def page_url(self) -> str:
        """Where people open the page; with the token, where it was made up for this run alone.

        Where none is needed it is left away: its holder does not see what the others made.
        """
        token = self.generated.get("BRIDGE_TOKEN")
        needed = self.environ.get("ALLOW_ANONYMOUS") != "1"
        return f"{self.url}/#token={token}" if token and needed else f"{self.url}/"

    @property
    def cog_url(self) -> str:
        """Base of Cog's own API."""
        return f"http://127.0.0.1:{self.cog_port}"

    @classmethod
    def from_env(cls, environ: Mapping[str, str], *, alone: bool = False) -> Self:
        """From the environment; ``alone`` takes free ports and shares nothing with another stack.

        Raises SettingsError that names the variable.
        """
        if alone:
            environ = {name: value for name, value in environ.items() if name not in _SHARED}
        environ = _as_meant(environ)
        state = Path(environ.get("STATE_DIR") or ROOT / ".state").absolute()
        made_up = {
            "BRIDGE_TOKEN": secrets.token_hex(16),
            # Redis outlives this run, and what it holds is sealed with this secret.
            "WEBHOOK_SECRET": kept_secret(state) or secrets.token_hex(16),
        }
        generated = {name: value for name, value in made_up.items() if not environ.get(name)}
        # A variable that is set to nothing counts as not set.
        given = {name: value for name, value in {**environ, **generated}.items() if value}
        password, port = secrets.token_hex(16), None
        redis_url = given.get("REDIS_URL", "")
        if not redis_url:
            port = free_port()
            redis_url = f"redis://:{password}@127.0.0.1:{port}/0"

        def port_of(name: str, default: int) -> int:
            port = 0 if alone else whole(given, name, default, most=PORTS)
            return port or free_port()

        return cls(
            bridge_host=given.get("BRIDGE_HOST", LOOPBACK),
            bridge_port=port_of("BRIDGE_PORT", 8080),
            cog_port=port_of("COG_PORT", 5000),
            internal_port=whole(given, "INTERNAL_PORT", 0, most=PORTS) or free_port(),
            metrics_port=whole(given, "METRICS_PORT", 0, most=PORTS),
            drain_seconds=whole(given, "DRAIN_SECONDS", DRAIN_SECONDS, least=1),
            bridge_token=given["BRIDGE_TOKEN"],
            webhook_secret=given["WEBHOOK_SECRET"],
            redis_url=redis_url,
            own_redis_port=port,
            redis_password=password,
            models=given.get("MODELS") or default_model(given)[0],
            chosen="" if given.get("MODELS") else default_model(given)[1],
            predictor=given.get("COG_PREDICT_TYPE_STUB", PREDICTOR),
            state_dir=state,
            files_dir=Path(given.get("FILES_DIR", state / "files")).absolute(),
            generated=generated,
            environ={**environ, **generated, **_slots(given)},
        )


def _slots(given: Mapping[str, str]) -> dict[str, str]:
    """The default of COG_SLOTS; Cog refuses several where ``run`` is not asynchronous.

    A card is not shared: what one recording may take of its memory is all that is free.
    """
    chosen = given.keys() & {"COG_SLOTS", "COG_MAX_CONCURRENCY"}
    ours = given.get("COG_PREDICT_TYPE_STUB", PREDICTOR) == PREDICTOR
    if chosen or not ours or has_gpu(given.get("DEVICE", "auto")):
        return {}
    return {"COG_SLOTS": str(SLOTS)}


def _as_meant(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment without what a file from Windows leaves behind; the token by its own name."""
    found = {name: value.rstrip("\r") for name, value in environ.items()}
    if not found.get("BRIDGE_TOKEN") and found.get(_NAME_BEFORE):
        found["BRIDGE_TOKEN"] = found[_NAME_BEFORE]
    return found


def kept_secret(state: Path) -> str:
    """The WEBHOOK_SECRET that a run before this one made up, or nothing."""
    try:
        return (state / KEPT_IN).read_text().strip()
    except OSError:
        return ""


def free_port() -> int:
    """A TCP port of the loopback address that is free at the moment, another with every call."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port: int = probe.getsockname()[1]
        if port not in _GIVEN:
            _GIVEN.add(port)
            return port


def python_path() -> str:
    """PATH with our interpreter first: Cog starts its worker as plain `python`."""
    return f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
