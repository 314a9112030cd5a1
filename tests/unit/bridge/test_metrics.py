"""Whom a failure is to blame on, and which runs count as lost."""

from datetime import UTC, datetime

import pytest

from bridge.metrics import Metrics, failure_kind
from bridge.records.changes import Change
from bridge.records.prediction import Prediction, Started, Stopped, advance
from bridge.records.tenants import Key


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ("audio_file: not a recording", "input"),
        ("language: must be a code", "input"),
        ("The worker was lost 3 times while it ran this prediction.", "service"),
        ("CUDA: out of memory", "service"),
        ("", "service"),
    ],
)
def test_a_failure_is_the_inputs_or_the_services(error: str, kind: str) -> None:
    assert failure_kind(error) == kind


@pytest.mark.parametrize(("event", "lost"), [(Stopped(1), 1), (Stopped(1, handed_on=True), 0)])
def test_what_a_stopping_bridge_hands_on_is_not_lost(event: Stopped, lost: int) -> None:
    now = datetime.now(UTC)
    new = Prediction(id=Key("p"), model="o/n", version="v", input={}, created_at=now)
    running = advance(new, Started(1), now)
    metrics = Metrics()
    metrics.saw(Change(running, advance(running, event, now)))
    assert metrics.registry.get_sample_value("whisperx_runs_lost_total") == lost
