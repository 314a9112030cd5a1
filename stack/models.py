"""Fetches the models of a stack before it starts, with progress bars and errors on the terminal.

Cog's own setup then finds them.
"""

from collections.abc import Callable

from stack.machine import check_device, check_numbers, check_room
from stack.settings import PREDICTOR, StackSettings
from transcription.engine.fetching import fetch_missing
from transcription.engine.settings import Settings


def fetch_ahead(settings: StackSettings, say: Callable[[str], None]) -> None:
    """Fetch what is missing. Raises CannotFetch, SettingsError, also where there is no room.

    Another predictor than ours has models of its own, if any.
    """
    if settings.predictor == PREDICTOR:
        wanted = Settings.from_environment({**settings.environ, "MODELS": settings.models})
        device = check_device(wanted.device)
        check_numbers(wanted.compute_type, device)
        check_room(wanted, on_gpu=device != "cpu")
        fetch_missing(wanted, say)
