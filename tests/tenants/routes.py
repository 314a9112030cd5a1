"""What each route of the OpenAPI document must answer one of two tenants with the same ids."""

import json
import re
from collections.abc import Awaitable, Callable
from random import Random
from typing import Any, Final

from yarl import URL

from tests.clients.helpers import MODEL, Answer
from tests.tenants.side import IDS, Side

Probe = Callable[[Side, Side, Random], Awaitable[None]]
PROBES: Final[dict[tuple[str, str], Probe]] = {}
_WAIT = {"Prefer": "wait=30"}


def probes(*routes: tuple[str, str]) -> Callable[[Probe], Probe]:
    """Decorates what tries these routes."""

    def register(probe: Probe) -> Probe:
        PROBES.update(dict.fromkeys(routes, probe))
        return probe

    return register


def _same_for_everybody(method: str, path: str, **arguments: Any) -> None:
    async def probe(side: Side, other: Side, _: Random) -> None:
        mine = await side.call(method, path.format(**arguments))
        theirs = await other.call(method, path.format(**arguments))
        assert (mine.status, mine.body) == (200, theirs.body), path

    PROBES[method, path] = probe


for _path in ("/", "/docs", "/openapi.json", "/api-info", "/languages", "/health", "/health-check"):
    _same_for_everybody("GET", _path)
_same_for_everybody("GET", "/page/{name}", name="start.js")
for _path in ("/models", "/account"):
    _same_for_everybody("GET", f"/v1{_path}")
_same_for_everybody("GET", "/v1/models/{model}", model="demo")
_same_for_everybody("GET", "/v1/models/{owner}/{name}", owner="whisperx", name="whisperx-stack")
_same_for_everybody(
    "GET", "/v1/models/{owner}/{name}/versions", owner="whisperx", name="whisperx-stack"
)


@probes(("GET", "/v1/models/{owner}/{name}/versions/{version}"))
async def version(side: Side, other: Side, _: Random) -> None:
    listed = await side.json("GET", f"/v1/models/{MODEL}/versions")
    path = f"/v1/models/{MODEL}/versions/{listed['results'][0]['id']}"
    assert (await side.call("GET", path)).body == (await other.call("GET", path)).body


@probes(
    ("POST", "/v1/predictions"),
    ("PUT", "/v1/predictions/{id}"),
    ("POST", "/v1/models/{owner}/{name}/predictions"),
    ("POST", "/v1/deployments/{owner}/{name}/predictions"),
)
async def create(side: Side, _: Side, random: Random) -> None:
    prediction_id = random.choice(IDS)
    method, path = random.choice(
        [
            ("POST", "/v1/predictions"),
            ("PUT", f"/v1/predictions/{prediction_id}"),
            ("POST", f"/v1/models/{MODEL}/predictions"),
            ("POST", f"/v1/deployments/{MODEL}/predictions"),
        ]
    )
    # The same key on both sides.
    headers = (
        {**_WAIT, "Idempotency-Key": f"{method} {prediction_id}"}
        if random.random() < 0.5
        else _WAIT
    )
    answer = await side.call(method, path, headers, json=side.body(prediction_id))
    if answer.status == 409:  # the key made one that was deleted since, or under another id
        assert "Idempotency-Key" in headers
        return
    side.created(answer, prediction_id)


@probes(("GET", "/v1/predictions"))
async def list_predictions(side: Side, other: Side, random: Random) -> None:
    query = {} if random.random() < 0.5 else {"created_after": "2026-01-01T00:00:00Z"}
    listed = await side.json("GET", "/v1/predictions", params=query)
    assert {one["id"] for one in listed["results"]} == set(side.predictions)
    assert other.marker not in json.dumps(listed)


@probes(("GET", "/v1/predictions/{id}"))
async def get(side: Side, _: Side, random: Random) -> None:
    prediction_id = random.choice(IDS)
    answer = await side.call("GET", f"/v1/predictions/{prediction_id}")
    if side.found(answer, prediction_id):
        assert side.marker in answer.body.decode()


