"""Work side by side: in order, on one core each, no more begun than are taken."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
import torch
from threadpoolctl import ThreadpoolController

from transcription.engine.lanes import MOST, Lanes, one_core_for_numpy


def in_a_thread(work: Callable[[], Any]) -> Any:
    found = []
    thread = threading.Thread(target=lambda: found.append(work()))
    thread.start()
    thread.join()
    return found[0]


def test_each_lane_has_its_cores_and_all_others_what_they_had() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        for lanes, cores in ((Lanes(2), 1), (Lanes(2, 2), 2)):
            assert list(lanes.map(lambda _: torch.get_num_threads(), range(6))) == [cores] * 6
        assert torch.get_num_threads() == 3
        assert in_a_thread(torch.get_num_threads) == 3
    finally:
        torch.set_num_threads(before)


def test_lanes_keep_nothing_for_training() -> None:
    lstm = torch.nn.LSTM(40, 8, batch_first=True)
    with torch.inference_mode():
        for rows in (1, 2):  # a batch of one is computed in another way, on some processors
            ((found, _),) = Lanes(2).map(lstm, [torch.zeros(rows, 160, 40)])
            assert not found.requires_grad


def test_numpy_and_scipy_multiply_on_one_core() -> None:
    import scipy.linalg  # noqa: F401 - brings its own library

    libraries = ThreadpoolController().select(prefix="libscipy_openblas")
    with libraries.limit(limits=2):
        assert [each["num_threads"] for each in libraries.info()] == [2, 2]
        one_core_for_numpy()
        assert [each["num_threads"] for each in libraries.info()] == [1, 1]


def test_lanes_work_at_the_same_time_and_answer_in_order() -> None:
    lanes, meeting = Lanes(3), threading.Barrier(3, timeout=10)

    def work(number: int) -> int:
        meeting.wait()  # breaks unless three are here at once
        return number

    assert list(lanes.map(work, range(9))) == list(range(9))


def test_no_more_is_begun_than_is_taken() -> None:
    lanes = Lanes(2)
    begun: list[int] = []
    results: Any = lanes.map(begun.append, range(100))
    for _ in range(3):
        next(results)
    results.close()
    assert len(begun) <= 6


def test_an_error_ends_all_work() -> None:
    done = []

    def work(number: int) -> None:
        if number == 0:
            raise ZeroDivisionError
        time.sleep(0.05)
        done.append(number)

    with pytest.raises(ZeroDivisionError):
        list(Lanes(2).map(work, range(9)))
    assert done == [1], "what was under way is waited for, and no more is begun"


@pytest.mark.parametrize("items", range(9))
def test_the_last_large_pieces_are_done_with_all_threads(items: int) -> None:
    lanes = Lanes(4)
    where = list(
        lanes.spread(
            lambda item: (item, threading.current_thread() is threading.main_thread()),
            list(range(items)),
        )
    )
    assert [item for item, _ in where] == list(range(items))
    rest = items % 4 if items % 4 <= 2 else 0
    assert [alone for _, alone in where] == [False] * (items - rest) + [True] * rest


def test_one_lane_is_no_lane() -> None:
    here = threading.current_thread()
    lanes = Lanes(1)
    assert {*lanes.map(lambda _: threading.current_thread(), range(3))} == {here}
    assert {*lanes.spread(lambda _: threading.current_thread(), range(3))} == {here}


def test_there_are_never_too_many() -> None:
    assert [Lanes(count).count for count in (0, 1, MOST, 4 * MOST)] == [1, 1, MOST, MOST]
