"""Computing side by side on a processor: many small pieces, each on one core.

Threads that share one small piece of work wait for each other more than they compute: 32 chunks of
pyannote's segmentation network in batches of 8 took two threads 2.4 s, and two lanes 0.5 s.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from itertools import chain
from typing import Final, TypeVar

import torch
from threadpoolctl import ThreadpoolController

from transcription.stopping import check

MOST = 8  # each may hold a piece of half a minute: 240 MB of wav2vec2-base

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def one_core_for_numpy() -> None:
    """Has numpy and scipy multiply matrices on one core each, in this process from now on.

    Theirs are small, and the threads that share one spin while they wait for each other: VBx for
    an hour's speakers took 0.2 to 0.9 s of processor time, by the other load, and alone 0.01 s.
    """
    ThreadpoolController().select(prefix="libscipy_openblas").limit(limits=1)


class Lanes:
    """Threads of ``cores`` each; with ``count`` 1 everything runs where it is asked for."""

    def __init__(self, count: int, cores: int = 1) -> None:
        """To be made while no other thread begins to compute: see `_begin`."""
        self.count: Final = max(1, min(MOST, count))
        self._users = 0
        self._counting: Final = threading.Lock()
        if self.count == 1:
            return
        threads = torch.get_num_threads()
        ready = threading.Barrier(self.count + 1)
        self._pool = ThreadPoolExecutor(self.count, "lane", _begin, (ready, cores))
        for _ in range(self.count):
            self._pool.submit(lambda: None)
        ready.wait()
        torch.set_num_threads(threads)

    @property
    def users(self) -> int:
        """How many have work for the lanes at this moment."""
        return self._users

    @contextmanager
    def _used(self) -> Iterator[None]:
        with self._counting:
            self._users += 1
        try:
            yield
        finally:
            with self._counting:
                self._users -= 1

    def map(self, work: Callable[[_Item], _Result], items: Iterable[_Item]) -> Iterator[_Result]:
        """What ``work`` makes of each, in order, as many at a time as there are lanes.

        Several users share the lanes: each has as many pieces under way, and pieces go in the
        order in which they come. No more are begun when nobody takes the results. Whoever stops
        taking them waits for those under way.
        """
        if self.count == 1:
            yield from map(work, items)
            return
        begun: deque[Future[_Result]] = deque()
        with self._used():
            try:
                for item in items:
                    check()
                    while len(begun) >= max(1, self.count // self._users):
                        yield begun.popleft().result()
                    begun.append(self._pool.submit(work, item))
                while begun:
                    yield begun.popleft().result()
            finally:
                for future in begun:
                    future.cancel()
                wait(begun)  # nothing goes on for a request that is over

    def spread(self, work: Callable[[_Item], _Result], items: Sequence[_Item]) -> Iterator[_Result]:
        """The same for large pieces, on which threads can also work together.

        The last few, where they would leave most lanes idle, are done one by one with all threads.
        """
        rest = len(items) % self.count
        alone = len(items) - (rest if 2 * rest <= self.count else 0)
        return chain(self.map(work, items[:alone]), map(work, items[alone:]))


def _begin(ready: threading.Barrier, cores: int) -> None:
    # Torch keeps the number for each thread, and a default for those to come, which this changes
    # as well. The first call takes the default over, which would otherwise happen later.
    torch.get_num_threads()
    torch.set_num_threads(cores)
    # Kept for each thread as well: that whoever asks turned gradients off means nothing here.
    torch.set_grad_enabled(False)
    ready.wait()
