"""Values from outside that are read without a server: addresses, encoded recordings, Redis."""

import asyncio
import base64
import contextlib
import json
from datetime import UTC, datetime
from typing import Any, cast
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import strategies as st

from bridge.records.prediction import Prediction
from bridge.records.sealed import RECORD, Sealed
from bridge.records.seals import Seals
from bridge.records.tenants import Key
from bridge.tasks.codec import Docket, _Task
from outbound.policy import AddressRefused, Policy
from tests.fuzz.exploring import BOUNDED, explore
from transcription.encoded import decoded, is_encoded, media_type
from transcription.errors import InvalidAudio
from transcription.wire import from_wire, to_wire

pytestmark = [pytest.mark.slow, BOUNDED]
SEALS = Seals(["a-secret-for-tests"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=12,
)

_HEADS = ("data:", "DATA:audio/wav;base64,", 'data:a;b="c,d";base64 ,', "data:;base64,", "data:,")
_PIECES = st.text(max_size=40) | st.binary(max_size=60).map(lambda b: base64.b64encode(b).decode())


def test_an_encoded_recording_is_decoded_or_refused() -> None:
    def check(text: str) -> None:
        is_encoded(text)
        assert media_type(text)
        with contextlib.suppress(InvalidAudio):
            b"".join(decoded(text, "audio_file"))

    explore(st.tuples(st.sampled_from(("", *_HEADS)), _PIECES, _PIECES).map("".join), check)


def test_what_was_encoded_is_what_is_decoded() -> None:
    def check(case: tuple[bytes, bool, int, bool]) -> None:
        content, urlsafe, width, padded = case
        text = (base64.urlsafe_b64encode if urlsafe else base64.b64encode)(content).decode()
        text = text if padded else text.rstrip("=")
        lines = "\r\n".join(text[at : at + width] for at in range(0, len(text), width))
        assert b"".join(decoded(f"data:audio/wav;base64,{lines}", "a")) == content
        quoted = "".join(f"%{byte:02x}" for byte in content)
        assert b"".join(decoded(f"data:audio/wav,{quoted}", "a")) == unquote_to_bytes(quoted)

    pieces = (st.binary(max_size=300), st.booleans(), st.integers(1, 80), st.booleans())
    explore(st.tuples(*pieces), check)


_PRIVATE = ("127.0.0.1", "10.1.2.3", "169.254.169.254", "192.168.0.1", "172.16.9.9", "0.0.0.0")


def _spelled(address: tuple[str, int]) -> str:
    """A private address in one of the ways in which a program may read it."""
    text, way = address
    parts = [int(part) for part in text.split(".")]
    number = int.from_bytes(bytes(parts))
    low, high = number & 0xFFFF, number >> 16
    return (
        text,
        str(number),
        hex(number),
        ".".join(hex(part) for part in parts),
        ".".join(f"0{part:o}" for part in parts),
        f"{parts[0]}.{number & 0xFFFFFF}",
        f"[::ffff:{text}]",
        f"[::ffff:{high:x}:{low:x}]",
        f"[64:ff9b::{high:x}:{low:x}]",
        f"[2002:{high:x}:{low:x}::1]",
        "".join(chr(ord(each) + 0xFEE0) if each.isdigit() else each for each in text),
        text.replace(".", "\u3002"),
    )[way]


def test_no_spelling_of_a_private_address_is_called() -> None:
    policy = Policy.parse("")

    def check(case: tuple[tuple[str, int], str, str, int]) -> None:
        address, scheme, user, port = case
        try:
            url = policy.parse_url(f"{scheme}://{user}{_spelled(address)}:{port}/x.wav")
            found = asyncio.run(policy.resolve(url.host or "", url.port or 0))
        except AddressRefused:
            return
        pytest.fail(f"{_spelled(address)} would be called at {found}")

    address = st.tuples(st.sampled_from(_PRIVATE), st.integers(0, 11))
    users = st.sampled_from(("", "a@", "a:b@", "example.com@", "example.com%40"))
    explore(
        st.tuples(address, st.sampled_from(("http", "HTTPS")), users, st.integers(0, 70_000)), check
    )


def test_an_address_is_understood_or_refused() -> None:
    policy = Policy.parse("example.org:8080, 10.0.0.0/8")
    pieces = st.lists(
        st.sampled_from((*"@:/[]%?#\\.", "http://", "://", "xn--", "\u2024")) | st.text(max_size=5)
    )

    def check(text: str) -> None:
        try:
            url = policy.parse_url(text)
        except AddressRefused:
            return
        assert url.scheme in ("http", "https")
        assert url.host

    explore(st.one_of(pieces.map("".join), pieces.map(lambda p: "http://" + "".join(p))), check)


_SECONDS = st.floats(0, 1e5).map(lambda x: round(x, 3))
_WORD = st.fixed_dictionaries(
    {"word": st.text(max_size=8), "start": _SECONDS, "end": _SECONDS, "score": st.none()},
    optional={"speaker": st.text(min_size=1, max_size=5)},
)
_SEGMENT = st.fixed_dictionaries(
    {"start": _SECONDS, "end": _SECONDS, "text": st.text(max_size=20)},
    optional={"words": st.lists(_WORD, min_size=1, max_size=4), "speaker": st.text(max_size=5)},
)
_WIRE = st.fixed_dictionaries(
    {
        "segments": st.lists(_SEGMENT, max_size=4),
        "detected_language": st.text(max_size=3),
        "language_probability": st.none(),
        "duration": _SECONDS,
        "speaker_embeddings": st.none(),
        "warnings": st.lists(st.text(max_size=9), max_size=2),
    }
)


def test_a_result_is_the_same_on_its_way_there_and_back() -> None:
    explore(_WIRE, lambda wire: _same(cast("dict[str, Any]", to_wire(from_wire(wire))), wire))


def _same(found: dict[str, Any], wire: dict[str, Any]) -> None:
    assert json.loads(json.dumps(found)) == json.loads(json.dumps(wire))


def _docket() -> Docket:
    async def run(prediction_id: str) -> None:
        raise AssertionError(prediction_id)

    found = Docket("jobs", "redis://127.0.0.1:1/0", SEALS, lambda: None)
    found.register(run, names=["run"])
    return found


def test_a_task_is_what_was_sealed_or_nothing() -> None:
    owner, names = _docket(), (b"key", b"function", b"when", b"attempt", b"args")

    def read(message: Any) -> Any:
        return _Task._read(owner, message, "1-0", redelivered=False)

    def check(case: tuple[str, int, bytes, bytes]) -> None:
        key, attempt, name, value = case
        task = _Task(
            owner,
            owner.tasks["run"],
            (key,),
            {},
            key,
            datetime.now(UTC),
            attempt,
            function_name="run",
        )
        message = task.as_message()
        found = read(message)
        assert (found.key, found.args, found.attempt) == (key, (key,), attempt)
        assert read({**message, name: value}) is None or message[name] == value
        assert read(dict.fromkeys(message, value)) is None

    keys = st.text(min_size=1, max_size=30)
    explore(
        st.tuples(keys, st.integers(1, 99), st.sampled_from(names), st.binary(max_size=80)), check
    )


def _record(name: str, inputs: Any) -> Prediction:
    now = datetime.now(UTC)
    return Prediction(id=Key(name), model="m", version="v", input={"x": inputs}, created_at=now)


def test_a_record_is_what_was_sealed_or_nothing() -> None:
    sealed = Sealed(SEALS)

    def check(case: tuple[Any, str, int, bytes]) -> None:
        inputs, name, at, other = case
        record = _record(name, inputs)
        document = sealed.record(record).encode()
        assert sealed.prediction(document, record.id) == record
        assert sealed.prediction(document, Key(f"{name}x")) is None
        damaged = document[: at % len(document)] + other + document[at % len(document) + 1 :]
        assert sealed.prediction(damaged, record.id) is None or damaged == document
        assert sealed.prediction(other, record.id) is None

    explore(
        st.tuples(
            JSON, st.text(min_size=1, max_size=20), st.integers(0, 9999), st.binary(max_size=4)
        ),
        check,
    )


def test_a_record_without_a_seal_is_read_or_refused() -> None:
    sealed = Sealed(Seals(["a-secret-for-tests"], takes_unsealed=True))
    plain = json.loads(SEALS.verified(Sealed(SEALS).record(_record("x", 1)), RECORD, "x") or "")

    def check(case: tuple[dict[str, Any], Any, bytes]) -> None:
        changes, document, damaged = case
        for value in ({**plain, **changes}, document):
            found = sealed.prediction(json.dumps(value), Key("x"))
            assert found is None or isinstance(found, Prediction)
        sealed.prediction(damaged.replace(b"DEEP", b"[" * 100_000), Key("x"))

    changes = st.dictionaries(st.sampled_from(sorted(plain)), JSON, max_size=4)
    explore(st.tuples(changes, JSON, st.binary(max_size=99) | st.just(b"DEEP")), check)