@probes(("DELETE", "/v1/predictions/{id}"))
async def delete(side: Side, _: Side, random: Random) -> None:
    prediction_id = random.choice(IDS)
    answer = await side.call("DELETE", f"/v1/predictions/{prediction_id}")
    if side.found(answer, prediction_id, 204):
        del side.predictions[prediction_id]


@probes(("POST", "/v1/predictions/{id}/cancel"))
async def cancel(side: Side, _: Side, random: Random) -> None:
    prediction_id = random.choice(IDS)
    answer = await side.call("POST", f"/v1/predictions/{prediction_id}/cancel")
    side.found(answer, prediction_id)


@probes(("GET", "/v1/predictions/{id}/output"))
async def output(side: Side, _: Side, random: Random) -> None:
    prediction_id = random.choice(IDS)
    chosen = random.choice(("json", "srt", "text"))
    path = f"/v1/predictions/{prediction_id}/output?format={chosen}&revision=original"
    answer = await side.call("GET", path)
    if side.found(answer, prediction_id):
        assert side.marker in answer.body.decode()


@probes(("GET", "/v1/predictions/{id}/peaks"))
async def peaks(side: Side, _: Side, random: Random) -> None:
    prediction_id = random.choice(IDS)
    side.found(await side.call("GET", f"/v1/predictions/{prediction_id}/peaks"), prediction_id)


@probes(("GET", "/v1/predictions/{id}/transcript"))
async def transcript(side: Side, _: Side, random: Random) -> None:
    prediction_id = random.choice(IDS)
    answer = await side.call("GET", f"/v1/predictions/{prediction_id}/transcript")
    if side.found(answer, prediction_id):
        assert answer.headers["ETag"] == f'"{side.predictions[prediction_id]}"'


@probes(("PUT", "/v1/predictions/{id}/transcript"))
async def correct(side: Side, other: Side, random: Random) -> None:
    prediction_id = random.choice(IDS)
    # Also with the revision that the other's transcript of that id is at.
    tag = random.choice((side, other)).predictions.get(prediction_id, 0)
    edits = [{"edit": "text", "segment": 0, "text": f"{side.marker} {tag}"}]
    path = f"/v1/predictions/{prediction_id}/transcript"
    answer = await side.call("PUT", path, {"If-Match": f'"{tag}"'}, json={"edits": edits})
    expected = 200 if side.predictions.get(prediction_id) == tag else 412
    if side.found(answer, prediction_id, expected) and answer.status == 200:
        side.predictions[prediction_id] += 1


def _named(side: Side) -> list[str]:
    """Predictions under the ids that both tenants use; their output has the marker."""
    return [prediction_id for prediction_id in IDS if prediction_id in side.predictions]


async def _opens_its_own_only(side: Side, other: Side, link: str) -> Answer:
    """The link's answer; as somebody changes it who looks for the other's thing, it opens none."""
    own = URL(link)
    changed = {own.update_query(tenant=other.name), own.without_query_params("tenant")} - {own}
    assert {(await side.call("GET", str(one))).status for one in changed} == {403}
    double = await side.call("GET", f"{link}&tenant={other.name}")
    assert other.marker not in double.body.decode(errors="replace")
    return await side.call("GET", link)


@probes(("GET", "/v1/predictions/{id}/stream"))
async def stream(side: Side, other: Side, random: Random) -> None:
    for prediction_id in random.sample(named := _named(side), min(1, len(named))):
        found = await side.json("GET", f"/v1/predictions/{prediction_id}")
        answer = await _opens_its_own_only(side, other, found["urls"]["stream"])
        assert (answer.status, side.marker in answer.body.decode()) == (200, True)


@probes(("GET", "/v1/predictions/{id}/recording"))
async def recording(side: Side, other: Side, random: Random) -> None:
    for prediction_id in random.sample(named := _named(side), min(1, len(named))):
        found = await side.json("GET", f"/v1/predictions/{prediction_id}/transcript")
        answer = await _opens_its_own_only(side, other, found["recording"]["url"])
        assert answer.status == 200


