"""What the doors share: the parts of a running bridge, wired once."""

from dataclasses import dataclass

from aiohttp import web

from bridge.dispatch import Dispatcher
from bridge.files import Files
from bridge.intake import Intake
from bridge.monitor import Monitor
from bridge.settings import Settings
from bridge.store import Store
from bridge.validation import Inputs


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


CONTEXT = web.AppKey("context", Context)
