"""Transcribes a recording with Replicate's own client (pip install replicate==1.0.7).

BRIDGE_TOKEN=… python examples/transcribe.py talk.mp3
"""

import os
import sys
from pathlib import Path

import httpx
from replicate.client import Client
from replicate.exceptions import ReplicateError


def main(path: str) -> None:
    client = Client(
        api_token=os.environ["BRIDGE_TOKEN"],
        base_url=os.environ.get("BRIDGE_URL", "http://127.0.0.1:8080"),
    )
    with Path(path).open("rb") as recording:
        prediction = client.predictions.create(
            version="whisperx/whisperx-stack",
            input={"audio_file": recording},  # uploaded to /v1/files, however large it is
        )
    prediction.wait()
    if prediction.status != "succeeded" or prediction.output is None:
        sys.exit(f"{prediction.status}: {prediction.error}")
    for segment in prediction.output["segments"]:
        print(f"{segment.get('speaker', '?')}: {segment['text'].strip()}")


if __name__ == "__main__":
    if len(sys.argv) != 2 or not os.environ.get("BRIDGE_TOKEN"):
        print("usage: BRIDGE_TOKEN=… python transcribe.py FILE", file=sys.stderr)
        sys.exit(2)
    try:
        main(sys.argv[1])
    except ReplicateError as error:
        sys.exit(str(error.detail))
    except (OSError, httpx.TransportError) as error:
        sys.exit(str(error))
