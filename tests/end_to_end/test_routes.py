"""The routes in front of the real models: what they render is what was said."""

import time
import wave
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import srt
from openai import OpenAI
from openai.types.audio import TranscriptionDiarized

from evaluation.scoring import plain_words, word_error_rate
from tests.conftest import RECORDING, RunningStack, clip_uri

pytestmark = pytest.mark.slow


@pytest.fixture
def openai(stack: RunningStack) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{stack.url}/v1", api_key=stack.token, max_retries=0) as client:
        yield client


def test_one_run_gives_every_format(openai: OpenAI, truth: dict[str, Any]) -> None:
    with RECORDING.open("rb") as file:
        answer = openai.audio.transcriptions.with_raw_response.create(
            file=file, model="gpt-4o-transcribe-diarize", response_format="diarized_json"
        )
    found: Any = answer.parse()
    assert word_error_rate(plain_words(truth["text"]), plain_words(found.text)) <= 0.10
    assert {segment.speaker for segment in found.segments} == {"A", "B"}
    assert found.segments[0].speaker == "A"
    path = f"/predictions/{answer.headers['x-prediction-id']}/output?format="
    cues = list(srt.parse(openai.get(f"{path}srt", cast_to=str), ignore_errors=False))
    shown = " ".join(cue.content.partition("]: ")[2] for cue in cues)
    assert plain_words(shown) == plain_words(found.text)
    assert all(cue.end <= after.start for cue, after in pairwise(cues))
    verbose: Any = openai.get(f"{path}verbose_json", cast_to=object)
    assert verbose["language"] == "english"
    assert plain_words(" ".join(word["word"] for word in verbose["words"])) == plain_words(
        found.text
    )
    assert all(-9 < segment["avg_logprob"] <= 0 for segment in verbose["segments"])


def test_known_speakers_have_their_names(openai: OpenAI) -> None:
    """Their voices are what counts, not the order in which they are named."""
    with RECORDING.open("rb") as file:
        found: Any = openai.audio.transcriptions.create(
            file=file,
            model="gpt-4o-transcribe-diarize",
            response_format="diarized_json",
            known_speaker_names=["Maria", "Peter"],
            known_speaker_references=[clip_uri("Maria"), clip_uri("Peter")],
        )
    assert type(found) is TranscriptionDiarized
    assert [segment.speaker for segment in found.segments][:2] == ["Peter", "Maria"]
    assert {segment.speaker for segment in found.segments} == {"Peter", "Maria"}


def test_who_is_not_known_has_a_letter(openai: OpenAI) -> None:
    with RECORDING.open("rb") as file:
        events = list(
            openai.audio.transcriptions.create(
                file=file,
                model="gpt-4o-transcribe-diarize",
                response_format="diarized_json",
                known_speaker_names=["Maria"],
                known_speaker_references=[clip_uri("Maria")],
                stream=True,
            )
        )
    segments = [event for event in events if event.type == "transcript.text.segment"]
    assert [segment.speaker for segment in segments][:2] == ["A", "Maria"]
    assert {segment.speaker for segment in segments} == {"A", "Maria"}
    deltas = [event.delta for event in events if event.type == "transcript.text.delta"]
    assert events[-1].type == "transcript.text.done"
    assert events[-1].text == "".join(deltas)


def test_the_first_words_of_five_minutes_come_early(openai: OpenAI, tmp_path: Path) -> None:
    path = tmp_path / "five-minutes.wav"
    with wave.open(str(RECORDING)) as source, wave.open(str(path), "wb") as target:
        target.setparams(source.getparams())
        target.writeframes(source.readframes(source.getnframes()) * 7)
    began, deltas, done, first = time.monotonic(), [], "", 0.0
    with path.open("rb") as file:
        events = openai.audio.transcriptions.create(file=file, model="whisper-1", stream=True)
        for event in events:
            first = first or time.monotonic() - began
            if event.type == "transcript.text.delta":
                deltas.append(event.delta)
            elif event.type == "transcript.text.done":
                done = event.text
    wall = time.monotonic() - began
    print(f"first delta after {first:.1f} s of {wall:.1f} s, {len(deltas)} deltas")
    assert first < wall / 2
    assert len(deltas) > 5
    assert "".join(deltas) == done
