"""The rendered manifest, and what the images are called."""

from typing import Any

import yaml

from stack.settings import ROOT

MANIFEST = ROOT / "k8s/cpu/whisperx-stack-cpu.yaml"


def documents() -> list[dict[str, Any]]:
    """Everything in the rendered manifest."""
    return list(yaml.safe_load_all(MANIFEST.read_text()))


def document(kind: str) -> dict[str, Any]:
    """The only one of its kind."""
    (found,) = (d for d in documents() if d["kind"] == kind)
    return dict(found)


def images() -> dict[str, str]:
    """images/images.env."""
    lines = (ROOT / "images/images.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
