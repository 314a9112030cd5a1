"""The program against a real server: what it writes, what it says, and how it ends."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from client.failures import Exit
from tests.client.conftest import Program, ended, records
from tests.client.films import Sound, film
from tests.conftest import RECORDING, RunningStack, clip

Recording = Callable[..., Path]


def test_results_stand_beside_their_recording(
    program: Program, recording: Recording, tmp_path: Path
) -> None:
    talk = recording()
    said = program("transcribe", talk, "-f", "SRT, vtt", "-f", "txt,json,tsv,")
    assert said.returncode == Exit.OK, said.stderr
    assert said.stdout == ""
    assert talk.with_suffix(".srt").read_text() == "1\n00:00:00,000 --> 00:00:00,833\nhello\n\n"
    assert talk.with_suffix(".vtt").read_text().startswith("WEBVTT")
    assert talk.with_suffix(".txt").read_text() == "hello\n"
    assert talk.with_suffix(".tsv").read_text().startswith("start\tend\ttext")
    assert json.loads(talk.with_suffix(".json").read_text())["segments"][0]["text"] == "hello"
    assert f"{talk}: talk.srt, talk.vtt, talk.txt, talk.json, talk.tsv (English" in said.stderr


def test_what_is_done_is_skipped_and_what_is_not_is_done(
    program: Program, recording: Recording, stack: RunningStack
) -> None:
    talk = recording()
    assert program("transcribe", talk).returncode == Exit.OK
    before = ended(stack)
    again = program("transcribe", talk)
    assert again.returncode == Exit.OK
    assert f"skipped, {talk.with_suffix('.srt')} is there already" in again.stderr
    # Another format is made of the same transcription.
    assert program("transcribe", talk, "--format", "txt").returncode == Exit.OK
    assert talk.with_suffix(".txt").exists()
    assert ended(stack) == before
    talk.with_suffix(".srt").write_text("by hand")
    assert program("transcribe", talk, "--overwrite").returncode == Exit.OK
    assert "hello" in talk.with_suffix(".srt").read_text()
    assert ended(stack) == before + 1


def test_options_reach_the_server(
    program: Program, recording: Recording, stack: RunningStack, tmp_path: Path
) -> None:
    (tmp_path / "anna.wav").write_bytes(clip("Maria"))
    options = [
        *("--language", "en-US", "--speakers", "2-4", "--prompt", "hello there", "--hotwords", "a"),
        *("--model", "demo", "--translate", "--set", "batch_size=3", "--set", "debug=true"),
        *("--names", f"Anna={tmp_path / 'anna.wav'}"),
    ]
    assert program("transcribe", recording("sent.wav"), *options).returncode == Exit.OK
    given = records(stack)[0]["input"]
    assert given.pop("audio_file").startswith("sent.wav (")
    assert given.pop("known_speaker_references")[0].startswith("data:audio/")
    assert given == {
        "language": "en",
        "initial_prompt": "hello there",
        "hotwords": "a",
        "whisper_model": "demo",
        "task": "translate",
        "batch_size": 3,
        "debug": True,
        "diarization": True,
        "min_speakers": 2,
        "max_speakers": 4,
        "known_speaker_names": ["Anna"],
    }


def test_speakers_are_told_apart_when_it_is_asked_for(
    program: Program, recording: Recording, stack: RunningStack
) -> None:
    for given, sent in (
        ([], {"diarization": False}),
        (["--speakers", "auto"], {"diarization": True}),
        (["--speakers", "2"], {"diarization": True, "num_speakers": 2}),
    ):
        assert program("transcribe", recording(), "--overwrite", *given).returncode == Exit.OK
        assert sent.items() <= records(stack)[0]["input"].items()


def test_standard_input_and_output(program: Program, recording: Recording, tmp_path: Path) -> None:
    sound = recording().read_bytes()
    said = program("transcribe", "-", "--format", "txt", given=sound)
    assert (said.returncode, said.stdout) == (Exit.OK, "hello\n")
    assert "standard input: done" in said.stderr
    assert program("transcribe", "-", "-o", tmp_path / "out", given=sound).returncode == Exit.OK
    assert (tmp_path / "out" / "stdin.srt").exists()
    said = program("transcribe", recording(), recording("b.wav"), "-f", "txt", "-o", "-")
    assert said.stdout == "hello\nhello\n"


def test_every_recording_of_a_tree_and_nothing_else(
    program: Program, recording: Recording, tmp_path: Path
) -> None:
    tree = tmp_path / "tree"
    recording("b/[odd] name\n.wav", tree)
    film(tree / "film.mkv", Sound(RECORDING, seconds=1.0))
    (tree / "notes.bin").write_bytes(bytes(range(99)))
    said = program("transcribe", tree, "-o", tmp_path / "out")
    assert said.returncode == Exit.OK, said.stderr
    made = [path.relative_to(tmp_path / "out") for path in (tmp_path / "out").rglob("*.srt")]
    assert sorted(map(str, made)) == ["b/[odd] name\n.srt", "film.en.srt"]
    assert f"{tree}/notes.bin: skipped, holds no audio" in said.stderr
    assert "2 done, 1 skipped" in said.stderr


def test_a_quiet_start_tells_failures_alone(
    program: Program, recording: Recording, tmp_path: Path
) -> None:
    (tmp_path / "text.wav").write_text("no sound")
    said = program("transcribe", "--quiet", recording(), tmp_path / "text.wav")
    assert said.stderr == f"{tmp_path}/text.wav: failed, holds no audio\n"


def test_an_empty_folder_is_no_failure(program: Program, tmp_path: Path) -> None:
    said = program("transcribe", tmp_path)
    assert said.returncode == Exit.OK
    assert "there is nothing to transcribe" in said.stderr


def test_documents_for_programs(program: Program, recording: Recording, tmp_path: Path) -> None:
    talk = recording()
    (tmp_path / "text.wav").write_text("no sound")
    said = program("transcribe", "--json", talk, tmp_path / "text.wav")
    assert said.returncode == Exit.FAILED
    made, failed = sorted(map(json.loads, said.stdout.splitlines()), key=lambda d: d["state"])
    assert made["recording"] == str(talk)
    assert made["files"] == [str(talk.with_suffix(".srt"))]
    assert (made["language"], made["duration"]) == ("en", 0.5)
    assert made["id"].startswith("cli-")
    assert (failed["state"], failed["detail"]) == ("failed", "holds no audio")


def test_status_cancel_and_delete(program: Program, recording: Recording) -> None:
    talk = recording("listed.wav")
    assert program("transcribe", talk).returncode == Exit.OK
    rows = [row.split("\t") for row in program("status").stdout.splitlines()]
    (newest,) = (row for row in rows if row[3].startswith("listed.wav ("))
    assert newest[1] == "succeeded"
    assert json.loads(program("status", "--json", newest[0]).stdout)["id"] == newest[0]
    assert program("cancel", newest[0]).stdout == f"{newest[0]}: succeeded\n"
    assert program("delete", newest[0]).stdout == f"{newest[0]}: deleted\n"
    for command in ("status", "cancel", "delete"):
        said = program(command, newest[0])
        assert said.returncode == Exit.NOT_FOUND
        assert said.stderr.startswith(f"whisperx-stack: {newest[0]}: the server has no such")


def test_results_can_be_forgotten(
    program: Program, recording: Recording, stack: RunningStack
) -> None:
    said = program("transcribe", "--json", "--forget", recording())
    assert json.loads(said.stdout)["id"] not in {record["id"] for record in records(stack)}


def test_models_and_languages(program: Program) -> None:
    assert "demo" in program("models").stdout.splitlines()
    assert json.loads(program("models", "--json").stdout.splitlines()[0])["object"] == "model"
    assert "de\tGerman\t" in program("languages").stdout
    assert json.loads(program("languages", "--json").stdout.splitlines()[0])["code"] == "af"


def test_help_and_completion(program: Program) -> None:
    assert "Exit status:" in program("--help").stdout
    assert "Examples:" in program("transcribe", "--help").stdout
    assert program().returncode == Exit.USAGE
    assert program("--version").stdout.startswith("whisperx-stack ")
    assert "_WHISPERX_STACK_COMPLETE=bash_complete" in program("completion", "bash").stdout
    typed: Any = {"COMP_WORDS": "whisperx-stack transcribe --format srt,v", "COMP_CWORD": "3"}
    said = program(_WHISPERX_STACK_COMPLETE="bash_complete", **typed)
    assert said.stdout == "plain,srt,vtt\n"
