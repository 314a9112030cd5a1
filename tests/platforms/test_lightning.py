"""The LitServe server: jobs are accepted at once, run in order, delivered signed, never lost."""

import json
import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from stack.settings import ROOT
from tests.conftest import clip, clip_uri, wait_until
from tests.platforms.conftest import PATIENCE, Seen, Starter, WebServer
from tests.platforms.lightning import Fails, Sent, Server, check_signatures, takes

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
ALIGNER = ROOT / "models" / "demo" / "align" / "en"
KNOWN = "known_speaker_references"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("lightning")
    starter = Starter(folder)
    try:
        yield Server(starter, folder / "queue", CHUNK_SIZE="30", ALIGN_MODELS=str(ALIGNER)).wait()
    finally:
        starter.finish()


def test_it_says_that_it_is_ready_and_what_it_is(server: Server) -> None:
    assert server.get("/health") == (200, b"ok")
    status, info = server.get("/info")
    assert status == 200
    assert {"model", "server"} <= json.loads(info).keys()


def test_jobs_are_accepted_at_once_worked_in_order_and_told_under_failing_receivers(
    server: Server, web_server: WebServer
) -> None:
    url = web_server.url
    web_server.answers |= {"/hook/good": takes, "/hook/fails": Fails(1), "/hook/gone": gone}
    audio = f"{url}/conversation.wav"
    fails = {"audio_url": f"{url}/missing.wav", "webhook_url": f"{url}/hook/fails"}
    sent = Sent(web_server)
    sent.add(
        server.predict(**job)
        for job in (
            {"audio_url": audio, "webhook_url": f"{url}/hook/good", "language": "en"},
            fails,
            {"audio_url": audio, "webhook_url": f"{url}/hook/gone", "chunk_size": 120},
        )
    )
    assert web_server.of("/hook") == []  # accepted before the first was done
    # A load: nothing to transcribe, but every one is to be delivered.
    with ThreadPoolExecutor(16) as clients:
        sent.add(clients.map(lambda job: server.predict(**job), [fails] * 60))
    assert len(set(sent.ids)) == 63
    wait_until(
        lambda: sent.tries() == [1, 2, 1] + [2] * 60,
        "each is tried until it is taken",
        PATIENCE,
    )
    for request in web_server.of("/hook"):
        check_signatures(request)
    first = sent.last(0)
    assert first["status"] == "succeeded", first
    assert (first["model"], first["language"]) == ("demo", "en")
    assert first["words"][0]["word"] == "Hello"
    assert first["segments"][0]["text"].startswith("Hello Maria")
    assert first["timings"]["total_seconds"] >= first["timings"]["recognize_seconds"] > 0
    failed = sent.last(1)
    assert (failed["status"], failed["model"]) == ("failed", "demo")
    assert failed["error"] == "audio_url: cannot be fetched: the server answered 404 Not Found"
    # In order: each job's recording was fetched after the one before was delivered.
    fetched = [seen.path for seen in web_server.seen if seen.method == "GET"]
    assert fetched[:3] == ["/conversation.wav", "/missing.wav", "/conversation.wav"]


def test_a_job_may_say_how_it_is_done(server: Server, web_server: WebServer) -> None:
    web_server.answers |= {
        "/hook": takes,
        "/peter.wav": lambda _request: (200, "audio/wav", clip("Peter")),
    }
    both = {
        "audio_url": f"{web_server.url}/conversation.wav",
        "webhook_url": f"{web_server.url}/hook",
    }
    sent = Sent(web_server)
    sent.add(
        server.predict(**both, **options)
        for options in (
            {"model": "demo", "return_word_timestamps": False, "diarization": True},
            {
                "align_model": ALIGNER.name,
                "known_speaker_names": ["Peter", "Maria"],
                "known_speaker_references": [f"{web_server.url}/peter.wav", clip_uri("Maria")],
            },
        )
    )
    wait_until(lambda: sent.tries() == [1, 1], "both are delivered", PATIENCE)
    plain, named = sent.last(0), sent.last(1)
    assert plain["status"] == named["status"] == "succeeded", (plain, named)
    assert plain["words"] is None
    speakers = {segment["speaker"] for segment in plain["segments"]}
    assert speakers == {"SPEAKER_00", "SPEAKER_01"}
    assert [segment["speaker"] for segment in named["segments"]][:2] == ["Peter", "Maria"]
    assert named["words"][0].items() >= {"word": "Hello", "speaker": "Peter"}.items()
    assert named["warnings"] == []


