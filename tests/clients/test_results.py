"""Results in any format, after the run."""

import pytest

from bridge.api import results
from tests.clients.asking import form
from tests.clients.helpers import Answer, Api
from tests.clients.test_routes import TEXT


@pytest.mark.parametrize("prefix", ["", "/v1", "/v1/v1"])
async def test_a_result_can_be_had_in_any_format_without_a_new_run(api: Api, prefix: str) -> None:
    created = await api.create("talk")
    ended = await api.finish(created["id"])
    before = (await api.call("GET", "/v1/predictions")).body["results"][0]["id"]
    found = {}
    for name in results.NAMES:
        answer = await api.call("GET", f"{prefix}/predictions/{created['id']}/output?format={name}")
        assert answer.status == 200
        found[name] = answer.body
    assert found["json"] == ended["output"]
    assert found["srt"].startswith(b"1\n00:00:00,000 --> 00:00:01,200\n[SPEAKER_01]: Hello there.")
    assert found["vtt"].startswith(b"WEBVTT\n")
    assert found["tsv"].startswith(b"start\tend\ttext\tspeaker\n0\t1200\t")
    assert found["txt"].startswith(b"[SPEAKER_01]: Hello there.\n")
    assert found["text"].decode() == TEXT + "\n"
    assert len(found["verbose_json"]["words"]) == 5
    assert [s["speaker"] for s in found["diarized_json"]["segments"]] == ["A", "A", "B"]
    newest = (await api.call("GET", "/v1/predictions")).body["results"][0]["id"]
    assert newest == before


async def test_results_that_cannot_be_had(api: Api) -> None:
    async def asked(prediction_id: str, query: str = "") -> Answer:
        return await api.call("GET", f"/v1/predictions/{prediction_id}/output{query}")

    assert (await asked("nobody")).status == 404
    running = await api.create("sleep=30")
    early = await asked(running["id"])
    assert (early.status, early.headers["Retry-After"]) == (409, "2")
    await api.cancel(running["id"])
    await api.finish(running["id"])
    assert "canceled" in (await asked(running["id"])).body["detail"]
    failed = await api.create("fail=no idea")
    await api.finish(failed["id"])
    answer = await asked(failed["id"])
    assert (answer.status, "no idea" in answer.body["detail"]) == (500, True)
    unknown = await asked(failed["id"], "?format=pdf")
    assert (unknown.status, unknown.body["error"]["param"]) == (422, "format")


async def test_speakers_that_were_not_told_apart_are_not_invented(api: Api) -> None:
    answer = await api.call("POST", "/transcribe", data=form(initial_prompt="hello"))
    path = f"/v1/predictions/{answer.headers['x-prediction-id']}/output?format=diarized_json"
    refused = await api.call("GET", path)
    assert (refused.status, refused.body["error"]["param"]) == (422, "format")
