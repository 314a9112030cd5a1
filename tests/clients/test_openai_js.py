"""OpenAI's JavaScript client, unchanged, under Node."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent
from typing import Any
from uuid import uuid4

import pytest
import srt

from tests.clients.helpers import wav
from tests.clients.test_openai_py import TEXT
from tests.conftest import RunningStack

pytestmark = [
    pytest.mark.slow,  # installs the client
    pytest.mark.skipif(
        not (shutil.which("node") and shutil.which("npm")), reason="Node.js is not installed"
    ),
]

VERSION = "6.49.0"
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
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("openai-js")
    (folder / "package.json").write_text('{"private": true, "type": "module"}')
    install = ["npm", "install", "--silent", "--no-audit", "--no-fund", f"openai@{VERSION}"]
    subprocess.run(install, cwd=folder, check=True, timeout=110)
    return folder


@pytest.fixture
def script(stack: RunningStack, folder: Path, recording: Path) -> Script:
    """Runs code with the client; what it assigns to ``result``."""

    def run(code: str, upload: Path = recording, token: str = stack.token) -> Any:
        file = folder / f"{uuid4().hex}.mjs"
        lines = [PRELUDE, "let result;", dedent(code), "console.log(JSON.stringify(result));"]
        file.write_text("\n".join(lines))
        environ = {
            **os.environ,
            "TOKEN": token,
            "BASE": f"{stack.url}/v1",
            "RECORDING": str(upload),
        }
        answer = subprocess.run(
            ["node", file], cwd=folder, env=environ, capture_output=True, text=True, timeout=100
        )
        assert answer.returncode == 0, answer.stderr
        return json.loads(answer.stdout)

    return run


def test_formats(script: Script) -> None:
    found = script("""
        result = {};
        for (const response_format of
             ["json", "text", "srt", "vtt", "tsv", "verbose_json", "diarized_json"]) {
          result[response_format] = await transcribe({ response_format });
        }
    """)
    assert found["json"] == {"text": TEXT, "usage": {"type": "duration", "seconds": 60.5}}
    assert found["text"] == f"{TEXT}\n"
    assert len(list(srt.parse(found["srt"], ignore_errors=False))) == 3
    assert found["vtt"].startswith("WEBVTT\n\n00:00:00.000 --> ")
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


def test_translations_and_models(script: Script) -> None:
    found = script("""
        const file_ = await toFile(file(), "talk.wav");
        const translated = await client.audio.translations.create(
          { file: file_, model: "whisper-1", prompt: "talk", response_format: "verbose_json" });
        const models = [];
        for await (const model of client.models.list()) models.push(model.id);
        result = { translated, models, one: await client.models.retrieve("demo") };
    """)
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
    assert events[-1] == {"type": "transcript.text.done", "text": TEXT}
    assert "".join(deltas) == TEXT
    speakers = [e["speaker"] for e in events if e["type"] == "transcript.text.segment"]
    assert speakers == ["A", "A", "B"]


def test_errors(script: Script) -> None:
    found = script("""
        result = [
          await raised(transcribe({ response_format: "docx" })),
          await raised(transcribe({ model: "gpt-99" })),
          await raised(transcribe({ include: ["logprobs"] })),
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
