"""Replicate's client for JavaScript: predictions."""

from tests.clients.helpers import (
    Api,
    expected_output,
)
from tests.clients.node import NEEDS_NODE
from tests.clients.replicate_js.conftest import Script

pytestmark = NEEDS_NODE


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
        const canceled_one = await cancel(queued.id);
        const stopping = await cancel(running.id);
        const after = await finished(await create({ version, input: asked() }));
        const again = await cancel(after.id);
        result = [canceled_one.status, stopping.id === running.id, (await finished(running)).status,
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
