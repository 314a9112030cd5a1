"""A look at a deployed app: ``python -m platforms.modal.check [URL]``; BRIDGE_TOKEN is read.

Starts the container if there is none, transcribes the demo recording, and says how long both took.
"""

import asyncio
import os
import sys
import time
from collections.abc import Sequence

import aiohttp

from platforms.modal.process import ROOT, answers
from stack.client import ApiError, Client

START_SECONDS = 600.0  # a cold start, with the image to be pulled
RECORDING = ROOT / "examples" / "conversation.wav"


async def check(url: str, token: str) -> str:
    """One line about what was seen. Raises ApiError."""
    began = time.monotonic()
    while not answers(f"{url}/health-check", seconds=60):
        if time.monotonic() - began > START_SECONDS:
            raise ApiError(f"not ready after {START_SECONDS:g} s")
        await asyncio.sleep(1)
    ready = time.monotonic()
    async with aiohttp.ClientSession() as session:
        client = Client(session, url, token)
        created = await client.create_from_file(RECORDING, diarization=False)
        prediction = await client.finish(created["id"])
    if prediction["status"] != "succeeded":
        raise ApiError(str(prediction["error"]))
    segments = prediction["output"]["segments"]
    return (
        f"ready after {ready - began:.1f} s; {len(segments)} segments "
        f"in {time.monotonic() - ready:.1f} s"
    )


def deployed_url() -> str:
    """The public address of the deployed app."""
    import modal  # noqa: PLC0415 - only who has an account needs it

    return str(modal.Cls.from_name("whisperx-stack", "Service")().web.get_web_url())


def main(arguments: Sequence[str]) -> int:
    """0 when the app works, 1 when not."""
    url = (arguments[0] if arguments else deployed_url()).rstrip("/")
    try:
        print(asyncio.run(check(url, os.environ.get("BRIDGE_TOKEN", ""))))
    except (ApiError, aiohttp.ClientError) as error:
        print(f"check failed: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
