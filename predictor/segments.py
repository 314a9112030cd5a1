"""Tells the bridge what was recognized while the prediction still runs, and asks it once more.

The bridge gives every run an address of its own, in Cog's ``context``; a run without one (a bare
Cog) keeps what it hears to itself. The transcript itself always goes the way of Cog's outputs: what
is reported here comes early. It goes once to clients (segments) and once to the run after this
one (batches of windows), which asks for it and goes on behind it if this one's worker dies.
"""

import queue
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

from predictor.announcement import TIMEOUT, fetch, post
from transcription.checkpoint import (
    Batch,
    Found,
    batch_from_json,
    batch_to_json,
    checkpoint,
    ignore_batches,
)
from transcription.findings import Peaks
from transcription.wire import segment_to_wire

URL = "segments_url"  # members of Cog's context
HEARD_URL = "heard_url"  # only from the second run on
_Found = queue.SimpleQueue[Batch | None]  # None: that was the last one


@contextmanager
def reporting_segments(
    context: Mapping[str, str], earlier: Sequence[Batch] = (), *, logprobs: bool = False
) -> Iterator[Found]:
    """The callback that takes batches as they are found, for the length of one run.

    A thread of its own posts them, so that a slow bridge never holds up the models. At the end of
    a run that succeeds, the last ones are waited for, at most two seconds. ``earlier`` are those
    of the runs before: segments are numbered from their end. ``logprobs``: clients want them.
    """
    url = context.get(URL, "")
    # Whoever reaches a bare Cog could name any address, and have this machine call it.
    if not _is_local(url):
        yield ignore_batches
        return
    found: _Found = queue.SimpleQueue()
    news = _News(url, earlier, logprobs=logprobs)
    thread = threading.Thread(target=news.post_all, args=(found,), name="segments", daemon=True)
    thread.start()
    try:
        yield found.put
    except BaseException:
        found.put(None)
        raise
    found.put(None)
    thread.join(TIMEOUT)


def earlier_batches(context: Mapping[str, str]) -> tuple[Batch, ...]:
    """What the runs of this prediction that came to no end have recognized.

    Nothing where there were none, or where the bridge cannot tell: then all of it is done again.
    """
    url = context.get(HEARD_URL, "")
    if not _is_local(url):
        return ()
    try:
        return tuple(map(batch_from_json, fetch(url)["batches"]))
    except (OSError, KeyError, TypeError, ValueError):
        return ()


def post_peaks(context: Mapping[str, str], peaks: Peaks) -> None:
    """Posts how loud the recording is, for pictures of it; does nothing without an address."""
    url = context.get(URL, "")
    if _is_local(url):
        post(url, {"peaks": {"per_second": peaks.per_second, "peaks": peaks.levels}})


def _is_local(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return (parts.scheme, parts.hostname) == ("http", "127.0.0.1")


class _News:
    """Posts what there is, in order; what does not arrive goes along with the next."""

    def __init__(self, url: str, earlier: Sequence[Batch], *, logprobs: bool) -> None:
        self._url = url
        self._earlier = earlier
        self._logprobs = logprobs
        self._first: int | None = None  # number of the first segment that did not arrive yet
        self._pending: list[Batch] = []

    def post_all(self, found: _Found) -> None:
        """Until the last one was sent."""
        ended = False
        while not ended:
            batches = [found.get()]
            while not found.empty():
                batches.append(found.get())
            ended = batches[-1] is None
            self._pending += [batch for batch in batches if batch is not None]
            if self._pending:
                self._post()

    def _post(self) -> None:
        if self._first is None:
            before = checkpoint(self._earlier, self._pending[0].plan)
            self._first = len(before.segments) if before else 0
        segments = [segment for batch in self._pending for segment in batch.segments]
        body: dict[str, Any] = {
            "first": self._first,
            "segments": [
                segment_to_wire(replace(segment, words=()), logprobs=self._logprobs)
                for segment in segments
            ],
            "batches": [batch_to_json(batch) for batch in self._pending],
        }
        if post(self._url, body):
            self._first += len(segments)
            self._pending = []
