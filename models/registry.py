"""The models this service can run: what they are called, where they come from, what they need.

``demo`` lies in ``models/demo``, was trained by this project on synthetic voices and needs no
network; everything else is fetched once (`models/sources.py`). What `Family.BASE` names stands in
for a publisher's aligner or diarizer that is not available. Code elsewhere asks this module and
names no repository itself.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

DEMO_DIRECTORY = Path(__file__).parent / "demo"
DEMO_NLTK_DATA = DEMO_DIRECTORY / "nltk_data"


class Family(StrEnum):
    """Which set an aligner or diarizer belongs to."""

    DEMO = "demo"
    BASE = "base"  # lies in this repository and understands people
    PRODUCTION = "production"  # the publishers'


class Place(StrEnum):
    """Where a model's files are."""

    DIRECTORY = "directory"  # on this machine
    HUB = "hub"  # a repository on huggingface.co, cached in HF_HOME
    TORCHAUDIO = "torchaudio"  # a torchaudio bundle, cached in TORCH_HOME
    ASSEMBLED = "assembled"  # "module:function"; the function lays the files out in a directory


@dataclass(frozen=True, slots=True)
class Model:
    """One entry. ``size`` is the download in megabytes, None where it was not looked up."""

    name: str
    place: Place
    source: str
    licence: str
    size: int | None = None
    needs: str = ""

    @property
    def path(self) -> Path:
        """The directory of a model on this machine."""
        return Path(self.source)

    @property
    def folder(self) -> Path:
        """Where this repository has the files of a model that is laid out from them."""
        return Path(__file__).parent.joinpath(*self.source.split(".")[1:-1])


class UnknownModel(ValueError):
    """No model has this name. The message says which names there are."""


def _demo(name: str, folder: str) -> Model:
    return Model(name, Place.DIRECTORY, str(DEMO_DIRECTORY / folder), licence="this project's")


def _hub(name: str, source: str, licence: str, size: int | None = None, needs: str = "") -> Model:
    return Model(name, Place.HUB, source, licence, size, needs)


WHISPERS: Mapping[str, Model] = MappingProxyType(
    {
        model.name: model
        for model in (
            _demo("demo", "whisper"),
            _hub("tiny", "Systran/faster-whisper-tiny", "MIT", 75),
            _hub("base", "Systran/faster-whisper-base", "MIT", 145),
            _hub("small", "Systran/faster-whisper-small", "MIT", 484),
            _hub("medium", "Systran/faster-whisper-medium", "MIT", 1530),
            _hub("large-v2", "Systran/faster-whisper-large-v2", "MIT", 3090),
            _hub("large-v3", "Systran/faster-whisper-large-v3", "MIT", 3090),
            _hub("large-v3-turbo", "mobiuslabsgmbh/faster-whisper-large-v3-turbo", "MIT", 1620),
        )
    }
)

