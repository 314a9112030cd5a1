"""The same fields as different clients write them, at every route that takes them."""

import json
from collections.abc import Iterator

import aiohttp
import pytest

from stack.settings import free_port
from tests.clients.asking import FORM, JSON, OPENAI, ROUTES, WAITING, ask, form, inputs, refusal
from tests.clients.helpers import URI, WAV, Api, data_uri, wav
from tests.conftest import RunningStack
from tests.fixtures import lone
from tests.fixtures.lone import LoneBridge


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("language", ["en-US", "en_US", "EN", "eng", "english", "auto", ""])
async def test_languages(api: Api, route: str, language: str) -> None:
    answer = await ask(api, route, language=language)
    assert answer.status in {200, 201}, answer.body


@pytest.mark.parametrize("route", ROUTES)
async def test_another_language_is_refused_with_its_name(api: Api, route: str) -> None:
    field, message = refusal(await ask(api, route, language="klingon"))
    assert field == "language"
    assert "'klingon' is not a language" in message
    assert "GET /languages" in message


@pytest.mark.parametrize("route", ROUTES)
async def test_options_of_subtitles(api: Api, route: str) -> None:
    layout = {"max_line_width": 10, "max_line_count": 1, "speaker_labels": False}
    shown = await inputs(api, await ask(api, route, **layout))
    assert shown.items() >= layout.items()
    field, message = refusal(await ask(api, route, max_line_width=9))
    assert (field, "minimum" in message) == ("max_line_width", True)


async def test_subtitles_are_laid_out_as_asked(api: Api) -> None:
    asked = {"prompt": "talk", "model": "whisper-1", "max_line_width": "10"}
    path = "/v1/audio/transcriptions"
    answer = await api.call("POST", path, data=form(**asked, response_format="srt"))
    assert answer.body.decode().split("\n\n")[0].splitlines()[2:] == ["[SPEAKE…]:", "Hello"]
    stored = f"/v1/predictions/{answer.headers['x-prediction-id']}/output?format="
    again = await api.call("GET", f"{stored}srt")
    assert again.body == answer.body
    query = "vtt&max_line_width=40&speaker_labels=False&highlight_words=1"
    other = await api.call("GET", f"{stored}{query}")
    assert other.body.startswith(b"WEBVTT\n\n00:00:00.000 --> 00:00:00.500\n<u>Hello</u> there.\n")
    assert b"SPEAKER" not in other.body
    assert b"SPEAKER" not in (await api.call("GET", f"{stored}txt&speaker_labels=0")).body
    for query, field in (
        ("max_line_count=many", "max_line_count"),
        ("max_line_width=1", "max_line_width"),
    ):
        refused = await api.call("GET", f"{stored}srt&{query}")
        assert (refused.status, refused.body["error"]["param"]) == (422, field)


# Booleans, numbers, lists


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("suppress_numerals", '"true"', True),
        ("suppress_numerals", "True", True),
        ("suppress_numerals", "1", True),
        ("suppress_numerals", "on", True),
        ("suppress_numerals", "FALSE", False),
        ("num_speakers", "2.0", 2),
        ("temperature", ".5", 0.5),
        ("batch_size", " 8 ", 8),
    ],
)
async def test_booleans_and_numbers(
    api: Api, route: str, name: str, text: str, value: object
) -> None:
    shown = await inputs(api, await ask(api, route, **{name: text}))
    assert (shown[name], type(shown[name])) == (value, type(value))


@pytest.mark.parametrize(
    ("name", "given", "value"),
    [("diarization", 0, False), ("suppress_numerals", 1, True), ("num_speakers", 2.0, 2)],
)
async def test_numbers_in_json_that_stand_for_others(
    api: Api, name: str, given: float, value: object
) -> None:
    shown = await inputs(api, await ask(api, JSON, **{name: given}))
    assert (shown[name], type(shown[name])) == (value, type(value))


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    ("name", "text"), [("suppress_numerals", "perhaps"), ("num_speakers", "2.5")]
)
async def test_what_is_neither_is_refused(api: Api, route: str, name: str, text: str) -> None:
    field, message = refusal(await ask(api, route, **{name: text}))
    assert field == name
    assert text in message


