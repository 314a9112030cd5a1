"""Transcribes a recording through the whole stack and prints who said what: ``make demo``."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from evaluation.account import Account
from evaluation.scoring import plain_words, word_error_rate
from evaluation.truth import truth_of
from models.sources import CannotFetch
from stack.models import fetch_ahead
from stack.preflight import prepared
from stack.services import services
from stack.settings import ROOT, StackSettings
from stack.supervisor import StartFailed, Supervisor
from transcription.default_model import ON_CPU
from transcription.environment import SettingsError
from transcription.errors import InvalidAudio
from transcription.probe import probe
from transcription.validation import InputSchema, InvalidInputs

PEOPLE = ROOT / "examples" / "people.opus"
TOY, TOY_MODELS = ROOT / "examples" / "conversation.wav", "demo"
# Word error rates beyond which our own recordings were not transcribed as they should be.
WORST_OF_PEOPLE, WORST_OF_TOYS = 0.08, 0.10
INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Task:
    """A recording, what is sent with it, and the word error rate that fails the demo."""

    recording: Path
    inputs: Mapping[str, str] = field(default_factory=dict)
    worst: float | None = None


class Refused(Exception):
    """What was asked for cannot be done; nothing was started."""


async def run(task: Task, settings: StackSettings, kept: tuple[int, ...]) -> int:
    """The exit status: 0 when the recording was transcribed."""
    supervisor = Supervisor(services(settings), settings.state_dir / "log", _note, kept)
    work = asyncio.create_task(_show(task, settings, supervisor))
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, work.cancel)
    async with supervisor.running():
        try:
            prediction = await work
        except StartFailed as failure:
            _note(str(failure))
            return failure.status
        except asyncio.CancelledError:
            supervisor.kill()
            _note("stopped; nothing of it is kept")
            return INTERRUPTED
    return 1 if prediction is None else _report(task, prediction)


async def _show(
    task: Task, settings: StackSettings, supervisor: Supervisor
) -> dict[str, Any] | None:
    began = time.monotonic()
    _note(f"starting Redis, Cog ({settings.models}) and the bridge …")
    await supervisor.ready()
    _note(f"the page is at {settings.page_url} while this runs; `make up` keeps it")
    _note(f"ready after {time.monotonic() - began:.1f} s; sending {task.recording.name}")
    return await _transcribe(task, settings)


async def _transcribe(task: Task, settings: StackSettings) -> dict[str, Any] | None:
    """The record, made by the command line as a user would; None where it has said why not."""
    with tempfile.TemporaryDirectory() as folder:
        given = [f"--set={name}={value}" for name, value in task.inputs.items()]
        wanted = ("--speakers=auto", *given, "--format=json", f"--out={folder}")
        answer = await _asked(
            "transcribe", *wanted, str(task.recording.absolute()), settings=settings
        )
    if answer is None:
        return None
    if answer["state"] != "done":
        _note(f"{answer['state']}: {answer['detail']}")
        return None
    return await _asked("status", answer["id"], settings=settings)


async def _asked(*arguments: str, settings: StackSettings) -> dict[str, Any] | None:
    """What the command line answers; it prints its progress and errors by itself."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "client", *arguments, "--json"),
        cwd=ROOT,
        env={
            **settings.environ,
            "WHISPERX_URL": settings.url,
            "WHISPERX_TOKEN": settings.bridge_token,
            "XDG_STATE_HOME": str(settings.state_dir),
        },
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,  # Ctrl-C is ours alone to answer
    )
    try:
        answer, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return json.loads(answer) if answer.strip() else None


def _report(task: Task, prediction: dict[str, Any]) -> int:
    output = prediction["output"]
    print()
    for segment in output["segments"]:
        print(_line(segment))
    print()
    for warning in output["warnings"]:
        _note(f"warning: {warning}")
    _print_figures(prediction)
    truth = _truth(task.recording)
    return _compare(truth, output, task.worst) if truth and truth.words else 0


def _truth(recording: Path) -> Account | None:
    """What lies beside the recording; a file of the same name may as well be another program's."""
    try:
        return truth_of(recording)
    except (KeyError, TypeError, ValueError):
        _note(f"what lies beside {recording.name} is no truth to compare with")
        return None


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


