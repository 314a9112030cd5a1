"""Through every process: the wire that Bazarr speaks, with samples as it sends them."""

import io
import wave
from pathlib import Path

import aiohttp
import srt

from tests.conftest import RunningStack


async def test_bare_samples_become_subtitles(stack: RunningStack, short_recording: Path) -> None:
    with wave.open(str(short_recording)) as file:
        assert (file.getframerate(), file.getsampwidth(), file.getnchannels()) == (16_000, 2, 1)
        samples = file.readframes(file.getnframes())
    headers = {"Authorization": f"Bearer {stack.token}"}
    async with aiohttp.ClientSession(stack.url, headers=headers) as session:
        form = aiohttp.FormData({"audio_file": io.BytesIO(samples)})
        async with session.post("/detect-language?encode=false", data=form) as response:
            found = await response.json()
        assert (found["language_code"], found["detected_language"]) == ("en", "english")
        assert 0 < found["confidence"] <= 1
        form = aiohttp.FormData({"audio_file": io.BytesIO(samples)})
        query = "/asr?encode=false&output=srt&language=en&task=transcribe"
        async with session.post(query, data=form) as response:
            cues = list(srt.parse(await response.text(), ignore_errors=False))
    assert cues
    assert "SPEAKER" not in cues[0].content
