"""Transcribes a recording through the whole stack and prints who said what: ``make demo``."""

import asyncio
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import aiohttp

from evaluation.scoring import plain_words, word_error_rate
from stack.client import ApiError, Client, progress
from stack.services import services
from stack.settings import ROOT, StackSettings
from stack.supervisor import StartFailed, Supervisor

RECORDING = ROOT / "examples" / "conversation.wav"
WORST_WORD_ERROR_RATE = 0.10  # beyond it, the demo recording was not transcribed as it should be
_BAR_WIDTH = 40


async def run(recording: Path, settings: StackSettings) -> int:
    """The exit status: 0 when the recording was transcribed."""
    supervisor = Supervisor(services(settings), settings.state_dir / "log", _note)
    began = time.monotonic()
    async with supervisor.running():
        _note(f"starting Redis, Cog ({settings.models}) and the bridge …")
        try:
            await supervisor.ready()
        except StartFailed as failure:
            _note(str(failure))
            return 1
        _note(f"ready after {time.monotonic() - began:.1f} s; sending {recording.name}")
        async with aiohttp.ClientSession() as session:
            client = Client(session, settings.url, settings.bridge_token)
            try:
                prediction = await _transcribe(client, recording)
            except ApiError as refusal:
                _note(f"refused: {refusal}")
                return 1
    return _report(recording, prediction)


async def _transcribe(client: Client, recording: Path) -> dict[str, Any]:
    created = await client.create_from_file(recording)
    prediction, drawn = created, ""
    async for prediction in client.follow(created["id"]):
        bar = _bar(progress(prediction["logs"]), prediction["status"])
        if bar != drawn:
            # On a terminal the bar moves; in a file each change is a line.
            print(f"\r{bar}", end="" if sys.stderr.isatty() else "\n", file=sys.stderr, flush=True)
            drawn = bar
    print(file=sys.stderr)
    return prediction


def _report(recording: Path, prediction: dict[str, Any]) -> int:
    if prediction["status"] != "succeeded":
        _note(f"{prediction['status']}: {prediction['error']}")
        return 1
    output = prediction["output"]
    print()
    for segment in output["segments"]:
        print(_line(segment))
    print()
    for warning in output["warnings"]:
        _note(f"warning: {warning}")
    _print_figures(prediction)
    truth = recording.with_suffix(".json")
    return _compare(json.loads(truth.read_text()), output) if truth.exists() else 0


def _line(segment: dict[str, Any]) -> str:
    speaker = segment.get("speaker", "")
    times = f"[{_clock(segment['start'])} - {_clock(segment['end'])}]"
    return f"{times} {speaker:<11} {segment['text'].strip()}"


def _print_figures(prediction: dict[str, Any]) -> None:
    output, metrics = prediction["output"], prediction["metrics"]
    seconds = metrics.get("predict_time", 0.0)
    print(
        f"language {output['detected_language']}, {output['duration']:.1f} s of audio"
        f" in {seconds:.1f} s ({output['duration'] / max(seconds, 1e-9):.1f} times real time)"
    )


def _compare(truth: dict[str, Any], output: dict[str, Any]) -> int:
    """Prints how far the transcript is from the truth; 1 when it is too far."""
    heard = " ".join(segment["text"] for segment in output["segments"])
    rate = word_error_rate(plain_words(truth["text"]), plain_words(heard))
    spoken = {turn["speaker"] for turn in truth["turns"]}
    found = {segment.get("speaker") for segment in output["segments"]}
    print(f"word error rate {rate:.1%}, {len(found)} speakers found of {len(spoken)}")
    return 0 if rate <= WORST_WORD_ERROR_RATE and len(found) == len(spoken) else 1


def _bar(percent: int, status: str) -> str:
    full = round(_BAR_WIDTH * percent / 100)
    return f"{'█' * full}{'·' * (_BAR_WIDTH - full)} {percent:3d} % {status:<10}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes):02d}:{rest:05.2f}"


def _note(text: str) -> None:
    print(f"demo: {text}", file=sys.stderr, flush=True)


def main() -> int:
    """Entry point; ``AUDIO`` names a recording of one's own."""
    recording = Path(os.environ.get("AUDIO") or RECORDING)
    if not recording.is_file():
        _note(f"there is no file {recording}")
        return 2
    own = bool(os.environ.get("AUDIO"))
    settings = StackSettings.from_env(os.environ, free_ports=True)
    if own and settings.models == "demo":
        _note("the demo models know a few hundred synthetic words; real speech needs large-v3")
    return asyncio.run(run(recording, settings))


if __name__ == "__main__":
    sys.exit(main())
