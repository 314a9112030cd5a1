"""The diarizer that serves: the wanted one, or another that stands in for it."""

import threading
from dataclasses import replace

from models import contents, registry
from models.registry import Family
from models.sources import is_here, remember
from transcription.audio import Samples
from transcription.engine import parts
from transcription.engine.diarization import Diarizer
from transcription.engine.heard import Heard
from transcription.engine.lanes import Lanes
from transcription.engine.loading import Loads
from transcription.engine.memory import memory_guard
from transcription.engine.parts import Part
from transcription.engine.settings import Settings
from transcription.errors import ModelUnavailable
from transcription.findings import Diarization, Progress, Voice
from transcription.options import Options


class Diarizers:
    """One resident diarizer. One that may not be fetched is no error before it is asked.

    Raises SettingsError for a DIARIZATION_MODEL that cannot be.
    """

    def __init__(
        self, settings: Settings, device: str, lanes: Lanes, loads: Loads, heard: Heard
    ) -> None:
        self._device = device
        self._heard = heard
        self._lanes = lanes
        self._loads = loads
        self._wanted = Part(parts.diarizer(settings))
        self._loading = threading.Lock()
        self._loaded: tuple[Diarizer, Part] | None = None
        at_hand = parts.diarizer_at_hand(settings)
        if is_here(at_hand.model, contents.DIARIZER):
            self._load(at_hand, settings.huggingface_token)
        instead = parts.diarizer_instead(settings, "could not be loaded")
        if instead is not None and not self.is_there:
            self._load(instead, None)

    @property
    def is_there(self) -> bool:
        """Whether speakers can be told apart."""
        return self._loaded is not None

    def prepare(self, token: str | None) -> None:
        """Sees that a diarizer is here, the wanted one if ``token`` fetches it.

        Raises ModelUnavailable.
        """
        # The caller's own token, once: the pipeline then serves everybody.
        if token and (self._loaded is None or self._loaded[1] != self._wanted):
            self._load(self._wanted, token)
        if self._loaded is None:
            raise ModelUnavailable(
                "diarization",
                "speakers cannot be told apart here: the diarization model could not be "
                "loaded. Accept the conditions of "
                f"{registry.DIARIZERS[Family.PRODUCTION].name} on huggingface.co and start the "
                "service with HUGGINGFACE_TOKEN (or send huggingface_access_token), or send "
                "diarization=false.",
            )

    def diarize(self, samples: Samples, options: Options, progress: Progress) -> Diarization:
        """Who holds the floor when."""
        diarizer, part = self._here()
        with memory_guard():
            found = diarizer.diarize(samples, options, progress)
        return replace(found, warnings=(part.warning,)) if part.warning else found

    def embed(self, samples: Samples) -> Voice | None:
        """A vector of the voice, comparable to those of `diarize`."""
        diarizer, _ = self._here()
        with memory_guard():
            return diarizer.embed(samples)

    def _here(self) -> tuple[Diarizer, Part]:
        if self._loaded is None:
            raise ModelUnavailable("diarization", "the diarization model is not loaded")
        return self._loaded

    def _load(self, part: Part, token: str | None) -> None:
        model = part.model
        with self._loading:
            if self._loaded is not None and self._loaded[1] == part:
                return
            try:
                with self._loads.counted(f"diarizer {model.name}"):
                    diarizer = Diarizer(model, self._device, self._lanes, token, heard=self._heard)
                self._loaded = diarizer, part
                remember(model)
            except Exception as error:  # whatever it is, the rest of the service works
                self._loads.failed(f"diarizer {model.name}", error)
