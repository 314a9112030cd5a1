"""Faults that the checks of manifests have to find."""

import copy
from collections.abc import Callable
from typing import Any

from tests.manifests.documents import Documents, container, load, only, pod

Fault = Callable[[Documents], None]


def service_port(documents: Documents, port: object) -> None:
    only(documents, "Service")["spec"]["ports"][0]["targetPort"] = port


def env(documents: Documents, name: str) -> dict[str, Any]:
    found: dict[str, Any]
    (found,) = (e for e in container(documents, "bridge")["env"] if e["name"] == name)
    return found


def rename_secret(documents: Documents) -> None:
    env(documents, "BRIDGE_TOKEN")["valueFrom"]["secretKeyRef"]["name"] = "no-such-secret"


def rename_key(documents: Documents) -> None:
    env(documents, "BRIDGE_TOKEN")["valueFrom"]["secretKeyRef"]["key"] = "NO_SUCH_KEY"


def number_as_value(documents: Documents) -> None:
    env(documents, "BRIDGE_PORT")["value"] = 8080


def gpus_differ(documents: Documents) -> None:
    container(documents, "whisperx")["resources"]["requests"]["nvidia.com/gpu"] = 2


def second_handler(documents: Documents) -> None:
    container(documents, "bridge")["livenessProbe"]["tcpSocket"] = {"port": 8080}


def ingress_to_nowhere(documents: Documents) -> None:
    (ingress,) = load("k8s/examples/ingress.yaml")
    (rule,) = ingress["spec"]["rules"]
    rule["http"]["paths"][0]["backend"]["service"]["port"]["name"] = "metric"
    documents.append(ingress)


# Only a schema knows which fields there are; all other faults are found without one.
NEEDS_SCHEMA = {"unknown field"}
FAULTS: dict[str, Fault] = {
    "unknown field": lambda d: pod(d).update(restartPolicies="Always"),
    "port as a string": lambda d: container(d, "bridge")["ports"][0].update(containerPort="8080"),
    "number as a variable's value": number_as_value,
    "selector of other pods": lambda d: only(d, "Deployment")["spec"]["selector"].update(
        matchLabels={"app": "other"}
    ),
    "mount without a volume": lambda d: container(d, "redis")["volumeMounts"][0].update(name="no"),
    "12GB": lambda d: container(d, "redis")["resources"]["limits"].update(memory="12GB"),
    "GPU request and limit differ": gpus_differ,
    "a name in capitals": lambda d: container(d, "redis").update(name="Redis"),
    "two containers with one name": lambda d: pod(d)["containers"].append(
        copy.deepcopy(container(d, "redis"))
    ),
    "two handlers in a probe": second_handler,
    "restartPolicy Never": lambda d: pod(d).update(restartPolicy="Never"),
    "apps/v1beta1": lambda d: next(x for x in d if x["kind"] == "Deployment").update(
        apiVersion="apps/v1beta1"
    ),
    "a Service port that leads nowhere": lambda d: service_port(d, 8088),
    "an Ingress to a port that is not there": ingress_to_nowhere,
    "a Secret that is not there": rename_secret,
    "a key that is not in its Secret": rename_key,
}


def damaged(fault: str) -> Documents:
    documents = load("k8s/whisperx-stack.yaml")
    FAULTS[fault](documents)
    return documents
