"""Segments reach the bridge while a run goes on, in order, and never at the run's cost."""

import json
import queue
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from predictor import segments
from predictor.announcement import TIMEOUT
from predictor.segments import HEARD_URL, URL, earlier_batches, reporting_segments
from tests.conftest import wait_until
from transcription.checkpoint import Batch, batch_from_json, batch_to_json, ignore_batches
from transcription.findings import Language
from transcription.transcript import Segment, Word


class Bridge:
    """A real server: keeps what it gets, unless it is to answer with an error or not at all."""

    def __init__(self) -> None:
        self.posted: queue.Queue[dict[str, Any]] = queue.Queue()
        self.status = 200
        self.refused = 0
        self.asleep = threading.Event()
        self.awake = threading.Event()
        self.context = {URL: ""}
        self.batches: Any = None

    def segments(self) -> list[str]:
        """The texts, numbered as they arrived; a repeated number counts once."""
        kept: dict[int, str] = {}
        while not self.posted.empty():
            body = self.posted.get()
            for number, segment in enumerate(body["segments"], start=body["first"]):
                kept[number] = segment["text"]
        assert list(kept) == list(range(len(kept)))
        return list(kept.values())


@pytest.fixture
def bridge() -> Iterator[Bridge]:
    found = Bridge()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if found.asleep.is_set():
                found.awake.wait(30)  # longer than anybody waits for it
            if found.status == 200:
                found.posted.put(body)
            else:
                found.refused += 1
            self.send_response(found.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_GET(self) -> None:
            body = json.dumps(found.batches).encode()
            self.send_response(found.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        found.context = {URL: f"http://127.0.0.1:{server.server_port}/segments/x/1/signed"}
        try:
            yield found
        finally:
            found.awake.set()
            server.shutdown()


def segment(number: int, *, plan: str = "a plan") -> Batch:
    """A batch of one window that holds one."""
    word = Word("segment", number + 0.00012, number + 0.5, 0.123456)
    said = Segment(f"segment {number}", number + 0.0, number + 1.0, (word,), avg_logprob=-0.51234)
    return Batch(plan, Language("en", 0.75), number, 1, (said,))


def test_segments_arrive_while_the_run_goes_on(bridge: Bridge) -> None:
    with reporting_segments(bridge.context) as found:
        found(segment(0))
        first = bridge.posted.get(timeout=10)
        found(segment(1))
        second = bridge.posted.get(timeout=10)
    wire = {"start": 0.0, "end": 1.0, "text": "segment 0", "avg_logprob": -0.5123}
    assert (first["first"], first["segments"]) == (0, [wire])
    assert [batch_from_json(batch) for batch in first["batches"]] == [segment(0)]
    assert (second["first"], second["segments"][0]["text"]) == (1, "segment 1")


def test_the_last_ones_are_told_before_the_run_ends(bridge: Bridge) -> None:
    with reporting_segments(bridge.context) as found:
        for number in range(50):
            found(segment(number))
    assert bridge.segments() == [f"segment {number}" for number in range(50)]


def test_what_did_not_arrive_comes_with_the_next(bridge: Bridge) -> None:
    bridge.status = 503
    with reporting_segments(bridge.context) as found:
        found(segment(0))
        found(segment(1))
        wait_until(lambda: bridge.refused, "the first try was refused")
        bridge.status = 200
        found(segment(2))
    assert bridge.segments() == ["segment 0", "segment 1", "segment 2"]


def test_a_bridge_that_hangs_holds_nothing_up(
    bridge: Bridge, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(segments, "TIMEOUT", 0.05)
    bridge.asleep.set()
    began = time.monotonic()
    with reporting_segments(bridge.context) as found:
        for number in range(1000):
            found(segment(number))
    assert time.monotonic() - began < 0.75 * TIMEOUT


def test_a_run_that_fails_waits_for_nobody(bridge: Bridge) -> None:
    bridge.asleep.set()
    began = time.monotonic()
    channel = reporting_segments(bridge.context)
    channel.__enter__()(segment(0))
    assert not channel.__exit__(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert time.monotonic() - began < 0.75 * TIMEOUT


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://192.0.2.7/segments",
        "http://localhost.example/",
        "file:///etc/passwd",
        "http://[x",
        "http://127.0.0.1:80@192.0.2.7/",
    ],
)
def test_only_this_machine_is_told(url: str) -> None:
    with reporting_segments({URL: url} if url else {}) as found:
        assert found is ignore_batches


def test_a_run_that_goes_on_numbers_its_segments_from_there(bridge: Bridge) -> None:
    earlier = [segment(0), segment(1), replace(segment(2), segments=()), segment(3, plan="other")]
    with reporting_segments(bridge.context, earlier) as found:
        found(segment(3))
        posted = bridge.posted.get(timeout=10)
        found(segment(4))
    assert (posted["first"], posted["segments"][0]["text"]) == (2, "segment 3")
    assert bridge.posted.get(timeout=10)["first"] == 3


def test_nothing_is_kept_for_a_run_of_another_plan(bridge: Bridge) -> None:
    earlier = [segment(0, plan="other"), segment(1, plan="other")]
    with reporting_segments(bridge.context, earlier) as found:
        found(segment(0))
    assert bridge.segments() == ["segment 0"]


def test_what_runs_before_heard_is_asked_for_and_nothing_is_rounded(bridge: Bridge) -> None:
    bridge.batches = {"batches": [batch_to_json(segment(number)) for number in range(3)]}
    context = {HEARD_URL: bridge.context[URL].replace("/segments/", "/heard/")}
    assert earlier_batches(context) == (segment(0), segment(1), segment(2))
    assert earlier_batches({}) == ()


@pytest.mark.parametrize(
    "posted",
    [
        None,
        {},
        {"batches": None},
        {"batches": [{}]},
        {"batches": [{**batch_to_json(segment(0)), "windows": 0}]},
        {"batches": [{**batch_to_json(segment(0)), "segments": [{"words": [], "later": 1}]}]},
    ],
)
def test_what_cannot_be_understood_is_heard_again(bridge: Bridge, posted: Any) -> None:
    bridge.batches = posted
    assert earlier_batches({HEARD_URL: bridge.context[URL]}) == ()


def test_a_bridge_that_does_not_answer_is_asked_for_nothing(bridge: Bridge) -> None:
    bridge.status = 503
    assert earlier_batches({HEARD_URL: bridge.context[URL]}) == ()
    assert earlier_batches({HEARD_URL: "http://192.0.2.7/heard"}) == ()