def gone(_request: Seen) -> tuple[int, str, bytes]:
    return 410, "text/plain", b""


def test_requests_that_cannot_be_met_are_refused_at_once(
    server: Server, web_server: WebServer
) -> None:
    audio, hook = f"{web_server.url}/conversation.wav", f"{web_server.url}/hook"
    both = {"audio_url": audio, "webhook_url": hook}
    known = {**both, "known_speaker_names": ["Ada"]}
    for body, reason in (
        ({"webhook_url": hook}, "audio_url: an http(s) URL is required"),
        ({"audio_url": audio}, "webhook_url: an http(s) URL is required"),
        ({"audio_url": "ftp://x/y", "webhook_url": hook}, "audio_url: only http and https"),
        ({"audio_url": audio, "webhook_url": "http://10.0.0.1/"}, "webhook_url: the host"),
        ({**both, "model": "tiny"}, "model: this service"),
        ({**both, "chunk_size": 121}, "chunk_size: 121 is more"),
        ({**both, "batch_size": 0}, "batch_size: 0 is less"),
        ({**both, "language": "xx"}, "language: 'xx' is not a language"),
        ({**both, "compute_type": "int4"}, "compute_type: this"),
        ({**both, "align_model": "a/b"}, "align_model: this service offers: en"),
        ({**known, KNOWN: ["/etc/hostname"]}, f"{KNOWN}: clip 1: is no http(s) URL"),
        ({**known, KNOWN: ["http://10.0.0.1/x"]}, f"{KNOWN}: the host's address"),
        ({**both, "unknown": 1}, "unknown: unknown input"),
    ):  # fmt: skip
        status, answer = server.predict(**body)
        assert status == 422, answer
        assert answer["detail"].startswith(reason), answer


def test_jobs_and_webhooks_survive_the_death_of_everything(
    starter: Starter, tmp_path: Path, web_server: WebServer
) -> None:
    url = web_server.url
    receiver = Fails(0)
    web_server.answers["/hook"] = lambda _request: (503, "text/plain", b"")
    first = Server(starter, tmp_path / "queue").wait()
    ids = []
    for number in range(4):
        status, answer = first.predict(
            audio_url=f"{url}/conversation.wav",
            webhook_url=f"{url}/hook/{number}",
            language="en",
        )
        assert status == 202
        ids.append(answer["job_id"])
    wait_until(lambda: web_server.of("/hook/0"), "the first result was refused", PATIENCE)
    first.started.kill()  # the first is to be delivered, the second runs, two wait
    before = len(web_server.of("/hook"))

    web_server.answers["/hook"] = receiver
    second = Server(starter, tmp_path / "queue")
    wait_until(
        lambda: (
            len({delivery.json()["job_id"] for delivery in web_server.of("/hook")[before:]}) == 4
        ),
        "all four are delivered by the next process",
        PATIENCE,
    )
    last = [delivery.json() for delivery in web_server.of("/hook")[before:]]
    assert {delivery["job_id"] for delivery in last} == set(ids)
    assert all(delivery["status"] == "succeeded" for delivery in last)
    second.wait()
    assert second.started.stop() == 0, second.started.log()


def test_a_killed_model_process_is_started_again_and_goes_on(
    server: Server, web_server: WebServer
) -> None:
    url = web_server.url
    web_server.answers["/hook"] = takes
    status, _ = server.predict(audio_url=f"{url}/conversation.wav", webhook_url=f"{url}/hook")
    assert status == 202
    wait_until(lambda: web_server.of("/conversation.wav"), "the job runs", PATIENCE)
    os.kill(_process_of_the_models(server.started.process.pid), signal.SIGKILL)
    wait_until(lambda: web_server.of("/hook"), "the job is delivered all the same", PATIENCE)
    assert web_server.of("/hook")[0].json()["status"] == "succeeded"
    assert len(web_server.of("/conversation.wav")) == 2  # it ran again


def _process_of_the_models(server: int) -> int:
    """The child that LitServe spawned; the other one keeps account of shared memory."""
    children = Path(f"/proc/{server}/task/{server}/children").read_text().split()
    (found,) = (
        int(child)
        for child in children
        if "multiprocessing.spawn" in Path(f"/proc/{child}/cmdline").read_text()
    )
    return found
