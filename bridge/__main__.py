"""Runs the bridge until SIGTERM or SIGINT: ``python -m bridge``; ``… keys`` keeps its keys."""

import asyncio
import logging
import os
import signal
import sys

import uvloop

from bridge import logs
from bridge.app import serving
from bridge.records import keys_command
from bridge.settings import Settings
from bridge.tasks.queue import check_docket
from transcription.environment import SettingsError

_log = logging.getLogger("bridge")


async def run(settings: Settings) -> None:
    """Serve until asked to stop; then finish what runs and return."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with serving(settings) as addresses:
        _log.info("listening on %s (internal: %s)", addresses.public, addresses.internal)
        await stop.wait()
        _log.info("stopping: finishing what runs")
        await addresses.drain()
    _log.info("stopped")


def main() -> int:
    """The process: exit status 2 when its environment is not usable."""
    match sys.argv[1:]:
        case ["keys", *arguments]:
            return keys_command.main(arguments)
        case [unknown, *_]:
            print(f"bridge: {unknown}: the only command is keys", file=sys.stderr)
            return 2
    try:
        settings = Settings.from_env(os.environ)
        check_docket()
    except SettingsError as error:
        print(f"bridge: {error}", file=sys.stderr)
        return 2
    logs.configure(settings.log_level, settings.log_format)
    if settings.allow_anonymous:
        _log.warning(
            "ALLOW_ANONYMOUS=1: anybody who reaches this port may transcribe, and sees, changes "
            "and deletes what others made without a token"
        )
    try:
        uvloop.run(run(settings))
    except SettingsError as error:
        print(f"bridge: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