@probes(("GET", "/v1/webhooks/default/secret"))
async def secret(side: Side, other: Side, _: Random) -> None:
    path = "/v1/webhooks/default/secret"
    mine, theirs = await side.json("GET", path), await other.json("GET", path)
    assert re.fullmatch(r"whsec_\S+", mine["key"])
    assert mine != theirs


@probes(
    ("GET", "/v1/webhooks/dead-letters"), ("POST", "/v1/webhooks/dead-letters/{letter}/redeliver")
)
async def dead_letters(side: Side, _: Side, random: Random) -> None:
    listed = await side.json("GET", "/v1/webhooks/dead-letters")
    for letter in listed["results"]:
        assert letter["url"] == side.receiver, "the receiver is the tenant's own"
        assert "tenant" not in letter
    known = {letter["id"] for letter in listed["results"]}
    letter = f"{random.choice(IDS)}_completed"
    answer = await side.call("POST", f"/v1/webhooks/dead-letters/{letter}/redeliver")
    if letter not in known:  # one may have come since the list was read
        assert answer.status in (202, 404)
    elif letter.partition("_")[0] in side.predictions:
        assert answer.status == 202


@probes(("POST", "/v1/files"))
async def upload(side: Side, _: Side, __: Random) -> None:
    described = await side.json("POST", "/v1/files", data=side.form("content"))
    side.files[described["id"]] = described["urls"]["get"]


@probes(("GET", "/v1/files"))
async def list_files(side: Side, _: Side, __: Random) -> None:
    listed = await side.json("GET", "/v1/files")
    assert {one["id"] for one in listed["results"]} == set(side.files)


@probes(("GET", "/v1/files/{id}"), ("DELETE", "/v1/files/{id}"))
async def one_file(side: Side, other: Side, random: Random) -> None:
    method = random.choice(("GET", "GET", "DELETE"))
    for file_id in [*other.files, f"{other.name}.{next(iter(other.files), 'x')}"]:
        assert (await side.call(method, f"/v1/files/{file_id}")).status == 404
    for file_id in random.sample(sorted(side.files), min(1, len(side.files))):
        answer = await side.call(method, f"/v1/files/{file_id}")
        assert answer.status == (200 if method == "GET" else 204)
        if method == "DELETE":
            del side.files[file_id]


@probes(("GET", "/v1/files/{id}/download"))
async def download(side: Side, other: Side, random: Random) -> None:
    for file_id in random.sample(sorted(side.files), min(1, len(side.files))):
        assert (await _opens_its_own_only(side, other, side.files[file_id])).status == 200
    for link in other.files.values():
        # Whoever has the link may download; as a recording it is as if it were deleted.
        body = {"input": {"audio_file": link}}
        answer = await side.call("POST", "/v1/predictions", json=body)
        assert (answer.status, "expired or was deleted" in answer.body.decode()) == (422, True)


def _transcribing(path: str, name: str, prompt: str, **fields: str) -> None:
    async def probe(side: Side, _: Side, __: Random) -> None:
        form = side.form(name)
        for key, value in {prompt: side.marker, **fields}.items():
            form.add_field(key, value)
        query = {prompt: side.marker} if name == "audio_file" else {}
        answer = await side.call("POST", path, data=form, params=query)
        assert answer.status == 200, answer
        assert side.marker in answer.body.decode() or path == "/detect-language"
        side.predictions[answer.headers["x-prediction-id"]] = 0

    PROBES["POST", path] = probe


_transcribing("/v1/audio/transcriptions", "file", "prompt", model="whisper-1")
_transcribing("/v1/audio/translations", "file", "prompt", model="whisper-1")
_transcribing("/v1/audio/transcribe-with-speakers", "file", "prompt")
_transcribing("/transcribe", "file", "initial_prompt")
_transcribing("/asr", "audio_file", "initial_prompt")
_transcribing("/detect-language", "audio_file", "initial_prompt")
