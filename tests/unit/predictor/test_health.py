"""Cog's health check, read as all of us read it."""

from typing import Any

import pytest

from predictor.health import read_health


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
        ({"status": "NEW"}, "UNHEALTHY", False, False),
        ({}, "UNREACHABLE", False, False),
        ([], "UNREACHABLE", False, False),
        ({"status": "SETUP_FAILED", "setup": None}, "SETUP_FAILED", False, True),
    ],
)
def test_health_tells_the_truth(body: Any, status: str, ready: bool, broken: bool) -> None:
    health = read_health(body)
    assert (health.status, health.ready, health.broken) == (status, ready, broken)
    assert ready or health.reason
