"""What is wrong with a manifest that every schema lets pass: names that lead nowhere.

Kubernetes' schemas know no references, and its API server finds some of these faults only when
the pod is to start. `problems` finds them in the text.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

Manifest = dict[str, Any]
_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
_QUANTITY = re.compile(r"\d+(\.\d+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?")
_VERSIONS = {
    "Deployment": "apps/v1",
    "StatefulSet": "apps/v1",
    "Service": "v1",
    "Pod": "v1",
    "Secret": "v1",
    "ConfigMap": "v1",
    "PersistentVolumeClaim": "v1",
    "NetworkPolicy": "networking.k8s.io/v1",
    "Ingress": "networking.k8s.io/v1",
    "PodDisruptionBudget": "policy/v1",
    "ScaledObject": "keda.sh/v1alpha1",
    "TriggerAuthentication": "keda.sh/v1alpha1",
    "ServiceMonitor": "monitoring.coreos.com/v1",
    "PrometheusRule": "monitoring.coreos.com/v1",
}
_HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc")


def problems(documents: Iterable[Manifest]) -> list[str]:
    """Everything that is wrong, in words; an empty list when all is well."""
    found = [document for document in documents if document]
    return [
        *_identities(found),
        *(problem for document in found for problem in _workload(document, found)),
        *(problem for document in found for problem in _service(document, found)),
        *(problem for document in found for problem in _ingress(document, found)),
    ]


def _identities(documents: list[Manifest]) -> Iterator[str]:
    for document in documents:
        kind, name = document["kind"], document["metadata"]["name"]
        if document["apiVersion"] != _VERSIONS.get(kind):
            yield f"{kind} {name}: apiVersion {document['apiVersion']}"
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            yield f"{kind} {name}: no valid name"
    counted = Counter((d["kind"], d["metadata"]["name"]) for d in documents)
    for (kind, name), number in counted.items():
        if number > 1:
            yield f"{kind} {name}: {number} of them"


def _workload(document: Manifest, documents: list[Manifest]) -> Iterator[str]:
    if document["kind"] not in ("Deployment", "StatefulSet"):
        return
    spec, template = document["spec"], document["spec"]["template"]
    where = f"{document['kind']} {document['metadata']['name']}"
    if not _selects(spec["selector"].get("matchLabels", {}), template):
        yield f"{where}: its selector does not match its own pods"
    pod = template["spec"]
    if pod.get("restartPolicy", "Always") != "Always":
        yield f"{where}: restartPolicy {pod['restartPolicy']}"
    names = Counter(container["name"] for container in pod["containers"])
    yield from (f"{where}: {n} containers {name}" for name, n in names.items() if n > 1)
    claimed = {claim["metadata"]["name"] for claim in spec.get("volumeClaimTemplates", [])}
    volumes = {volume["name"] for volume in pod.get("volumes", [])} | claimed
    mounted: set[str] = set()
    for container in pod["containers"]:
        mounted |= {mount["name"] for mount in container.get("volumeMounts", [])}
        yield from _container(container, f"{where}, {container['name']}", documents)
    yield from (f"{where}: no volume {name}" for name in sorted(mounted - volumes))
    yield from (f"{where}: volume {name} is mounted nowhere" for name in sorted(volumes - mounted))
    for volume in pod.get("volumes", []):
        claim = volume.get("persistentVolumeClaim", {}).get("claimName")
        if claim and not _named(documents, "PersistentVolumeClaim", claim):
            yield f"{where}: no claim {claim}"


def _container(container: Manifest, where: str, documents: list[Manifest]) -> Iterator[str]:
    if not _NAME.fullmatch(container["name"]) or "." in container["name"]:
        yield f"{where}: no valid name"
    for entry in container.get("env", []):
        yield from _variable(entry, where, documents)
    repeated = Counter(entry["name"] for entry in container.get("env", []))
    yield from (f"{where}: {name} is set twice" for name, n in repeated.items() if n > 1)
    yield from _resources(container.get("resources", {}), where)
    ports = {port.get("name") for port in container.get("ports", [])}
    for port in container.get("ports", []):
        if not isinstance(port["containerPort"], int):
            yield f"{where}: port {port['containerPort']!r} is no number"
    for kind in ("startupProbe", "readinessProbe", "livenessProbe"):
        probe = container.get(kind)
        if probe is None:
            yield f"{where}: no {kind}"
            continue
        if sum(handler in probe for handler in _HANDLERS) != 1:
            yield f"{where}: {kind} needs one handler"
        asked = probe.get("httpGet", {}).get("port")
        if isinstance(asked, str) and asked not in ports:
            yield f"{where}: {kind} asks port {asked}, which is not there"


def _variable(entry: Manifest, where: str, documents: list[Manifest]) -> Iterator[str]:
    if "value" in entry and not isinstance(entry["value"], str):
        yield f"{where}: {entry['name']} is no string"
    wanted = entry.get("valueFrom", {}).get("secretKeyRef")
    if wanted is None:
        return
    secrets = _named(documents, "Secret", wanted["name"])
    if not secrets:
        yield f"{where}: {entry['name']}: no Secret {wanted['name']}"
    elif wanted["key"] not in {**secrets[0].get("data", {}), **secrets[0].get("stringData", {})}:
        yield f"{where}: {entry['name']}: no key {wanted['key']} in {wanted['name']}"


def _resources(resources: Manifest, where: str) -> Iterator[str]:
    limits, requests = resources.get("limits", {}), resources.get("requests", {})
    for name in ("cpu", "memory"):
        if name not in limits or name not in requests:
            yield f"{where}: {name} needs a request and a limit"
    for name, amount in [*limits.items(), *requests.items()]:
        if not _QUANTITY.fullmatch(str(amount)):
            yield f"{where}: {name} {amount!r} is no quantity"
    for name in {*limits, *requests}:
        # Kubernetes never overcommits a device.
        if "/" in name and limits.get(name) != requests.get(name, limits.get(name)):
            yield f"{where}: request and limit of {name} differ"


def _service(document: Manifest, documents: list[Manifest]) -> Iterator[str]:
    if document["kind"] != "Service":
        return
    where = f"Service {document['metadata']['name']}"
    pods = [d["spec"]["template"] for d in documents if d["kind"] in ("Deployment", "StatefulSet")]
    chosen = [pod for pod in pods if _selects(document["spec"]["selector"], pod)]
    if not chosen:
        yield f"{where}: selects no pod"
    ports = {
        known
        for pod in chosen
        for container in pod["spec"]["containers"]
        for port in container.get("ports", [])
        for known in (port.get("name"), port["containerPort"])
    }
    for port in document["spec"]["ports"]:
        if port.get("targetPort", port["port"]) not in ports:
            yield f"{where}: port {port.get('targetPort')} leads nowhere"


def _ingress(document: Manifest, documents: list[Manifest]) -> Iterator[str]:
    if document["kind"] != "Ingress":
        return
    where = f"Ingress {document['metadata']['name']}"
    for rule in document["spec"]["rules"]:
        for path in rule["http"]["paths"]:
            wanted = path["backend"]["service"]
            services = _named(documents, "Service", wanted["name"])
            ports = {port["name"] for service in services for port in service["spec"]["ports"]}
            if wanted["port"]["name"] not in ports:
                yield f"{where}: port {wanted['port']['name']} of {wanted['name']} is not there"


def _selects(labels: Manifest, pod: Manifest) -> bool:
    return bool(labels) and labels.items() <= pod["metadata"].get("labels", {}).items()


def _named(documents: list[Manifest], kind: str, name: str) -> list[Manifest]:
    return [d for d in documents if d["kind"] == kind and d["metadata"]["name"] == name]
