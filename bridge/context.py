"""What the doors share: the parts of a running bridge, wired once."""

from dataclasses import dataclass
from typing import Any

from aiohttp import web

from bridge.files import Files
from bridge.forward import Forward
from bridge.intake import Intake
from bridge.monitor import Monitor
from bridge.prediction import Prediction, Status
from bridge.queue import Queue
from bridge.settings import Settings
from bridge.store import Store
from bridge.uploads import Uploads
from bridge.webhooks import Webhooks


@dataclass(frozen=True, slots=True)
class Context:
    """A running bridge's parts."""

    settings: Settings
    store: Store
    files: Files
    uploads: Uploads
    monitor: Monitor
    queue: Queue
    intake: Intake
    webhooks: Webhooks
    forward: Forward

    @property
    def version(self) -> str:
        """The version shown to clients."""
        return self.intake.version

    async def place_in_queue(self, prediction: Prediction) -> dict[str, Any]:
        """For a prediction that waits: how many are ahead of it, and for about how long."""
        if prediction.status is not Status.STARTING:
            return {}
        ahead, mean = await self.store.place(prediction.id)
        if ahead is None:
            return {}
        rounds = ahead / max(self.settings.cog_slots, 1)
        estimate = {} if mean is None else {"estimated_wait_seconds": round(rounds * mean, 1)}
        return {"queue_position": ahead, **estimate}


CONTEXT = web.AppKey("context", Context)
