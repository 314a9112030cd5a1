"""Of a file's audio tracks one may be named, its channels heard apart, at every route."""

import aiohttp
import pytest

from tests.clients.asking import ROUTES, ask, inputs, refusal
from tests.clients.helpers import WAV, Api


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("track", ["1", 1, "mix"], ids=["text", "number", "mix"])
async def test_audio_tracks(api: Api, route: str, track: str | int) -> None:
    shown = await inputs(api, await ask(api, route, audio_track=track))
    assert shown["audio_track"] == str(track)


@pytest.mark.parametrize("route", ROUTES)
async def test_a_track_that_is_not_there_is_refused(api: Api, route: str) -> None:
    field, message = refusal(await ask(api, route, audio_track="2"))
    assert field == "audio_track"
    assert "2: the recording has 1 audio track" in message
    field, message = refusal(await ask(api, route, audio_track="first"))
    assert (field, "'first'" in message) == ("audio_track", True)


@pytest.mark.parametrize("route", ROUTES)
async def test_channels_apart_and_several_languages(api: Api, route: str) -> None:
    wanted = {"channels": "separate", "multilingual": True}
    shown = await inputs(api, await ask(api, route, **wanted, diarization=False))
    assert wanted.items() <= shown.items()
    field, message = refusal(await ask(api, route, channels="left"))
    assert (field, "'left'" in message) == ("channels", True)


async def test_the_language_of_a_track_may_be_asked(api: Api) -> None:
    def sent() -> aiohttp.FormData:
        data = aiohttp.FormData()
        data.add_field("audio_file", WAV, filename="talk.wav")
        return data

    answer = await api.call("POST", "/detect-language?audio_track=1", data=sent())
    assert (await inputs(api, answer))["audio_track"] == "1"
    answer = await api.call("POST", "/detect-language?audio_track=2", data=sent())
    assert refusal(answer)[0] == "audio_track"
