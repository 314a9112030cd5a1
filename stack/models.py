"""The models of a stack, fetched before it starts: here the bars are seen, and what is amiss said.

Cog's own setup then finds them.
"""

from collections.abc import Callable

from stack.settings import PREDICTOR, StackSettings
from transcription.engine.fetching import fetch_missing
from transcription.engine.settings import Settings


def fetch_ahead(settings: StackSettings, say: Callable[[str], None]) -> None:
    """Fetch what is missing. Raises CannotFetch, SettingsError.

    Another predictor than ours has models of its own, if any.
    """
    if settings.predictor == PREDICTOR:
        given = {**settings.environ, "MODELS": settings.models}
        fetch_missing(Settings.from_environment(given), say)
