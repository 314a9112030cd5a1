"""Forms as people's programs write them, at every route that takes one: understood, or refused."""

import base64
import gzip
import quopri
import zlib

import pytest

from tests.clients.helpers import WAV, Answer, Api

# The routes, with their files' names and those of a text that is heard.
ROUTES = {
    "/v1/predictions": ("audio_file", "initial_prompt"),
    "/v1/audio/transcriptions": ("file", "prompt"),
    "/v1/audio/translations": ("file", "prompt"),
    "/v1/audio/transcribe-with-speakers": ("file", "prompt"),
    "/transcribe": ("file", "initial_prompt"),
    "/asr": ("audio_file", "initial_prompt"),
    "/detect-language": ("audio_file", ""),
    "/v1/files": ("content", "filename"),
}
NEEDS_MODEL = {"/v1/audio/transcriptions", "/v1/audio/translations"}
END = b"--f--\r\n"
BASE64 = "Content-Transfer-Encoding: base64"
QUOTED = "Content-Transfer-Encoding: Quoted-Printable"
MAIL = base64.encodebytes(WAV)  # in lines, as mail has it
SAID = "Müller & Söhne = 3"


def part(name: str, content: bytes, *headers: str, filename: str | None = None) -> bytes:
    shown = f'Content-Disposition: form-data; name="{name}"'
    shown += "" if filename is None else f'; filename="{filename}"'
    return "\r\n".join((f"--f\r\n{shown}", *headers, "", "")).encode() + content + b"\r\n"


async def send(
    api: Api, route: str, *parts: bytes, end: bytes = END, compressed: bool = False
) -> Answer:
    """The answer to a form of these parts."""
    model = [part("model", b"whisper-1")] if route in NEEDS_MODEL else []
    body = b"".join((*model, *parts, end))
    headers_sent = {"Content-Type": "multipart/form-data; boundary=f", "Prefer": "wait"}
    if compressed:
        headers_sent, body = headers_sent | {"Content-Encoding": "gzip"}, gzip.compress(body)
    return await api.call("POST", route, headers_sent, data=body)


def content_of(answer: Answer) -> str:
    """All that was answered, as text."""
    return answer.body.decode() if isinstance(answer.body, bytes) else str(answer.body)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    ("content", "header"),
    [
        (MAIL, BASE64),
        (base64.b64encode(WAV), BASE64.upper()),
        (quopri.encodestring(WAV), QUOTED),
        (WAV, "Content-Transfer-Encoding: binary"),
        (WAV, "Content-Transfer-Encoding: x-unknown"),
    ],
)
async def test_files_are_decoded(api: Api, route: str, content: bytes, header: str) -> None:
    file, _ = ROUTES[route]
    answer = await send(api, route, part(file, content, header, filename="talk.wav"))
    assert answer.status in {200, 201}, answer.body
    if route == "/v1/files":
        assert answer.body["size"] == len(WAV)


@pytest.mark.parametrize("route", [route for route, (_, text) in ROUTES.items() if text])
@pytest.mark.parametrize(
    ("content", "headers"),
    [
        (SAID.encode(), ()),
        (SAID.encode("latin-1"), ("Content-Type: text/plain; charset=ISO-8859-1",)),
        (SAID.encode("cp1252"), ('Content-Type: text/plain; charset="windows-1252"',)),
        (SAID.encode("utf-16"), ("content-type: text/plain; charset=UTF-16",)),
        (SAID.encode(), ("Content-Type: text/plain; charset=no-such-thing",)),
        (SAID.encode(), ("Content-Type: text/plain; charset=punycode",)),
        (base64.b64encode(SAID.encode()), (BASE64,)),
        (quopri.encodestring(SAID.encode()), (QUOTED,)),
        (quopri.encodestring(SAID.encode("latin-1")), (QUOTED, "Content-Type: x/y; charset=l1")),
    ],
)
async def test_texts_are_decoded(
    api: Api, route: str, content: bytes, headers: tuple[str, ...]
) -> None:
    file, text = ROUTES[route]
    parts = part(text, content, *headers), part(file, WAV, filename="talk.wav")
    answer = await send(api, route, *parts)
    assert answer.status in {200, 201}, answer.body
    assert SAID in content_of(answer)


@pytest.mark.parametrize("route", ROUTES)
async def test_a_name_in_latin_1_is_a_name(api: Api, route: str) -> None:
    file, _ = ROUTES[route]
    sent = part(file, WAV, filename="NAME.wav").replace(b"NAME", "Grüße".encode("latin-1"))
    answer = await send(api, route, sent)
    assert answer.status in {200, 201}, answer.body
    if route in {"/v1/files", "/v1/predictions"}:
        assert "Grüße.wav" in content_of(answer)


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    "rest", ["filename=my talk.wav", 'filename="a.wav"; filename="b.wav"', 'filename="a.wav"; x']
)
async def test_a_header_that_is_not_well_written_is_read(api: Api, route: str, rest: str) -> None:
    file, _ = ROUTES[route]
    sent = part(file, WAV, filename="talk.wav").replace(b'filename="talk.wav"', rest.encode())
    answer = await send(api, route, sent)
    assert answer.status in {200, 201}, answer.body


@pytest.mark.parametrize("route", ROUTES)
async def test_a_form_may_be_compressed(api: Api, route: str) -> None:
    file, _ = ROUTES[route]
    answer = await send(api, route, part(file, WAV, filename="talk.wav"), compressed=True)
    assert answer.status in {200, 201}, answer.body


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize(
    ("header", "content", "end"),
    [
        (BASE64, MAIL[:-3], END),  # amid a quartet
        (BASE64, MAIL[: len(MAIL) // 2], b""),
        (QUOTED, b"a" * 70_000, END),
        (QUOTED, b"=", b""),
        ("", WAV, b""),  # no boundary ends it
        ("", WAV, b"--f"),
        ("X-Long: " + "9" * 10_000, WAV, END),
        ("no header", WAV, END),
        ("X-Nul: \0", WAV, END),
        ("Content-Disposition: form-data\r\n  ; folded", WAV, END),
    ],
)
async def test_a_malformed_part_is_refused(
    api: Api, route: str, header: str, content: bytes, end: bytes
) -> None:
    file, text = ROUTES[route]
    headers = [header] if header else []
    for sent in (part(file, content, *headers, filename="a.wav"), part(text, content, *headers)):
        answer = await send(api, route, sent, end=end)
        assert answer.status in {400, 422}, answer.body
        assert answer.body["error"]["type"] == "invalid_request_error"


@pytest.mark.parametrize("route", ROUTES)
@pytest.mark.parametrize("body", [b"", b"nothing of the kind", END, zlib.compress(WAV)])
async def test_a_body_that_is_no_form_is_refused(api: Api, route: str, body: bytes) -> None:
    headers_sent = {"Content-Type": "multipart/form-data; boundary=f"}
    for headers in (headers_sent, {**headers_sent, "Content-Encoding": "gzip"}):
        answer = await api.call("POST", route, headers, data=body)
        assert answer.status in {400, 422}, answer.body
