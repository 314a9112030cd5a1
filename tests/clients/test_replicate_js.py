"""Replicate's JavaScript client, unchanged, under Node."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from tests.clients.helpers import (
    MODEL,
    URI,
    Api,
    Receiver,
    cutting,
    eventually,
    expected_output,
    receiving,
)
from tests.clients.node import NEEDS_NODE, Node
from tests.clients.versions import REPLICATE_JS
from tests.conftest import RunningStack

pytestmark = NEEDS_NODE

PRELUDE = """
import { readFileSync } from "node:fs";
import Replicate, { validateWebhook } from "replicate";

const { MODEL, URI, TOKEN, BASE, RECORDING } = process.env;
const client = new Replicate({ auth: TOKEN, baseUrl: BASE, useFileOutput: false });
const asked = (wishes = "", more = {}) => ({ audio_file: URI, initial_prompt: wishes, ...more });
const until = async (prediction, ...statuses) => {
  while (!statuses.includes(prediction.status)) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    prediction = await client.predictions.get(prediction.id);
  }
  return prediction;
};
const finished = (prediction) => until(prediction, "succeeded", "failed", "canceled");
const raised = async (promise) => {
  try {
    await promise;
  } catch (error) {
    return [error.name, error.response ? error.response.status : null, error.message];
  }
  return null;
};
const version = (await client.models.get(...MODEL.split("/"))).latest_version.id;
"""
Script = Callable[..., Awaitable[Any]]


@pytest.fixture(scope="session")
def node(tmp_path_factory: pytest.TempPathFactory) -> Node:
    return Node.install(tmp_path_factory.mktemp("replicate-js"), PRELUDE, REPLICATE_JS)


@pytest.fixture
def script(stack: RunningStack, node: Node, recording: Path) -> Script:
    """Runs code with the client; what it assigns to ``result``."""

    async def run(code: str, url: str = "", **environ: str) -> Any:
        known = {
            "MODEL": MODEL,
            "URI": URI,
            "TOKEN": stack.token,
            "BASE": f"{url or stack.url}/v1",
            "RECORDING": str(recording),
            **environ,
        }
        return await asyncio.to_thread(node.run, code, **known)

    return run


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as opened:
        yield opened


async def test_run_returns_the_output(script: Script) -> None:
    outputs = await script(
        """
        result = [
          await client.run(MODEL, { input: asked("hi") }),
          await client.run(`${MODEL}:${version}`, { input: asked() }),
          await client.run(MODEL, {
            input: asked("sleep=3"), wait: { mode: "block", timeout: 1 } }),
          await client.run(MODEL, {
            input: asked("sleep=1"), wait: { mode: "poll", interval: 100 } }),
        ];
        """
    )
    assert outputs == [expected_output(w) for w in ("hi", "", "sleep=3", "sleep=1")]


async def test_run_shows_progress(script: Script) -> None:
    statuses = await script(
        """
        result = [];
        const wait = { mode: "poll", interval: 100 };
        await client.run(MODEL, { input: asked("logs=8"), wait }, (p) => result.push(p.status));
        """
    )
    assert statuses[0] == "starting"
    assert "processing" in statuses
    assert statuses[-1] == "succeeded"


async def test_create_returns_at_once_and_the_record_follows_the_run(script: Script) -> None:
    seconds, created, running, ended = await script(
        """
        const began = performance.now();
        const created = await client.predictions.create({ version, input: asked("logs=8") });
        const seconds = (performance.now() - began) / 1000;
        const running = await until(created, "processing");
        result = [seconds, created, running, await finished(created)];
        """
    )
    assert seconds < 1.0
    assert created["status"] == "starting"
    assert running["started_at"]
    assert ended["output"] == expected_output("logs=8")
    assert 0.8 <= ended["metrics"]["predict_time"] <= ended["metrics"]["total_time"]


async def test_the_model_may_be_named_in_any_way(script: Script) -> None:
    statuses = await script(
        """
        const input = asked();
        const created = [
          await client.predictions.create({ version, input }),
          await client.predictions.create({ version: MODEL, input }),
          await client.predictions.create({ version: `${MODEL}:${version}`, input }),
          await client.predictions.create({ model: MODEL, input, wait: 0.5 }),
          await client.deployments.predictions.create(...MODEL.split("/"), { input }),
        ];
        result = [];
        for (const prediction of created) result.push((await finished(prediction)).status);
        """
    )
    assert statuses == ["succeeded"] * 5


async def test_refusals_have_their_status_and_words(script: Script) -> None:
    found = await script(
        """
        const { predictions } = client;
        const stranger = new Replicate({ auth: "wrong-token", baseUrl: BASE });
        result = [
          await raised(predictions.create({ version: "0".repeat(64), input: asked() })),
          await raised(client.run("somebody/else", { input: asked() })),
          await raised(predictions.get("no-such-id")),
          await raised(predictions.cancel("no-such-id")),
          await raised(predictions.create({ version, input: asked("", { vad_onset: 3 }) })),
          await raised(predictions.create({ version, input: asked(),
                                            webhook: "http://10.0.0.1/hook" })),
          await raised(stranger.accounts.current()),
        ];
        """
    )
    assert [status for _, status, _ in found] == [422, 404, 404, 404, 422, 422, 401]
    assert "vad_onset: 3 is more than the maximum" in found[4][2]


async def test_a_failing_run_rejects_with_the_predictors_message(script: Script) -> None:
    _, _, text = await script(
        'result = await raised(client.run(MODEL, { input: asked("fail=no speech on Sundays") }));'
    )
    assert text == "Prediction failed: no speech on Sundays"


async def test_cancel_running_queued_and_ended(script: Script) -> None:
    answers = await script(
        """
        const { create, cancel } = client.predictions;
        const running = await create({ version, input: asked("sleep=60") });
        await until(running, "processing");
        const queued = await create({ version, input: asked() });
        const told = await cancel(queued.id);
        const stopping = await cancel(running.id);
        const after = await finished(await create({ version, input: asked() }));
        const again = await cancel(after.id);
        result = [told.status, stopping.id === running.id, (await finished(running)).status,
                  (await finished(queued)).started_at, after.status, again.status];
        """
    )
    assert answers == ["canceled", True, "canceled", None, "succeeded", "succeeded"]


async def test_an_aborted_run_cancels_the_job(script: Script, api: Api) -> None:
    output, prediction_id = await script(
        """
        const abort = new AbortController();
        let id;
        const wait = { mode: "poll", interval: 100 };
        const options = { input: asked("sleep=60"), wait, signal: abort.signal };
        const output = await client.run(MODEL, options, (prediction) => {
          id = prediction.id;
          if (prediction.status === "processing") abort.abort();
        });
        result = [output ?? null, id];
        """
    )
    assert output is None
    assert (await api.finish(prediction_id))["status"] == "canceled"


async def test_the_list_goes_on_over_its_pages(script: Script, api: Api) -> None:
    created = [(await api.create())["id"] for _ in range(120)]
    for prediction_id in created:
        await api.cancel(prediction_id)
    listed = await script(
        """
        result = [];
        for await (const page of client.paginate(client.predictions.list)) {
          result.push(...page.map((prediction) => prediction.id));
          if (result.length > 150) break;
        }
        """
    )
    assert listed[:120] == created[::-1]


async def test_the_model_the_account_and_the_secret_are_told(script: Script) -> None:
    username, key, versions, schemas = await script(
        """
        const [owner, name] = MODEL.split("/");
        const listed = await client.models.versions.list(owner, name);
        const got = await client.models.versions.get(owner, name, version);
        result = [
          (await client.accounts.current()).username,
          (await client.webhooks.default.secret.get()).key,
          listed.results.map((v) => v.id === version),
          Object.keys(got.openapi_schema.components.schemas),
        ];
        """
    )
    assert username == MODEL.partition("/")[0]
    assert key.startswith("whsec_")
    assert versions == [True]
    assert {"Input", "Output"} <= set(schemas)


async def test_files_are_uploaded_used_described_and_deleted(
    script: Script, recording: Path
) -> None:
    used, large, size, listed, deleted, gone = await script(
        """
        const bytes = readFileSync(RECORDING);
        const big = Buffer.concat([bytes.subarray(0, 44), Buffer.alloc(30_000_000)]);
        const uploaded = await client.files.create(new Blob([bytes]), { kind: "speech" });
        const used = [];
        for (const audio_file of [bytes, new Blob([bytes]), new File([bytes], "speech.wav"),
                                  uploaded.urls.get])
          used.push(await client.run(MODEL, { input: asked("", { audio_file }) }));
        const large = await client.run(MODEL, { input: asked("", { audio_file: big }) });
        const { size, metadata } = await client.files.get(uploaded.id);
        const listed = (await client.files.list()).results.map((f) => f.id).includes(uploaded.id);
        const deleted = await client.files.delete(uploaded.id);
        result = [used, large.warnings, [size, metadata], listed, deleted,
                  (await raised(client.files.get(uploaded.id)))[1]];
        """
    )
    assert used == [expected_output()] * 4
    assert large == ["30000044 bytes"]
    assert size == [recording.stat().st_size, {"kind": "speech"}]
    assert (listed, deleted, gone) == (True, True, 404)


async def test_a_stream_tells_logs_output_and_end_without_the_token(script: Script) -> None:
    events = await script(
        """
        result = [];
        for await (const { event, data, id } of client.stream(MODEL, { input: asked("logs=6") }))
          result.push([event, data, id]);
        """
    )
    kinds = [event for event, _, _ in events]
    assert kinds == ["logs"] * (len(kinds) - 2) + ["output", "done"]
    assert len(kinds) >= 3
    assert json.loads(events[-2][1]) == expected_output("logs=6")
    assert len({event_id for _, _, event_id in events}) == len(events)


async def test_a_stream_of_a_failing_run_rejects(script: Script) -> None:
    _, _, text = await script(
        """
        const read = async () => {
          for await (const _ of client.stream(MODEL, { input: asked("fail=no speech") }));
        };
        result = await raised(read());
        """
    )
    assert "no speech" in text


async def test_the_validator_accepts_our_webhooks(script: Script, receiver: Receiver) -> None:
    await script(
        f"""
        const input = asked("grüße \\u2028");
        result = await finished(
          await client.predictions.create({{ version, input, webhook: "{receiver.url}" }}));
        """
    )
    await eventually(lambda: receiver.ends, "the end is told")
    call = receiver.ends[-1]
    verdicts = await script(
        """
        const secret = (await client.webhooks.default.secret.get()).key;
        const headers = JSON.parse(process.env.HEADERS), body = process.env.BODY;
        result = [
          await validateWebhook({ headers, body }, secret),
          await validateWebhook(new Request("http://x", { method: "POST", headers, body }), secret),
          await validateWebhook({ headers, body: body + " " }, secret),
          await validateWebhook({ headers: { ...headers, "webhook-id": "msg_1" }, body }, secret),
          JSON.stringify(JSON.parse(body)) === body,
        ];
        """,
        HEADERS=json.dumps({k: v for k, v in call.headers.items() if k.startswith("webhook-")}),
        BODY=call.raw,
    )
    assert verdicts[:4] == [True, True, False, False]


async def test_a_lost_answer_makes_the_client_ask_again_without_a_mark(
    script: Script, stack: RunningStack, api: Api
) -> None:
    """This client repeats a POST whose connection broke, and nothing tells it from a new one.

    Two jobs are the stated policy; each request of the client that succeeds has its own.
    """
    moment, wishes = datetime.now(UTC), f"twice {uuid4().hex}"
    async with cutting(stack.url) as proxy:
        prediction_id = await script(
            f"""
            const slow = new Replicate({{ auth: TOKEN, baseUrl: "{proxy}/v1" }});
            const input = asked("{wishes}");
            result = (await slow.predictions.create({{ version, input }})).id;
            """
        )
    listed = await api.call("GET", "/v1/predictions", params={"created_after": moment.isoformat()})
    same = [p["id"] for p in listed.body["results"] if p["input"]["initial_prompt"] == wishes]
    assert same[0] == prediction_id
    assert len(same) == 2
