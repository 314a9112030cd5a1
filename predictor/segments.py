"""Tells the bridge what was recognized while the prediction still runs.

The bridge gives every run an address of its own, in Cog's ``context``; a run without one (a bare
Cog) keeps its segments to itself. The transcript itself always goes the way of Cog's outputs: what
is told here is early news, and losing it costs nothing else.
"""

import queue
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlsplit

from predictor.announcement import TIMEOUT, post
from transcription.findings import Found, Peaks, ignore_segments
from transcription.transcript import Segment
from transcription.wire import WireSegment, segment_to_wire

URL = "segments_url"  # the member of Cog's context
_Found = queue.SimpleQueue[Segment | None]  # None: that was the last one


@contextmanager
def reporting_segments(context: Mapping[str, str]) -> Iterator[Found]:
    """The callback that takes segments as they are found, for the length of one run.

    A thread of its own posts them, so that a slow bridge never holds up the models. At the end of
    a run that succeeds, the last ones are waited for, at most two seconds.
    """
    url = context.get(URL, "")
    # Whoever reaches a bare Cog could name any address, and have this machine call it.
    if not _is_local(url):
        yield ignore_segments
        return
    found: _Found = queue.SimpleQueue()
    thread = threading.Thread(target=_post_all, args=(url, found), name="segments", daemon=True)
    thread.start()
    try:
        yield found.put
    except BaseException:
        found.put(None)
        raise
    found.put(None)
    thread.join(TIMEOUT)


def tell_peaks(context: Mapping[str, str], peaks: Peaks) -> None:
    """Posts how loud the recording is, for pictures of it; nobody waits where nobody asked."""
    url = context.get(URL, "")
    if _is_local(url):
        post(url, {"peaks": {"per_second": peaks.per_second, "peaks": peaks.levels}})


def _is_local(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return (parts.scheme, parts.hostname) == ("http", "127.0.0.1")


def _post_all(url: str, found: _Found) -> None:
    """Posts what there is, in order; what does not arrive goes along with the next."""
    first = 0
    pending: list[WireSegment] = []
    ended = False
    while not ended:
        segments = [found.get()]
        while not found.empty():  # a batch is recognized at once
            segments.append(found.get())
        ended = segments[-1] is None
        pending += [segment_to_wire(segment) for segment in segments if segment is not None]
        if pending and post(url, {"first": first, "segments": pending}):
            first += len(pending)
            pending = []
