"""Kubernetes' own schemas and checkov over every manifest, each also shown to find something."""

import re
import subprocess
from collections.abc import Iterable
from pathlib import Path

import pytest
import yaml

from stack.settings import ROOT
from tests.manifests.documents import (
    EXAMPLES,
    FILES,
    MONITORING,
    SCALE,
    Documents,
    container,
    load,
    only,
)
from tests.manifests.faults import damaged

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

TOOLS = ROOT / ".venv-manifests/bin"
# What checkov asks for and we decide otherwise.
DECIDED_OTHERWISE = {
    "CKV_K8S_15": "IfNotPresent: tags carry versions and are never moved, and a node without a "
    "network must be able to start what it has",
    "CKV_K8S_21": "a namespace is the operator's choice: kubectl -n",
    "CKV_K8S_35": "secrets as variables: the seed's contract, and one way for pod, compose and "
    "`make up`",
    "CKV_K8S_43": "digests: our images are built by the operator, so there is none to name here",
}
# Their definitions are not Kubernetes' own.
WITHOUT_SCHEMA = {"ScaledObject", "ServiceMonitor", "PrometheusRule"}


def run(tool: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    if not (TOOLS / tool).exists():
        pytest.skip(f"{tool} is not installed: make install-manifests")
    command = [str(part) for part in (TOOLS / tool, *arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=100)


@pytest.mark.parametrize("name", [*FILES, SCALE, *EXAMPLES, *MONITORING])
def test_kubernetes_own_schemas_accept_it(name: str) -> None:
    done = run("kubernetes-validate", "--strict", ROOT / name)
    assert done.returncode == 0, done.stdout + done.stderr
    said = (done.stdout + done.stderr).splitlines()
    unknown = [line for line in said if line.startswith("WARN")]
    assert all(any(f"kind {kind} " in line for kind in WITHOUT_SCHEMA) for line in unknown), unknown
    assert sum("passed for resource" in line for line in said) + len(unknown) == len(load(name))


def test_the_documented_rule_for_private_receivers_fits_into_the_policy(tmp_path: Path) -> None:
    page = (ROOT / "docs/operations.md").read_text()
    (block,) = re.findall(
        r"^```yaml\n(# patch for NetworkPolicy.*?)^```", page, re.MULTILINE | re.DOTALL
    )
    documents = load(FILES[0])
    only(documents, "NetworkPolicy")["spec"]["egress"] += yaml.safe_load(block)
    done = run("kubernetes-validate", "--strict", written(documents, tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "fault", ["unknown field", "port as a string", "number as a variable's value"]
)
def test_the_schemas_find_what_only_they_know(fault: str, tmp_path: Path) -> None:
    path = written(damaged(fault), tmp_path)
    assert run("kubernetes-validate", "--strict", path).returncode != 0


def checkov(files: Iterable[Path]) -> subprocess.CompletedProcess[str]:
    named = [argument for path in files for argument in ("-f", path)]
    skipped = ",".join(DECIDED_OTHERWISE)
    options = ("--framework", "kubernetes", "--skip-download", "--compact", "--quiet")
    return run("checkov", *options, "--skip-check", skipped, *named)


def test_checkov_finds_nothing_but_what_we_decided_otherwise() -> None:
    done = checkov(ROOT / name for name in (*FILES, SCALE, *EXAMPLES, *MONITORING))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Failed checks: 0, Skipped checks: 0" in done.stdout


def test_checkov_finds_a_container_with_every_right(tmp_path: Path) -> None:
    documents = load("k8s/whisperx-stack.yaml")
    container(documents, "bridge")["securityContext"] = {"privileged": True}
    done = checkov([written(documents, tmp_path)])
    assert done.returncode != 0
    assert "CKV_K8S_16" in done.stdout  # privileged


def written(documents: Documents, folder: Path) -> Path:
    path = folder / "damaged.yaml"
    path.write_text(yaml.safe_dump_all(documents))
    return path
