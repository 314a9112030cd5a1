"""A stored result in any format, as it was recognized or as it was corrected."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from types import MappingProxyType
from typing import Final

from aiohttp import web

from bridge.api import filenames, word
from bridge.api.formats import FORMATS
from bridge.api.ids import id_in
from bridge.api.openai.render import GRANULARITIES
from bridge.api.waiting import Result, load, load_corrected
from bridge.context import CONTEXT
from transcription import document, subtitles
from transcription.cues import Layout
from transcription.errors import not_one_of

WHOLE = "json"  # all that is stored: more than OpenAI's format of this name tells
LAYOUT = tuple(option.name for option in fields(Layout))
REVISIONS = ("latest", "original")


@dataclass(frozen=True, slots=True)
class File:
    """How to write a result as a file, and what its name ends in."""

    media_type: str
    ending: str
    write: Callable[[Result], str | bytes]


def _of_openai(name: str, ending: str) -> File:
    found = FORMATS[name]
    return File(found.media_type, ending, lambda result: found.write(result, GRANULARITIES))


def _document(media_type: str, ending: str, write: Callable[..., str | bytes]) -> File:
    return File(
        media_type,
        ending,
        lambda result: write(result.transcript, filenames.stem(result.prediction.input)),
    )


FILES: Final[Mapping[str, File]] = MappingProxyType(
    {
        WHOLE: File("application/json", "json", lambda result: result.document),
        "text": _of_openai("text", "txt"),
        "txt": File(
            "text/plain", "txt", lambda result: subtitles.txt(result.transcript, result.layout)
        ),
        "srt": _of_openai("srt", "srt"),
        "vtt": _of_openai("vtt", "vtt"),
        "tsv": _of_openai("tsv", "tsv"),
        "verbose_json": _of_openai("verbose_json", "json"),
        "diarized_json": _of_openai("diarized_json", "json"),
        "markdown": _document("text/markdown", "md", document.markdown),
        "docx": _document(word.MEDIA_TYPE, "docx", word.docx),
    }
)
NAMES = tuple(sorted(FILES))


async def output(request: web.Request) -> web.Response:
    """Renders a stored result in the format asked for, without a new run."""
    context, prediction_id = request.app[CONTEXT], id_in(request)
    file = FILES[_one_of(request, "format", NAMES, WHOLE)]
    revision = _one_of(request, "revision", REVISIONS, REVISIONS[0])
    asked = {option: request.query[option] for option in LAYOUT if option in request.query}
    changed = context.intake.inputs.from_texts(asked)
    find = load_corrected if revision == "latest" else load
    result = await find(context, prediction_id)
    inputs = result.prediction.input
    result = replace(result, layout=Layout.from_inputs({**inputs, **changed}))
    # Away from the loop: a document of hours takes seconds.
    written = await asyncio.to_thread(file.write, result)
    return web.Response(
        body=written.encode() if isinstance(written, str) else written,
        content_type=file.media_type,
        charset="utf-8" if isinstance(written, str) else None,
        headers={"Content-Disposition": filenames.disposition(inputs, file.ending)},
    )


def _one_of(request: web.Request, field: str, known: tuple[str, ...], otherwise: str) -> str:
    value = request.query.get(field, otherwise)
    if value not in known:
        raise not_one_of(field, value, known)
    return value
