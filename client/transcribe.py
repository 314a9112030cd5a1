"""The command that transcribes."""

import asyncio
import hashlib
import os
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from client import batch, options, wishes
from client.api import Api
from client.failures import Exit, Failure, shown
from client.finding import STDIN, find, folders
from client.journal import Journal
from client.report import Bars, Lines
from client.server import Server
from client.wishes import Wishes
from client.work import State, Worker

_EPILOG = """\
Examples:

\b
  whisperx-stack transcribe talk.wav
  whisperx-stack transcribe -f txt,json --speakers 2-4 -o results meetings/
  whisperx-stack transcribe --watch --language de /srv/films
  whisperx-stack transcribe -f vtt https://example.org/talk.mp3
  ffmpeg -i … -f wav - | whisperx-stack transcribe - > talk.srt
"""


@click.command(params=list(options.TRANSCRIBE), epilog=_EPILOG, no_args_is_help=True)
@click.pass_context
def transcribe(  # noqa: PLR0913 - what it does itself; the rest are wishes
    context: click.Context,
    /,
    *,
    sources: tuple[str, ...],
    out: str | None,
    watch: bool,
    at_once: int,
    patience: float,
    quiet: bool,
    server: str,
    token: str,
    as_json: bool,
    **asked: Any,
) -> None:
    """Transcribe recordings: files, folders with all below them, addresses, or standard input (-).

    Results stand beside their recordings: talk.wav gets talk.srt. Subtitles of a film carry their
    language: film.mkv gets film.en.srt. A recording that has its results is skipped, and no file
    is replaced unless --overwrite says so. A second start goes on where the first one stopped.

    Of a film the sound alone is sent. The server fetches addresses by itself.
    """
    wanted = wishes.from_options(asker=hashlib.sha256(token.encode()).hexdigest(), **asked)
    target = _target(sources, out, wanted, as_json=as_json, watch=watch)
    report = _report(as_json=as_json, quiet=quiet)
    run = _Run(Server.named(server, token), wanted, sources, target, watch, at_once, patience)
    with report:
        ends = asyncio.run(_transcribe(run, report))
    report.total(ends)
    if ends[State.FAILED]:
        context.exit(Exit.FAILED)


@dataclass(frozen=True, slots=True)
class _Run:
    """What one call of the command does."""

    server: Server
    wishes: Wishes
    sources: tuple[str, ...]
    target: Path | None  # `-`: standard output; None: beside the recordings
    watch: bool
    at_once: int
    patience: float


def _target(
    sources: tuple[str, ...], out: str | None, wanted: Wishes, *, as_json: bool, watch: bool
) -> Path | None:
    """Where results go. Raises Failure for options that exclude each other."""
    if sources.count(STDIN) and out is None:
        out = STDIN
    if out == STDIN and (as_json or len(wanted.formats) > 1):
        raise Failure(
            "--out: standard output holds one format, and no --json beside it; name a folder",
            Exit.USAGE,
        )
    if watch and not folders(sources):
        raise Failure("--watch: none of the arguments is a folder", Exit.USAGE)
    if out is not None and out != STDIN and Path(out).exists() and not Path(out).is_dir():
        raise Failure(f"--out: {shown(out)} is no folder", Exit.USAGE)
    return None if out is None else Path(out)


def _report(*, as_json: bool, quiet: bool) -> Lines:
    # Documents and bars on one terminal would run into each other.
    apart = not as_json or not sys.stdout.isatty()
    if sys.stderr.isatty() and apart and not quiet:
        return Bars(as_json=as_json)
    return Lines(quiet=quiet, as_json=as_json)


async def _transcribe(run: _Run, report: Lines) -> Counter[State]:
    to_stdout = run.target == Path(STDIN)
    out = None if to_stdout else run.target
    # Checked before anything is sent, so that a wrong name is refused at once.
    there = [] if run.watch else list(find(run.sources, out, report.say))
    recordings = batch.watched(run.sources, out, report.say) if run.watch else batch.listed(there)
    if not run.watch and not there:
        report.say("there is nothing to transcribe")
        return Counter()
    async with Api.opened(run.server, run.patience, report.notice) as api:
        await api.reach(wait=run.watch)
        worker = Worker(api, run.wishes, Journal.of_user(os.environ), to_stdout=to_stdout)
        work = batch.run(worker, recordings, run.at_once, report)
        return await batch.interruptible(api, worker, work, report)
