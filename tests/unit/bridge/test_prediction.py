"""The state machine: every pair of its table, and no sequence of events that breaks its rules."""

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.records.prediction import (
    TERMINAL,
    TRANSITIONS,
    CancelRequested,
    Event,
    Finished,
    Prediction,
    Progressed,
    Rejected,
    Started,
    Status,
    Stopped,
    advance,
)
from bridge.records.tenants import Key

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def prediction(status: Status, attempt: int = 1, **changes: object) -> Prediction:
    return Prediction(
        id=Key("p"),
        model="o/n",
        version="v",
        input={},
        created_at=NOW,
        status=status,
        attempt=attempt,
        **changes,  # type: ignore[arg-type]
    )


EVENTS: dict[str, Event] = {
    "started 2": Started(2),
    "progressed": Progressed(1, "more", {}),
    "succeeded": Finished(1, "", {}),
    "failed": Finished(1, "", {}, "why"),
    "stopped": Stopped(1),
    "cancel": CancelRequested(),
    "refused": Rejected("why"),
}

# What each event does in each state that is not terminal; in a terminal one nothing happens.
EXPECTED = {
    (Status.STARTING, "started 2"): Status.PROCESSING,
    (Status.STARTING, "progressed"): Status.STARTING,
    (Status.STARTING, "succeeded"): Status.SUCCEEDED,
    (Status.STARTING, "failed"): Status.FAILED,
    (Status.STARTING, "stopped"): Status.STARTING,
    (Status.STARTING, "cancel"): Status.CANCELED,
    (Status.STARTING, "refused"): Status.FAILED,
    (Status.PROCESSING, "started 2"): Status.PROCESSING,
    (Status.PROCESSING, "progressed"): Status.PROCESSING,
    (Status.PROCESSING, "succeeded"): Status.SUCCEEDED,
    (Status.PROCESSING, "failed"): Status.FAILED,
    (Status.PROCESSING, "stopped"): Status.STARTING,
    (Status.PROCESSING, "cancel"): Status.PROCESSING,
    (Status.PROCESSING, "refused"): Status.FAILED,
}


@pytest.mark.parametrize(("status", "name"), list(product(Status, EVENTS)))
def test_every_event_in_every_state(status: Status, name: str) -> None:
    before = prediction(status)
    after = advance(before, EVENTS[name], NOW)
    if status in TERMINAL:
        assert after is before
    else:
        assert after.status is EXPECTED[status, name]
        assert (after.completed_at is not None) is (after.status in TERMINAL)


def test_a_stop_on_request_is_a_cancel() -> None:
    asked = advance(prediction(Status.PROCESSING), CancelRequested(), NOW)
    assert advance(asked, Stopped(1), NOW).status is Status.CANCELED


def test_news_of_an_earlier_run_change_nothing() -> None:
    second = prediction(Status.PROCESSING, attempt=2)
    for event in (Started(1), Finished(1, "", {}), Stopped(1), Progressed(1, "x", {})):
        assert advance(second, event, NOW) is second


def test_a_late_start_does_not_restart_a_lost_run() -> None:
    lost = advance(prediction(Status.PROCESSING), Stopped(1), NOW)
    assert advance(lost, Started(1), NOW) is lost


def test_what_a_stopping_bridge_leaves_is_noted_once_and_kept() -> None:
    first = advance(prediction(Status.PROCESSING), Stopped(1, handed_on=True), NOW)
    assert (first.status, first.handed_on) == (Status.STARTING, 1)
    for event in (Stopped(1, handed_on=True), Stopped(1)):  # written twice, and reported by Cog
        assert advance(first, event, NOW) is first
    lost = advance(advance(first, Started(2), NOW), Stopped(2), NOW)
    assert (lost.attempt, lost.handed_on) == (2, 1)


def test_a_run_that_ends_while_it_is_handed_on_has_ended() -> None:
    left = advance(prediction(Status.PROCESSING), Stopped(1, handed_on=True), NOW)
    assert advance(left, Finished(1, "", {}), NOW).status is Status.SUCCEEDED
    ended = advance(prediction(Status.PROCESSING), Finished(1, "", {}), NOW)
    assert advance(ended, Stopped(1, handed_on=True), NOW) is ended
    asked = advance(prediction(Status.PROCESSING), CancelRequested(), NOW)
    assert advance(asked, Stopped(1, handed_on=True), NOW).status is Status.CANCELED


def test_releases_read_each_others_records() -> None:
    written = prediction(Status.STARTING).to_dict()
    assert "handed_on" not in written  # unknown to the release before
    assert Prediction.from_dict({**written, "of_the_next": 1}) == prediction(Status.STARTING)
    left = prediction(Status.STARTING, handed_on=1)
    assert Prediction.from_dict(left.to_dict()) == left


def test_a_log_that_overtakes_the_start_tells_of_it() -> None:
    waiting = prediction(Status.STARTING, attempt=0)
    running = advance(waiting, Progressed(1, "log", {}), NOW)
    assert (running.status, running.attempt, running.logs) == (Status.PROCESSING, 1, "log")
    assert advance(running, Started(1), NOW) is running


def test_logs_never_get_shorter() -> None:
    progressed = advance(prediction(Status.PROCESSING), Progressed(1, "long log", {"a": 1}), NOW)
    late = advance(progressed, Progressed(1, "long", {"b": 2}), NOW)
    assert late.logs == "long log"
    assert late.metrics == {"a": 1, "b": 2}
    assert advance(late, Finished(1, "", {}, "why"), NOW).logs == "long log"


def test_total_time_is_measured_from_creation() -> None:
    after = advance(prediction(Status.PROCESSING), Finished(1, "", {}), NOW + timedelta(seconds=3))
    assert after.metrics["total_time"] == 3


events = st.one_of(
    st.builds(Started, st.integers(1, 4)),
    st.builds(Progressed, st.integers(1, 4), st.text(max_size=5), st.just({})),
    st.builds(
        Finished,
        st.integers(1, 4),
        st.text(max_size=5),
        st.just({}),
        st.none() | st.text(min_size=1),
    ),
    st.builds(Stopped, st.integers(1, 4), handed_on=st.booleans()),
    st.just(CancelRequested()),
    st.builds(Rejected, st.just("why")),
)


@given(st.lists(events, max_size=12))
def test_no_sequence_breaks_the_rules(sequence: list[Event]) -> None:
    current = prediction(Status.STARTING, attempt=0)
    for event in sequence:
        after = advance(current, event, NOW)
        if after.status is not current.status:
            assert after.status in TRANSITIONS[current.status]
        if current.terminal:
            assert after is current
        assert after.attempt >= current.attempt
        assert (after.error is not None) is (after.status is Status.FAILED)
        assert Prediction.from_dict(after.to_dict()) == after
        current = after
