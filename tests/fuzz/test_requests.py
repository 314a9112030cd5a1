"""Requests of every kind to a real bridge: each is answered, and never with 5xx."""

import base64
import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import strategies as st

from bridge.links import sign
from bridge.records.tenants import new_id
from stack.settings import free_port
from tests.fixtures import lone
from tests.fuzz.exploring import BOUNDED, explore
from transcription.options import AUDIO_NAMES, NAMES

pytestmark = [pytest.mark.slow, BOUNDED]
SECRET = "a-secret-for-tests"
BOUNDARY = b"frontier"
SILENCE = (
    b"RIFF\xa4\x0c\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x40\x1f\0\0\x80\x3e\0\0\2\0\x10\0data\x80\x0c\0\0"
    + bytes(3200)
)
FORMS = (
    "/v1/predictions",
    "/v1/audio/transcriptions",
    "/v1/audio/translations",
    "/v1/audio/transcribe-with-speakers",
    "/transcribe",
    "/asr",
    "/detect-language",
    "/v1/files",
)
_FIELDS = (*sorted(NAMES), *AUDIO_NAMES, "file", "model", "content", "metadata", "response_format")
_OTHERS = (
    "chunking_strategy",
    "known_speaker_names[]",
    "timestamp_granularities[]",
    "",
    "a[",
    "id",
)


@dataclass(frozen=True)
class Bridge:
    """A bridge without a predictor, and its two ports."""

    public: int
    internal: int

    def ask(self, method: str, path: str, headers: Mapping[str, bytes], body: bytes = b"") -> None:
        """Send a request, which has to be answered, and not with a fault of ours."""
        self._ask(self.public, method, path, headers, body)

    def post(self, path: str, body: bytes) -> None:
        """The same at the loopback listener."""
        self._ask(self.internal, "POST", path, {"Content-Type": b"application/json"}, body)

    @staticmethod
    def _ask(port: int, method: str, path: str, headers: Mapping[str, bytes], body: bytes) -> None:
        with contextlib.closing(HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
            connection.putrequest(method, path)
            for name, value in headers.items():
                connection.putheader(name, value)
            connection.putheader("Content-Length", str(len(body)))
            connection.endheaders()
            # Whoever sends nonsense may be hung up on.
            with contextlib.suppress(HTTPException, OSError):
                connection.send(body)
                answer = connection.getresponse()
                content = answer.read()
                asked = (method, path, headers, body[:2000])
                assert answer.status < 500 or answer.status == 507, asked
                assert b"Traceback" not in content, asked


@pytest.fixture(scope="module")
def bridge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bridge]:
    folder: Path = tmp_path_factory.mktemp("fuzz")
    redis, internal = free_port(), free_port()
    given = {
        "INTERNAL_PORT": str(internal),
        "LOG_LEVEL": "ERROR",
        "UPLOAD_IDLE_TIMEOUT": "5",
        "QUEUE_LIMIT": "1000000",
    }
    with lone.redis(folder, redis), lone.bridge(folder, redis, ACCESS_LOG="1", **given) as running:
        yield Bridge(running.port, internal)
        assert "Traceback" not in running.log(), running.log()[-5000:]


def _grown(content: bytes) -> bytes:
    """Short names of what is too long to be printed."""
    return content.replace(b"DEEP", b"[" * 100_000).replace(b"LONG", b"9" * 5000)


_TOKEN = {"Authorization": f"Bearer {lone.TOKEN}".encode()}
_JSON_TYPE = {"Content-Type": b"application/json"}
_SECOND = base64.b64encode(SILENCE).decode()
_PREDICTION = json.dumps({"input": {"audio_file": f"data:audio/wav;base64,{_SECOND}"}}).encode()
_TEXT = st.text(max_size=30) | st.sampled_from(
    ("DEEP", "LONG", "1e999", "nan", "-1", "[]", '{"type":[]}', "\x00", "data:;base64,AAAA")
)
_NAMES = st.sampled_from((*_FIELDS, *_OTHERS)) | st.text(max_size=10)
_PART_HEADERS = st.lists(
    st.sampled_from(
        (
            b"Content-Type: application/json; charset=nothing",
            b"Content-Type: multipart/mixed; boundary=frontier",
            b"Content-Transfer-Encoding: base64",
            b"Content-Transfer-Encoding: quoted-printable",
            b"Content-Encoding: gzip",
            b"Content-Encoding: deflate",
            b"Content-Length: -1",
            b"no header",
        )
    ),
    max_size=2,
)


def _part(part: tuple[str, str | None, list[bytes], bytes]) -> bytes:
    name, filename, headers, content = part
    shown = f'form-data; name="{name}"' + ("" if filename is None else f'; filename="{filename}"')
    lines = [b"Content-Disposition: " + shown.encode(errors="replace"), *headers]
    return b"--" + BOUNDARY + b"\r\n" + b"\r\n".join(lines) + b"\r\n\r\n" + content + b"\r\n"


_PARTS = st.tuples(
    _NAMES,
    st.none() | st.text(max_size=12),
    _PART_HEADERS,
    _TEXT.map(lambda text: text.encode(errors="surrogatepass")) | st.binary(max_size=200),
).map(_part)