def _compare(truth: Account, output: dict[str, Any], worst: float | None) -> int:
    """Prints how far the transcript is from the truth; 1 when it is too far."""
    heard = " ".join(segment["text"] for segment in output["segments"])
    rate = word_error_rate([word.text for word in truth.words], plain_words(heard))
    spoken = {turn.speaker for turn in truth.turns}
    found = {segment.get("speaker") for segment in output["segments"]} - {None}
    print(f"word error rate {rate:.1%}, {len(found)} speakers found of {len(spoken)}")
    return int(worst is not None and (rate > worst or len(found) != len(spoken)))


def _clock(seconds: float) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{int(minutes):02d}:{rest:05.2f}"


def _note(text: str) -> None:
    print(f"demo: {text}", file=sys.stderr, flush=True)


def inputs(text: str) -> dict[str, str]:
    """INPUTS as `name=value` pairs. Raises Refused."""
    pairs = [entry.partition("=") for entry in text.split()]
    for name, equals, _ in pairs:
        if not (name and equals):
            raise Refused(f"INPUTS: {name!r} is not of the form name=value")
    given = {name: value for name, _, value in pairs}
    try:
        InputSchema().read(given)
    except InvalidInputs as error:
        first = error.found[0]
        raise Refused(f"INPUTS: {first.field}: {first.reason}") from None
    return given


def own_recording(path: Path) -> Path:
    """``path``, if it can be heard at all. Raises Refused."""
    if not path.is_file():
        raise Refused(f"AUDIO: there is no file {path}")
    try:
        probe(path)
    except InvalidAudio as error:
        raise Refused(f"AUDIO: {path.name}: {error.reason}") from None
    return path


def with_models(settings: StackSettings, *, own: bool) -> StackSettings:
    """The settings with models that are here. Raises Refused, SettingsError.

    Where none is named and none is available, our own recording is shown with the toy set.
    """
    if not settings.chosen:
        return _fetched(settings)
    _note(settings.chosen)
    for name in dict.fromkeys((settings.models, ON_CPU)):
        try:
            return _fetched(replace(settings, models=name, chosen=""))
        except Refused as refusal:
            reason = str(refusal)
    if own:
        raise Refused(f"no model for your recording is available ({reason})")
    _note(f"no model of people's speech is available ({reason}); this is the toy set")
    return replace(settings, models=TOY_MODELS, chosen="")


def _fetched(settings: StackSettings) -> StackSettings:
    try:
        fetch_ahead(settings, _note)
    except CannotFetch as error:
        raise Refused(str(error)) from None
    return settings


def own_settings(environ: Mapping[str, str]) -> StackSettings:
    """A stack beside any other, in a folder of its own. Raises SettingsError."""
    state = Path(environ.get("STATE_DIR") or ROOT / ".state") / "demo"
    return StackSettings.from_env({**environ, "STATE_DIR": str(state)}, alone=True)


@contextlib.contextmanager
def _nothing_kept(settings: StackSettings) -> Iterator[None]:
    """Neither what a demo that was killed left behind, nor what this one leaves."""
    _empty(settings)
    try:
        yield
    finally:
        _empty(settings)


def _empty(settings: StackSettings) -> None:
    # The folder of the recordings stays: it is locked.
    for path in settings.files_dir.iterdir():
        path.unlink(missing_ok=True)
    shutil.rmtree(settings.state_dir / "redis", ignore_errors=True)


def _task(given: Mapping[str, str], recording: Path | None, *, toy: bool) -> Task:
    if recording is None:
        return Task(TOY, given, WORST_OF_TOYS) if toy else Task(PEOPLE, given, WORST_OF_PEOPLE)
    if toy:
        _note("the demo models know a few hundred synthetic words; leave MODELS out for speech")
    return Task(recording, given)


def main() -> int:
    """Entry point; ``AUDIO`` names a recording of one's own, ``INPUTS`` what is sent with it."""
    try:
        given = inputs(os.environ.get("INPUTS", ""))
        audio = os.environ.get("AUDIO")
        recording = own_recording(Path(audio)) if audio else None
        settings = own_settings(os.environ)
        with prepared(settings) as kept, _nothing_kept(settings):
            settings = with_models(settings, own=recording is not None)
            task = _task(given, recording, toy=settings.models == TOY_MODELS)
            return asyncio.run(run(task, settings, kept))
    except (Refused, SettingsError) as refusal:
        _note(str(refusal))
        return 2
    except KeyboardInterrupt:
        _note("stopped before anything was started")
        return INTERRUPTED
