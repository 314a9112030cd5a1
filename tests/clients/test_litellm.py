"""LiteLLM, as a library and as a proxy, and langchain's parser: real, unchanged."""

import io
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import srt

from stack.settings import free_port
from tests.clients.beside import NEEDS_CLIENTS, PYTHON, Beside
from tests.clients.helpers import WAV
from tests.clients.openai_py.conftest import TEXT
from tests.conftest import RunningStack, wait_until

pytestmark = NEEDS_CLIENTS

OFFLINE = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "DO_NOT_TRACK": "1"}
KEY = "sk-9f8e7d6c5b4a39281706f5e4d3c2b1a0"
CONFIG = """
model_list:
  - model_name: whisper
    litellm_params: {{model: openai/whisper-1, api_base: {base}, api_key: {token}}}
    model_info: {{mode: audio_transcription}}
general_settings: {{master_key: {key}}}
"""
LIBRARY = Beside(
    PYTHON,
    """
import json, os
import litellm
def ask(model="openai/whisper-1", **more):
    with open(os.environ["RECORDING"], "rb") as file:
        return litellm.transcription(
            model=model, file=file, api_base=os.environ["BASE"], api_key=os.environ["TOKEN"],
            prompt="talk", max_retries=0, **more)
""",
    OFFLINE,
)
LANGCHAIN = Beside(
    PYTHON,
    """
import json, os
from langchain_community.document_loaders.parsers.audio import OpenAIWhisperParser
from langchain_core.documents.base import Blob
def parse(**more):
    parser = OpenAIWhisperParser(
        api_key=os.environ["TOKEN"], base_url=os.environ["BASE"], prompt="talk", **more)
    return [d.page_content for d in parser.lazy_parse(Blob.from_path(os.environ["RECORDING"]))]
""",
    OFFLINE,
)


def test_the_library_transcribes(stack: RunningStack, recording: Path) -> None:
    models = ["whisper-1", "demo", "gpt-4o-transcribe"]
    named = [*(f"openai/{model}" for model in models), "hosted_vllm/whisper-1"]
    code = f"result = [ask(model).text for model in {named!r}]"
    assert LIBRARY.run(stack, recording, code) == [TEXT] * len(named)


def test_the_librarys_formats(stack: RunningStack, recording: Path) -> None:
    found = LIBRARY.run(
        stack,
        recording,
        """
        result = {f: ask(response_format=f).text for f in ("json", "text", "srt", "vtt")}
        verbose = ask(response_format="verbose_json", timestamp_granularities=["word"])
        result["words"] = verbose["words"]
        result["language"] = ask(language="en-US", temperature=0).text
        """,
    )
    assert found["json"] == found["language"] == TEXT
    assert found["text"].strip() == TEXT
    assert len(list(srt.parse(found["srt"], ignore_errors=False))) == 3
    assert found["vtt"].startswith("WEBVTT")
    assert [word["word"] for word in found["words"]][:2] == ["Hello", "there."]


@pytest.fixture(scope="module")
def proxy(stack: RunningStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder, port = tmp_path_factory.mktemp("litellm"), free_port()
    config = folder / "config.yaml"
    config.write_text(CONFIG.format(base=f"{stack.url}/v1", token=stack.token, key=KEY))
    command = [PYTHON.with_name("litellm"), "--config", config, "--host", "127.0.0.1"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [*map(str, command), "--port", str(port)],
            env={"PATH": os.environ["PATH"], "HOME": str(folder), **OFFLINE},
            cwd=folder,
            stdout=log,
            stderr=log,
        )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until(lambda: process.poll() is not None or _answers(url), "the proxy answers", 110)
        yield url
    finally:
        process.terminate()
        process.wait(20)


def _answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/health/liveliness", timeout=5).ok
    except requests.ConnectionError:
        return False


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"response_format": "verbose_json"},
        {"stream": "true"},
        {"stream": "true", "response_format": "verbose_json"},
        {"language": "en-US", "temperature": "0"},
    ],
)
def test_the_proxy_transcribes(proxy: str, fields: dict[str, str]) -> None:
    answer = requests.post(
        f"{proxy}/v1/audio/transcriptions",
        headers={"Authorization": f"Bearer {KEY}"},
        files={"file": ("talk.wav", io.BytesIO(WAV), "audio/wav")},
        data={"model": "whisper", "prompt": "talk", **fields},
        timeout=60,
    )
    assert answer.status_code == 200, answer.text
    assert "Hello there." in answer.text


def test_langchain_parses(stack: RunningStack, recording: Path) -> None:
    *found, subtitles = LANGCHAIN.run(
        stack,
        recording,
        """
        asked = [{}, {"response_format": "verbose_json"}, {"language": "en"},
                 {"response_format": "srt"}]
        result = [text for more in asked for text in parse(**more)]
        """,
    )
    assert found == [TEXT] * 3
    assert len(list(srt.parse(subtitles, ignore_errors=False))) == 3
