"""The worker of RunPod, around the jobs that it takes.

``python -m platforms.runpod.handler`` runs it: on RunPod as a worker, elsewhere with
``test_input.json`` of the working directory, or with ``--rp_serve_api`` as a local API.
"""

import os
import sys

import runpod
from runpod.http_client import AsyncClientSession
from runpod.serverless.modules.rp_http import send_result

from platforms.core import Sources
from platforms.runpod.jobs import Handler, Job
from platforms.runpod.settings import RunpodSettings
from platforms.worker import Worker
from transcription.environment import SettingsError


async def send_update(job: Job, share: float) -> None:
    """What RunPod shows as the output of a job that is IN_PROGRESS."""
    update = {"status": "IN_PROGRESS", "output": {"progress": round(share, 2)}}
    async with AsyncClientSession() as session:
        await send_result(session, update, job)


async def send_nothing(_job: Job, _share: float) -> None:
    """For runs outside the platform."""


def main() -> int:
    """Starts RunPod's worker; 2 when a variable cannot be used."""
    environment = os.environ
    try:
        settings = RunpodSettings.from_environment(environment)
        sources = Sources.from_environment(environment)
        worker = Worker(settings.core, sources)
    except SettingsError as error:
        print(f"runpod: {error}", file=sys.stderr)
        return 2
    # The library's own default writes jobs and results to the log: what was said belongs in none.
    if "RUNPOD_LOG_LEVEL" not in environment:
        runpod.RunPodLogger().set_level("DEBUG" if settings.debug else "INFO")
    on_platform = "RUNPOD_WEBHOOK_POST_OUTPUT" in environment
    send = send_update if on_platform else send_nothing
    runpod.serverless.start({"handler": Handler(settings, worker, send)})
    return 0


if __name__ == "__main__":
    sys.exit(main())
