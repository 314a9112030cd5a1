"""The manifests agree with themselves, with the bridge's settings and with the images' names."""

import re
import shutil
import subprocess
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from bridge.settings import Settings
from bridge.tasks.worker import LAST_WEBHOOKS_SECONDS
from outbound import deliver
from stack.settings import ROOT, SLOTS
from tests.manifests.checks import problems
from tests.manifests.documents import (
    EXAMPLES,
    FILES,
    SCALE,
    Documents,
    container,
    load,
    named_images,
    only,
    pod,
    variables,
)
from transcription.engine.settings import Settings as PredictorSettings
from transcription.environment import SettingsError

AFTER_THE_DRAIN = LAST_WEBHOOKS_SECONDS + deliver.SECONDS  # the last tries are waited for


@pytest.mark.parametrize("name", FILES)
def test_nothing_leads_nowhere(name: str) -> None:
    assert problems(load(name)) == []


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_leads_nowhere_but_into_the_manifest(name: str) -> None:
    assert problems(load(FILES[0]) + load(name)) == []


def test_the_ingress_lets_through_what_the_bridge_takes_and_waits_as_long() -> None:
    notes = only(load("k8s/examples/ingress.yaml"), "Ingress")["metadata"]["annotations"]
    annotations = {name.rpartition("/")[2]: value for name, value in notes.items()}
    settings = Settings(**secrets_of_the_bridge())
    assert int(annotations["proxy-body-size"].removesuffix("m")) << 20 > settings.max_file_bytes
    assert int(annotations["proxy-read-timeout"]) > settings.sync_timeout
    assert annotations["proxy-buffering"] == "off"


@pytest.mark.parametrize("name", FILES)
def test_the_names_of_the_seed_are_kept(name: str) -> None:
    documents = load(name)
    assert only(documents, "Deployment")["metadata"]["name"] == "whisperx-stack"
    service = only(documents, "Service")
    assert service["metadata"]["name"] == "whisperx-service"
    assert {8080, 5000} <= {port["port"] for port in service["spec"]["ports"]}
    assert [c["name"] for c in pod(documents)["containers"]] == ["whisperx", "redis", "bridge"]
    keys = {d["metadata"]["name"]: set(d["stringData"]) for d in documents if d["kind"] == "Secret"}
    assert keys["bridge-auth-secret"] == {"BRIDGE_TOKEN", "WEBHOOK_SECRET"}
    assert keys["hf-secret"] == {"HUGGINGFACE_TOKEN"}


@pytest.mark.parametrize("name", FILES)
def test_every_variable_of_the_bridge_is_one_of_its_settings(name: str) -> None:
    known = {variable for f in fields(Settings) for variable in f.metadata["variables"]}
    given = variables(container(load(name), "bridge"))
    assert given.keys() <= known
    secrets = dict.fromkeys(
        ("BRIDGE_TOKEN", "WEBHOOK_SECRET", "REDIS_PASSWORD"), "0123456789abcdef"
    )
    settings = Settings.from_env({k: v for k, v in given.items() if v} | secrets)
    assert settings.redis_address == "redis://:0123456789abcdef@127.0.0.1:6379/0"


@pytest.mark.parametrize("name", [*FILES, SCALE])
def test_bridge_and_predictor_are_told_the_same(name: str) -> None:
    documents = load(name)
    bridge = variables(container(documents, "bridge"))
    predictor = variables(container(documents, "whisperx"))
    assert bridge["MODELS"] == predictor["MODELS"]
    # One pod on a processor takes as many at once as `make up`; a card, or several pods, one each.
    slots = str(SLOTS) if predictor.get("DEVICE") == "cpu" else None
    assert bridge.get("COG_SLOTS") == predictor.get("COG_SLOTS") == slots
    assert predictor["BRIDGE_INTERNAL_URL"] == f"http://127.0.0.1:{bridge['INTERNAL_PORT']}"
    assert bridge["COG_URL"] == f"http://127.0.0.1:{predictor['PORT']}"
    PredictorSettings.from_environment({k: v for k, v in predictor.items() if v})


@pytest.mark.parametrize("name", [*FILES, SCALE])
def test_everybody_waits_for_the_bridge_and_no_longer_than_the_pod(name: str) -> None:
    documents = load(name)
    grace = pod(documents)["terminationGracePeriodSeconds"]
    waits = {
        found["name"]: int(variables(found)["DRAIN_SECONDS"] or "")
        for found in pod(documents)["containers"]
    }
    assert waits["bridge"] < waits["whisperx"] < grace
    assert waits["bridge"] + AFTER_THE_DRAIN < waits.get("redis", grace) <= grace


def test_the_documented_drains_are_those_of_the_manifests() -> None:
    page = (ROOT / "docs/operations.md").read_text()
    (seconds,) = re.findall(r"It is an hour, and (\d+) s in `k8s/cpu`", page)
    waits = {name: variables(container(load(name), "bridge"))["DRAIN_SECONDS"] for name in FILES}
    assert waits == {FILES[0]: "3600", "k8s/cpu/whisperx-stack-cpu.yaml": seconds}


@pytest.mark.parametrize("name", [*FILES, SCALE])
def test_no_run_is_cut_short_for_a_stop(name: str) -> None:
    # An hour takes base minutes on two processors, and many times that beside others.
    given = variables(container(load(name), "bridge"))
    longest = Settings(**secrets_of_the_bridge()).max_run_seconds
    assert int(given.get("MAX_RUN_SECONDS") or longest) >= longest


