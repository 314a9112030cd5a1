"""The timed predictor, with as many runs at once as Cog has slots."""

import os
from typing import Any

from cog import BaseRunner

from evaluation.predictors.timed import Predictor as Timed
from predictor.slots import Slots
from transcription.engine.settings import Settings


async def _run(self: Any, **inputs: Any) -> dict[str, Any]:
    found: dict[str, Any] = await self.slots.run(lambda: Timed.run(self, **inputs))
    return found


# Cog injects every input of the schema, and makes files of those annotated as Path.
_run.__signature__ = Timed.run.__signature__  # type: ignore[attr-defined]
_run.__annotations__ = Timed.run.__annotations__


class Predictor(BaseRunner):  # type: ignore[misc] # cog ships no types
    """Does what the prompt says, several runs at once."""

    run = _run

    def setup(self) -> None:
        """Counts the slots as the real one does."""
        self.slots = Slots(Settings.from_environment(os.environ).slots)
