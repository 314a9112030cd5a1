"""Runs a container's program, and lets the bridge finish before it is stopped.

``python -m predictor.entry COMMAND …`` starts the command. When the pod is stopped, all its
containers get SIGTERM at once, but a bridge that is stopping still needs Cog for the run that it
finishes. So SIGTERM reaches the command only when nobody listens at BRIDGE_INTERNAL_URL any more,
or after DRAIN_SECONDS. As the first process of its container this one also reaps orphans.
"""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from transcription.environment import SettingsError, number, whole

DRAIN_SECONDS = 3620.0  # longer than a bridge goes on by default
LOOK_SECONDS = 0.2
_KILLED = 128  # what a shell adds to the number of the signal


def run(command: Sequence[str], bridge_url: str, seconds: float, environ: Mapping[str, str]) -> int:
    """Run ``command`` to its end; its exit status, 128 + n when signal n ended it."""
    process = subprocess.Popen(command, env=environ)  # noqa: S603 - the operator's own command
    stopping = threading.Event()
    for caught in (signal.SIGTERM, signal.SIGINT):
        signal.signal(caught, lambda *_: stopping.set())

    def stop_after_the_bridge() -> None:
        stopping.wait()
        wait_until_gone(bridge_url, seconds)
        process.terminate()

    threading.Thread(target=stop_after_the_bridge, daemon=True).start()
    return _reap_until(process.pid)


def wait_until_gone(bridge_url: str, seconds: float) -> None:
    """Returns when no server listens at the address, or after ``seconds``."""
    address = urlsplit(bridge_url)
    deadline = time.monotonic() + seconds
    while address.hostname and time.monotonic() < deadline:
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex((address.hostname, address.port or 80)) != 0:
                return
        time.sleep(LOOK_SECONDS)


def _reap_until(child: int) -> int:
    while True:
        pid, status = os.wait()
        if pid == child:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else _KILLED - code


def tracing_of(environ: Mapping[str, str]) -> dict[str, str]:
    """Cog's variables for tracing; it warns where it then has no endpoint."""
    return {"COG_TRACE_CONFIGURED": "1"} if environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") else {}


def slots_for_cog(environ: Mapping[str, str]) -> dict[str, str]:
    """How many runs Cog takes at once, COG_SLOTS, under the name that Cog reads.

    Nothing where it is not set: Cog has an option of its own for it. Raises SettingsError.
    """
    if not environ.get("COG_SLOTS"):
        return {}
    return {"COG_MAX_CONCURRENCY": str(whole(environ, "COG_SLOTS", 1, least=1))}


def main(arguments: Sequence[str], environ: Mapping[str, str]) -> int:
    """Entry point."""
    if not arguments:
        print("predictor.entry: no command is given", file=sys.stderr)
        return 2
    try:
        seconds = number(environ, "DRAIN_SECONDS", DRAIN_SECONDS)
        slots = slots_for_cog(environ)
    except SettingsError as error:
        print(f"predictor.entry: {error}", file=sys.stderr)
        return 2
    url = environ.get("BRIDGE_INTERNAL_URL", "")
    return run(arguments, url, seconds, {**environ, **tracing_of(environ), **slots})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], os.environ))
