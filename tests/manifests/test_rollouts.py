"""What a drain, a deleted pod and a lost node need of the manifests; tests/cluster plays them."""

import re

import pytest
import yaml

from stack.settings import ROOT
from tests.manifests.documents import (
    EXAMPLES,
    FILES,
    SCALE,
    Documents,
    documented,
    load,
    only,
    pod,
)

EVERY = [*FILES, SCALE, *EXAMPLES]
LABELS = {"app": "whisperx-stack"}


def services(documents: Documents) -> Documents:
    return [d for d in documents if d["kind"] == "Service" and d["spec"]["selector"] == LABELS]


@pytest.mark.parametrize("name", EVERY)
def test_a_service_goes_on_leading_to_a_bridge_that_drains(name: str) -> None:
    for service in services(load(name)):
        assert service["spec"].get("publishNotReadyAddresses") is True, service["metadata"]["name"]


def test_both_ways_to_the_bridge_were_looked_at() -> None:
    found = [service["metadata"]["name"] for name in EVERY for service in services(load(name))]
    assert set(found) == {"whisperx-service", "whisperx-public"}
    ingress = only(load("k8s/examples/ingress.yaml"), "Ingress")
    backends = re.findall(r"'service': \{'name': '([^']*)'", str(ingress))
    assert backends == ["whisperx-service"]


@pytest.mark.parametrize("name", FILES)
def test_no_two_pods_with_a_redis_of_their_own_share_a_node(name: str) -> None:
    rules = pod(load(name))["affinity"]["podAntiAffinity"]
    required = rules["requiredDuringSchedulingIgnoredDuringExecution"]
    assert required == [
        {"topologyKey": "kubernetes.io/hostname", "labelSelector": {"matchLabels": LABELS}}
    ]


def test_pods_on_a_shared_redis_may_share_a_node() -> None:
    assert "affinity" not in pod(load(SCALE))


def test_the_pod_without_a_gpu_fits_a_node_of_two_processors() -> None:
    asked = [c["resources"]["requests"] for c in pod(load(FILES[1]))["containers"]]
    # What runs in kube-system of a minikube asks for 750m and about 250 MiB, and it has 2200 MB.
    assert sum(millis(found["cpu"]) for found in asked) <= 2000 - 750 - 250
    assert sum(mebibytes(found["memory"]) for found in asked) <= 1600


def millis(text: str) -> int:
    return int(text.removesuffix("m")) if text.endswith("m") else int(text) * 1000


def mebibytes(text: str) -> int:
    return int(text[:-2]) * {"Mi": 1, "Gi": 1024}[text[-2:]]


def test_the_documented_restore_waits_for_the_old_pod_and_for_no_longer_than_it_may_take() -> None:
    commands = documented("Back up and restore")
    stopped = commands.index("kubectl scale deployment/whisperx-stack --replicas=0")
    waited = commands[stopped + 1]
    assert waited.startswith("kubectl wait --for=delete pod -l app=whisperx-stack --timeout=")
    seconds = int(waited.rpartition("=")[2].removesuffix("m")) * 60
    assert seconds > pod(load(FILES[0]))["terminationGracePeriodSeconds"]


def test_what_has_to_be_there_first_is_said() -> None:
    page = (ROOT / "docs/operations.md").read_text()
    kinds = {d["kind"] for d in yaml.safe_load_all((ROOT / SCALE).read_text())}
    assert {"ScaledObject", "ServiceMonitor"} <= kinds
    scale = page.split("\n## Scale\n")[1].split("\n## ")[0]
    assert "KEDA and the Prometheus operator first" in scale
    assert "unbound immediate PersistentVolumeClaims" in page
