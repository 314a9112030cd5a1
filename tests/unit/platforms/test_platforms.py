"""The platforms' settings and requests, and what their documents and images promise."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from outbound.policy import Policy
from platforms.core import Recording, Sources, explain, read_options
from platforms.lightning import requests
from platforms.lightning.settings import LightningSettings
from platforms.runpod import inputs
from platforms.runpod.settings import RunpodSettings
from stack.settings import ROOT
from transcription.environment import SettingsError
from transcription.errors import InvalidInput
from transcription.options import Options

PAGE = (ROOT / "docs/platforms.md").read_text()
RECORDING = Recording("audio_base_64", "YWJj", encoded=True)
URLS = {"audio_url": "http://a.example/x", "webhook_url": "http://b.example/y"}


def test_runpod_variables_have_the_defaults_that_its_users_know() -> None:
    settings = RunpodSettings.from_environment({"TASK": "", "USE_CPU": "1", "MODELS": ""})
    assert settings.core.models == ("Systran/faster-whisper-large-v1",)
    assert settings.core.device == "cpu"
    assert (settings.task, settings.default_language) == ("transcribe", "en")
    assert settings.supported_languages == ("en", "nl")
    assert not settings.debug
    assert RunpodSettings.from_environment({"DEBUG": "Yes"}).debug
    other = RunpodSettings.from_environment({"WHISPER_MODEL_NAME": "a/b", "MODELS": "tiny"})
    assert other.core.models == ("a/b",)


@pytest.mark.parametrize(
    ("default", "asked", "expected", "warns"),
    [
        ("en", "nl", "nl", False),
        ("nl", None, "nl", True),
        ("en", "fr", "en", True),
        ("en", 7, "en", True),
        ("en", "auto", None, False),
        ("en", "EN-us", "en", False),
        ("Dutch", "nld", "nl", False),
        ("en", "klingon", "en", True),
        ("auto", None, None, False),
        ("auto", "fr", None, True),
    ],
)
def test_runpod_language_that_is_not_the_callers_is_told(
    default: str, asked: object, expected: str | None, warns: bool
) -> None:
    settings = RunpodSettings.from_environment({"DEFAULT_LANGUAGE_CODE": default})
    _, options, warnings = inputs.read({"language": asked, "audio": "x"}, settings)
    assert options.language == expected
    assert bool(warnings) == warns


def test_runpod_job_overrides_what_the_operator_set() -> None:
    settings = RunpodSettings.from_environment({"TASK": "translate", "DEBUG": "1"})
    _, plain, _ = inputs.read({"initial_prompt": "", "language": "en"}, settings)
    assert (plain.task, plain.debug, plain.initial_prompt) == ("translate", True, None)
    assert (plain.align_output, plain.diarization) == (False, False)
    _, own, _ = inputs.read({"task": "transcribe", "diarization": True}, settings)
    assert (own.task, own.diarization) == ("transcribe", True)
    with pytest.raises(InvalidInput, match="input: must be an object"):
        inputs.read(["audio"], settings)


@pytest.mark.parametrize("text", ["YWJj", "YW\nJj ", "data:audio/wav;base64,YWJj"])
async def test_runpod_reads_base64_as_encoders_write_it(text: str) -> None:
    given = {"audio_base_64": text, "audio": "http://ignored.example"}
    recording, options, _ = inputs.read(given, RunpodSettings.from_environment({}))
    async with Sources().fetched(recording, options) as (path, _):
        assert (path.read_bytes(), recording.field) == (b"abc", "audio_base_64")
    assert not path.exists()


async def test_base64_of_a_file_that_is_too_large_is_refused() -> None:
    sources = Sources.from_environment({"MAX_FILE_BYTES": "2"})
    with pytest.raises(InvalidInput, match="audio_base_64: the file is larger than 2 bytes"):
        async with sources.fetched(RECORDING, Options()):
            pass


def test_lightning_variables_have_the_defaults_that_its_users_know() -> None:
    settings = LightningSettings.from_environment({})
    assert settings.core.models == ("large-v3-turbo",)
    assert dict(settings.core.align_languages) == {"en": None}
    assert (settings.port, settings.chunk_size, settings.queue_limit) == (8000, 8, 1000)
    own = LightningSettings.from_environment(
        {"WHISPERX_MODEL": "tiny", "WHISPERX_ALIGN_LANGS": "", "WHISPERX_COMPUTE_TYPE": "int8"}
    )
    assert (own.core.models, dict(own.core.align_languages)) == (("tiny",), {})
    assert own.core.compute_type == "int8"
    key = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"
    assert LightningSettings.from_environment({"LIGHTNING_WEBHOOK_SECRET": key}).signing_key == key


@pytest.mark.parametrize(
    ("read", "variable", "value"),
    [
        (LightningSettings.from_environment, "PORT", "http"),
        (LightningSettings.from_environment, "PORT", "70000"),
        (LightningSettings.from_environment, "HOST", "localhost"),
        (LightningSettings.from_environment, "CHUNK_SIZE", "-1"),
        (LightningSettings.from_environment, "LIGHTNING_WEBHOOK_SECRET", "short"),
        (LightningSettings.from_environment, "LIGHTNING_WEBHOOK_SECRET", "whsec_short"),
        (RunpodSettings.from_environment, "DEFAULT_LANGUAGE_CODE", "xx"),
        (RunpodSettings.from_environment, "SUPPORTED_LANGUAGES", "en,klingon"),
        (Sources.from_environment, "MAX_FILE_BYTES", "1 GB"),
        (Sources.from_environment, "ALLOWED_PRIVATE_HOSTS", "10.0.0.0/99"),
    ],
)
def test_unusable_variables_are_named_and_secrets_not_shown(
    read: Any, variable: str, value: str
) -> None:
    with pytest.raises(SettingsError, match=variable) as caught:
        read({variable: value})
    assert "SECRET" not in variable or "short" not in str(caught.value).replace("shorter", "")


def test_lightning_request_has_the_defaults_that_clients_know() -> None:
    settings = LightningSettings.from_environment({})
    request = requests.read({**URLS, "align_model": None}, settings)
    assert request.words
    assert (request.options.batch_size, request.options.chunk_size) == (4, 8)
    assert (request.options.align_output, request.options.diarization) == (True, False)
    own = requests.read(
        {**URLS, "chunk_size": 120, "model": "a", "num_speakers": 2, "align_model": "b"}, settings
    )
    assert own.options.align_model == "b"
    assert own.options.chunk_size == requests.WINDOW
    assert (own.options.whisper_model, own.options.num_speakers) == ("a", 2)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ([], "body"),
        ({**URLS, "audio_url": 7}, "audio_url"),
        ({**URLS, "return_word_timestamps": "no"}, "return_word_timestamps"),
        ({**URLS, "chunk_size": True}, "chunk_size"),
        ({**URLS, "batch_size": 1.5}, "batch_size"),
        ({**URLS, "compute_type": "int4"}, "compute_type"),
    ],
)
def test_lightning_request_that_cannot_be_met_names_the_field(body: Any, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        requests.read(body, LightningSettings.from_environment({}))
    assert caught.value.field == field


async def test_lightning_refuses_webhooks_into_its_own_network() -> None:
    request = requests.read({**URLS, "audio_url": "http://127.0.0.1/x"}, _lightning())
    with pytest.raises(InvalidInput, match="audio_url: the host's address is private"):
        await requests.check_addresses(request, Policy())
    own = requests.read({**URLS, "audio_url": "http://127.0.0.1/x"}, _lightning())
    with pytest.raises(InvalidInput, match="webhook_url"):
        await requests.check_addresses(own, Policy.parse("127.0.0.1"))
    known = {"known_speaker_names": ["Ada"], "known_speaker_references": ["http://10.0.0.1/x"]}
    local = {"audio_url": "http://127.0.0.1/x", "webhook_url": "http://127.0.0.1/y", **known}
    with pytest.raises(InvalidInput, match="known_speaker_references: the host"):
        await requests.check_addresses(
            requests.read(local, _lightning()), Policy.parse("127.0.0.1")
        )


def _lightning() -> LightningSettings:
    return LightningSettings.from_environment({})


@pytest.mark.parametrize("clip", ["/etc/hostname", "file:///etc/hostname", "", "HTTP", "~/x"])
def test_no_client_can_name_a_file_of_this_machine(clip: str) -> None:
    given = {"known_speaker_names": ["Ada"], "known_speaker_references": [clip]}
    with pytest.raises(InvalidInput, match="known_speaker_references: clip 1: is no http"):
        read_options(given)


def test_known_speakers_are_reason_enough_to_tell_speakers_apart() -> None:
    known = {"known_speaker_names": ["Ada"], "known_speaker_references": ["data:,x"]}
    assert requests.read({**URLS, **known}, _lightning()).options.diarization
    runpod = RunpodSettings.from_environment({})
    assert inputs.read({"audio": "x", **known}, runpod)[1].diarization
    with pytest.raises(InvalidInput, match="known_speaker_names: needs diarization"):
        requests.read({**URLS, **known, "diarization": False}, _lightning())


async def test_clips_are_files_while_they_are_needed() -> None:
    clips = ["data:audio/wav;base64,YWJj", "data:audio/wav;base64,ZGVm"]
    given = {"known_speaker_names": ["Ada", "Bob"], "known_speaker_references": clips}
    async with Sources().fetched(RECORDING, read_options(given)) as (_, ready):
        files = [Path(clip) for clip in ready.known_speaker_references]
        assert [file.read_bytes() for file in files] == [b"abc", b"def"]
        assert ready.known_speaker_names == ("Ada", "Bob")
    assert not any(file.exists() for file in files)


@pytest.mark.parametrize(
    ("clip", "reason"),
    [
        ("data:audio/wav;base64,!", "is not valid base64"),
        ("http://127.0.0.1:9/x", "the host's address is private"),
        ("data:audio/wav;base64,YWJjYWJj", "larger than 5 bytes"),
    ],
)
async def test_clips_that_cannot_be_had_are_named_by_number(clip: str, reason: str) -> None:
    good = "data:audio/wav;base64,YWJj"
    given = {"known_speaker_names": ["Ada", "Bob"], "known_speaker_references": [good, clip]}
    sources = Sources.from_environment({"MAX_FILE_BYTES": "5"})
    with pytest.raises(InvalidInput, match=f"clip 2: .*{reason}") as caught:
        async with sources.fetched(RECORDING, read_options(given)):
            pass
    assert caught.value.field == "known_speaker_references"


def test_defects_are_told_to_the_operator_alone(capsys: pytest.CaptureFixture[str]) -> None:
    assert "secret" not in explain(OSError("/secret/path"))
    assert "/secret/path" in capsys.readouterr().err
    assert explain(InvalidInput("audio", "is empty")) == "audio: is empty"


def documented(heading: str) -> set[str]:
    part = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return set(re.findall(r"^\| `([A-Z_]+)` \|", part, re.MULTILINE))


@pytest.mark.parametrize(("heading", "folder"), [("RunPod", "runpod"), ("Lightning", "lightning")])
def test_platform_variables_are_documented(heading: str, folder: str) -> None:
    code = (ROOT / "platforms" / folder / "settings.py").read_text()
    asked = r'(?:given(?:\.get\(|, )|environment\.get\(\s*)"([A-Z_]+)"'
    read = set(re.findall(asked, code)) | set(re.findall(r'_whole\(given, "([A-Z_]+)"', code))
    assert read - {"ALIGN_LANGUAGES", "COMPUTE_TYPE"} == documented(heading)


def test_modules_of_platforms_are_short() -> None:
    for path in ROOT.glob("platforms/**/*.py"):
        assert len(path.read_text().splitlines()) <= 150, path


def test_images_are_made_of_files_that_exist_and_are_sent() -> None:
    recipe = (ROOT / "platforms/Dockerfile").read_text()
    sent = (ROOT / "platforms/Dockerfile.dockerignore").read_text()
    for line in recipe.splitlines():
        if line.startswith("COPY "):
            for source in line.split()[1:-1]:
                assert list(ROOT.glob(source)), source
                top = source if source.startswith("requirements/") else source.split("/")[0]
                assert f"!{top}\n" in sent


@pytest.mark.parametrize("name", ["runpod", "lightning"])
def test_an_image_is_a_plain_users_and_the_one_that_its_workflow_builds(name: str) -> None:
    stages = (ROOT / "platforms/Dockerfile").read_text().split("\nFROM ")
    (stage,) = (text for text in stages if text.startswith(f"engine AS {name}\n"))
    user = re.findall(r"^USER (\w+)$", stage, re.MULTILINE)
    assert user
    assert user[-1] != "root"
    workflow = (ROOT / f".github/workflows/{name}.yml").read_text()
    assert f"file: platforms/Dockerfile\n          target: {name}\n" in workflow


@pytest.mark.parametrize("name", ["runpod", "lightning", "modal"])
def test_workflows_are_pinned_and_may_do_nothing_by_default(name: str) -> None:
    text = (ROOT / f".github/workflows/{name}.yml").read_text()
    workflow: Mapping[str, Any] = yaml.safe_load(text)
    assert workflow["permissions"] == {}
    used = re.findall(r"uses: (.*)$", text, re.MULTILINE)
    assert used
    for action in used:
        assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v[\d.]+", action)
    for secret in re.findall(r"secrets\.(\w+)", text):
        assert secret in {"GITHUB_TOKEN", "HUGGINGFACE_TOKEN"} or f"`{secret}`" in PAGE