def test_forms_are_read_or_refused(bridge: Bridge) -> None:
    def check(case: tuple[str, list[bytes], bytes, int]) -> None:
        path, parts, noise, at = case
        body = b"".join(parts) + b"--" + BOUNDARY + b"--\r\n"
        place = at % (len(body) + 1)
        body = body[:place] + noise + body[place:]
        kind = {"Content-Type": b"multipart/form-data; boundary=" + BOUNDARY}
        bridge.ask("POST", path, {**_TOKEN, **kind}, _grown(body))

    paths, parts = st.sampled_from(FORMS), st.lists(_PARTS, max_size=4)
    noise = st.just(b"") | st.binary(max_size=8)
    explore(st.tuples(paths, parts, noise, st.integers(0, 5000)), check)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=8,
)
_MEMBERS = (
    "input",
    "id",
    "version",
    "webhook",
    "webhook_events_filter",
    "stream",
    "model",
    "edits",
)
_INPUT = st.dictionaries(st.sampled_from((*sorted(NAMES), *AUDIO_NAMES)), _JSON, max_size=4)
_BODY = st.dictionaries(st.sampled_from(_MEMBERS), _JSON, max_size=3) | _INPUT.map(
    lambda found: {"input": found}
)


def test_json_is_read_or_refused(bridge: Bridge) -> None:
    def check(case: tuple[str, Any, bytes]) -> None:
        path, body, noise = case
        headers = {**_TOKEN, **_JSON_TYPE, "If-Match": b"*"}
        text = json.dumps(body).encode()
        method = "PUT" if path.endswith(("/x", "transcript")) else "POST"
        for content in (text, noise, text + noise, text[: len(text) // 2]):
            bridge.ask(method, path, headers, _grown(content))

    paths = ("/v1/predictions", "/predictions/x", "/v1/predictions/x/transcript", "/transcribe")
    deep = st.sampled_from((b"DEEP", b'{"input":' * 9 + b"1" + b"}" * 9, b"\xff"))
    explore(st.tuples(st.sampled_from(paths), _BODY, st.binary(max_size=20) | deep), check)


_HEADERS = (
    *("Authorization", "Idempotency-Key", "Prefer", "Cancel-After", "If-Match", "Accept"),
    *("X-Forwarded-Host", "X-Forwarded-Proto", "Origin", "Range", "Last-Event-ID", "User-Agent"),
    *("Content-Type", "x-stainless-retry-count", "Access-Control-Request-Method", "Cookie"),
)
_ODD = (
    *(b"wait=LONG", b"wait=\xd9\xa3", b"bytes=9-1", b'W/"9', b"Bearer \xff", b"LONG", b"h", b"1h"),
    *(b'multipart/form-data; boundary="', b"application/json; charset=x", b"Token", b"gzip"),
)
_VALUE = (st.binary(max_size=20) | st.sampled_from(_ODD)).map(
    lambda value: value.translate(None, b"\r\n\0")
)
_QUERY = st.dictionaries(
    st.sampled_from(("cursor", "created_after", "format", "expiry", "signature", "owner", "since"))
    | st.text(max_size=5),
    _TEXT,
    max_size=3,
)
_KNOWN = (
    *("predictions", "predictions/x", "predictions/x/output", "predictions/x/stream", "files"),
    *("predictions/x/recording", "files/x/download", "webhooks/dead-letters", "languages"),
    *("predictions/x/transcript", "predictions/x/peaks", "models/a/b/versions", "health"),
    *("models", "account", "webhooks/dead-letters/x/redeliver", "deployments/a/b/predictions"),
)
_PATHS = st.sampled_from(_KNOWN) | st.text(max_size=12).map(
    lambda text: quote(f"predictions/{text}", safe="/%")
)


def test_heads_are_read_or_refused(bridge: Bridge) -> None:
    def check(case: tuple[str, str, dict[str, bytes], dict[str, str]]) -> None:
        method, path, headers, query = case
        asked = "&".join(f"{quote(n)}={quote(v)}" for n, v in query.items())
        given = {name: _grown(value) for name, value in {**_TOKEN, **headers}.items()}
        bridge.ask(method, f"/v1/{path}?{asked}"[:8000], given)

    methods = st.sampled_from(("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"))
    headers = st.dictionaries(st.sampled_from(_HEADERS), _VALUE, max_size=3)
    explore(st.tuples(methods, _PATHS, headers, _QUERY), check)


_REPORTED = (
    "status",
    "output",
    "error",
    "logs",
    "metrics",
    "first",
    "segments",
    "batches",
    "peaks",
)
_STATUS = st.sampled_from(("starting", "processing", "succeeded", "failed", "canceled"))
_RUN = st.fixed_dictionaries(
    {"status": _STATUS | _JSON}, optional=dict.fromkeys(_REPORTED[1:], _JSON)
)


def test_what_cog_reports_is_read_or_refused(bridge: Bridge) -> None:
    def check(case: tuple[str, Any, bytes]) -> None:
        kind, body, noise = case
        name = new_id()
        bridge.ask("PUT", f"/v1/predictions/{name}", _TOKEN | _JSON_TYPE, _PREDICTION)
        path = f"/{kind}/{name}/1/{sign(SECRET, kind, name, '1')}"
        for content in (json.dumps(body).encode(), noise):
            bridge.post("/worker" if kind == "worker" else path, _grown(content))

    kinds = st.sampled_from(("webhook", "segments", "worker"))
    bodies = _RUN | st.dictionaries(st.sampled_from(_REPORTED), _JSON) | _JSON
    explore(st.tuples(kinds, bodies, st.binary(max_size=20) | st.just(b"DEEP")), check)
