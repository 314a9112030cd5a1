"""Hypothesis by the clock: `FUZZ_MINUTES` for all harnesses together, two where it is not set."""

import itertools
import os
import time
from collections.abc import Callable
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given, seed, settings
from hypothesis.strategies import SearchStrategy

_HARNESSES: Final = 12
SECONDS: Final = 60 * float(os.environ.get("FUZZ_MINUTES") or 2) / _HARNESSES
BOUNDED: Final = pytest.mark.timeout(4 * SECONDS + 120)  # shrinking what was found takes time
_EXAMPLES = 200  # between two looks at the clock


def explore(values: SearchStrategy[Any], check: Callable[[Any], object]) -> None:
    """Try ``check`` with ever new values until its share of the time is over."""
    end = time.monotonic() + SECONDS
    for number in itertools.count(time.time_ns()):

        @seed(number)
        @settings(
            max_examples=_EXAMPLES,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(values)
        def run(value: Any) -> None:
            check(value)

        run()
        if time.monotonic() > end:
            return