@pytest.mark.parametrize("route", ROUTES)
async def test_what_says_nothing_is_not_there(api: Api, route: str) -> None:
    """Forms of browsers hold the names of empty boxes, and workflows write JSON in that way."""
    blank = ("whisper_model", "num_speakers", "temperature", "audio_track", "output_format", "task")
    empty = dict.fromkeys((*blank, "align_model", "hotwords", "language"), "")
    shown = await inputs(api, await ask(api, route, **empty))
    assert not {name for name in empty if shown.get(name) == ""}
    absent = {"num_speakers": "None", "suppress_numerals": "null", "temperature": "undefined"}
    shown = await inputs(api, await ask(api, route, **absent))
    assert not {name for name in absent if shown.get(name) is not None}


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("track", [1, 1.0, " 1 ", "Mix"])
async def test_tracks(api: Api, route: str, track: object) -> None:
    shown = await inputs(api, await ask(api, route, audio_track=track))
    assert shown["audio_track"] == str(track).strip().lower().removesuffix(".0")


@pytest.mark.parametrize("route", ROUTES)
async def test_choices_among_the_inputs_come_in_any_case(api: Api, route: str) -> None:
    shown = await inputs(api, await ask(api, route, channels="MIX", vad_method=" Silero"))
    assert (shown["channels"], shown["vad_method"]) == ("mix", "silero")
    assert refusal(await ask(api, route, output_format="docx"))[0] == "output_format"


@pytest.mark.parametrize("route", OPENAI)
async def test_choices_come_in_any_case(api: Api, route: str) -> None:
    for wanted, kind in (
        ("SRT", "text/plain"),
        (" Verbose_JSON", "application/json"),
        ("None", "application/json"),
    ):
        answer = await ask(api, route, response_format=wanted)
        assert (answer.status, answer.headers["Content-Type"].partition(";")[0]) == (200, kind)


@pytest.mark.parametrize("strategy", ["null", "None", "Auto"])
async def test_no_strategy_of_chunking(api: Api, strategy: str) -> None:
    shown = await inputs(api, await ask(api, OPENAI[0], chunking_strategy=strategy))
    assert "vad_onset" not in shown


@pytest.mark.parametrize(
    "strategy",
    ['{"type": "server_vad", "threshold": 0.6}', "{'type': 'server_vad', 'threshold': 0.6}"],
)
async def test_a_strategy_of_chunking(api: Api, strategy: str) -> None:
    shown = await inputs(api, await ask(api, OPENAI[0], chunking_strategy=strategy))
    assert shown["vad_onset"] == 0.6


@pytest.mark.parametrize("route", [*OPENAI, WAITING[2]])
@pytest.mark.parametrize("model", ["Whisper-1", " whisper-1 ", "openai/whisper-1"])
async def test_names_that_openai_gives_its_models(api: Api, route: str, model: str) -> None:
    answer = await api.call("POST", route, data=form(model=model))
    assert answer.status == 200, answer.body


@pytest.mark.parametrize("route", OPENAI)
@pytest.mark.parametrize("stream", ["True", "true", "1", "yes"])
async def test_streams(api: Api, route: str, stream: str) -> None:
    answer = await ask(api, route, stream=stream)
    assert answer.headers["Content-Type"].startswith("text/event-stream")


@pytest.mark.parametrize("route", OPENAI)
@pytest.mark.parametrize("wanted", ["verbose_json", "srt", "vtt"])
async def test_what_cannot_be_streamed_is_answered_at_once(
    api: Api, route: str, wanted: str
) -> None:
    """LiteLLM's proxy asks so; OpenAI ignores ``stream`` for whisper-1."""
    streamed = await ask(api, route, stream="true", response_format=wanted, prompt="talk")
    plain = await ask(api, route, response_format=wanted, prompt="talk")
    assert (streamed.status, streamed.body) == (200, plain.body)


@pytest.mark.parametrize(
    "given",
    [
        {"timestamp_granularities": "word,segment"},
        {"timestamp_granularities[]": "word, segment"},
        {"timestamp_granularities": '["word", "segment"]'},
        {"timestamp_granularities[]": '["word","segment"]'},
        {"timestamp_granularities[]": "['Word', 'Segment']"},
        {"timestamp_granularities[0]": "word", "timestamp_granularities[1]": "segment"},
    ],
)
async def test_granularities(api: Api, given: dict[str, str]) -> None:
    answer = await ask(api, OPENAI[0], response_format="verbose_json", prompt="talk", **given)
    assert answer.status == 200, answer.body
    assert len(answer.body["words"]) == 5
    assert len(answer.body["segments"]) == 3


