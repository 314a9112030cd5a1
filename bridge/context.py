"""What the doors share: the parts of a running bridge, wired once."""

import asyncio
from dataclasses import dataclass

from aiohttp import web

from bridge.dispatch import Dispatcher
from bridge.files import Files
from bridge.intake import Intake
from bridge.monitor import Monitor
from bridge.prediction import TERMINAL
from bridge.settings import Settings
from bridge.store import Store
from bridge.validation import Inputs

_POLL_SECONDS = 0.05  # how often a waiting request looks, one small read each


@dataclass(frozen=True, slots=True)
class Context:
    """A running bridge's parts."""

    settings: Settings
    store: Store
    files: Files
    inputs: Inputs
    monitor: Monitor
    dispatcher: Dispatcher
    intake: Intake
    version: str

    async def wait_until_terminal(self, prediction_id: str, seconds: float) -> bool:
        """Whether the prediction ended in time. Its answer has to leave before ``seconds``."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds - 0.3
        while loop.time() < deadline:
            if await self.store.status(prediction_id) in TERMINAL:
                return True
            await asyncio.sleep(_POLL_SECONDS)
        return False


CONTEXT = web.AppKey("context", Context)
