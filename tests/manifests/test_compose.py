"""compose.yaml as a parser of Compose files sees it, and the manifests of a release."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from stack.settings import ROOT, SLOTS
from tests.manifests.documents import EXAMPLES, FILES, SCALE, images, named_images

ALWAYS = {"pod", "volumes-owner", "redis", "bridge"}
SECRETS = dict.fromkeys(("BRIDGE_TOKEN", "WEBHOOK_SECRET", "REDIS_PASSWORD"), "0123456789abcdef")


def compose(*flags: str, **environ: str) -> dict[str, Any]:
    """What `podman-compose config`, a parser of Compose files, makes of ours."""
    program = ROOT / ".venv-manifests/bin/podman-compose"
    if not program.exists():
        pytest.fail("podman-compose is not installed: make install-manifests")
    done = subprocess.run(
        [program, "-f", ROOT / "compose.yaml", *flags, "config"],
        env={"PATH": os.environ["PATH"], **SECRETS, **environ},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = yaml.safe_load(done.stdout)
    return found


@pytest.mark.slow
def test_the_profile_of_the_example_brings_base_on_a_processor() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    (profile,) = (line.partition("=")[2] for line in lines if line.startswith("COMPOSE_PROFILES="))
    services = compose(COMPOSE_PROFILES=profile)["services"]
    assert services.keys() == ALWAYS | {"whisperx"}
    assert services["whisperx"]["environment"]["MODELS"] == "base"
    assert services["bridge"]["environment"]["MODELS"] == "base"
    assert "deploy" not in services["whisperx"]


@pytest.mark.slow
def test_the_profile_gpu_brings_another_predictor_and_is_told_the_same() -> None:
    services = compose("--profile", "gpu", MODELS="large-v3")["services"]
    assert services.keys() == ALWAYS | {"whisperx-gpu"}
    gpu = services["whisperx-gpu"]
    (device,) = gpu["deploy"]["resources"]["reservations"]["devices"]
    assert (device["driver"], device["capabilities"]) == ("nvidia", ["gpu"])
    assert gpu["environment"]["MODELS"] == services["bridge"]["environment"]["MODELS"] == "large-v3"
    cpu = compose("--profile", "cpu", MODELS="large-v3")["services"]["whisperx"]
    apart = {"image", "build", "deploy", "profiles"}
    assert {k: v for k, v in gpu.items() if k not in apart} == {
        k: v for k, v in cpu.items() if k not in apart
    }


@pytest.mark.slow
def test_what_is_ours_is_built_where_it_is_not_there() -> None:
    names = images()
    for service in compose("--profile", "cpu")["services"].values():
        if not service["image"].startswith(names["REGISTRY"]):
            continue
        recipe = ROOT / service["build"]["dockerfile"]
        assert recipe.is_file()
        wanted = f'build {recipe.stem} "$'
        (line,) = (
            line for line in (ROOT / "scripts/images.sh").read_text().splitlines() if wanted in line
        )
        variable = line.partition('"$')[2].partition('"')[0]
        assert service["image"] == f"{names['REGISTRY']}/{names[variable]}:{names['VERSION']}"


def release(folder: Path, listed: dict[str, str]) -> subprocess.CompletedProcess[str]:
    (folder / "images").write_text("".join(f"{k} {v}\n" for k, v in listed.items()))
    command = [ROOT / "scripts/release-manifests.sh", folder / "images", folder / "out"]
    return subprocess.run(command, capture_output=True, text=True, timeout=30)


def digests() -> dict[str, str]:
    return {
        name: f"ghcr.io/us/{name.rpartition('/')[2]}@sha256:{number:064x}"
        for number, name in enumerate(sorted(named_images()))
    }


def test_the_manifests_of_a_release_name_digests_and_differ_in_nothing_else(tmp_path: Path) -> None:
    done = release(tmp_path, digests())
    assert done.returncode == 0, done.stderr + done.stdout
    written = {path.name for path in (tmp_path / "out").iterdir()}
    assert written == {Path(name).name for name in (*FILES, SCALE, *EXAMPLES, "compose.yaml")}
    for name in (*FILES, SCALE, *EXAMPLES, "compose.yaml"):
        text = (tmp_path / "out" / Path(name).name).read_text()
        for before, after in digests().items():
            text = text.replace(after, before)
        assert text == (ROOT / name).read_text()


def test_a_release_without_a_digest_is_none(tmp_path: Path) -> None:
    listed = digests()
    redis = listed.pop(images()["REDIS"])
    assert "have no digest" in release(tmp_path, listed).stderr
    done = release(tmp_path, {**listed, images()["REDIS"]: redis.partition("@")[0]})
    assert (done.returncode, "names no digest" in done.stderr) == (2, True)


def test_compose_takes_as_many_at_once_as_make_up() -> None:
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    for name in ("whisperx", "bridge"):
        assert services[name]["environment"]["COG_SLOTS"] == f"${{COG_SLOTS:-{SLOTS}}}"
