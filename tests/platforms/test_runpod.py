"""The RunPod worker under the real `runpod` package: local run, local API, worker loop."""

import base64
import io
import json
import threading
import urllib.error
import urllib.request
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stack.settings import ROOT, free_port
from tests.conftest import RECORDING, clip, clip_uri, wait_until
from tests.platforms.conftest import PATIENCE, Seen, Starter, WebServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

HANDLER = ("-m", "platforms.runpod.handler")
FOLDER = ROOT / "platforms" / "runpod"


def post(url: str, body: Any) -> Any:
    request = urllib.request.Request(
        url, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.load(response)


def test_local_run_transcribes_the_test_input(starter: Starter) -> None:
    run = starter.start(*HANDLER, cwd=FOLDER, WHISPER_MODEL_NAME="demo")
    assert run.process.wait(PATIENCE) == 0, run.log()
    assert "Hello Maria, how are you today?" in run.log()
    assert "'joined_text'" in run.log()


def test_local_run_that_fails_ends_with_1(starter: Starter) -> None:
    run = starter.start(*HANDLER, "--test_input", '{"input": {"language": "en"}}')
    assert run.process.wait(PATIENCE) == 1
    assert "failed with error: audio: an http(s) URL is required" in run.log()


def test_an_unusable_variable_ends_the_worker(starter: Starter) -> None:
    run = starter.start(*HANDLER, TASK="summarize")
    assert run.process.wait(PATIENCE) == 2
    assert "TASK must be transcribe or translate" in run.log()
    assert "Traceback" not in run.log()


class Api:
    """RunPod's own local API around our handler."""

    def __init__(self, starter: Starter) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self._worker = starter.start(
            *HANDLER, "--rp_serve_api", "--rp_api_port", str(port), "--rp_api_host", "127.0.0.1"
        )
        wait_until(self._answers, "RunPod's API answers", PATIENCE)

    def _answers(self) -> bool:
        assert self._worker.process.poll() is None, self._worker.log()
        try:
            with urllib.request.urlopen(f"{self.url}/docs", timeout=5):
                return True
        except urllib.error.URLError:
            return False

    def run(self, **inputs: Any) -> Any:
        return post(f"{self.url}/runsync", {"input": inputs})

    def completed(self, **inputs: Any) -> Any:
        """The output of a job that does not fail."""
        done = self.run(**inputs)
        assert done["status"] == "COMPLETED", done
        return done["output"]


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    starter = Starter(tmp_path_factory.mktemp("runpod"))
    try:
        yield Api(starter)
    finally:
        starter.finish()


def test_local_api_runs_a_job(api: Api, web_server: WebServer) -> None:
    url = f"{web_server.url}/conversation.wav"
    output = api.completed(audio=url, language="en", align_output=True)
    assert output["joined_text"].startswith("Hello Maria")
    assert output["model_output"]["language"] == "en"
    assert output["model_output"]["segments"][0]["words"][0]["word"] == "Hello"
    assert output["model_output"]["warnings"] == []
    assert "speaker" not in output["model_output"]["segments"][0]


@pytest.mark.parametrize(
    ("inputs", "warning"),
    [
        ({}, "No language was given: 'en' was assumed."),
        (
            {"language": "de"},
            "The language is none of SUPPORTED_LANGUAGES (en, nl): 'en' was assumed.",
        ),
        ({"language": "auto", "initial_prompt": "Thank you."}, None),
    ],
)
def test_base64_wins_and_a_language_that_was_assumed_is_told(
    api: Api, inputs: dict[str, str], warning: str | None
) -> None:
    short = json.loads((FOLDER / "test_input.json").read_text())["input"]["audio_base_64"]
    output = api.completed(audio_base_64=short, audio="http://ignored.invalid/", **inputs)
    assert output["model_output"]["warnings"] == (
        [f"language_assumed: {warning}"] if warning else []
    )
    assert output["model_output"]["language"] == "en"


def test_known_speakers_are_named(api: Api, web_server: WebServer) -> None:
    web_server.answers["/peter.wav"] = lambda _request: (200, "audio/wav", clip("Peter"))
    output = api.completed(
        audio=f"{web_server.url}/conversation.wav",
        language="en",
        align_output=True,  # segments are sentences then, and a sentence has one speaker
        known_speaker_names=["Peter", "Maria"],
        known_speaker_references=[f"{web_server.url}/peter.wav", clip_uri("Maria")],
    )
    found = [segment["speaker"] for segment in output["model_output"]["segments"]]
    assert found[:2] == ["Peter", "Maria"]
    assert set(found) == {"Peter", "Maria"}
    assert set(output["model_output"]["speaker_embeddings"]) == {"Peter", "Maria"}


KNOWN = {"known_speaker_names": ["Ada"]}


@pytest.mark.parametrize(
    ("inputs", "sent"),
    [
        ({"audio": None}, "audio: an http(s) URL is required"),
        ({"audio_base_64": "!!"}, "audio_base_64: is not valid base64"),
        (
            {"audio_base_64": base64.b64encode(b"not a recording").decode()},
            "audio_base_64: is a text, not a recording",
        ),
        ({"audio": "/missing.wav"}, "audio: cannot be fetched: the server answered 404"),
        (
            {"audio": "http://10.1.2.3/x.wav"},
            "audio: cannot be fetched: the host's address is private",
        ),
        ({"audio": "file:///etc/passwd"}, "audio: cannot be fetched: only http and https"),
        ({"batch_size": 0}, "batch_size: 0 is less than the minimum, 1"),
        ({"batchsize": 4}, "batchsize: unknown input"),
        ({"whisper_model": "tiny"}, "whisper_model: this service was started with: demo"),
        ({"align_model": "a/b", "align_output": True}, "align_model: this service offers: none"),
        (
            {**KNOWN, "known_speaker_references": ["/etc/hostname"]},
            "known_speaker_references: clip 1: is no http(s) URL",
        ),
        (
            {**KNOWN, "known_speaker_references": ["http://10.1.2.3/x.wav"]},
            "known_speaker_references: clip 1: cannot be fetched: the host's address is private",
        ),
        (
            {**KNOWN, "known_speaker_references": ["data:;base64,YWJj"]},
            "known_speaker_references: clip 1: is a text, not a recording",
        ),
    ],
)
def test_a_job_that_cannot_be_done_fails_and_says_why(
    api: Api, web_server: WebServer, inputs: dict[str, Any], sent: str
) -> None:
    given = {"audio": "/conversation.wav", **inputs}
    if str(given["audio"]).startswith("/"):
        given["audio"] = web_server.url + given["audio"]
    failed = api.run(**given)
    assert failed["status"] == "FAILED", failed
    assert failed["error"].startswith(sent), failed
    assert "Traceback" not in failed["error"]


class Platform:
    """RunPod's side of a worker: jobs to take, results to post, jobs to stop."""

    def __init__(self, site: WebServer, jobs: list[dict[str, Any]]) -> None:
        self._site = site
        self._jobs = jobs
        self._stop: list[str] = []
        self._ended = threading.Event()
        site.answers["/v2/ep/job-take/"] = self._take
        site.answers["/v2/ep/job-stop/"] = self._signals
        for path in ("/v2/ep/job-done/", "/v2/ep/ping/"):
            site.answers[path] = lambda _request: (200, "application/json", b"{}")

    def environ(self) -> dict[str, str]:
        base = f"{self._site.url}/v2/ep"
        return {
            "RUNPOD_WEBHOOK_GET_JOB": f"{base}/job-take/$ID?gpu=none",
            "RUNPOD_WEBHOOK_POST_OUTPUT": f"{base}/job-done/$RUNPOD_POD_ID/$ID?gpu=none",
            "RUNPOD_WEBHOOK_POST_STREAM": f"{base}/job-stream/$RUNPOD_POD_ID/$ID?gpu=none",
            "RUNPOD_WEBHOOK_PING": f"{base}/ping/$RUNPOD_POD_ID",
            "RUNPOD_POD_ID": "pod",
            "RUNPOD_AI_API_KEY": "a-key-for-tests",
            "RUNPOD_SKIP_AUTO_SYSTEM_CHECKS": "true",
            "RUNPOD_SKIP_GPU_CHECK": "true",
        }

    def sent(self, job: str) -> list[Any]:
        """What the worker posted about ``job``, in order."""
        return [seen.json() for seen in self._site.of(f"/v2/ep/job-done/pod/{job}?")]

    def result(self, job: str) -> Any:
        """What it posted that was no progress; None before."""
        last = [sent for sent in self.sent(job) if sent.get("status") != "IN_PROGRESS"]
        return last[0] if last else None

    def cancel(self, job: str) -> None:
        self._stop.append(job)

    def _take(self, _request: Seen) -> tuple[int, str, bytes]:
        if not self._jobs:
            self._ended.wait(1)  # held, as the platform holds a worker that has nothing to do
            return 204, "application/json", b""
        return 200, "application/json", json.dumps(self._jobs.pop(0)).encode()

    def _signals(self, _request: Seen) -> tuple[int, str, bytes]:
        stop, self._stop = self._stop, []
        return 200, "application/json", json.dumps({"jobsToStop": stop}).encode()


def test_worker_loop_takes_jobs_tells_progress_and_stops_what_is_cancelled(
    starter: Starter, web_server: WebServer, tmp_path: Path
) -> None:
    url = f"{web_server.url}/conversation.wav"
    long = tmp_path / "long.wav"
    long.write_bytes(_repeated(4))
    web_server.answers["/long.wav"] = lambda _request: (200, "audio/wav", long.read_bytes())
    platform = Platform(
        web_server,
        [
            {"id": "good", "input": {"audio": url, "language": "en"}},
            {"id": "bad", "input": {"audio": f"{web_server.url}/missing.wav"}},
            {"id": "cancelled", "input": {"audio": f"{web_server.url}/long.wav", "language": "en"}},
            {"id": "last", "input": {"audio": url, "language": "en", "diarization": True}},
        ],
    )
    environ: Any = platform.environ()
    worker = starter.start(*HANDLER, **environ)

    wait_until(lambda: platform.sent("cancelled"), "the long job has begun", PATIENCE)
    good = platform.sent("good")
    assert good[-1]["output"]["joined_text"].startswith("Hello Maria"), worker.log()
    shares = [sent["output"]["progress"] for sent in good[:-1]]
    assert shares
    assert shares == sorted(set(shares))
    assert all(sent["status"] == "IN_PROGRESS" for sent in good[:-1])
    assert platform.result("bad") == {
        "error": "audio: cannot be fetched: the server answered 404 Not Found"
    }

    platform.cancel("cancelled")
    wait_until(lambda: platform.result("last"), "the job after the cancelled one is done", PATIENCE)
    assert platform.result("cancelled") is None
    assert "cancelled: stopped at" in worker.log()
    speakers = {
        segment["speaker"]
        for segment in platform.result("last")["output"]["model_output"]["segments"]
    }
    assert len(speakers) == 2
    assert "Hello Maria" not in worker.log()  # what was said is in no log
    assert worker.stop() == 0, worker.log()


def _repeated(times: int) -> bytes:
    target = io.BytesIO()
    with wave.open(str(RECORDING)) as source, wave.open(target, "wb") as sink:
        sink.setparams(source.getparams())
        sink.writeframes(source.readframes(source.getnframes()) * times)
    return target.getvalue()
