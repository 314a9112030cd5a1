"""Every format of a result, made at once or later from what is stored."""

import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from aiohttp import web

from bridge.api.openai import render
from bridge.api.waiting import Result
from transcription import subtitles
from transcription.errors import InvalidInput
from transcription.options import Options

# A prediction's record holds what its client asked for; the rest are the predictor's defaults.
_DEFAULTS: Final = Options()


@dataclass(frozen=True, slots=True)
class Format:
    """How to write a result; ``write`` also takes the granularities of times that are asked for."""

    media_type: str
    write: Callable[[Result, Collection[str]], str]


def answer(result: Result, name: str, granularities: Collection[str]) -> web.Response:
    """The result in the format of that name. Raises InvalidInput where it lacks what that needs."""
    written = FORMATS[name]
    return web.Response(
        text=written.write(result, granularities), content_type=written.media_type, charset="utf-8"
    )


def _json(body: Mapping[str, Any]) -> str:
    return json.dumps(body, ensure_ascii=False)


def _plain(result: Result, _: Collection[str]) -> str:
    wanted = result.prediction.input.get("logprobs", _DEFAULTS.logprobs)
    return _json(render.plain(result.transcript, logprobs=bool(wanted)))


def _text(result: Result, _: Collection[str]) -> str:
    return result.transcript.text + "\n"


def _verbose(result: Result, granularities: Collection[str]) -> str:
    given = result.prediction.input
    task = given.get("task", _DEFAULTS.task)
    temperature = given.get("temperature", _DEFAULTS.temperature)
    return _json(render.verbose(result.transcript, task, temperature, granularities))


def _diarized(result: Result, _: Collection[str]) -> str:
    if not result.prediction.input.get("diarization", _DEFAULTS.diarization):
        raise InvalidInput("format", "the speakers were not told apart when this was transcribed")
    return _json(render.diarized(result.transcript))


def _file(media_type: str, name: str) -> Format:
    write = subtitles.FORMATS[name]
    return Format(media_type, lambda result, _: write(result.transcript, result.layout))


FORMATS: Mapping[str, Format] = MappingProxyType(
    {
        "json": Format("application/json", _plain),
        "text": Format("text/plain", _text),
        "srt": _file("text/plain", "srt"),
        "vtt": _file("text/vtt", "vtt"),
        "tsv": _file("text/tab-separated-values", "tsv"),
        "verbose_json": Format("application/json", _verbose),
        "diarized_json": Format("application/json", _diarized),
    }
)
