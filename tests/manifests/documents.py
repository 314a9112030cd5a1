"""The manifests as documents."""

import copy
import json
import re
from functools import cache
from typing import Any

import yaml

from stack.settings import ROOT

FILES = ("k8s/whisperx-stack.yaml", "k8s/cpu/whisperx-stack-cpu.yaml")
SCALE = "k8s/scale/whisperx-stack-scale.yaml"
MONITORING = ("k8s/monitoring/service-monitor.yaml", "k8s/monitoring/rules.yaml")
EXAMPLES = tuple(str(path.relative_to(ROOT)) for path in sorted(ROOT.glob("k8s/examples/*.yaml")))


@cache
def parsed(name: str) -> list[dict[str, Any]]:
    # Dumped and loaded again, so that aliases become copies.
    documents = list(yaml.safe_load_all((ROOT / name).read_text()))
    loaded: list[dict[str, Any]] = json.loads(json.dumps(documents))
    return loaded


def load(name: str) -> list[dict[str, Any]]:
    return copy.deepcopy(parsed(name))


def only(documents: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    found: dict[str, Any]
    (found,) = (d for d in documents if d["kind"] == kind)
    return found


def pod(documents: list[dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = only(documents, "Deployment")["spec"]["template"]["spec"]
    return found


def container(documents: list[dict[str, Any]], name: str) -> dict[str, Any]:
    found: dict[str, Any]
    (found,) = (c for c in pod(documents)["containers"] if c["name"] == name)
    return found


def variables(found: dict[str, Any]) -> dict[str, str | None]:
    return {entry["name"]: entry.get("value") for entry in found["env"]}


def images() -> dict[str, str]:
    lines = (ROOT / "images/images.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def named_images() -> set[str]:
    """Every image that the manifests may name."""
    found = images()
    names = (found[key] for key in ("PREDICTOR", "PREDICTOR_CPU", "BRIDGE", "ALL_IN_ONE"))
    ours = {f"{found['REGISTRY']}/{name}:{found['VERSION']}" for name in names}
    return ours | {found["REDIS"]}


def documented(heading: str) -> list[str]:
    """The commands of a section of docs/operations.md."""
    section = (ROOT / "docs/operations.md").read_text().split(f"\n## {heading}\n")[1]
    blocks = re.findall(r"^```sh\n(.*?)^```", section.split("\n## ")[0], re.MULTILINE | re.DOTALL)
    return "".join(blocks).splitlines()


Documents = list[dict[str, Any]]
