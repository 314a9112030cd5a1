"""What a container refuses to start with, and how large the bridge is."""

import pytest
import yaml

from stack.settings import ROOT
from tests.conftest import wait_until
from tests.pod.manifest import images
from tests.pod.podman import Pod, Podman

pytestmark = [pytest.mark.pod, pytest.mark.timeout(1800)]


@pytest.mark.parametrize(
    ("container", "variable", "said"),
    [
        ("bridge", "BRIDGE_TOKEN", "BRIDGE_TOKEN"),
        ("bridge", "WEBHOOK_SECRET", "WEBHOOK_SECRET"),
        ("bridge", "REDIS_PASSWORD", "REDIS_PASSWORD"),
        ("redis", "REDISCLI_AUTH", "REDIS_PASSWORD"),
    ],
)
def test_a_container_with_a_placeholder_refuses_to_start_and_says_which(
    pod: Pod, podman: Podman, container: str, variable: str, said: str
) -> None:
    spec = pod.container(container)
    given = {"BRIDGE_TOKEN": "a-good-token", "WEBHOOK_SECRET": "a-good-key-too"}
    given |= {"REDIS_PASSWORD": "aGoodPassword1", "REDISCLI_AUTH": "aGoodPassword1"}
    given[variable] = "<put yours here>"
    flags = [f"--env={name}={value}" for name, value in given.items()]
    command = spec.get("command", [])
    if command:
        flags.append(f"--entrypoint={command[0]}")
    arguments = [*command[1:], *spec.get("args", [])]
    done = podman.run("run", "--rm", "--network=none", *flags, spec["image"], *arguments)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert "put yours here" not in done.stderr


def test_a_placeholder_for_the_hubs_token_fails_the_setup_and_the_probes_say_so(
    pod: Pod, podman: Podman
) -> None:
    name = "placeholder"
    placeholder = next(
        document["stringData"]["HUGGINGFACE_TOKEN"]
        for document in yaml.safe_load_all((ROOT / "k8s/whisperx-stack.yaml").read_text())
        if document["metadata"]["name"] == "hf-secret"
    )
    given = {"MODELS": "demo", "HUGGINGFACE_TOKEN": placeholder, "PORT": "5000", "HOME": "/tmp"}
    flags = [f"--env={variable}={value}" for variable, value in given.items()]
    podman(
        "run", "-d", "--name", name, "--network=none", *flags, pod.container("whisperx")["image"]
    )
    try:
        probe = ("exec", name, "python", "-m", "predictor.probe", "alive")
        wait_until(
            lambda: podman.run(*probe).stdout.strip() == "SETUP_FAILED",
            "the setup failed",
            120,
            0.5,
        )
        assert podman.run(*probe).returncode == 1
        logs = podman.run("logs", name)
        assert "HUGGINGFACE_TOKEN" in logs.stdout + logs.stderr
    finally:
        podman.run("rm", "-f", "-t", "1", name)


def test_the_bridge_image_is_slim(podman: Podman) -> None:
    found = images()
    image = f"{found['REGISTRY']}/{found['BRIDGE']}:{found['VERSION']}"
    assert podman.size(image) < 215_000_000
    done = podman.run("run", "--rm", image, "python", "-c", "import torch")
    assert "No module named 'torch'" in done.stderr
