"""Runs the stack in the foreground until Ctrl-C: ``python -m stack``, ``make up``."""

import asyncio
import os
import signal
import sys

from models.sources import CannotFetch
from stack.machine import check_device
from stack.models import fetch_ahead
from stack.preflight import prepared
from stack.services import services
from stack.settings import StackSettings
from stack.supervisor import StartFailed, Supervisor
from transcription.environment import SettingsError


async def run(settings: StackSettings, kept: tuple[int, ...]) -> int:
    """Serve until a signal; the exit status."""
    supervisor = Supervisor(services(settings), settings.state_dir / "log", _say, kept)
    stop = asyncio.Event()

    def asked_to_stop() -> None:
        if stop.is_set():
            supervisor.kill()  # the second Ctrl-C: no more patience
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, asked_to_stop)
    for name, value in settings.generated.items():
        _say(f"{name} was not set; this run uses {value}")
    _say(
        f"starting redis, cog ({settings.models}) and the bridge; logs are in {supervisor.log_dir}"
    )
    async with supervisor.running():
        serving = asyncio.create_task(_serve(supervisor, settings))
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait([serving, stopped], return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if serving.done():
            return serving.result()
        serving.cancel()
        _say(
            f"stopping; a running prediction has {settings.drain_seconds} s to finish, then the"
            " next start goes on with it (Ctrl-C again ends it at once)"
        )
    return 0


async def _serve(supervisor: Supervisor, settings: StackSettings) -> int:
    """Returns only when it cannot go on: the exit status."""
    try:
        await supervisor.ready()
        _say(f"the page: {settings.page_url}")
        _say(f"the token: {_token(settings)}")
        _say(f"the models: {settings.models}, on {_device(settings)}")
        _say(f"ready: {settings.url}/v1 (health: {settings.url}/health); Ctrl-C stops it")
        await supervisor.refused()
    except StartFailed as failure:
        _say(str(failure))
        return failure.status
    return 0


def _token(settings: StackSettings) -> str:
    if "BRIDGE_TOKEN" in settings.generated:
        return "made up for this run, see above; BRIDGE_TOKEN sets one"
    return "that of BRIDGE_TOKEN"


def _device(settings: StackSettings) -> str:
    name = check_device(settings.environ.get("DEVICE", ""))
    return {"cuda": "the GPU", "mps": "the GPU (Metal)"}.get(name, "the processor")


def _say(text: str) -> None:
    print(f"stack: {text}", flush=True)


def main() -> int:
    """The process: exit status 2 when its environment is not usable."""
    try:
        settings = StackSettings.from_env(os.environ)
        with prepared(settings) as kept:
            if settings.chosen:
                _say(settings.chosen)
            fetch_ahead(settings, _say)
            return asyncio.run(run(settings, kept))
    except (CannotFetch, SettingsError) as error:
        print(f"stack: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        _say("stopped before anything was started")
        return 130
