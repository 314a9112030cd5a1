"""Looks at everything that a start needs, and more: ``python -m stack doctor``, `make doctor`.

Starts nothing. What is printed holds no secret, so that it can be pasted.
"""

import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

from huggingface_hub import HfApi
from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError

from models import hub
from models.network import Network, NotGiven
from models.registry import DIARIZERS, Family
from models.sources import CannotFetch
from stack.machine import check_device, check_room, free_memory
from stack.preflight import check_bridge, check_ports, check_redis, check_secrets, held_folders
from stack.settings import ROOT, StackSettings
from transcription.engine import parts
from transcription.engine.settings import Settings
from transcription.environment import SettingsError

GATED = DIARIZERS[Family.PRODUCTION].source
SHOWN = (
    "cog",
    "aiohttp",
    "redis",
    "pydocket",
    "torch",
    "ctranslate2",
    "whisperx",
    "pyannote.audio",
)
LIBRARIES = """
import os, sys
from transcription.engine.device import choose
from transcription.engine.libraries import MissingLibraries, check_libraries
from transcription.engine.settings import Settings
from transcription.environment import SettingsError
settings = Settings.from_environment(os.environ)
try:
    check_libraries(settings)
    found = choose(settings)
except (MissingLibraries, SettingsError) as error:
    sys.exit(str(error))
print(f"{found.torch}, {found.compute_type}, {found.threads} threads")
"""
LIBRARIES_SECONDS = 120.0

Check = Callable[[StackSettings, Settings], str]


def system(_stack: StackSettings, _settings: Settings) -> str:
    """What runs where."""
    memory = free_memory()
    free = "" if memory is None else f", {memory / 1e9:.1f} GB of memory free"
    return f"{platform.platform()}, Python {platform.python_version()}{free}"


def packages(_stack: StackSettings, _settings: Settings) -> str:
    """The versions of what matters most."""
    return ", ".join(f"{name} {version(name)}" for name in SHOWN)


def secrets(stack: StackSettings, _settings: Settings) -> str:
    """Whether they are usable."""
    check_secrets(stack)
    made_up = ", ".join(stack.generated)
    return f"usable; made up: {made_up}" if made_up else "usable"


def gateway(stack: StackSettings, _settings: Settings) -> str:
    """Whether the bridge could start with what it is given."""
    check_bridge(stack)
    return "its variables and keys can be used"


def folders(stack: StackSettings, _settings: Settings) -> str:
    """Whether they can be written to and no other process uses them."""
    with held_folders(stack):
        return f"STATE_DIR {_home(stack.state_dir)}, FILES_DIR {_home(stack.files_dir)}"


def ports(stack: StackSettings, _settings: Settings) -> str:
    """Whether they are free."""
    check_ports(stack)
    return f"BRIDGE_PORT {stack.bridge_port}, COG_PORT {stack.cog_port}"


def redis(stack: StackSettings, _settings: Settings) -> str:
    """Whether it is there, and which."""
    own = stack.own_redis_port is not None
    return f"{'redis-server' if own else 'that of REDIS_URL'}, version {check_redis(stack)}"


def models(_stack: StackSettings, settings: Settings) -> str:
    """Whether they are known and fit, and what lies here."""
    check_room(settings, on_gpu=check_device(settings.device) != "cpu")
    here = [line.partition(": ") for line in parts.places(settings)]
    missing = [name for name, _, place in here if place == "None"]
    note = f"; to be fetched: {', '.join(missing)}" if missing else ""
    return f"{', '.join(settings.models)}{note}"


def stand_ins(_stack: StackSettings, settings: Settings) -> str:
    """What is used in another one's place."""
    return " ".join(parts.stand_ins(settings)) or "none"


def device(_stack: StackSettings, settings: Settings) -> str:
    """What the models would run on, and whether its libraries open."""
    check_device(settings.device)
    command = [sys.executable, "-W", "ignore", "-c", LIBRARIES]
    try:
        done = subprocess.run(  # noqa: S603 - our own program
            command,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            timeout=LIBRARIES_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise SettingsError(f"no answer after {LIBRARIES_SECONDS:g} s") from None
    if done.returncode != 0:
        raise SettingsError((done.stderr.strip().splitlines() or ["no answer"])[-1])
    return done.stdout.strip()


def the_hub(_stack: StackSettings, settings: Settings) -> str:
    """Whether models can be fetched."""
    if "hub" not in settings.sources:
        return "not asked: MODEL_SOURCES leaves it out"
    hub.reach(Network(), afresh=True)
    return "answers"


def token(_stack: StackSettings, settings: Settings) -> str:
    """Whether the account of the token may fetch the gated diarizer."""
    if not settings.huggingface_token:
        return f"HUGGINGFACE_TOKEN is not set; {GATED} is gated and needs one"
    try:
        hub.reach(Network(), afresh=True)
        HfApi(token=settings.huggingface_token).auth_check(GATED)
    except GatedRepoError:
        raise SettingsError(
            f"the account of HUGGINGFACE_TOKEN has not accepted the conditions on "
            f"huggingface.co/{GATED}"
        ) from None
    except (RepositoryNotFoundError, HfHubHTTPError) as error:
        raise SettingsError(
            f"the hub answered {error.response.status_code} to HUGGINGFACE_TOKEN"
        ) from None
    return f"may fetch {GATED}"


CHECKS: dict[str, Check] = {
    "system": system,
    "packages": packages,
    "secrets": secrets,
    "bridge": gateway,
    "folders": folders,
    "ports": ports,
    "Redis": redis,
    "models": models,
    "stand-ins": stand_ins,
    "device": device,
    "hub": the_hub,
    "token": token,
}


def examined(environ: dict[str, str]) -> Iterator[tuple[str, str, str]]:
    """Of each check a mark, its name, and what it found. Raises SettingsError."""
    stack = StackSettings.from_env(environ)
    settings = Settings.from_environment({**environ, "MODELS": stack.models})
    for name, check in CHECKS.items():
        try:
            yield "ok", name, check(stack, settings)
        except NotGiven as reason:  # the models may come from elsewhere, or be here
            yield "--", name, str(reason)
        except (CannotFetch, OSError, SettingsError) as error:
            yield "BAD", name, str(error)


def main() -> int:
    """The exit status: 0 when a start would succeed, else 2."""
    bad = False
    try:
        for mark, name, found in examined(dict(os.environ)):
            bad |= mark == "BAD"
            print(f"{mark:<4}{name:<10} {found}", flush=True)
    except SettingsError as error:
        print(f"BAD {'variables':<10} {error}")
        return 2
    return 2 if bad else 0


def _home(path: Path) -> str:
    """Without the user's name."""
    home = Path.home()
    return f"~/{path.relative_to(home)}" if path.is_relative_to(home) else str(path)
