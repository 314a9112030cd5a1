"""Which aligner a request gets: the language's own, or one of those that the operator offers."""

import threading
from collections import OrderedDict
from collections.abc import Mapping

from models import contents, registry
from models.registry import Family, Model
from models.sources import is_here
from transcription.engine import parts
from transcription.engine.alignment import Aligner, find_sentence_tables
from transcription.engine.lanes import Lanes
from transcription.engine.loading import Loads
from transcription.engine.memory import release
from transcription.engine.parts import Part
from transcription.engine.settings import Settings
from transcription.environment import SettingsError
from transcription.errors import InvalidInput, ModelUnavailable
from transcription.options import Options


class Aligners:
    """The aligners of ALIGN_LANGUAGES, resident, and a few others, the least used of which go.

    Raises SettingsError for an aligner that cannot be, and what the model libraries raise when one
    of ALIGN_LANGUAGES does not load.
    """

    def __init__(self, settings: Settings, device: str, lanes: Lanes, loads: Loads) -> None:
        self._family = parts.family(settings)
        self._device = device
        self._lanes = lanes
        self._loads = loads
        self._room = settings.align_cache
        self._offered = _offered(settings.align_models)
        self._resident: dict[str, tuple[Aligner, str]] = {}
        self._others: OrderedDict[tuple[str, str], Aligner] = OrderedDict()
        self._unloadable: set[tuple[str, str]] = set()
        self._loading = threading.Lock()
        find_sentence_tables(registry.DEMO_NLTK_DATA, first=self._family is Family.DEMO)
        for language in settings.align_languages:
            part = parts.aligner_at_hand(language, parts.aligner(settings, language))
            if part is not None:
                self._resident[language] = self._load(language, part.model), part.warning

    @property
    def languages(self) -> list[str]:
        """The languages whose aligners are always there."""
        return sorted(self._resident)

    def check(self, options: Options) -> None:
        """Sees that the ``align_model`` is offered and on this machine.

        Raises InvalidInput or ModelUnavailable.
        """
        name = options.align_model
        if name is None or not options.align_output:
            return
        if name not in self._offered:
            offered = ", ".join(dict.fromkeys(model.name for model in self._offered.values()))
            raise InvalidInput("align_model", f"this service offers: {offered or 'none'}")
        if not is_here(self._offered[name], contents.ALIGNER):
            raise ModelUnavailable("align_model", f"{name} is not on this worker's disk")

    def get(self, language: str, name: str | None) -> tuple[Aligner | None, str]:
        """The aligner for ``language``, None where there is none on this machine; a warning."""
        if name is None and language in self._resident:
            return self._resident[language]
        wanted = self._offered[name] if name else registry.aligner(language, self._family)
        part = Part(wanted) if name and wanted else parts.aligner_at_hand(language, wanted)
        if part is None:
            return None, ""
        with self._loading:
            return self._other(language, part.model), part.warning

    def suffice(self, language: str, name: str | None) -> bool:
        """Whether `get` gives an aligner that stands in for no other."""
        aligner, warning = self.get(language, name)
        return aligner is not None and not warning

    def _other(self, language: str, model: Model) -> Aligner | None:
        """One that is loaded on its first use, if it is on this machine; nothing is downloaded."""
        key = (language, model.name)
        if key in self._others:
            self._others.move_to_end(key)
            return self._others[key]
        if not self._room or key in self._unloadable or not is_here(model, contents.ALIGNER):
            return None
        while len(self._others) >= self._room:
            self._others.popitem(last=False)
            release()
        try:
            self._others[key] = self._load(language, model)
        except Exception as error:  # half a download, for example: words stay untimed
            self._unloadable.add(key)
            self._loads.failed(f"aligner {language}", error)
        return self._others.get(key)

    def _load(self, language: str, model: Model) -> Aligner:
        with self._loads.counted(f"aligner {language} ({model.name})"):
            return Aligner(model, language, self._device, self._lanes, only_local=True)


def _offered(sources: tuple[str, ...]) -> Mapping[str, Model]:
    """By name, and as the operator wrote it: a directory's path is nothing to show to clients."""
    found: dict[str, Model] = {}
    for source in sources:
        model = parts.offered_aligner(source)
        if found.get(model.name, model) != model:
            raise SettingsError(
                f"ALIGN_MODELS: two models are called {model.name!r}, and requests ask for them "
                "by name; give one of the directories another name"
            )
        found[model.name] = found[source] = model
    return found
