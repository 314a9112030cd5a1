"""What fuzzing found (`tests/fuzz`): requests that were answered 500, each with its answer now."""

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import pytest

from bridge.api.replicate.render import prediction_body
from bridge.links import Links, sign
from bridge.records.sealed import OUTPUT, Sealed
from bridge.records.seals import Seals
from stack.settings import free_port
from tests.fixtures import lone
from tests.unit.bridge.test_render import prediction

SECRET = "a-secret-for-tests"
TOKEN = {"Authorization": f"Bearer {lone.TOKEN}".encode()}
JSON = {**TOKEN, "Content-Type": b"application/json"}
FORM = {**TOKEN, "Content-Type": b"multipart/form-data; boundary=f"}
DEEP, LONG = b"[" * 100_000, b"9" * 5000


@dataclass(frozen=True)
class Bridge:
    public: int
    internal: int
    running: lone.LoneBridge

    def answer(
        self, port: int, method: str, path: str, headers: Mapping[str, bytes], body: bytes
    ) -> int:
        with contextlib.closing(HTTPConnection("127.0.0.1", port, timeout=30)) as connection:
            connection.putrequest(method, path)
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.putheader("Content-Length", str(len(body)))
            connection.endheaders(body)
            return connection.getresponse().status


@pytest.fixture(scope="module")
def bridge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bridge]:
    folder: Path = tmp_path_factory.mktemp("odd")
    redis, internal = free_port(), free_port()
    with (
        lone.redis(folder, redis),
        lone.bridge(folder, redis, INTERNAL_PORT=str(internal)) as running,
    ):
        yield Bridge(running.port, internal, running)


def _field(name: str, content: bytes) -> bytes:
    head = f'--f\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'
    return head.encode() + content + b"\r\n--f--\r\n"


@pytest.mark.parametrize(
    ("path", "headers", "body", "status"),
    [
        ("/v1/predictions", {"Authorization": b"Bearer \xff"}, b"{}", 401),
        ("/v1/predictions", {**JSON, "Idempotency-Key": b"\xff"}, b"{}", 422),
        ("/v1/predictions", {**JSON, "Prefer": b"wait=" + LONG}, b"{}", 422),
        ("/v1/predictions", {**JSON, "Content-Encoding": b"gzip"}, b'{"input": {}}', 400),
        ("/v1/predictions", JSON, DEEP, 400),
        ("/v1/predictions", JSON, b'{"input": {"audio_file": "http://xn--/a.wav"}}', 422),
        ("/v1/predictions", JSON, b'{"input": {}, "webhook": "http://.xn--p/"}', 422),
        ("/v1/predictions", JSON, b'{"input": {"audio_file": "http://[]@"}}', 422),
        ("/v1/files", FORM, _field("metadata", DEEP), 422),
        ("/v1/audio/transcriptions", FORM, _field("chunking_strategy", DEEP), 400),
        ("/v1/predictions", FORM, _field("hotwords", DEEP), 422),
    ],
)
def test_a_request_is_refused(
    bridge: Bridge, path: str, headers: Mapping[str, bytes], body: bytes, status: int
) -> None:
    assert bridge.answer(bridge.public, "POST", path, headers, body) == status


@pytest.mark.parametrize("kind", ["webhook", "segments", "worker"])
@pytest.mark.parametrize(
    "body", [b"{}", b"[]", b"x", b"\xff", DEEP, b'{"status": []}', b'{"status": "x", "metrics": 7}']
)
def test_a_report_of_no_run_is_refused(bridge: Bridge, kind: str, body: bytes) -> None:
    path = "/worker" if kind == "worker" else f"/{kind}/x/1/{sign(SECRET, kind, 'x', '1')}"
    assert bridge.answer(bridge.internal, "POST", path, {}, body) == 400


def test_a_request_that_is_no_http_is_not_quoted_in_the_log(bridge: Bridge) -> None:
    headers = {"Authorization": b"Bearer a-token-that-is-misspelt\x01"}
    assert bridge.answer(bridge.public, "GET", "/v1/predictions", headers, b"") == 400
    assert bridge.answer(bridge.public, "GET", "/v1/predictions", TOKEN, b"") == 200
    assert "misspelt" not in bridge.running.log()


def test_half_a_character_is_delivered_and_kept_as_a_question_mark() -> None:
    half = json.loads(r'"\ud800"')
    record = prediction(input={"initial_prompt": half})
    shown = json.loads(prediction_body(record, None, "http://h", Links(SECRET), {}))
    assert shown["input"] == {"initial_prompt": "?"}
    sealed = Sealed(Seals([SECRET]))
    assert sealed.json(sealed.dump({"text": half}, OUTPUT, "x").encode(), OUTPUT, "x") == {
        "text": "?"
    }
