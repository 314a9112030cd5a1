"""Which aligner a request gets: the language's own, or one of those that the operator offers."""

import threading
from collections import OrderedDict
from collections.abc import Mapping

from models import registry
from models.registry import Family, Model
from transcription.engine.alignment import Aligner, find_sentence_tables, is_on_disk
from transcription.engine.lanes import Lanes
from transcription.engine.loading import Loads
from transcription.engine.memory import release
from transcription.engine.settings import Settings
from transcription.environment import SettingsError
from transcription.errors import InvalidInput, ModelUnavailable
from transcription.options import Options


class Aligners:
    """The aligners of ALIGN_LANGUAGES, resident, and a few others, the least used of which go.

    Raises SettingsError for an aligner that cannot be, and what the model libraries raise when one
    of ALIGN_LANGUAGES does not load.
    """

    def __init__(
        self, settings: Settings, of: Family, device: str, lanes: Lanes, loads: Loads
    ) -> None:
        self._family = of
        self._device = device
        self._lanes = lanes
        self._loads = loads
        self._room = settings.align_cache
        self._offered = _offered(settings.align_models)
        self._resident: dict[str, Aligner] = {}
        self._others: OrderedDict[tuple[str, str], Aligner] = OrderedDict()
        self._unloadable: set[tuple[str, str]] = set()
        self._loading = threading.Lock()
        if settings.align_languages or settings.align_models:
            find_sentence_tables(registry.DEMO_NLTK_DATA if of is Family.DEMO else None)
        for language, source in settings.align_languages.items():
            self._resident[language] = self._load(language, self._registered(language, source))

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
        if not is_on_disk(self._offered[name]):
            raise ModelUnavailable(f"The alignment model {name} is not on this worker's disk.")

    def get(self, language: str, name: str | None) -> Aligner | None:
        """The aligner for ``language``; None where there is none on this machine."""
        if name is None and language in self._resident:
            return self._resident[language]
        model = self._offered[name] if name else registry.aligner(language, self._family)
        if model is None:
            return None
        with self._loading:
            return self._other(language, model)

    def _other(self, language: str, model: Model) -> Aligner | None:
        """One that is loaded on its first use, if it is on this machine; nobody waits for more."""
        key = (language, model.name)
        if key in self._others:
            self._others.move_to_end(key)
            return self._others[key]
        if self._room == 0 or key in self._unloadable or not is_on_disk(model):
            return None
        while len(self._others) >= self._room:
            self._others.popitem(last=False)
            release()
        try:
            self._others[key] = self._load(language, model, only_local=True)
        except Exception as error:  # half a download, for example: words stay untimed
            self._unloadable.add(key)
            self._loads.failed(f"aligner {language}", error)
        return self._others.get(key)

    def _load(self, language: str, model: Model, *, only_local: bool = False) -> Aligner:
        with self._loads.counted(f"aligner {language} ({model.name})"):
            return Aligner(model, language, self._device, self._lanes, only_local=only_local)

    def _registered(self, language: str, source: str | None) -> Model:
        model = registry.elsewhere(source) if source else None
        model = model or registry.aligner(language, self._family)
        if model is None:
            raise SettingsError(f"ALIGN_LANGUAGES: there is no aligner for {language!r}")
        return model


def _offered(sources: tuple[str, ...]) -> Mapping[str, Model]:
    """By name, and as the operator wrote it: a directory's path is nothing to show to clients."""
    found: dict[str, Model] = {}
    for source in sources:
        model = registry.named_aligner(source)
        if model is None:
            raise SettingsError(
                f"ALIGN_MODELS: {source!r} is neither a known aligner, nor a directory, nor "
                "owner/name on the hub"
            )
        found[model.name] = found[source] = model
    return found
