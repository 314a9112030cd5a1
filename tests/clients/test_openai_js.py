"""OpenAI's JavaScript client, unchanged, under Node."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import srt
import webvtt

from tests.clients.helpers import data_uri, wav
from tests.clients.node import NEEDS_NODE, Node
from tests.clients.openai_py.conftest import TEXT
from tests.clients.versions import OPENAI_JS
from tests.conftest import RunningStack

pytestmark = NEEDS_NODE

PRELUDE = """
import { createReadStream } from "node:fs";
import OpenAI, { toFile } from "openai";

const { TOKEN, BASE, RECORDING } = process.env;
const client = new OpenAI({ apiKey: TOKEN, baseURL: BASE, maxRetries: 0 });
const file = () => createReadStream(RECORDING);
const transcribe = (more = {}) => client.audio.transcriptions.create(
  { file: file(), model: "whisper-1", prompt: "talk", ...more });
const raised = async (promise) => {
  try {
    await promise;
  } catch (error) {
    return [error.constructor.name, error.status, error.param, error.code, error.type];
  }
  return null;
};
"""
Script = Callable[..., Any]


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Node:
    return Node.install(tmp_path_factory.mktemp("openai-js"), PRELUDE, OPENAI_JS)


@pytest.fixture
def script(stack: RunningStack, node: Node, recording: Path) -> Script:
    """Runs code with the client; what it assigns to ``result``."""

    def run(code: str, upload: Path = recording, token: str = stack.token, **environ: str) -> Any:
        base = f"{stack.url}/v1"
        return node.run(code, TOKEN=token, BASE=base, RECORDING=str(upload), **environ)

    return run


def test_formats(script: Script) -> None:
    found = script("""
        result = {};
        for (const response_format of
             ["json", "text", "srt", "vtt", "tsv", "verbose_json", "diarized_json"]) {
          result[response_format] = await transcribe({ response_format });
        }
    """)
    usage = {"type": "duration", "seconds": 60.5}
    assert found["json"] == {"text": TEXT, "languages": [{"code": "en"}], "usage": usage}
    assert found["text"] == f"{TEXT}\n"
    assert len(list(srt.parse(found["srt"], ignore_errors=False))) == 3
    captions = webvtt.from_buffer(io.StringIO(found["vtt"])).captions
    assert [cue.voice for cue in captions] == ["SPEAKER_01", "SPEAKER_01", "SPEAKER_00"]
    assert found["tsv"].splitlines()[0] == "start\tend\ttext\tspeaker"
    verbose = found["verbose_json"]
    assert (verbose["language"], verbose["duration"]) == ("english", 60.5)
    assert [segment["id"] for segment in verbose["segments"]] == [0, 1, 2]
    assert "words" not in verbose
    speakers = [segment["speaker"] for segment in found["diarized_json"]["segments"]]
    assert speakers == ["A", "A", "B"]


def test_fields(script: Script) -> None:
    found = script("""
        const { data, response } = await transcribe({
          model: "demo", language: "en", temperature: 0.5, response_format: "verbose_json",
          timestamp_granularities: ["word"],
          chunking_strategy: { type: "server_vad", threshold: 0.7 },
        }).withResponse();
        const made = await client.get(`/predictions/${response.headers.get("x-prediction-id")}`);
        result = { words: data.words, segments: data.segments ?? null, input: made.input };
    """)
    assert found["words"][0] == {"word": "Hello", "start": 0.0, "end": 0.5}
    assert found["segments"] is None
    given = found["input"]
    assert (given["whisper_model"], given["temperature"]) == ("demo", 0.5)
    assert (given["vad_onset"], given["language"]) == (0.7, "en")


def test_known_speakers(script: Script) -> None:
    given = script(
        """
        const known = process.env.CLIP;
        const { response } = await transcribe({
          model: "gpt-4o-transcribe-diarize", response_format: "diarized_json",
          known_speaker_names: ["Ada", "Bob"], known_speaker_references: [known, known],
        }).withResponse();
        const made = await client.get(`/predictions/${response.headers.get("x-prediction-id")}`);
        result = made.input;
        """,
        CLIP=data_uri(wav(3)),
    )
    assert given["diarization"] is True
    assert given["known_speaker_names"] == ["Ada", "Bob"]
    assert len(given["known_speaker_references"]) == 2


def test_translations_and_models(script: Script) -> None:
    found = script("""
        const file_ = await toFile(file(), "talk.wav");
        const translated = await client.audio.translations.create(
          { file: file_, model: "whisper-1", prompt: "talk", response_format: "verbose_json" });
        const models = [];
        for await (const model of client.models.list()) models.push(model.id);
        const subtitled = {};
        for (const response_format of ["srt", "vtt"]) {
          subtitled[response_format] = await client.audio.translations.create(
            { file: file(), model: "whisper-1", prompt: "talk", response_format });
        }
        result = { translated, subtitled, models, one: await client.models.retrieve("demo") };
    """)
    assert len(list(srt.parse(found["subtitled"]["srt"], ignore_errors=False))) == 3
    assert len(webvtt.from_buffer(io.StringIO(found["subtitled"]["vtt"])).captions) == 3
    assert found["translated"]["task"] == "translate"
    assert {"demo", "whisper-1"} <= set(found["models"])
    assert found["one"]["object"] == "model"


def test_stream(script: Script) -> None:
    events = script("""
        result = [];
        const stream = await transcribe({ stream: true, response_format: "diarized_json" });
        for await (const event of stream) result.push(event);
    """)
    deltas = [event["delta"] for event in events if event["type"] == "transcript.text.delta"]
    languages = [{"code": "en"}]
    assert events[-1] == {
        "type": "transcript.text.done",
        "text": TEXT,
        "languages": languages,
    }
    assert "".join(deltas) == TEXT
    speakers = [e["speaker"] for e in events if e["type"] == "transcript.text.segment"]
    assert speakers == ["A", "A", "B"]


def test_errors(script: Script) -> None:
    found = script("""
        result = [
          await raised(transcribe({ response_format: "docx" })),
          await raised(transcribe({ model: "gpt-99" })),
          await raised(transcribe({ include: ["logprobs"], response_format: "text" })),
          await raised(transcribe({ file: await toFile(Buffer.from("no"), "x.wav") })),
          await raised(client.models.retrieve("gpt-99")),
        ];
    """)
    kind = "invalid_request_error"
    assert found == [
        ["BadRequestError", 400, "response_format", "invalid_value", kind],
        ["BadRequestError", 400, "model", "model_not_found", kind],
        ["BadRequestError", 400, "include", "invalid_value", kind],
        ["BadRequestError", 400, "file", "invalid_value", kind],
        ["NotFoundError", 404, "model", "model_not_found", kind],
    ]


def test_a_wrong_token(script: Script) -> None:
    (name, status, *_) = script("result = await raised(transcribe());", token="wrong")
    assert (name, status) == ("AuthenticationError", 401)


@pytest.mark.parametrize("size", [1_000, 200_000_000])
def test_uploads(script: Script, size: int, tmp_path: Path) -> None:
    upload = tmp_path / "long.wav"
    upload.write_bytes(wav((size - 44) / 2 / 16_000))
    output = script(
        """
        const { response } = await transcribe({ prompt: "hello" }).withResponse();
        const made = await client.get(`/predictions/${response.headers.get("x-prediction-id")}`);
        result = made.output;
        """,
        upload,
    )
    assert output["warnings"] == [f"{upload.stat().st_size} bytes"]