@pytest.mark.parametrize("name", FILES)
def test_every_container_is_locked_down(name: str) -> None:
    documents = load(name)
    shared = pod(documents)["securityContext"]
    assert shared["runAsNonRoot"] is True
    assert shared["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod(documents)["automountServiceAccountToken"] is False
    for found in pod(documents)["containers"]:
        context = found["securityContext"]
        assert context["readOnlyRootFilesystem"] is True
        assert context["allowPrivilegeEscalation"] is False
        assert context["capabilities"] == {"drop": ["ALL"]}


@pytest.mark.parametrize("name", FILES)
def test_the_secrets_as_delivered_are_refused(name: str) -> None:
    placeholders = {
        key: value
        for document in load(name)
        if document["kind"] == "Secret"
        for key, value in document["stringData"].items()
    }
    good = dict.fromkeys(("BRIDGE_TOKEN", "WEBHOOK_SECRET", "REDIS_PASSWORD"), "0123456789abcdef")
    for key in good:
        with pytest.raises(SettingsError, match=key):
            Settings.from_env(good | {key: placeholders[key]})
    if "cpu" not in name:
        with pytest.raises(ValueError, match="HUGGINGFACE_TOKEN"):
            PredictorSettings.from_environment(placeholders)


@pytest.mark.parametrize("name", [*FILES, SCALE, "compose.yaml"])
def test_every_image_has_a_name_of_ours_and_a_version(name: str) -> None:
    used = set(re.findall(r"^\s*(?:- )?image: (\S+)$", (ROOT / name).read_text(), re.MULTILINE))
    assert used
    assert used <= named_images()


@pytest.mark.parametrize("page", ["README.md", "docs/operations.md"])
def test_the_documented_command_puts_another_registry_in(page: str) -> None:
    text = (ROOT / page).read_text()
    (command,) = re.findall(r"^(sed .*) \| kubectl apply -f -$", text, re.MULTILINE)
    done = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True)
    documents = list(yaml.safe_load_all(done.stdout))
    assert problems(documents) == []
    used = {c["image"].rpartition("/")[0] for c in pod(documents)["containers"]}
    assert used == {"ghcr.io/you", "docker.io/library"}


def test_compose_agrees_with_itself_and_with_the_settings() -> None:
    compose = yaml.safe_load((ROOT / "compose.yaml").read_text())
    services = compose["services"]
    known = {variable for f in fields(Settings) for variable in f.metadata["variables"]}
    assert services["bridge"]["environment"].keys() <= known
    for service in services.values():
        assert set(service.get("depends_on", {})) <= services.keys()
        named = {volume.split(":")[0] for volume in service.get("volumes", [])}
        assert named <= compose["volumes"].keys()
        assert service["cap_drop"] == ["ALL"]
    for name in ("redis", "whisperx", "whisperx-gpu", "bridge"):
        assert services[name]["network_mode"] == "service:pod"
        assert services[name]["read_only"] is True
    # What depends on others is stopped before them: the bridge first, then Cog, then Redis.
    assert {"redis", "whisperx", "whisperx-gpu"} <= services["bridge"]["depends_on"].keys()
    assert "redis" in services["whisperx"]["depends_on"]
    grace = int(services["bridge"]["stop_grace_period"].removesuffix("s"))
    assert grace > Settings(**secrets_of_the_bridge()).drain_seconds + AFTER_THE_DRAIN


def secrets_of_the_bridge() -> dict[str, Any]:
    return dict.fromkeys(("tokens", "webhook_secret"), "0123456789abcdef")


def test_the_overlay_for_many_pods_shares_one_redis() -> None:
    documents = load(SCALE)
    assert problems(documents) == []
    assert {c["name"] for c in pod(documents)["containers"]} == {"whisperx", "bridge"}
    assert variables(container(documents, "bridge"))["REDIS_URL"] == "redis://whisperx-redis:6379/0"
    scaled = only(documents, "ScaledObject")["spec"]
    assert scaled["scaleTargetRef"]["name"] == only(documents, "Deployment")["metadata"]["name"]
    assert scaled["minReplicaCount"] >= 1
    assert "replicas" not in only(documents, "Deployment")["spec"]
    claims = {
        d["metadata"]["name"]: d["spec"]["accessModes"]
        for d in documents
        if d["kind"] == "PersistentVolumeClaim"
    }
    shared = ["ReadWriteMany"]
    assert claims == {"whisperx-files": shared, "whisperx-models": shared}


@pytest.mark.parametrize("name", [FILES[1], SCALE])
def test_the_rendered_overlays_are_up_to_date(name: str) -> None:
    rendered = printed("kustomize", ROOT / "scripts/manifests.sh", Path(name).parent.name)
    assert load(name) == rendered, "run: make manifests"


@pytest.mark.parametrize("name", [FILES[1], SCALE])
def test_apply_k_applies_the_rendered_overlay(name: str) -> None:
    applied = printed("kubectl", "kubectl", "kustomize", Path(name).parent)
    assert in_order(applied) == in_order(load(name))


def in_order(documents: Documents) -> Documents:
    return sorted(documents, key=lambda found: (found["kind"], found["metadata"]["name"]))


def printed(tool: str, *command: object) -> Documents:
    if not (shutil.which("kubectl") or shutil.which(tool)):
        pytest.skip(f"{tool} is not installed")
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))
