"""Runs the bridge until SIGTERM or SIGINT: ``python -m bridge``."""

import asyncio
import logging
import os
import signal
import sys

import uvloop

from bridge.app import serving
from bridge.settings import Settings, SettingsError

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
    _log.info("stopped")


def main() -> int:
    """The process: exit status 2 when its environment is not usable."""
    try:
        settings = Settings.from_env(os.environ)
    except SettingsError as error:
        print(f"bridge: {error}", file=sys.stderr)
        return 2
    logging.basicConfig(
        level=settings.log_level.upper(),
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    logging.getLogger("docket").setLevel(logging.WARNING)
    # It tells of every planned retry, with a traceback.
    logging.getLogger("docket.dependencies").setLevel(logging.CRITICAL)
    uvloop.run(run(settings))
    return 0


if __name__ == "__main__":
    sys.exit(main())
