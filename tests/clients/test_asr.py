"""The wire of openai-whisper-asr-webservice, and the requests of those who speak it."""

import io
import json
import wave
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import requests
import srt
import webvtt

from stack.settings import free_port
from tests.clients.helpers import WAV, Api
from tests.conftest import RunningStack
from tests.fixtures import lone
from tests.fixtures.lone import LoneBridge

RAW = bytes(2 * 8_000)  # half a second of s16le, 16 kHz, one channel, as ffmpeg writes it
# What the original's engines put into `output=json`: names and types, from its source.
WHISPER = {
    "id": int,
    "seek": int,
    "start": float,
    "end": float,
    "text": str,
    "tokens": list,
    "temperature": float,
    "compression_ratio": float,
    "words": list,
}
WHISPERX = {"start": float, "end": float, "text": str, "words": list, "speaker": str}
WORD = {"word": str, "start": float, "end": float, "score": float, "speaker": str}


def post(
    stack: RunningStack, path: str, content: bytes = WAV, /, **params: Any
) -> requests.Response:
    """As curl and requests send it; the token is what the original has no need of."""
    return requests.post(
        f"{stack.url}{path}",
        params={"initial_prompt": "talk", **params},
        files={"audio_file": ("talk 1.wav", content, "audio/wav")},
        headers={"Authorization": f"Bearer {stack.token}"},
        timeout=60,
    )


def record(stack: RunningStack, answer: requests.Response) -> dict[str, Any]:
    """The prediction behind an answer."""
    found: dict[str, Any] = requests.get(
        f"{stack.url}/v1/predictions/{answer.headers['x-prediction-id']}",
        headers={"Authorization": f"Bearer {stack.token}"},
        timeout=60,
    ).json()
    return found


@pytest.mark.parametrize("output", ["txt", "vtt", "srt", "tsv", "json"])
def test_every_output_is_plain_text_with_a_name(stack: RunningStack, output: str) -> None:
    answer = post(stack, "/asr", output=output)
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert answer.headers["Asr-Engine"] == "whisperx"
    disposition = f'attachment; filename="talk%201.wav.{output}"'
    assert answer.headers["Content-Disposition"] == disposition


def test_text_is_the_default(stack: RunningStack) -> None:
    said = "[SPEAKER_01]: Hello there.\n[SPEAKER_01]: 5 --> <b>\n[SPEAKER_00]: Goodbye.\n"
    for params in ({}, {"output": "txt"}, {"output": "text"}, {"output": ""}):
        assert post(stack, "/asr", **params).text == said


def test_subtitles_and_tables_are_read_by_parsers(stack: RunningStack) -> None:
    assert len(list(srt.parse(post(stack, "/asr", output="srt").text, ignore_errors=False))) == 3
    document = post(stack, "/asr", output="vtt", max_line_width=10).text
    first, *_ = webvtt.from_buffer(io.StringIO(document)).captions
    assert first.text == "Hello\nthere."
    table = post(stack, "/asr", output="tsv").text.splitlines()
    assert table[0].split("\t")[:3] == ["start", "end", "text"]
    assert table[1].split("\t")[:3] == ["0", "1200", "Hello there."]


def test_json_has_the_names_and_types_of_the_original(stack: RunningStack) -> None:
    body = post(stack, "/asr", output="json").json()
    assert {name: type(value) for name, value in body.items()} == {
        "text": str,
        "segments": list,
        "word_segments": list,
        "language": str,
    }
    first = body["segments"][0]
    for names in (WHISPER, WHISPERX):
        assert {name: type(first[name]) for name in names} == names
    assert {name: type(first["words"][0][name]) for name in WORD} == WORD
    assert body["word_segments"][: len(first["words"])] == first["words"]
    assert (first["words"][0]["score"], first["words"][0]["probability"]) == (0.9, 0.95)
    # A word that could not be timed has no score, as there.
    assert "score" not in body["segments"][1]["words"][0]
    assert body["language"] == "en"


def test_parameters_become_inputs(stack: RunningStack) -> None:
    asked = {
        "task": "translate",
        "language": "en-US",
        "hotwords": "Ada",
        "diarize": "True",
        "min_speakers": 2,
        "max_speakers": 3,
        "return_speaker_embeddings": "true",
    }
    ignored = {"word_timestamps": "true", "vad_filter": "false", "video_file": "/films/one.mkv"}
    answer = post(stack, "/asr", **asked, **ignored, output="json")
    assert answer.json()["speaker_embeddings"] == {}
    inputs = record(stack, answer)["input"]
    inputs.pop("audio_file")
    assert inputs == {
        "task": "translate",
        "language": "en-US",
        "initial_prompt": "talk",
        "hotwords": "Ada",
        "diarization": True,
        "min_speakers": 2,
        "max_speakers": 3,
        "speaker_embeddings": True,
    }


def test_nobody_is_told_apart_unless_asked(stack: RunningStack) -> None:
    inputs = record(stack, post(stack, "/asr"))["input"]
    assert (inputs["diarization"], inputs["speaker_embeddings"]) == (False, False)
    asked = post(stack, "/asr", enable_diarization="true")
    assert record(stack, asked)["input"]["diarization"] is True


