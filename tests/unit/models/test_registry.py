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
    settings = Settings.from_environment({})
    assert settings.models == ("large-v3",)
    assert settings.align_languages == {"en": None}
    assert settings == Settings()


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
    assert Settings.from_environment({"ALIGN_LANGUAGES": ""}).align_languages == {}


@pytest.mark.parametrize(
    ("environment", "name"),
    [
        ({"MODELS": " , "}, "MODELS"),
        ({"CPU_THREADS": "many"}, "CPU_THREADS"),
        ({"MAX_AUDIO_SECONDS": "-1"}, "MAX_AUDIO_SECONDS"),
        ({"KNOWN_SPEAKER_THRESHOLD": "1.5"}, "KNOWN_SPEAKER_THRESHOLD"),
    ],
)
def test_unusable_variables_are_named(environment: dict[str, str], name: str) -> None:
    with pytest.raises(SettingsError, match=name):
        Settings.from_environment(environment)
