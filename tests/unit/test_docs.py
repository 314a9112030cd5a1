"""What the documentation promises is what the code does, and the other way round."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from bridge.api.auth import PUBLIC
from bridge.settings import Settings
from scripts import reference
from tests.unit.documents import (
    API,
    ARCHITECTURE,
    CONFIGURATION,
    ENV_EXAMPLE,
    MIGRATING,
    PAGES,
    ROOT,
    first_column,
    section,
    source,
)
from transcription.engine.settings import Settings as PredictorSettings

IGNORED = {".venv", ".state", ".env"}  # named in the documentation, not in the repository


@pytest.mark.parametrize("name", reference.FILES)
def test_generated_parts_are_up_to_date(name: str) -> None:
    text = (ROOT / name).read_text()
    assert reference.renewed(text) == text, "run: make docs"


def test_every_generated_part_is_in_the_documentation() -> None:
    text = "".join((ROOT / name).read_text() for name in reference.FILES)
    used = set(re.findall(r"\bgenerated: (\w+)", text))
    assert used == {part.__name__ for part in reference.PARTS}


def test_predictor_variables_are_documented_with_their_defaults() -> None:
    code = (ROOT / "transcription/engine/settings.py").read_text()
    read = set(re.findall(r'environment(?:\.get\(|, )"([A-Z_]+)"', code))
    documented = first_column(section(CONFIGURATION, "The predictor").split("\nCog and")[0])
    assert read - {"HF_TOKEN"} == documented.keys()
    assert "`HF_TOKEN` is read too" in CONFIGURATION
    given = {name: value for name, value in documented.items() if value}
    assert PredictorSettings.from_environment(given) == PredictorSettings.from_environment({})


def test_stack_variables_are_documented() -> None:
    names = r'(?:(?:given|environ)(?:\.get\(|\[)\s*|whole\(given, |port_of\()"([A-Z_]+)"'
    read = set(re.findall(names, source("stack/*.py"))) | {"BRIDGE_TOKEN", "WEBHOOK_SECRET"}
    others = {"PATH", "ALLOW_ANONYMOUS"}  # the latter is the bridge's
    assert read - others == first_column(section(CONFIGURATION, "The stack")).keys()


def test_env_example_names_every_variable_and_no_other() -> None:
    named = set(re.findall(r"^(?:# )?([A-Z_]+)=", ENV_EXAMPLE, re.MULTILINE))
    bridge = {name for name, _, _ in reference.bridge_variables()}
    predictor = first_column(section(CONFIGURATION, "The predictor").split("\nCog and")[0]).keys()
    assert named == bridge | predictor | {"COG_PORT", "STATE_DIR", "COMPOSE_PROFILES"}


def test_env_example_asks_for_secrets_and_is_complete_with_them() -> None:
    active = re.findall(r"^([A-Z_]+)=(.*)$", ENV_EXAMPLE, re.MULTILINE)
    assert active == [*((name, "") for name in reference.SECRETS), ("COMPOSE_PROFILES", "cpu")]
    assert "openssl rand -hex 16" in ENV_EXAMPLE
    defaults = dict(re.findall(r"^# ([A-Z_]+)=(.*)$", ENV_EXAMPLE, re.MULTILINE))
    secrets = dict.fromkeys(reference.SECRETS, "0123456789abcdef")
    secrets["DEVICE"] = "cpu"  # decides which model is the default
    assert Settings.from_env({**defaults, **secrets}) == Settings.from_env(secrets)


def test_verbs_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    exist = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    files = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / ".ci/run", *PAGES]
    named: set[str] = set()
    for path in files:
        named.update(re.findall(r"(?:^|`|\w=\S+ )make ([a-z-]+)", path.read_text(), re.MULTILINE))
    assert {"demo", "test", "up"} <= named
    assert named <= exist


def test_verbs_are_in_contributing() -> None:
    help_lines = re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.MULTILINE)
    contributing = (ROOT / "CONTRIBUTING.md").read_text()
    for verb in set(help_lines) - {"help", "clean"}:
        assert f"`make {verb}`" in contributing


def slug(heading: str) -> str:
    """The anchor that GitHub makes of a heading."""
    kept = re.sub(r"[^\w\- ]", "", heading.replace("`", "").strip().lower())
    return kept.replace(" ", "-")


def without_code(text: str) -> str:
    return re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)


def anchors(path: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", without_code(path.read_text()), re.MULTILINE)
    return {slug(heading) for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", without_code(page.read_text())):
        if target.startswith("https://"):
            continue
        name, _, anchor = target.partition("#")
        path = (page.parent / name).resolve() if name else page
        assert path.exists(), f"{target} does not exist"
        assert not anchor or anchor in anchors(path), f"{target} has no such heading"


def named_files(text: str) -> Iterator[str]:
    """What stands in code marks and looks like a path of this repository."""
    tops = "|".join(re.escape(path.name) for path in ROOT.iterdir() if path.name not in IGNORED)
    file = r"(?:[\w.\-]+/)+[\w.\-]+\.(?:py|md|sh|mjs|ya?ml|json|txt|toml|wav)"
    for quoted in re.findall(r"`([^`\n]+)`", without_code(text)):
        if re.fullmatch(rf"(?:{tops})(?:/[\w.\-/]*)?|{file}", quoted):
            yield quoted


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_files_that_are_named_exist(page: Path) -> None:
    for name in named_files(page.read_text()):
        assert (ROOT / name).exists(), f"{name} does not exist"


@pytest.mark.parametrize(
    "page", ["threat-model.md", "differences-from-whisperx.md", "migrating.md"]
)
def test_tests_that_are_named_exist(page: str) -> None:
    text = (ROOT / "docs" / page).read_text()
    named = set(re.findall(r"`(test_\w+)`", text))
    assert named
    assert named <= set(re.findall(r"def (test_\w+)\(", source("tests/**/*.py")))
    files = set(re.findall(r"`(test_\w+\.py)`", text))
    assert files <= {path.name for path in ROOT.glob("tests/**/*.py")}


def test_each_promise_of_transcription_names_its_tests() -> None:
    page = (ROOT / "docs" / "differences-from-whisperx.md").read_text()
    promises = page.split("## What is promised")[1]
    rows = re.findall(r"^\| ([^|]*) \| ([^|]*) \|$", promises, re.MULTILINE)
    listed = [row for row in rows if row[0] not in {"promise", "---"}]
    assert len(listed) > 20
    assert [row for row in listed if "`test_" not in row[1]] == []


def test_each_row_of_the_comparison_names_a_test_that_exists() -> None:
    compared = section(MIGRATING, "Beside the systems that came before")
    rows = [
        [cell.strip() for cell in row.split("|")]
        for row in re.findall(r"^\| (.*) \|$", compared, re.MULTILINE)
    ]
    listed = [row for row in rows if row[0] not in {"theirs", "---"}]
    assert len(listed) > 90
    exist = set(re.findall(r"def (test_\w+)\(", source("tests/**/*.py")))
    for row in listed:
        assert len(row) == 4, row
        named = re.findall(r"`(test_\w+)`", row[3])
        assert named, row
        assert set(named) <= exist, row


@pytest.mark.parametrize(
    "promised",
    [
        *("POST /v1/audio/transcriptions", "POST /v1/audio/transcribe-with-speakers"),
        *("POST /transcribe", "GET /languages", "GET /health", "GET /api-info", "GET /v1/models"),
        *("temperature", "prompt", "language", "response_format", "timestamp_granularities[]"),
        *("known_speaker_names[]", "chunking_strategy", "include[]", "stream", "num_speakers"),
        *("speaker_count", "timing", "diarization_warning", "alignment_available"),
        *("OPENAI_STT_TIMEOUT_SECONDS", "OPENAI_STT_MAX_FILE_SIZE_MB", "WHISPER_MODEL", "HF_TOKEN"),
        *("POST /predictions", "GET /predictions/{id}", "GET /health-check", "audio_file"),
        *("BRIDGE_TOKEN", "BRIDGE_AUTH_TOKEN", "WEBHOOK_SECRET", "COG_URL", "HUGGINGFACE_TOKEN"),
        *("BRIDGE_PORT", "COG_PORT", "user_agent", "/docs", "large-v3-turbo", "modal deploy"),
        *("audio", "audio_base_64", "initial_prompt", "WHISPER_MODEL_NAME", "TASK", "USE_CPU"),
        *("DEFAULT_LANGUAGE_CODE", "SUPPORTED_LANGUAGES", "DEBUG", "python handler.py"),
        *("POST /predict", "GET /info", "audio_url", "webhook_url", "model", "batch_size"),
        *("chunk_size", "compute_type", "align_model", "return_word_timestamps", "PORT"),
        *("CHUNK_SIZE", "WHISPERX_MODEL", "WHISPERX_COMPUTE_TYPE", "WHISPERX_ALIGN_LANGS"),
        *("LIGHTNING_WEBHOOK_SECRET", "HF_HUB_OFFLINE", "X-Lightning-Signature"),
    ],
)
def test_what_the_systems_before_had_is_compared(promised: str) -> None:
    compared = section(MIGRATING, "Beside the systems that came before")
    theirs = re.findall(r"^\| (.*?) \| ", compared, re.MULTILINE)
    assert any(re.search(rf"`{re.escape(promised)}[`=]", cell) for cell in theirs)


def test_changelog_begins_with_what_is_unreleased() -> None:
    headings = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0] == "[Unreleased]"


def test_actions_are_pinned_and_run_what_everybody_runs() -> None:
    for path in (ROOT / ".github/workflows").glob("*.yml"):
        workflow = path.read_text()
        assert yaml.safe_load(workflow)["permissions"] == {}
        for used in re.findall(r"uses: (.*)$", workflow, re.MULTILINE):
            assert re.fullmatch(r"[\w/-]+@[0-9a-f]{40} # v[\d.]+", used)
    jobs = (ROOT / ".github/workflows/ci.yml").read_text()
    assert "bash .ci/run" in jobs
    steps = [line for line in (ROOT / ".ci/run").read_text().splitlines() if line[:1] != "#"]
    assert steps[-3:] == ["COVERAGE=1 make test", "POD_SECONDS=1200 bash .ci/pod", "make test-slow"]


def test_operations_and_ci_install_the_same_for_the_pod() -> None:
    def installed(path: str) -> set[str]:
        text = (ROOT / path).read_text().replace("\\\n", " ")
        (listed,) = re.findall(r"install.* --no-install-recommends ([a-z0-9 -]+)", text)
        return set(listed.split())

    assert installed(".ci/pod") == installed("docs/operations.md")


DECISIONS = sorted((ROOT / "docs/decisions").glob("[0-9]*.md"))


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.stem)
def test_decisions_have_one_form(page: Path) -> None:
    headings = re.findall(r"^## (.*)$", page.read_text(), re.MULTILINE)
    assert headings[:2] == ["Context", "Decision"]
    assert headings[-1] == "Consequences"


def packages() -> list[str]:
    """Every package of the repository, two levels deep, as the documentation writes it."""
    found = [*ROOT.glob("*/__init__.py"), *ROOT.glob("bridge/*/__init__.py")]
    return sorted(f"{path.parent.relative_to(ROOT)}/" for path in found)


@pytest.mark.parametrize("package", packages())
def test_every_package_has_its_row(package: str) -> None:
    assert f"`{package}" in section(ARCHITECTURE, "What stands where")


def test_contributing_leads_into_every_room_of_the_code() -> None:
    table = section((ROOT / "CONTRIBUTING.md").read_text(), "Where does a change go?")
    rooms = {name.split("/")[0] for name in packages()} - {"tests", "stack", "benchmarks"}
    assert {room for room in rooms if f"`{room}/" not in table} == set()


def test_the_readme_is_a_screen_and_a_half() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 180


def test_the_threat_model_names_every_route_without_a_token() -> None:
    page = (ROOT / "docs/threat-model.md").read_text()
    for row in ("| anybody who reaches the API |", "| use without a token, guessing it |"):
        (line,) = (line for line in page.splitlines() if line.startswith(row))
        assert {f"`{path}`" for path in PUBLIC} <= set(re.findall(r"`[^`]+`", line))


def test_the_images_that_ship_the_stack_are_known_to_its_decision() -> None:
    shipping = [p for p in ROOT.glob("images/*.Dockerfile") if "COPY stack " in p.read_text()]
    assert [path.stem for path in shipping] == ["all-in-one"]
    assert (
        "all-in-one image" in (ROOT / "docs/decisions/001-stack-as-local-processes.md").read_text()
    )


def test_every_folder_of_tests_has_its_words() -> None:
    folders = {p.name for p in (ROOT / "tests").iterdir() if (p / "conftest.py").is_file()}
    row = section(ARCHITECTURE, "What stands where").partition("| `tests/` |")[2].partition("\n")[0]
    assert {name for name in folders if f"`{name}/`" not in row} == set()


def test_every_benchmark_prints_its_table_when_it_is_run() -> None:
    modules = [path for path in ROOT.glob("benchmarks/*.py") if "def table(" in path.read_text()]
    assert len(modules) > 5
    for module in [*modules, ROOT / "benchmarks/cold_start.py"]:
        assert '\nif __name__ == "__main__":\n' in module.read_text(), module


def test_an_unknown_benchmark_is_answered_with_those_that_exist() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "WRONG"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 2
    listed = set(re.findall(r"[a-z_]+", done.stderr.rpartition("there is no WRONG; ")[2]))
    paths = ROOT.glob("benchmarks/*.py")
    programs = {path.stem for path in paths if '__name__ == "__main__"' in path.read_text()}
    assert {"gateway", "pipeline", "stock", "quality", *programs} - {"__main__"} <= listed


def test_prose_of_the_reference_fits_a_screen() -> None:
    prose = re.sub(r"<!-- generated.*?/generated -->", "", without_code(API), flags=re.DOTALL)
    lines = [line for line in prose.splitlines() if not line.startswith("|")]
    assert [line for line in lines if len(line) > 80] == []
