"""The parts of a running bridge, wired once and shared by the routes."""

from dataclasses import dataclass

from aiohttp import web

from bridge.cog.monitor import Monitor
from bridge.intake.accept import Intake
from bridge.intake.forward import Forward
from bridge.links import Links
from bridge.recordings.arrive import Arrivals
from bridge.recordings.files import Files
from bridge.recordings.probe import Probe
from bridge.recordings.uploads import Uploads
from bridge.records.api_keys import KeyFile
from bridge.records.heard import Heard
from bridge.records.limits import Meter
from bridge.records.revisions import Revisions
from bridge.records.seals import Seals
from bridge.records.store import Store
from bridge.records.upgrade import Upgrade
from bridge.records.watch import Watch
from bridge.settings import Settings
from bridge.tasks.lifecycle import Lifecycle
from bridge.tasks.queue import Queue
from bridge.tasks.webhooks import Webhooks


@dataclass(frozen=True, slots=True)
class Context:
    """A running bridge's parts."""

    settings: Settings
    keys: KeyFile
    meter: Meter
    links: Links
    seals: Seals
    upgrade: Upgrade
    store: Store
    heard: Heard
    revisions: Revisions
    watch: Watch
    files: Files
    uploads: Uploads
    arrivals: Arrivals
    probe: Probe
    monitor: Monitor
    queue: Queue
    lifecycle: Lifecycle
    intake: Intake
    webhooks: Webhooks
    forward: Forward

    @property
    def version(self) -> str:
        """The version shown to clients."""
        return self.intake.version


CONTEXT = web.AppKey("context", Context)
