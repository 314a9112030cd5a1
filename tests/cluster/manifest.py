"""k8s/cpu as it is applied here, and a pod that calls it from inside."""

import secrets
from typing import Any

from tests.manifests.documents import FILES, Documents, container, images, load

CALLER = "whisperx-caller"
API = "http://whisperx-service:8080"


def stack(registry: str, models: str) -> Documents:
    """The manifest with secrets, an address of images, and models that load in seconds."""
    documents = load(FILES[1])
    for document in documents:
        if document["kind"] == "Secret":
            given = document["stringData"]
            for name in given:
                given[name] = "" if name == "HUGGINGFACE_TOKEN" else secrets.token_hex(16)
    for name in ("whisperx", "bridge"):
        found = container(documents, name)
        found["image"] = f"{registry}/{found['image'].rpartition('/')[2]}"
        for entry in found["env"]:
            if entry["name"] == "MODELS":
                entry["value"] = models
    return documents


def caller(registry: str) -> dict[str, Any]:
    """Python, and nothing to do; the bridge's image has it."""
    names = images()
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": CALLER, "labels": {"app": CALLER}},
        "spec": {
            "automountServiceAccountToken": False,
            "securityContext": {
                "runAsNonRoot": True,
                "runAsUser": 10001,
                "seccompProfile": {"type": "RuntimeDefault"},
            },
            "containers": [
                {
                    "name": "caller",
                    "image": f"{registry}/{names['BRIDGE']}:{names['VERSION']}",
                    "imagePullPolicy": "IfNotPresent",
                    "command": ["sh", "-c", "trap 'exit 0' TERM; sleep 7200 & wait"],
                    "env": [
                        {"name": "API_URL", "value": API},
                        {
                            "name": "BRIDGE_TOKEN",
                            "valueFrom": {
                                "secretKeyRef": {
                                    "name": "bridge-auth-secret",
                                    "key": "BRIDGE_TOKEN",
                                }
                            },
                        },
                    ],
                    "securityContext": {
                        "allowPrivilegeEscalation": False,
                        "capabilities": {"drop": ["ALL"]},
                    },
                    "volumeMounts": [{"name": "tmp", "mountPath": "/tmp"}],
                }
            ],
            "volumes": [{"name": "tmp", "emptyDir": {}}],
        },
    }