# whisperx 3.8.6's own choice per language (a test compares). The first five are torchaudio bundles.
_BUNDLES = {
    "en": ("WAV2VEC2_ASR_BASE_960H", "MIT"),
    "fr": ("VOXPOPULI_ASR_BASE_10K_FR", "CC BY-NC 4.0"),
    "de": ("VOXPOPULI_ASR_BASE_10K_DE", "CC BY-NC 4.0"),
    "es": ("VOXPOPULI_ASR_BASE_10K_ES", "CC BY-NC 4.0"),
    "it": ("VOXPOPULI_ASR_BASE_10K_IT", "CC BY-NC 4.0"),
}
_REPOSITORIES = {
    "ja": "jonatasgrosman/wav2vec2-large-xlsr-53-japanese",
    "zh": "jonatasgrosman/wav2vec2-large-xlsr-53-chinese-zh-cn",
    "nl": "jonatasgrosman/wav2vec2-large-xlsr-53-dutch",
    "uk": "Yehor/wav2vec2-xls-r-300m-uk-with-small-lm",
    "pt": "jonatasgrosman/wav2vec2-large-xlsr-53-portuguese",
    "ar": "jonatasgrosman/wav2vec2-large-xlsr-53-arabic",
    "cs": "comodoro/wav2vec2-xls-r-300m-cs-250",
    "ru": "jonatasgrosman/wav2vec2-large-xlsr-53-russian",
    "pl": "jonatasgrosman/wav2vec2-large-xlsr-53-polish",
    "hu": "jonatasgrosman/wav2vec2-large-xlsr-53-hungarian",
    "fi": "jonatasgrosman/wav2vec2-large-xlsr-53-finnish",
    "fa": "jonatasgrosman/wav2vec2-large-xlsr-53-persian",
    "el": "jonatasgrosman/wav2vec2-large-xlsr-53-greek",
    "tr": "mpoyraz/wav2vec2-xls-r-300m-cv7-turkish",
    "da": "saattrupdan/wav2vec2-xls-r-300m-ftspeech",
    "he": "imvladikon/wav2vec2-xls-r-300m-hebrew",
    "vi": "nguyenvulebinh/wav2vec2-base-vi-vlsp2020",
    "ko": "kresnik/wav2vec2-large-xlsr-korean",
    "ur": "kingabzpro/wav2vec2-large-xls-r-300m-Urdu",
    "te": "anuragshas/wav2vec2-large-xlsr-53-telugu",
    "hi": "theainerd/Wav2Vec2-large-xlsr-hindi",
    "ca": "softcatala/wav2vec2-large-xlsr-catala",
    "ml": "gvs/wav2vec2-large-xlsr-malayalam",
    "no": "NbAiLab/nb-wav2vec2-1b-bokmaal-v2",
    "nn": "NbAiLab/nb-wav2vec2-1b-nynorsk",
    "sk": "comodoro/wav2vec2-xls-r-300m-sk-cv8",
    "sl": "anton-l/wav2vec2-large-xlsr-53-slovenian",
    "hr": "classla/wav2vec2-xls-r-parlaspeech-hr",
    "ro": "gigant/romanian-wav2vec2",
    "eu": "stefan-it/wav2vec2-large-xlsr-53-basque",
    "gl": "ifrz/wav2vec2-large-xlsr-galician",
    "ka": "xsway/wav2vec2-large-xlsr-georgian",
    "lv": "jimregan/wav2vec2-large-xlsr-latvian-cv",
    "tl": "Khalsuu/filipino-wav2vec2-l-xls-r-300m-official",
    "sv": "KBLab/wav2vec2-large-voxrex-swedish",
    "id": "cahya/wav2vec2-large-xlsr-indonesian",
}
_DEMO_ALIGNERS = {code: _demo(f"demo-{code}", f"align/{code}") for code in ("en", "es")}
ALIGNERS: Mapping[Family, Mapping[str, Model]] = MappingProxyType(
    {
        Family.DEMO: _DEMO_ALIGNERS,
        Family.BASE: _DEMO_ALIGNERS,
        Family.PRODUCTION: {
            code: Model(bundle, Place.TORCHAUDIO, bundle, licence)
            for code, (bundle, licence) in _BUNDLES.items()
        }
        | {code: _hub(name, name, "see the repository") for code, name in _REPOSITORIES.items()},
    }
)

DIARIZERS: Mapping[Family, Model] = MappingProxyType(
    {
        Family.DEMO: Model(
            "demo", Place.ASSEMBLED, "models.demo.pipeline:assemble", licence="this project's"
        ),
        Family.BASE: Model(
            "base", Place.ASSEMBLED, "models.base.pipeline:assemble", licence="Apache-2.0"
        ),
        Family.PRODUCTION: _hub(
            "pyannote/speaker-diarization-community-1",
            "pyannote/speaker-diarization-community-1",
            "CC BY 4.0",
            needs="HUGGINGFACE_TOKEN the first time, of an account that accepted its conditions",
        ),
    }
)


def family(whisper_name: str) -> Family:
    """The set that goes with a Whisper model."""
    return Family.DEMO if whisper_name == Family.DEMO else Family.PRODUCTION


def whispers(names: Sequence[str]) -> list[Model]:
    """The Whisper models called ``names``. Raises UnknownModel, also where two share a name."""
    found: dict[str, Model] = {}
    for name in names:
        model = whisper(name)
        if model.name in found:
            raise UnknownModel(
                f"two models are called {model.name!r}, and requests ask for them by name; give "
                "one of the directories another name"
            )
        found[model.name] = model
    return list(found.values())


def whisper(name: str) -> Model:
    """The Whisper model called ``name``: registered, a directory, or ``owner/name`` on the hub.

    Raises UnknownModel.
    """
    model = WHISPERS.get(name) or elsewhere(name)
    if model is None:
        known = ", ".join(WHISPERS)
        raise UnknownModel(
            f"{name!r} is no model: expected one of {known}, a directory, or owner/name on the hub"
        )
    return model


def aligner(language: str, of: Family) -> Model | None:
    """The registered aligner for ``language``, None when there is none."""
    return ALIGNERS[of].get(language)


def named_aligner(name: str) -> Model | None:
    """The aligner called ``name``, of any language: registered, or from `elsewhere`."""
    registered = (model for models in ALIGNERS.values() for model in models.values())
    return next((model for model in registered if model.name == name), None) or elsewhere(name)


def named_diarizer(name: str) -> Model | None:
    """The diarizer called ``name``: registered, or from `elsewhere`."""
    return next((model for model in DIARIZERS.values() if model.name == name), None) or elsewhere(
        name
    )


def elsewhere(source: str) -> Model | None:
    """A model that is not registered: a directory here, or ``owner/name`` on the hub."""
    if source and Path(source).is_dir():
        # The name is shown to clients, the directory is not.
        return Model(
            Path(source).absolute().name, Place.DIRECTORY, source, licence="see the directory"
        )
    owner, _, name = source.partition("/")
    if owner and name and "/" not in name and owner not in (".", "..", "~"):
        return _hub(source, source, "see the repository")
    return None
