"""A predictor that does nothing, so that what is left of a request's time is the gateway's."""

import inspect
import time
from typing import Any

from cog import BaseRunner

from predict import Predictor as RealPredictor


def _run(self: Any, **inputs: Any) -> dict[str, Any]:
    """The output of a recording in which nobody speaks; its metrics say when it ran."""
    self.record_metric("began", time.time())
    inputs["audio_file"].stat()
    self.record_metric("ended", time.time())
    return {"segments": [], "detected_language": "en", "duration": 1.0, "warnings": []}


# Cog injects every input of the schema, and makes files of those annotated as Path.
_run.__signature__ = inspect.signature(RealPredictor.run)  # type: ignore[attr-defined]
_run.__annotations__ = RealPredictor.run.__annotations__


class Predictor(BaseRunner):  # type: ignore[misc] # cog ships no types
    """Answers at once."""

    run = _run
