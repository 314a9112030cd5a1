"""The RunPod worker under the real `runpod` package: local run, local API, worker loop."""

import base64
import io
import json
import threading
import urllib.error
import urllib.request
import wave
from pathlib import Path
from typing import Any

import pytest

from stack.settings import ROOT, free_port
from tests.conftest import RECORDING, wait_until
from tests.platforms.conftest import Seen, Starter, WebServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

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
    assert run.process.wait(120) == 0, run.log()
    assert "Hello Maria, how are you today?" in run.log()
    assert "'joined_text'" in run.log()


def test_local_run_that_fails_ends_with_1(starter: Starter) -> None:
    run = starter.start(*HANDLER, "--test_input", '{"input": {"language": "en"}}')
    assert run.process.wait(120) == 1
    assert "failed with error: audio: an http(s) URL is required" in run.log()


def test_an_unusable_variable_ends_the_worker(starter: Starter) -> None:
    run = starter.start(*HANDLER, TASK="summarize")
    assert run.process.wait(60) == 2
    assert "TASK must be one of transcribe, translate" in run.log()
    assert "Traceback" not in run.log()


@pytest.fixture
def api(starter: Starter) -> str:
    """RunPod's own local API around our handler."""
    port = free_port()
    run = starter.start(
        *HANDLER, "--rp_serve_api", "--rp_api_port", str(port), "--rp_api_host", "127.0.0.1"
    )

    def answers() -> bool:
        assert run.process.poll() is None, run.log()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/docs", timeout=5):
                return True
        except urllib.error.URLError:
            return False

    wait_until(answers, "RunPod's API answers", 120)
    return f"http://127.0.0.1:{port}"


def test_local_api_runs_jobs_with_all_inputs_and_errors(api: str, web_server: WebServer) -> None:
    def run(**inputs: Any) -> Any:
        return post(f"{api}/runsync", {"input": inputs})

    url = f"{web_server.url}/conversation.wav"
    done = run(audio=url, language="en", align_output=True)
    assert done["status"] == "COMPLETED", done
    output = done["output"]
    assert output["joined_text"].startswith("Hello Maria")
    assert output["model_output"]["language"] == "en"
    assert output["model_output"]["segments"][0]["words"][0]["word"] == "Hello"
    assert output["model_output"]["warnings"] == []
    assert "speaker" not in output["model_output"]["segments"][0]

    short = json.loads((FOLDER / "test_input.json").read_text())["input"]["audio_base_64"]
    for language, warning in (
        ({}, "No language was given: 'en' was assumed."),
        (
            {"language": "de"},
            "The language is none of SUPPORTED_LANGUAGES (en, nl): 'en' was assumed.",
        ),
        ({"language": "auto", "initial_prompt": "Thank you."}, None),
    ):
        done = run(audio_base_64=short, audio="http://ignored.invalid/", **language)
        assert done["status"] == "COMPLETED", done
        assert done["output"]["model_output"]["warnings"] == ([warning] if warning else [])
        assert done["output"]["model_output"]["language"] == "en"

    broken = base64.b64encode(b"not a recording").decode()
    for inputs, told in (
        ({}, "audio: an http(s) URL is required"),
        ({"audio_base_64": "!!"}, "audio_base_64: is not base64"),
        ({"audio_base_64": broken}, "audio_base_64: is not a recording"),
        (
            {"audio": f"{web_server.url}/missing.wav"},
            "audio: cannot be fetched: the server answered 404",
        ),
        (
            {"audio": "http://10.1.2.3/x.wav"},
            "audio: cannot be fetched: the host's address is private",
        ),
        ({"audio": "file:///etc/passwd"}, "audio: cannot be fetched: only http and https"),
        ({"audio": url, "batch_size": 0}, "batch_size: 0 is less than the minimum, 1"),
        ({"audio": url, "batchsize": 4}, "batchsize: unknown input"),
        (
            {"audio": url, "whisper_model": "tiny"},
            "whisper_model: this service was started with: demo",
        ),
    ):
        failed = run(**inputs)
        assert failed["status"] == "FAILED", failed
        assert failed["error"].startswith(told), failed
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

    def told(self, job: str) -> list[Any]:
        """What the worker posted about ``job``, in order."""
        return [seen.json() for seen in self._site.of(f"/v2/ep/job-done/pod/{job}?")]

    def result(self, job: str) -> Any:
        """What it posted that was no progress; None before."""
        last = [told for told in self.told(job) if told.get("status") != "IN_PROGRESS"]
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
    worker = starter.start(*HANDLER, **platform.environ())

    wait_until(lambda: platform.told("cancelled"), "the long job has begun", 120)
    good = platform.told("good")
    assert good[-1]["output"]["joined_text"].startswith("Hello Maria"), worker.log()
    shares = [told["output"]["progress"] for told in good[:-1]]
    assert shares
    assert shares == sorted(set(shares))
    assert all(told["status"] == "IN_PROGRESS" for told in good[:-1])
    assert platform.result("bad") == {
        "error": "audio: cannot be fetched: the server answered 404 Not Found"
    }

    platform.cancel("cancelled")
    wait_until(lambda: platform.result("last"), "the job after the cancelled one is done", 60)
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
