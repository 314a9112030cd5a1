"""Routes, records, events, keys and metrics are documented, and nothing else is."""

import json
import re
from datetime import UTC, datetime
from typing import get_type_hints

import yaml

from bridge.api import errors
from bridge.api.replicate.render import prediction_object
from bridge.api.sse import KEEP_ALIVE_SECONDS
from bridge.links import Links
from bridge.metrics import Metrics
from bridge.records import keys
from bridge.records.prediction import EVENTS, Prediction, Status
from bridge.records.tenants import Key
from bridge.routes import PREFIXES, routes
from bridge.tasks.runs import MAX_ATTEMPTS
from bridge.tasks.webhooks import ATTEMPTS
from tests.unit.documents import API, ARCHITECTURE, ROOT, first_cells, first_column, section, source
from transcription.notices import SENTENCES
from transcription.wire import WireTranscript


def test_routes_are_documented() -> None:
    documented = set(re.findall(r"^#+ `([A-Z]+) (/\S*)`", API, re.MULTILINE))
    served = {
        (route.method, re.sub(r"^(/v1)*", "", route.path))
        for route in routes()
        if route.method != "HEAD"
    }
    assert documented == served
    for prefix in PREFIXES:
        assert f"`{prefix}/predictions`" in API


def test_error_statuses_are_documented() -> None:
    documented = set(re.findall(r"^\| (\d{3}) \|", section(API, "Errors"), re.MULTILINE))
    assert documented == {str(status) for status in errors._TITLES}


def test_record_members_are_documented() -> None:
    prediction = Prediction(
        id=Key("x"),
        model="a/b",
        version="1",
        input={},
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    members = first_cells(section(API, "The record").split("| status |")[0])
    shown = prediction_object(prediction, "http://localhost", Links("secret"), {})
    assert members == shown.keys()
    assert all(f"`{link}`" in section(API, "The record") for link in shown["urls"])


def test_statuses_are_documented() -> None:
    table = section(API, "The record").split("| status |")[1].split("\n\n")[0]
    assert first_cells(table) == {status.value for status in Status}


def test_webhook_events_are_documented() -> None:
    webhooks = section(API, "Webhooks")
    table = webhooks.split("| event | sent when")[1].split("\n\n")[0]
    assert first_cells(table) == set(EVENTS)
    assert f"up to {ATTEMPTS} times" in webhooks


def test_stream_events_are_documented() -> None:
    code = (ROOT / "bridge/api/replicate/stream.py").read_text()
    streaming = section(API, "Streaming")
    assert first_cells(streaming) == set(re.findall(r'(?:yield |[\[ ]\()"(\w+)", ', code))
    assert f"{KEEP_ALIVE_SECONDS:g} seconds" in streaming


def test_output_members_are_documented() -> None:
    documented = first_cells(section(API, "Output"))
    documented = {name for name in documented if not name.startswith("segments[].")}
    assert documented == get_type_hints(WireTranscript).keys()


def test_warnings_are_documented() -> None:
    assert first_column(section(API, "Warnings")).keys() == SENTENCES.keys()


def test_health_bodies_are_documented() -> None:
    code = (ROOT / "bridge/api/health.py").read_text()
    example = re.search(r"```json\n(.*?)```", section(API, "Health"), re.DOTALL)
    assert example
    assert list(json.loads(example[1])) == re.findall(r'^            "(\w+)":', code, re.MULTILINE)


def without_names(key: str) -> str:
    """A Redis key with its variable parts, `<id>` or `{prediction_id}`, blanked out."""
    return re.sub(r"<\w+>|\{\w+\}", "<>", key)


def test_redis_keys_are_documented() -> None:
    of_a_prediction = (keys.prediction, keys.secrets, keys.segments, keys.batches)
    used = {name(Key("<>")) for name in (*of_a_prediction, keys.idempotency, keys.file)}
    used |= {
        value
        for name, value in vars(keys).items()
        if name.isupper() and name not in ("LIVE_TTL", "CHANGES", "TURNS", "LIMITS")
    }
    used |= {keys.turn("<>", part) for part in keys.TURNS}
    used |= {keys.limit("<>", part) for part in keys.LIMITS}
    listed = set(re.findall(r"^    ([a-z]+:\S+)  ", keys.__doc__ or "", re.MULTILINE))
    assert set(map(without_names, listed)) == used
    documented = first_cells(section(ARCHITECTURE, "Redis keys").replace("`<id> <event>`", ""))
    assert {*map(without_names, documented)} - {"jobs…", "errands…", "deliveries…"} == used


def test_metrics_are_documented() -> None:
    page = (ROOT / "docs/operations.md").read_text()
    listed = page.split("<!-- metrics -->")[1].split("<!-- /metrics -->")[0]
    ours = {f.name for f in Metrics().registry.collect() if f.name.startswith("whisperx_")}
    assert first_cells(listed) == ours
    scaled = source("k8s/scale/overlay/autoscaling.yaml")
    assert set(re.findall(r"whisperx_\w+", scaled)) <= ours
    asked = {re.sub(r"_(total|bucket)$", "", name) for name in re.findall(r"whisperx_\w+", page)}
    assert asked <= ours


def test_what_operations_names_in_the_cluster_is_there() -> None:
    page = (ROOT / "docs/operations.md").read_text() + (ROOT / "README.md").read_text()
    documents = list(yaml.safe_load_all((ROOT / "k8s/whisperx-stack.yaml").read_text()))
    named = {(d["kind"].lower(), d["metadata"]["name"]) for d in documents}
    for kind, name in re.findall(r"\b(deployment|service|deploy)/([\w-]+)", page):
        assert ("deployment" if kind == "deploy" else kind, name) in named
    (deployment,) = (d for d in documents if d["kind"] == "Deployment")
    containers = {c["name"] for c in deployment["spec"]["template"]["spec"]["containers"]}
    assert set(re.findall(r" -c ([a-z]+)\b", page)) <= containers | {"redis"}


def test_lost_runs_are_documented() -> None:
    assert f"After {MAX_ATTEMPTS} lost runs" in ARCHITECTURE
