"""What the program says when something cannot be done, and how it ends then."""

from collections.abc import Callable
from pathlib import Path

import pytest
from aiohttp import web

from client.api import Api
from client.app import main
from client.failures import Exit
from client.server import Refusal, Server
from client.wishes import MAX_CLIP_BYTES
from evaluation.serving import serving
from stack.settings import free_port
from tests.client.conftest import MAX_FILE_BYTES, Program, ended
from tests.clients.helpers import cutting
from tests.conftest import RunningStack

Recording = Callable[..., Path]


def test_a_folder_that_takes_no_results_is_told_before_anything_is_sent(
    program: Program, recording: Recording, stack: RunningStack
) -> None:
    before = ended(stack)
    said = program("transcribe", recording(), "--out", "/proc/nothing")
    assert said.returncode == Exit.FAILED
    assert "failed, no result can be written to /proc/nothing; --out names" in said.stderr
    assert ended(stack) == before


def test_one_recording_that_fails_leaves_the_others_alone(
    program: Program, recording: Recording, tmp_path: Path
) -> None:
    talk = recording()
    (tmp_path / "huge.wav").write_bytes(talk.read_bytes().ljust(MAX_FILE_BYTES + 9_000_000, b"\0"))
    said = program("transcribe", tmp_path / "huge.wav", talk, "--patience", "30")
    assert said.returncode == Exit.FAILED
    assert f"{tmp_path}/huge.wav: failed, " in said.stderr
    assert (
        f"larger than {MAX_FILE_BYTES} bytes; the server's operator sets MAX_FILE_BYTES"
        in said.stderr
    )
    assert talk.with_suffix(".srt").exists()
    said = program("transcribe", recording("x.wav"), "--prompt", "fail=out of luck")
    assert said.returncode == Exit.FAILED
    assert "x.wav: failed, " in said.stderr


async def test_a_request_whose_answer_was_lost_is_not_done_twice(
    recording: Recording, stack: RunningStack
) -> None:
    before, notices = ended(stack), list[str | None]()
    async with cutting(stack.url) as url:
        server = Server.named(url, stack.token)
        async with Api.opened(server, patience=30, notice=notices.append) as api:
            api.reached = True
            with recording().open("rb") as file:
                record = await api.create_from_file("cli-lost-answer", file, "talk.wav", {})
            while record["completed_at"] is None:
                found = await api.find("cli-lost-answer")
                assert found is not None
                record = found
    assert (notices[0] or "").startswith(f"waiting for {url}; it does not answer")
    assert notices[-1] is None
    assert (record["status"], ended(stack)) == ("succeeded", before + 1)


async def test_a_connection_that_breaks_each_time_is_given_up(
    recording: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("client.api.FIRST_PAUSE", 0.01)

    async def broken(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    async def well(_: web.Request) -> web.Response:
        return web.Response()

    app = web.Application()
    app.add_routes([web.get("/health", well), web.put("/{path:.*}", broken)])
    async with (
        serving(app) as url,
        Api.opened(Server.named(url, "a-token"), patience=600) as api,
    ):
        api.reached = True
        with recording().open("rb") as file, pytest.raises(Refusal, match="broke 5 times"):
            await api.create_from_file("cli-x", file, "talk.wav", {})


def test_what_failed_or_was_canceled_is_tried_again(
    program: Program, recording: Recording, stack: RunningStack
) -> None:
    talk = recording()
    for _ in range(2):
        before = ended(stack)
        said = program("transcribe", talk, "--prompt", "fail=out of luck")
        assert (said.returncode, ended(stack)) == (Exit.FAILED, before + 1)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--format", "doc"], "--format: 'doc' is none of srt, vtt, txt, json, tsv"),
        (["--format", ","], "--format: '' is none of srt"),
        (["--language", "xx"], "--language: 'xx' is not a language"),
        (["--speakers", "many"], "--speakers: 'many' is neither auto, a number, nor a range"),
        (["--speakers", "0"], "--speakers: 0 is less than the minimum, 1"),
        (["--speakers", "4-2"], "--speakers: "),
        (["--names", "Anna"], "--names: 'Anna' has not the form NAME=CLIP"),
        (["--names", "Anna=no.wav"], "--names: no.wav: No such file or directory"),
        (["--names", "Anna=large.wav"], "--names: large.wav is no clip of 2 to 10 seconds"),
        (["--track", "0"], "--track: '0' is neither a number from 1 nor mix"),
        (["--model", "nobody"], "--model: this service offers: "),
        (["--set", "batch_size"], "--set: 'batch_size' has not the form INPUT=VALUE"),
        (["--set", "batch_size=0"], "--set batch_size: 0 is less than the minimum, 1"),
        (["--set", "colour=red"], "--set colour: "),
        (["--jobs", "0"], "Invalid value for '-j' / '--jobs': 0 is not in the range"),
        (["--watch"], "--watch: none of the arguments is a folder"),
        (["-o", "-", "-f", "srt,vtt"], "--out: standard output holds one format"),
        (["-o", "large.wav"], "--out: large.wav is no folder"),
        (["--server", "ftp://x"], "--server: only http:// and https:// addresses work"),
        (["--token", "ä"], "--token: holds characters that no token has"),
        (["no.wav"], "no.wav: there is no such file or folder"),
        (["--nothing"], "No such option '--nothing'"),
    ],
)
def test_what_cannot_be_used_is_named_in_one_line(
    arguments: list[str],
    words: str,
    program: Program,
    recording: Recording,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(program.home)
    for name, value in program.environ.items():
        monkeypatch.setenv(name, value)
    with Path("large.wav").open("wb") as large:
        large.truncate(MAX_CLIP_BYTES + 1)
    assert main(["transcribe", str(recording()), *arguments]) == Exit.USAGE
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"whisperx-stack: {words}")


def test_a_wrong_token_is_told(program: Program, recording: Recording) -> None:
    for token, words in (("a-wrong-token", "refuses the token"), ("", "wants a token")):
        said = program("transcribe", recording(), WHISPERX_TOKEN=token)
        assert said.returncode == Exit.DENIED
        assert words in said.stderr
        assert "a-wrong-token" not in said.stderr


def test_without_a_server_it_says_how_to_start_one(program: Program, recording: Recording) -> None:
    nowhere = f"http://somebody:secret-words@127.0.0.1:{free_port()}/v1"
    for arguments in (["transcribe", recording()], ["status"]):
        said = program(*arguments, WHISPERX_URL=nowhere)
        assert said.returncode == Exit.UNREACHABLE
        assert "no server answers at http://127.0.0.1:" in said.stderr
        assert "make up" in said.stderr
        assert "secret-words" not in said.stderr