@pytest.mark.parametrize("content", [RAW, RAW + b"\0", WAV])
@pytest.mark.parametrize("path", ["/asr", "/detect-language"])
def test_bare_samples_are_a_recording(stack: RunningStack, path: str, content: bytes) -> None:
    """An odd byte at the end is no sample, and a file that says what it is needs no help."""
    answer = post(stack, path, content, encode="false")
    assert answer.status_code == 200, answer.text
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes(RAW)
    assert record(stack, answer)["output"]["warnings"] == [f"{len(buffer.getvalue())} bytes"]


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"output": "docx"}, "output"),
        ({"output_format": "docx"}, "output_format"),
        ({"task": "detect_language"}, "task"),
        ({"language": "klingon"}, "language"),
        ({"diarize": "perhaps"}, "diarize"),
        ({"encode": "perhaps"}, "encode"),
        ({"vad_filter": "perhaps"}, "vad_filter"),
        ({"min_speakers": "many"}, "min_speakers"),
        ({"min_speakers": 3, "max_speakers": 2}, "min_speakers"),
        ({"return_speaker_embeddings": "true"}, "return_speaker_embeddings"),
        ({"model": "huge"}, "model"),
    ],
)
def test_refusals_name_the_parameter(stack: RunningStack, params: Any, param: str) -> None:
    answer = post(stack, "/asr", **params)
    assert (answer.status_code, answer.json()["error"]["param"]) == (422, param)
    assert isinstance(answer.json()["detail"], str)


def test_a_recording_is_needed(stack: RunningStack) -> None:
    for path in ("/asr", "/detect-language"):
        for content in (b"", b"no recording"):
            answer = post(stack, path, content)
            assert (answer.status_code, answer.json()["error"]["param"]) == (422, "audio_file")


async def test_only_a_form_is_taken(api: Api) -> None:
    answer = await api.call("POST", "/asr", json={"audio_file": "x"})
    assert answer.status == 400
    assert (await api.call("GET", "/asr")).status == 405


# Clients


def test_bazarr(stack: RunningStack) -> None:
    """The requests of its provider `whisperai`, and what it does with the answers."""
    session = requests.Session()
    session.headers["User-Agent"] = "Subliminal/2.1"
    session.headers["Authorization"] = f"Bearer {stack.token}"
    unnamed: dict[str, Any] = {"encode": "false", "video_file": {None}}
    detected = session.post(
        f"{stack.url}/detect-language",
        params=unnamed,
        files={"audio_file": RAW},
        timeout=(60, 60),
    ).json()
    assert len(detected) == 3
    assert (detected["language_code"], detected["detected_language"]) == ("en", "english")
    assert detected["confidence"] == 1.0
    asked: dict[str, Any] = {
        "task": "transcribe",
        "language": "en",
        "output": "srt",
        "encode": "false",
        "video_file": {"/films/one.mkv"},
    }
    answer = session.post(
        f"{stack.url}/asr",
        params=asked,
        files={"audio_file": RAW},
        timeout=(60, 60),
    )
    (cue,) = srt.parse(answer.content.decode(), ignore_errors=False)
    assert cue.content == "hello"


def test_speakr(stack: RunningStack) -> None:
    """The request of its connector `asr_endpoint`, and what it reads in the answer."""
    params: dict[str, Any] = {
        "encode": True,
        "task": "transcribe",
        "output": "json",
        "language": "en",
        "diarize": True,
        "enable_diarization": True,
        "return_speaker_embeddings": True,
        "min_speakers": 1,
        "max_speakers": 4,
        "initial_prompt": "talk",
        "hotwords": "Ada Lovelace",
        "model": "demo",
    }
    with httpx.Client(headers={"Authorization": f"Bearer {stack.token}"}) as client:
        files = {"audio_file": ("talk.webm", io.BytesIO(WAV), "video/webm")}
        response = client.post(f"{stack.url}/asr", params=params, files=files, timeout=60)
        response.raise_for_status()
        listed = client.get(f"{stack.url}/v1/models").json()["data"]
    data = json.loads(response.text)
    assert [s["speaker"] for s in data["segments"]] == ["SPEAKER_01", "SPEAKER_01", "SPEAKER_00"]
    assert isinstance(data["text"], str)
    assert data["language"] == "en"
    assert isinstance(data["speaker_embeddings"], dict)
    assert all(model["id"] and model["owned_by"] for model in listed)


# Without tokens


@pytest.fixture(scope="module", params=["0", "1"])
def anonymous(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[LoneBridge, bool]]:
    folder, redis_port = tmp_path_factory.mktemp("asr"), free_port()
    with (
        lone.redis(folder, redis_port),
        lone.bridge(folder, redis_port, ALLOW_ANONYMOUS=request.param) as running,
    ):
        yield running, request.param == "1"


@pytest.mark.parametrize("path", ["/asr", "/detect-language", "/v1/asr/"])
def test_no_token_is_needed_where_the_operator_says_so(
    anonymous: tuple[LoneBridge, bool], path: str
) -> None:
    running, allowed = anonymous
    answer = requests.post(running.url + path, files={"audio_file": b""}, timeout=60)
    assert answer.status_code == (422 if allowed else 401)
