"""k8s/cpu as it is: the other tests' pod runs the toy set, which is back in seconds."""

import shlex
from pathlib import Path

import pytest

from tests.conftest import wait_until
from tests.pod.podman import Pod, Podman

pytestmark = [pytest.mark.pod, pytest.mark.timeout(1800)]


def test_the_manifests_predictor_starts_with_base_and_without_any_network(
    podman: Podman, tmp_path: Path
) -> None:
    name, spec = "base", Pod(podman, tmp_path).container("whisperx")
    given = {entry["name"]: entry["value"] for entry in spec["env"] if "value" in entry}
    assert given["MODELS"] == "base"
    flags = [f"--env={variable}={value}" for variable, value in given.items()]
    flags += ["--network=none", "--read-only", "--cap-drop=all", "--tmpfs=/tmp", "--memory=4g"]
    flags += [f"--volume={name}-models:/models"]  # empty at first, as the manifest's claim
    command = shlex.split("python -m cog.server.http --host 127.0.0.1")
    podman("run", "-d", "--name", name, *flags, spec["image"], *command)
    try:
        probe = ("exec", name, "python", "-m", "predictor.probe", "ready")
        wait_until(lambda: podman.run(*probe).returncode == 0, "it is ready", 300, 0.5)
        logs = podman.run("logs", name)
        assert "diarizer_stands_in" in logs.stdout + logs.stderr
    finally:
        podman.run("rm", "-f", "-t", "1", name)
        podman.run("volume", "rm", "-f", f"{name}-models")