@pytest.mark.parametrize("route", [FORM, *WAITING])
async def test_lists(api: Api, route: str) -> None:
    """As JSON, and repeated with or without brackets."""
    clips = [data_uri(wav(3))] * 2
    for names in (
        [("known_speaker_names", '["Doe, Jane", "Bob"]')],
        [("known_speaker_names", "['Doe, Jane', 'Bob']")],
        [("known_speaker_names", "Doe, Jane"), ("known_speaker_names", "Bob")],
        [("known_speaker_names[]", "Doe, Jane"), ("known_speaker_names[]", "Bob")],
    ):
        data = form(None, diarization="true", **({"model": "whisper-1"} if route in OPENAI else {}))
        for name, text in (*names, ("known_speaker_references", json.dumps(clips))):
            data.add_field(name, text)
        data.add_field("audio_file" if route == FORM else "file", WAV, filename="talk.wav")
        path = "/v1/predictions" if route == FORM else route
        shown = await inputs(api, await api.call("POST", path, data=data))
        assert shown["known_speaker_names"] == ["Doe, Jane", "Bob"]
        assert len(shown["known_speaker_references"]) == 2


# Names of models


async def test_a_model_may_have_another_name(aliased: LoneBridge) -> None:
    headers = {"Authorization": f"Bearer {lone.TOKEN}"}
    async with aiohttp.ClientSession(headers=headers) as session:

        async def status(path: str, **fields: str) -> int:
            if not fields:
                async with session.get(aliased.url + path) as response:
                    return response.status
            async with session.post(aliased.url + path, data=form(b"", **fields)) as response:
                body = await response.json()
                return int("model" in body["error"]["param"])

        listed = f"{aliased.url}/v1/models"
        async with session.get(listed) as response:
            names = [model["id"] for model in (await response.json())["data"]]
        assert names[:3] == ["large-v3", "base", "best"]
        for name in ("best", "whisper-large-v3", "Systran/faster-whisper-base", "whisper-1"):
            assert await status(OPENAI[0], model=name) == 0, name
            assert await status(f"/v1/models/{name}") == 200
        for name in ("openai%2Fwhisper-base", "openai/whisper-1"):  # as its clients write them
            assert await status(f"/v1/models/{name}") == 200
        assert await status("/v1/models/someone/whisper-base") == 404
        for name in ("worst", "someone/whisper-base"):
            assert await status(OPENAI[0], model=name) == 1
        for name, model in (("best", "large-v3"), ("openai/whisper-base", "base"), ("worst", None)):
            document = {"input": {"audio_file": URI, "whisper_model": name}}
            async with session.post(f"{aliased.url}/v1/predictions", json=document) as response:
                assert response.status == (201 if model else 422)
                created = await response.json()
            assert model is None or created["input"]["whisper_model"] == model


@pytest.fixture(scope="module")
def aliased(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoneBridge]:
    """A bridge that names its models itself."""
    folder, redis_port = tmp_path_factory.mktemp("aliased"), free_port()
    models = {"MODELS": "large-v3,base", "MODEL_ALIASES": "best=whisper-large-v3"}
    with lone.redis(folder, redis_port), lone.bridge(folder, redis_port, **models) as running:
        yield running


# Refusals


@pytest.mark.parametrize("route", OPENAI)
async def test_a_missing_field_has_a_code_of_its_own(api: Api, route: str) -> None:
    for data, param in ((form(), "model"), (form(None, model="whisper-1"), "file")):
        error = (await api.call("POST", route, data=data)).body["error"]
        assert (error["param"], error["code"]) == (param, "missing_required_parameter")
    unknown = (await api.call("POST", route, data=form(model="gpt-99"))).body["error"]
    assert (unknown["param"], unknown["code"]) == ("model", "model_not_found")


async def test_speakers_cannot_be_asked_for_and_declined(api: Api) -> None:
    before = (await api.call("GET", "/v1/predictions")).body["results"][:1]
    answer = await ask(api, OPENAI[0], response_format="diarized_json", diarization="False")
    assert refusal(answer)[0] == "diarization"
    assert (await api.call("GET", "/v1/predictions")).body["results"][:1] == before


async def test_warnings_are_told(api: Api) -> None:
    for wanted in ("verbose_json", "diarized_json"):
        answer = await ask(api, OPENAI[0], response_format=wanted, prompt="silence")
        assert answer.body["warnings"] == [f"{len(WAV)} bytes"]
    for route in WAITING[2:]:
        answer = await ask(api, route)
        assert answer.body["warnings"] == [f"{len(WAV)} bytes"]


async def test_a_browser_that_comes_by_sees_what_there_is(stack: RunningStack) -> None:
    async with aiohttp.ClientSession() as session, session.get(stack.url) as response:
        assert (response.status, response.content_type) == (200, "text/html")
        assert "<!doctype html>" in (await response.text()).lower()
