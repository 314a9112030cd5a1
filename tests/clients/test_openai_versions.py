"""OpenAI's clients of today and of long ago: the newest, and the oldest that people still have."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import srt
import webvtt

from tests.clients.beside import NEEDS_CLIENTS, PYTHON, Beside
from tests.clients.node import NEEDS_NODE, Node
from tests.clients.openai_py.conftest import TEXT
from tests.clients.versions import OLD_OPENAI_JS, OLD_OPENAI_PY
from tests.conftest import RunningStack

PYTHON_PRELUDE = """
import json, os
import openai
client = openai.OpenAI(base_url=os.environ["BASE"], api_key=os.environ["TOKEN"], max_retries=0)
def ask(model="whisper-1", route=client.audio.transcriptions, **more):
    with open(os.environ["RECORDING"], "rb") as file:
        return route.create(file=file, model=model, prompt="talk", **more)
def text(answer):
    return answer if isinstance(answer, str) else answer.text
def refused(**fields):
    try:
        ask(**fields)
    except openai.BadRequestError as error:
        return [error.status_code, error.param, error.code]
"""
EVERY_ROUTE = """
result = {
    "formats": {f: text(ask(response_format=f)) for f in ("json", "text", "srt", "vtt")},
    "translation": ask(route=client.audio.translations).text,
    "models": [model.id for model in client.models.list()],
    "model": client.models.retrieve("whisper-1").id,
    "refused": refused(language="klingon"),
}
"""
NODE_PRELUDE = """
import { createReadStream } from "node:fs";
import OpenAI from "openai";
const { TOKEN, BASE, RECORDING } = process.env;
const client = new OpenAI({ apiKey: TOKEN, baseURL: BASE, maxRetries: 0 });
const ask = (more = {}, route = client.audio.transcriptions) => route.create(
  { file: createReadStream(RECORDING), model: "whisper-1", prompt: "talk", ...more });
"""


NEWEST = Beside(PYTHON, PYTHON_PRELUDE)


@pytest.fixture(scope="module")
def oldest(tmp_path_factory: pytest.TempPathFactory) -> Beside:
    folder = tmp_path_factory.mktemp("openai-old")
    return Beside.install(folder, PYTHON_PRELUDE, *OLD_OPENAI_PY)


def check(found: dict[str, Any]) -> None:
    assert found["formats"]["json"] == TEXT
    assert found["formats"]["text"].strip() == TEXT
    assert len(list(srt.parse(found["formats"]["srt"], ignore_errors=False))) == 3
    assert len(webvtt.from_string(found["formats"]["vtt"]).captions) == 3
    assert found["translation"] == TEXT
    assert {"demo", "whisper-1"} <= set(found["models"])
    assert found["model"] == "whisper-1"
    assert found["refused"] == [400, "language", "invalid_value"]


@pytest.mark.slow
def test_every_route_in_python_of_long_ago(
    oldest: Beside, stack: RunningStack, recording: Path
) -> None:
    check(oldest.run(stack, recording, EVERY_ROUTE))


@pytest.mark.slow
@NEEDS_CLIENTS[1]
def test_every_route_in_python(stack: RunningStack, recording: Path) -> None:
    check(NEWEST.run(stack, recording, EVERY_ROUTE))


@pytest.mark.slow
@NEEDS_CLIENTS[1]
def test_what_only_the_newest_types_have(stack: RunningStack, recording: Path) -> None:
    found = NEWEST.run(
        stack,
        recording,
        """
        verbose = ask(response_format="verbose_json", timestamp_granularities=["word", "segment"])
        diarized = ask(model="gpt-4o-transcribe-diarize", response_format="diarized_json",
                       chunking_strategy="auto")
        plain = ask(model="gpt-transcribe", languages=["en"], keywords=["Ada"])
        events = list(ask(model="gpt-4o-transcribe", stream=True))
        quiet = client.audio.transcriptions.create(
            file=open(os.environ["RECORDING"], "rb"), model="gpt-transcribe", prompt="silence")
        model = client.models.retrieve("whisper-1")
        result = {
            "words": len(verbose.words), "usage": verbose.usage.to_dict(),
            "speakers": [segment.speaker for segment in diarized.segments],
            "languages": [language.code for language in plain.languages],
            "none": quiet.languages,
            "events": [event.type for event in events], "done": events[-1].to_dict(),
            "shutdown": ["shutdown_date" in model.model_fields_set, model.shutdown_date],
        }
        """,
    )
    assert found["words"] == 5
    assert found["usage"] == {"type": "duration", "seconds": 60.5}
    assert found["speakers"] == ["A", "A", "B"]
    assert (found["languages"], found["none"]) == (["en"], [])
    assert set(found["events"][:-1]) == {"transcript.text.delta"}
    languages = [{"code": "en"}]
    assert found["done"] == {"type": "transcript.text.done", "text": TEXT, "languages": languages}
    assert found["shutdown"] == [True, None]


@pytest.fixture(scope="module")
def old_node(tmp_path_factory: pytest.TempPathFactory) -> Node:
    return Node.install(tmp_path_factory.mktemp("openai-js-old"), NODE_PRELUDE, OLD_OPENAI_JS)


@pytest.mark.slow
@NEEDS_NODE[1]
def test_every_route_in_javascript_of_long_ago(
    old_node: Node, stack: RunningStack, recording: Path
) -> None:
    run: Callable[..., Any] = old_node.run
    check(
        run(
            """
            const formats = {};
            for (const response_format of ["json", "text", "srt", "vtt"]) {
              const answer = await ask({ response_format });
              formats[response_format] = answer.text ?? answer;
            }
            let refused;
            try { await ask({ language: "klingon" }); }
            catch (error) { refused = [error.status, error.param, error.code]; }
            result = {
              formats, refused,
              translation: (await ask({}, client.audio.translations)).text,
              models: (await client.models.list()).data.map((model) => model.id),
              model: (await client.models.retrieve("whisper-1")).id,
            };
            """,
            TOKEN=stack.token,
            BASE=f"{stack.url}/v1",
            RECORDING=str(recording),
        )
    )
