"""Names of models, and what the operator says about them."""

import ast
from importlib.util import find_spec
from pathlib import Path

import pytest

from models import registry
from models.registry import Family, Place
from transcription.engine.settings import Settings
from transcription.environment import SettingsError
from transcription.language import LANGUAGES


def test_registered_names_come_from_their_repositories() -> None:
    model = registry.whisper("large-v3")
    assert (model.place, model.source) == (Place.HUB, "Systran/faster-whisper-large-v3")


def test_a_directory_is_called_by_its_own_name(tmp_path: Path) -> None:
    model = registry.whisper(str(tmp_path))
    assert (model.name, model.place, model.path) == (tmp_path.name, Place.DIRECTORY, tmp_path)


def test_any_repository_of_the_hub_serves() -> None:
    assert registry.whisper("someone/some-ct2").place is Place.HUB


@pytest.mark.parametrize("name", ["", "gigantic", "a/b/c", "/nowhere/at/all", "../up", "./here"])
def test_other_names_are_refused_with_the_list(name: str) -> None:
    with pytest.raises(registry.UnknownModel, match="large-v3-turbo"):
        registry.whisper(name)


def test_sets_do_not_mix() -> None:
    assert registry.family("demo") is Family.DEMO
    assert {registry.family(name) for name in registry.WHISPERS if name != "demo"} == {
        Family.PRODUCTION
    }
    demo = registry.aligner("en", Family.DEMO)
    assert demo is not None
    assert demo.place is Place.DIRECTORY
    assert registry.aligner("fr", Family.DEMO) is None
    assert registry.DIARIZERS[Family.PRODUCTION].place is Place.HUB


def test_production_aligners_are_whisperxs_own() -> None:
    spec = find_spec("whisperx")
    if spec is None or spec.origin is None:
        pytest.skip("whisperx is not installed")
    source = ast.parse((Path(spec.origin).parent / "alignment.py").read_text())
    tables = {
        node.targets[0].id: ast.literal_eval(node.value)
        for node in source.body
        if isinstance(node, ast.Assign)
        and isinstance(node.targets[0], ast.Name)
        and node.targets[0].id.startswith("DEFAULT_ALIGN_MODELS")
    }
    theirs = tables["DEFAULT_ALIGN_MODELS_TORCH"] | tables["DEFAULT_ALIGN_MODELS_HF"]
    ours = registry.ALIGNERS[Family.PRODUCTION]
    assert {code: model.source for code, model in ours.items()} == theirs
    assert set(ours) <= set(LANGUAGES)


def test_whispers_are_faster_whispers_own() -> None:
    spec = find_spec("faster_whisper")
    if spec is None or spec.origin is None:
        pytest.skip("faster_whisper is not installed")
    text = (Path(spec.origin).parent / "utils.py").read_text()
    for name, model in registry.WHISPERS.items():
        if model.place is Place.HUB:
            assert f'"{name}": "{model.source}"' in text


def test_settings_have_defaults() -> None:
    settings = Settings.from_environment({"DEVICE": "cpu"})
    assert settings.align_languages == {"en": None}
    assert settings == Settings(device="cpu")


@pytest.mark.parametrize(
    ("device", "name", "why"), [("cpu", "base", "no GPU"), ("cuda", "large-v3", "a GPU")]
)
def test_without_models_the_machine_decides_and_says_so(device: str, name: str, why: str) -> None:
    settings = Settings.from_environment({"DEVICE": device, "MODELS": ""})
    assert settings.models == (name,)
    assert settings.chosen == f"MODELS is not set: {name}, since there is {why}"
    assert not Settings.from_environment({"DEVICE": device, "MODELS": "tiny"}).chosen


def test_settings_are_read_once_and_whole() -> None:
    settings = Settings.from_environment(
        {
            "MODELS": " small, tiny ,small",
            "ALIGN_LANGUAGES": "en, de = someone/aligner",
            "HF_TOKEN": "hf_second",
            "DEVICE": "cpu",
            "COMPUTE_TYPE": "",
            "CPU_THREADS": "2",
            "MAX_AUDIO_SECONDS": "60",
            "KNOWN_SPEAKER_THRESHOLD": "0.7",
            "BRIDGE_INTERNAL_URL": "http://127.0.0.1:8081",
        }
    )
    assert settings.models == ("small", "tiny")
    assert settings.align_languages == {"en": None, "de": "someone/aligner"}
    assert settings.huggingface_token == "hf_second"
    assert "hf_second" not in repr(settings)
    assert (settings.device, settings.compute_type, settings.cpu_threads) == ("cpu", "auto", 2)
    assert settings.max_audio_seconds == 60
    assert settings.known_speaker_threshold == 0.7
    assert settings.bridge_url == "http://127.0.0.1:8081"


def test_no_aligners_can_be_asked_for() -> None:
    settings = Settings.from_environment({"ALIGN_LANGUAGES": ""})
    assert (settings.align_languages, settings.align_cache) == ({}, 0)
    offered = Settings.from_environment({"ALIGN_LANGUAGES": "", "ALIGN_MODELS": "owner/any"})
    assert offered.align_cache == 2
    kept = Settings.from_environment({"ALIGN_LANGUAGES": "", "ALIGN_CACHE": "1"})
    assert kept.align_cache == 1


def test_sources_are_ordered_left_out_and_named(tmp_path: Path) -> None:
    def of(text: str) -> tuple[str, ...]:
        return Settings.from_environment({"MODEL_SOURCES": text}).sources

    assert Settings().sources == Settings.from_environment({}).sources == ("hub", "index")
    assert of("index, hub") == ("index", "hub")
    assert of("") == of("cache") == ()
    assert of(f"{tmp_path},cache,index") == (str(tmp_path), "index")


def test_two_models_of_one_name_stop_the_start(tmp_path: Path) -> None:
    first, second = tmp_path / "a" / "mine", tmp_path / "b" / "mine"
    first.mkdir(parents=True)
    second.mkdir(parents=True)
    with pytest.raises(registry.UnknownModel, match="two models are called 'mine'"):
        registry.whispers([str(first), str(second)])
    with pytest.raises(registry.UnknownModel, match="two models are called 'mine'"):
        registry.whispers([str(first), f"{first}/"])
    assert [model.name for model in registry.whispers(["base", str(first)])] == ["base", "mine"]


def test_diarizers_are_registered_directories_or_on_the_hub(tmp_path: Path) -> None:
    demo = registry.named_diarizer("demo")
    assert demo == registry.DIARIZERS[Family.DEMO]
    own = registry.named_diarizer(str(tmp_path))
    assert own is not None
    assert own.place is Place.DIRECTORY
    assert registry.named_diarizer("gigantic") is None


@pytest.mark.parametrize(
    ("environment", "name"),
    [
        ({"MODELS": " , "}, "MODELS"),
        ({"CPU_THREADS": "many"}, "CPU_THREADS"),
        ({"MODEL_SOURCES": "hub,relative/path"}, "MODEL_SOURCES"),
        ({"ALIGNMENT": "maybe"}, "ALIGNMENT"),
        ({"DIARIZATION": "maybe"}, "DIARIZATION"),
        ({"MAX_AUDIO_SECONDS": "-1"}, "MAX_AUDIO_SECONDS"),
        ({"KNOWN_SPEAKER_THRESHOLD": "1.5"}, "KNOWN_SPEAKER_THRESHOLD"),
    ],
)
def test_unusable_variables_are_named(environment: dict[str, str], name: str) -> None:
    with pytest.raises(SettingsError, match=name):
        Settings.from_environment(environment)
