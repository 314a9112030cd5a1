"""What Cog's answers mean: its prefixes, its broken worker, its 409."""

from typing import Any

import pytest

from bridge.cog.client import RunLost, _health, parse_run


@pytest.mark.parametrize(
    ("told", "error"),
    [
        ("Prediction failed: Prediction failed: ValueError: bad audio", "bad audio"),
        ("Prediction failed: InvalidAudio: empty", "empty"),
        ("Prediction failed: ClientError: audio_file: x", "audio_file: x"),
        ("audio_file: not audio", "audio_file: not audio"),
        ("", "The prediction failed."),
    ],
)
def test_cogs_own_words_are_taken_off_an_error(told: str, error: str) -> None:
    assert parse_run({"status": "failed", "error": told}).error == error


@pytest.mark.parametrize("told", ["Worker crashed", "Failed to send request: Broken pipe"])
def test_a_crashed_worker_is_a_lost_run(told: str) -> None:
    with pytest.raises(RunLost):
        parse_run({"status": "failed", "error": told})


@pytest.mark.parametrize(
    ("body", "status", "ready", "broken"),
    [
        ({"status": "READY"}, "READY", True, False),
        ({"status": "BUSY"}, "BUSY", True, False),
        ({"status": "STARTING"}, "STARTING", False, False),
        ({"status": "SETUP_FAILED", "setup": {"logs": "no weights"}}, "SETUP_FAILED", False, True),
        ({"status": "SETUP_FAILED"}, "SETUP_FAILED", False, True),
        (
            {"status": "UNHEALTHY", "user_healthcheck_error": "healthcheck channel closed"},
            "WORKER_DEAD",
            False,
            True,
        ),
        ({"status": "UNHEALTHY"}, "UNHEALTHY", False, False),
        ({}, "None", False, False),
    ],
)
def test_health_tells_the_truth(
    body: dict[str, Any], status: str, ready: bool, broken: bool
) -> None:
    health = _health(body)
    assert (health.status, health.ready, health.broken) == (status, ready, broken)
    assert ready or health.reason
