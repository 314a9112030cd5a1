"""Whom a failure is to blame on."""

import pytest

from bridge.metrics import failure_kind


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
