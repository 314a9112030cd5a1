"""The main job: a two-speaker recording in; who said what, when, out; through every process."""

import base64
import statistics
from itertools import pairwise
from pathlib import Path
from typing import Any

import aiohttp
import jiwer

from evaluation.scoring import attribution_accuracy, plain_words, word_error_rate
from stack.client import Client, progress
from tests.conftest import RECORDING, RunningStack, clip_uri

Output = dict[str, Any]


def words_of(output: Output) -> list[dict[str, Any]]:
    return [word for segment in output["segments"] for word in segment["words"]]


def assert_it_is_the_conversation(output: Output, truth: dict[str, Any]) -> None:
    heard = " ".join(segment["text"] for segment in output["segments"])
    assert word_error_rate(plain_words(truth["text"]), plain_words(heard)) <= 0.10
    spoken = [
        (plain_words(word["word"])[0], turn["speaker"])
        for turn in truth["turns"]
        for word in turn["words"]
    ]
    attributed = [
        (plain, word["speaker"]) for word in words_of(output) for plain in plain_words(word["word"])
    ]
    assert attribution_accuracy(spoken, attributed) >= 0.85
    assert output["detected_language"] == "en"


def assert_words_have_times_that_fit_the_truth(output: Output, truth: dict[str, Any]) -> None:
    for segment in output["segments"]:
        for word in segment["words"]:
            assert segment["start"] <= word["start"] <= word["end"] <= segment["end"]
        for before, after in pairwise(segment["words"]):
            assert before["start"] <= after["start"]
    spoken = [word for turn in truth["turns"] for word in turn["words"]]
    heard = words_of(output)
    result = jiwer.process_words(
        " ".join(plain_words(word["word"])[0] for word in spoken),
        " ".join(plain_words(word["word"])[0] for word in heard),
    )
    errors = [
        abs(spoken[chunk.ref_start_idx + i]["start"] - heard[chunk.hyp_start_idx + i]["start"])
        for chunk in result.alignments[0]
        if chunk.type == "equal"
        for i in range(chunk.ref_end_idx - chunk.ref_start_idx)
    ]
    assert statistics.median(errors) <= 0.05


async def test_create_follow_result(client: Client, truth: dict[str, Any]) -> None:
    created = await client.create_from_file(RECORDING)
    assert created["status"] == "starting"
    assert created["output"] is None
    seen = [prediction async for prediction in client.follow(created["id"])]
    last = seen[-1]
    assert last["status"] == "succeeded", last["error"]
    assert {p["status"] for p in seen} <= {"starting", "processing", "succeeded"}
    assert "processing" in {p["status"] for p in seen}
    assert_it_is_the_conversation(last["output"], truth)
    assert_words_have_times_that_fit_the_truth(last["output"], truth)
    percentages = [progress(p["logs"]) for p in seen]
    assert percentages == sorted(percentages)
    assert percentages[-1] == 100


async def test_the_record_is_complete(client: Client, short_recording: Path) -> None:
    created = await client.create_from_file(short_recording, diarization="false")
    members = {
        "id", "model", "version", "input", "output", "error", "logs", "metrics", "status",
        "created_at", "started_at", "completed_at", "urls",
    }  # fmt: skip
    assert members <= created.keys()
    assert created["created_at"].endswith("Z")
    assert created["input"]["diarization"] is False
    last = await client.finish(created["id"])
    assert members <= last.keys()
    assert last["created_at"] <= last["started_at"] <= last["completed_at"]
    metrics = last["metrics"]
    assert 0 < metrics["predict_time"] <= metrics["total_time"]
    assert metrics["real_time_factor"] > 0
    assert {"recognize", "align"} <= metrics["timing"].keys()
    assert last["urls"]["get"].endswith(f"/v1/predictions/{created['id']}")


async def test_the_recording_may_be_a_data_uri(client: Client, truth: dict[str, Any]) -> None:
    uri = "data:audio/wav;base64," + base64.b64encode(RECORDING.read_bytes()).decode()
    created = await client.create({"input": {"audio_file": uri}})
    assert created["input"]["audio_file"].startswith("data:audio/wav (")
    assert_it_is_the_conversation((await client.finish(created["id"]))["output"], truth)


