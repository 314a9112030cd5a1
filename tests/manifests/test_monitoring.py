"""k8s/monitoring names what exists, and promtool plays each of its alerts."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from bridge.metrics import Metrics
from stack.settings import ROOT
from tests.manifests.documents import SCALE, load, only

RULES = "k8s/monitoring/rules.yaml"
DASHBOARD = ROOT / "k8s/monitoring/dashboard.json"
# Of Prometheus's own client, and of NVIDIA's exporter.
OTHERS = {"process_resident_memory_bytes", "DCGM_FI_DEV_GPU_UTIL", "DCGM_FI_DEV_FB_USED"}
ENDINGS = r"_(total|bucket|sum|count)$"


def rules() -> list[dict[str, Any]]:
    (group,) = only(load(RULES), "PrometheusRule")["spec"]["groups"]
    return list(group["rules"])


def queries() -> list[str]:
    panels = json.loads(DASHBOARD.read_text())["panels"]
    return [target["expr"] for panel in panels for target in panel.get("targets", [])]


def ours() -> set[str]:
    return {f.name for f in Metrics().registry.collect() if f.name.startswith("whisperx_")}


def named(query: str) -> set[str]:
    return {re.sub(ENDINGS, "", name) for name in re.findall(r"\bwhisperx_\w+", query)}


def test_every_metric_that_is_named_exists_and_the_dashboard_shows_them_all() -> None:
    shown = set().union(*map(named, queries()))
    assert shown == ours()
    assert set().union(*(named(rule["expr"]) for rule in rules())) <= ours()
    others = set(re.findall(r"\b(?:process|DCGM)_\w+", " ".join(queries())))
    assert others == OTHERS


def test_the_alerts_are_those_of_the_documentation() -> None:
    page = (ROOT / "docs/operations.md").read_text()
    table = page.split("| alert when | means |")[1].split("\n\n")[0]
    rows = re.findall(r"^\| `([^`]*)`(?: for (\d+) min)? \|", table, re.MULTILINE)
    documented = {
        (query.replace("\\|", "|"), f"{minutes}m" if minutes else "") for query, minutes in rows
    }
    assert documented == {(rule["expr"], rule.get("for", "")) for rule in rules()}


def test_the_dashboards_panels_lie_beside_each_other() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24
        taken |= cells


def test_scale_watches_as_monitoring_does() -> None:
    theirs = only(load("k8s/monitoring/service-monitor.yaml"), "ServiceMonitor")
    assert only(load(SCALE), "ServiceMonitor") == theirs
    (endpoint,) = theirs["spec"]["endpoints"]
    service = only(load("k8s/whisperx-stack.yaml"), "Service")
    assert endpoint["port"] in {port["name"] for port in service["spec"]["ports"]}
    assert (
        theirs["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    )


def test_apply_k_brings_all_of_it() -> None:
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed")
    command = ["kubectl", "kustomize", str(ROOT / "k8s/monitoring")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    made = {d["kind"]: d for d in yaml.safe_load_all(done.stdout)}
    assert set(made) == {"ServiceMonitor", "PrometheusRule", "ConfigMap"}
    assert made["ConfigMap"]["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert made["ConfigMap"]["data"]["dashboard.json"] == DASHBOARD.read_text()


def promtool(*words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    beside = ROOT / ".venv-manifests/bin/promtool"
    program = str(beside) if beside.exists() else shutil.which("promtool")
    if program is None:
        pytest.fail("promtool is not installed: make install-manifests")
    return subprocess.run([program, *words], cwd=folder, capture_output=True, text=True, timeout=60)


@pytest.fixture
def plain(tmp_path: Path) -> Path:
    """The rules as Prometheus itself reads them, and what is played."""
    groups = only(load(RULES), "PrometheusRule")["spec"]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(groups))
    shutil.copy(ROOT / "tests/manifests/alerts.yaml", tmp_path)
    return tmp_path


@pytest.mark.slow
def test_promtool_accepts_the_rules(plain: Path) -> None:
    done = promtool("check", "rules", "rules.yaml", folder=plain)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(rules())} rules found" in done.stdout


@pytest.mark.slow
def test_promtool_plays_every_alert(plain: Path) -> None:
    done = promtool("test", "rules", "alerts.yaml", folder=plain)
    assert done.returncode == 0, done.stdout + done.stderr
    fired: set[str] = set()
    quiet: set[str] = set()
    for case in yaml.safe_load((plain / "alerts.yaml").read_text())["tests"]:
        for expected in case["alert_rule_test"]:
            (fired if expected.get("exp_alerts") else quiet).add(expected["alertname"])
    assert fired == quiet == {rule["alert"] for rule in rules()}


@pytest.mark.slow
@pytest.mark.parametrize("rule", [rule["alert"] for rule in rules()])
def test_an_alert_that_never_fires_is_found(plain: Path, rule: str) -> None:
    changed = rules()
    for one in changed:
        if one["alert"] == rule:
            one["expr"] = f"({one['expr']}) and vector(0) > 1"
    groups = {"groups": [{"name": "whisperx", "rules": changed}]}
    (plain / "rules.yaml").write_text(yaml.safe_dump(groups))
    assert promtool("test", "rules", "alerts.yaml", folder=plain).returncode != 0
