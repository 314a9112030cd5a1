"""What docs/operations.md says of the manifests."""

import re

import pytest

from bridge.settings import Settings
from stack.settings import ROOT
from tests.manifests.documents import (
    FILES,
    SCALE,
    Documents,
    container,
    load,
    only,
    pod,
    variables,
)

SECRETS = {"BRIDGE_TOKEN": "a-token-for-tests", "WEBHOOK_SECRET": "a-secret-for-tests"}


def claims(documents: Documents) -> dict[str, int]:
    """GiB of each volume that is asked for."""
    return {
        d["metadata"]["name"]: int(d["spec"]["resources"]["requests"]["storage"].removesuffix("Gi"))
        for d in documents
        if d["kind"] == "PersistentVolumeClaim"
    }


def test_sizes_are_those_of_the_table() -> None:
    documents = load(FILES[0])
    found = claims(documents)
    assert (found["whisperx-models"], found["whisperx-files"]) == (20, 25)
    given = {k: v for k, v in variables(container(documents, "bridge")).items() if v}
    quota = Settings.from_env(given | SECRETS | {"REDIS_PASSWORD": "a-password"}).files_quota_bytes
    assert found["whisperx-files"] << 30 > quota
    predictor = container(documents, "whisperx")
    assert predictor["resources"]["limits"]["memory"] == "16Gi"


@pytest.mark.parametrize("name", FILES)
def test_a_pod_with_a_redis_of_its_own_is_replaced_and_never_doubled(name: str) -> None:
    assert only(load(name), "Deployment")["spec"]["strategy"] == {"type": "Recreate"}


@pytest.mark.parametrize("name", [*FILES, SCALE])
def test_redis_forgets_nothing_and_keeps_no_pieces(name: str) -> None:
    text = (ROOT / name).read_text()
    for line in ("appendonly yes", "maxmemory-policy noeviction", "slowlog-max-len 0"):
        assert line in text


@pytest.mark.parametrize("name", [*FILES, SCALE])
def test_metrics_are_for_labelled_namespaces(name: str) -> None:
    documents = load(name)
    assert variables(container(documents, "bridge"))["METRICS_PORT"] == "9090"
    policies = [
        d
        for d in documents
        if d["kind"] == "NetworkPolicy" and d["spec"]["podSelector"]["matchLabels"] != {}
    ]
    rules = [rule for policy in policies for rule in policy["spec"].get("ingress", [])]
    let_in = [rule for rule in rules if 9090 in {port["port"] for port in rule.get("ports", [])}]
    assert let_in
    for rule in let_in:
        for source in rule["from"]:
            assert source["namespaceSelector"]["matchLabels"] == {"whisperx-metrics": "true"}


@pytest.mark.parametrize("name", [*FILES, SCALE])
def test_logs_are_json(name: str) -> None:
    assert variables(container(load(name), "bridge"))["LOG_FORMAT"] == "json"
    assert variables(container(load(name), "whisperx")).get("LOG_FORMAT", "json") == "json"


def test_three_processes_are_named_in_the_pod_in_the_order_of_the_page() -> None:
    page = (ROOT / "docs/operations.md").read_text()
    rows = re.findall(r"^\| `(whisperx|redis|bridge)` \|", page, re.MULTILINE)
    assert rows[:3] == [c["name"] for c in pod(load(FILES[0]))["containers"]]
