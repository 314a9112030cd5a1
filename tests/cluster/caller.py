"""Calls the API from inside the cluster, through the Service; the standard library is all it has.

python caller.py create FILE | get ID | watch STOP
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

API = os.environ["API_URL"]
PAUSE = 0.2  # seconds between two looks
BOUNDARY = "between-the-fields-of-a-form"


def create(path: str) -> None:
    """Upload a recording; prints the prediction."""
    name = Path(path).name
    head = f'Content-Disposition: form-data; name="audio_file"; filename="{name}"'
    body = f"--{BOUNDARY}\r\n{head}\r\n\r\n".encode() + Path(path).read_bytes()
    body += f"\r\n--{BOUNDARY}--\r\n".encode()
    print(call("/v1/predictions", body))


def get(prediction_id: str) -> None:
    """Prints the prediction as it is now."""
    print(call(f"/v1/predictions/{prediction_id}"))


def watch(stop: str) -> None:
    """Prints the time and /health's status (0: no answer), until ``stop`` is there."""
    while not Path(stop).exists():
        began = time.time()
        print(f"{began:.3f} {health()}", flush=True)
        time.sleep(PAUSE)


def health() -> int:
    """The status that /health is answered with."""
    try:
        with urllib.request.urlopen(f"{API}/health", timeout=3) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def call(path: str, body: bytes | None = None) -> str:
    """What the API answers. A refusal ends the program with the API's words."""
    token = os.environ["BRIDGE_TOKEN"].partition(",")[0]
    headers = {
        "Authorization": f"Bearer {token}",
        "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
    }
    request = urllib.request.Request(API + path, body, headers)
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            return json.dumps(json.load(response))
    except urllib.error.HTTPError as error:
        sys.exit(f"{error.code} {error.read().decode(errors='replace')[:500]}")
    except OSError as error:
        sys.exit(f"no answer: {error}")


if __name__ == "__main__":
    {"create": create, "get": get, "watch": watch}[sys.argv[1]](sys.argv[2])
