"""Replicate's client for Python, version 2: lists, the account, files and retries."""

from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

import pytest

from tests.clients.helpers import MODEL, Api, cutting, expected_output, wav
from tests.clients.replicate_py2.conftest import Script
from tests.conftest import RunningStack

pytestmark = pytest.mark.slow  # installs the client


async def test_the_list_goes_on_over_its_pages(script: Script, api: Api) -> None:
    moment = datetime.now(UTC)
    created = [(await api.create())["id"] for _ in range(120)]
    for prediction_id in created:
        await api.cancel(prediction_id)
    listed = await script(
        f"""
        found = client.predictions.list(created_after={moment.isoformat()!r})
        result = [p.id for p in found]
        """
    )
    assert listed == created[::-1]


async def test_the_account_and_the_webhook_secret_are_told(script: Script) -> None:
    username, key, versions, schema = await script(
        """
        listed = client.models.versions.list(model_owner=owner, model_name=name)
        got = client.models.versions.get(version_id=version, model_owner=owner, model_name=name)
        result = [client.account.get().username, client.webhooks.default.secret.get().key,
                  [v.id for v in listed] == [version], sorted(got.openapi_schema["components"])]
        """
    )
    assert username == MODEL.partition("/")[0]
    assert key.startswith("whsec_")
    assert versions is True
    assert schema == ["schemas"]


async def test_files_are_uploaded_used_described_and_deleted(
    script: Script, recording: Path
) -> None:
    used, large, described, listed, deleted, gone = await script(
        f"""
        import io
        uploaded = client.files.create(content=recording.read_bytes(), filename="speech.wav",
                                       type="audio/wav", metadata={{"kind": "speech"}})
        got = client.files.get(file_id=uploaded.id)
        described = [got.name, got.size, got.content_type, got.metadata]
        listed = uploaded.id in [file.id for file in client.files.list()]
        used = [
            client.run(MODEL, input=asked() | {{"audio_file": uploaded.urls.get}}),
            client.run(MODEL, input=asked() | {{"audio_file": recording.open("rb")}}),
            client.run(MODEL, input=asked() | {{"audio_file": recording}}),
            client.run(MODEL, input=asked() | {{"audio_file": recording.open("rb")}},
                       file_encoding_strategy="base64"),
        ]
        content = io.BytesIO({wav(1)[:44]!r} + bytes(30_000_000))
        large = client.run(MODEL, input=asked() | {{"audio_file": content}})["warnings"]
        client.files.delete(file_id=uploaded.id)
        gone = raised(client.files.get, file_id=uploaded.id)[0]
        result = [used, large, described, listed,
                  uploaded.id not in [file.id for file in client.files.list()], gone]
        """
    )
    assert used == [expected_output()] * 4
    assert large == ["30000044 bytes"]
    assert described == ["speech.wav", recording.stat().st_size, "audio/wav", {"kind": "speech"}]
    assert listed is True
    assert deleted is True
    assert gone == "NotFoundError"


async def test_a_retry_after_a_lost_answer_joins_the_job(
    script: Script, stack: RunningStack, api: Api
) -> None:
    """The client sends the request again, marked as a retry: one job, not two."""
    moment, wishes = datetime.now(UTC), f"once {uuid4().hex}"
    async with cutting(stack.url) as proxy:
        prediction_id = await script(
            f"""
            slow = Replicate(base_url={proxy!r} + "/v1")
            result = slow.predictions.create(version=version, input=asked({wishes!r})).id
            """
        )
    listed = await api.call("GET", "/v1/predictions", params={"created_after": moment.isoformat()})
    same = [p["id"] for p in listed.body["results"] if p["input"]["initial_prompt"] == wishes]
    assert same == [prediction_id]
