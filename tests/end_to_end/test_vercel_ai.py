"""Vercel's `ai` with its provider for OpenAI, unchanged, under Node, and the real predictor.

It refuses segments that lack one of the measures of Whisper's decoder.
"""

from pathlib import Path
from typing import Any

import pytest

from tests.clients.helpers import wav
from tests.clients.node import NEEDS_NODE, Node
from tests.clients.versions import AI_JS
from tests.conftest import RunningStack

pytestmark = NEEDS_NODE

PRELUDE = """
import { readFileSync } from "node:fs";
import * as ai from "ai";
import { createOpenAI } from "@ai-sdk/openai";
const { TOKEN, BASE, RECORDING } = process.env;
const openai = createOpenAI({ apiKey: TOKEN, baseURL: BASE });
const transcribe = ai.transcribe ?? ai.experimental_transcribe;
const ask = (model, options = {}, audio = readFileSync(RECORDING)) => transcribe({
  model: openai.transcription(model), audio, maxRetries: 0,
  providerOptions: { openai: { language: "en", ...options } } });
"""


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Node:
    return Node.install(tmp_path_factory.mktemp("ai"), PRELUDE, *AI_JS)


def run(node: Node, stack: RunningStack, recording: Path, code: str) -> Any:
    return node.run(code, TOKEN=stack.token, BASE=f"{stack.url}/v1", RECORDING=str(recording))


@pytest.mark.parametrize(
    "model",
    ["whisper-1", "gpt-4o-transcribe", "gpt-4o-mini-transcribe", "gpt-4o-transcribe-diarize"],
)
def test_every_model_transcribes(
    node: Node, stack: RunningStack, short_recording: Path, model: str
) -> None:
    code = f'const found = await ask("{model}"); result = [found.text, found.segments.length];'
    text, segments = run(node, stack, short_recording, code)
    assert len(text.split()) > 3
    assert (segments > 0) == (model in {"whisper-1", "gpt-4o-transcribe-diarize"})


def test_words_and_silence(
    node: Node, stack: RunningStack, short_recording: Path, tmp_path: Path
) -> None:
    silence = tmp_path / "silence.wav"
    silence.write_bytes(wav(2))
    found = run(
        node,
        stack,
        short_recording,
        f"""
        const words = await ask(
          "whisper-1", {{ timestampGranularities: ["word"], temperature: 0 }});
        const base64 = readFileSync(RECORDING).toString("base64");
        const quiet = readFileSync("{silence}");
        result = {{
          language: words.language, seconds: words.durationInSeconds,
          words: words.segments.map((one) => one.text), text: words.text,
          again: (await ask("whisper-1", {{}}, base64)).text,
          quiet: await ask("whisper-1", {{}}, quiet).then((found) => found.text, (e) => e.name) }};
        """,
    )
    assert found["language"] == "en"
    assert found["seconds"] > 1
    assert found["words"] == found["text"].split()
    assert found["again"] == found["text"]
    # An empty transcript is none at all to the library, or an empty one: versions differ.
    assert found["quiet"] == "" or "NoTranscript" in found["quiet"]