async def test_the_recording_may_be_a_url(
    client: Client, truth: dict[str, Any], file_server: str
) -> None:
    url = f"{file_server}/moved?to={file_server}/conversation.wav"
    created = await client.create({"input": {"audio": url, "language": None}})
    assert created["input"]["audio"] == url
    assert_it_is_the_conversation((await client.finish(created["id"]))["output"], truth)


async def test_two_at_once_are_both_served(client: Client, short_recording: Path) -> None:
    ids = [(await client.create_from_file(short_recording))["id"] for _ in range(3)]
    ended = [await client.finish(prediction_id) for prediction_id in ids]
    assert [p["status"] for p in ended] == ["succeeded"] * 3
    starts = [p["started_at"] for p in ended]
    assert starts == sorted(starts), "first come, first served"


async def test_a_mixed_batch_never_leaks_a_language(client: Client, short_recording: Path) -> None:
    asked = ("en", "Spanish", "EN-us", "spa")
    waiting = [
        await client.create_from_file(short_recording, diarization="false", language=language)
        for language in asked
    ]
    outputs = [(await client.finish(prediction["id"]))["output"] for prediction in waiting]
    assert [output["detected_language"] for output in outputs] == ["en", "es"] * 2
    assert outputs[2:] == outputs[:2]
    # each is timed by the aligner of its own language, and none complains
    assert all(words_of(output) for output in outputs)


async def test_nothing_is_loaded_for_a_prediction(client: Client, short_recording: Path) -> None:
    for _ in range(2):
        created = await client.create_from_file(short_recording)
        assert (await client.finish(created["id"]))["metrics"]["model_loads"] == 0


async def test_an_answer_may_be_waited_for(
    stack: RunningStack, session: aiohttp.ClientSession, short_recording: Path
) -> None:
    form = aiohttp.FormData()
    form.add_field("audio", short_recording.open("rb"), filename="a")
    headers = {"Authorization": f"Bearer {stack.token}", "Prefer": "wait"}
    async with session.post(f"{stack.url}/predictions", data=form, headers=headers) as response:
        assert response.status == 201
        assert (await response.json())["status"] == "succeeded"


async def test_health_tells_what_there_is(
    stack: RunningStack, session: aiohttp.ClientSession
) -> None:
    async with session.get(f"{stack.url}/health") as response:
        assert response.status == 200
        body = await response.json()
    assert body["status"] in ("READY", "BUSY")
    assert body["reason"] is None
    assert body["model"] == "demo"
    assert body["gpu_available"] is False
    assert body["alignment_available"] is True
    assert set(body["decoders"]) == {"bridge", "predictor"}
    for decoder in body["decoders"].values():
        assert decoder["sandbox"].endswith("limits")
        assert decoder["ffmpeg"]
    async with session.get(f"{stack.url}/health-check") as response:
        assert response.status == 200


async def test_known_speakers_characters_and_subtitles(
    client: Client, short_recording: Path, file_server: str
) -> None:
    """A clip as a data URI and one by URL, through every process; what was asked for is there."""
    recording = base64.b64encode(short_recording.read_bytes()).decode()
    inputs = {
        "audio_file": f"data:audio/wav;base64,{recording}",
        "known_speaker_names": ["Peter", "Maria"],
        "known_speaker_references": [f"{file_server}/clip.wav", clip_uri("Maria")],
        "return_char_alignments": True,
        "speaker_embeddings": False,
        "output_format": "srt",
        "vad_method": "silero",
    }
    ended = await client.finish((await client.create({"input": inputs}))["id"])
    output = ended["output"]
    assert ended["status"] == "succeeded", ended["error"]
    assert [segment["speaker"] for segment in output["segments"]][:2] == ["Peter", "Maria"]
    assert output["warnings"] == []
    assert output["speaker_embeddings"] is None
    for segment in output["segments"]:
        letters = "".join(word["word"] for word in segment["words"])
        assert "".join(one["char"] for one in segment["chars"]) == letters
        assert 0 <= segment["no_speech_prob"] <= 1
    assert output["formatted"].startswith("1\n00:00:00,")
    assert "[Maria]: " in output["formatted"]
    # The record shows what was sent, not what it holds.
    shown: Any = ended["input"]["known_speaker_references"]
    sent: Any = inputs
    assert shown[0] == sent["known_speaker_references"][0]
    assert shown[1].startswith("data:audio/wav (")
