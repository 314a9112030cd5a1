"""Replicate's client for JavaScript: files, streams and webhooks."""

import json
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from tests.clients.helpers import (
    MODEL,
    Api,
    Receiver,
    cutting,
    eventually,
    expected_output,
)
from tests.clients.node import NEEDS_NODE
from tests.clients.replicate_js.conftest import Script
from tests.conftest import RunningStack

pytestmark = NEEDS_NODE


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
    await eventually(lambda: receiver.ends, "the end is delivered")
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
