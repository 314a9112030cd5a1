"""Runs the stack in the foreground until Ctrl-C: ``make up``."""

import asyncio
import os
import signal
import sys

from models.sources import CannotFetch
from stack.models import fetch_ahead
from stack.services import services
from stack.settings import StackSettings
from stack.supervisor import StartFailed, Supervisor
from transcription.environment import SettingsError


async def run(settings: StackSettings) -> int:
    """Serve until a signal; the exit status."""
    supervisor = Supervisor(services(settings), settings.state_dir / "log", _say)
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
        ready = asyncio.create_task(supervisor.ready())
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait([ready, stopped], return_when=asyncio.FIRST_COMPLETED)
        if not stop.is_set():
            try:
                ready.result()
            except StartFailed as failure:
                _say(str(failure))
                return 1
            _say(f"the page: {settings.page_url}")
            _say(f"ready: {settings.url}/v1 (health: {settings.url}/health); Ctrl-C stops it")
            await stopped
        ready.cancel()
        _say("stopping; a running prediction is finished first (Ctrl-C again ends it)")
    return 0


def _say(text: str) -> None:
    print(f"stack: {text}", flush=True)


def main() -> int:
    """The process: exit status 2 when its environment is not usable."""
    try:
        settings = StackSettings.from_env(os.environ)
    except SettingsError as error:
        print(f"stack: {error}", file=sys.stderr)
        return 2
    if settings.chosen:
        _say(settings.chosen)
    try:
        fetch_ahead(settings, _say)
    except (CannotFetch, SettingsError) as error:
        print(f"stack: {error}", file=sys.stderr)
        return 1
    return asyncio.run(run(settings))


if __name__ == "__main__":
    sys.exit(main())
