"""Which service is meant, and the words for what goes wrong with it."""

from dataclasses import dataclass, field
from typing import Any, Final, Self

import httpx

from client.failures import Exit, Failure, shown

DEFAULT_URL = "http://127.0.0.1:8080"
HOW_TO_START = (
    "Start one with `make up` in a checkout of whisperx-stack or with `docker compose up`, "
    "or name one with --server or WHISPERX_URL"
)
#: The option that sets an input, where it is not `--set`.
OPTION_OF = {
    "whisper_model": "--model",
    "language": "--language",
    "task": "--translate",
    "initial_prompt": "--prompt",
    "hotwords": "--hotwords",
    "audio_track": "--track",
    "diarization": "--speakers",
    "num_speakers": "--speakers",
    "min_speakers": "--speakers",
    "max_speakers": "--speakers",
    "known_speaker_names": "--names",
    "known_speaker_references": "--names",
}
_RECORDING = frozenset({"audio_file", "audio"})


@dataclass(frozen=True, slots=True)
class Server:
    """Where the service is, and how we show that we may use it."""

    url: str
    token: str = field(repr=False)

    @classmethod
    def named(cls, url: str, token: str) -> Self:
        """From what the user wrote: with or without `/v1`. Raises Failure."""
        text = url.strip() or DEFAULT_URL
        try:
            parsed = httpx.URL(text if "://" in text else f"http://{text}")
        except httpx.InvalidURL as error:
            raise Failure(f"--server: {shown(error)}", Exit.USAGE) from None
        if parsed.scheme not in {"http", "https"} or not parsed.host:
            raise Failure("--server: only http:// and https:// addresses work", Exit.USAGE)
        path = parsed.path.rstrip("/").removesuffix("/v1").rstrip("/")
        if not token.isascii() or not token.isprintable():
            raise Failure("--token: holds characters that no token has", Exit.USAGE)
        return cls(str(parsed.copy_with(raw_path=path.encode() or b"/")).rstrip("/"), token.strip())

    @property
    def headers(self) -> dict[str, str]:
        """What every request carries."""
        return {"Authorization": f"Bearer {self.token}"} if self.token else {}

    def __str__(self) -> str:
        """The address without a password that it may hold."""
        url = httpx.URL(self.url)
        return str(url.copy_with(username=None, password=None)).rstrip("/")


class Refusal(Exception):
    """The service said no: an answer of 4xx or 5xx that waiting does not change."""

    def __init__(self, status: int, reason: str, *, blames_the_recording: bool = True) -> None:
        super().__init__(reason)
        self.status: Final = status
        self.reason: Final = reason
        self.blames_the_recording: Final = blames_the_recording


def refusal(response: httpx.Response) -> Refusal:
    """What an error answer says, in one line that names the option to change."""
    body = document(response)
    detail = " ".join(str(body.get("detail") or f"answered {response.status_code}").split())
    said, ours = [detail], True
    fields = body.get("invalid_fields")
    if isinstance(fields, list) and fields:
        names = [str(entry.get("field", "")).removeprefix("input.") for entry in fields]
        said = [
            _option(name) + str(entry.get("description", ""))
            for name, entry in zip(names, fields, strict=True)
        ]
        ours = _RECORDING.issuperset(names)
    if response.status_code == 413:
        said.append("the server's operator sets MAX_FILE_BYTES")
    return Refusal(response.status_code, shown("; ".join(said)), blames_the_recording=ours)


def _option(field: str) -> str:
    return "" if field in _RECORDING else f"{OPTION_OF.get(field, f'--set {field}')}: "


def document(response: httpx.Response) -> dict[str, Any]:
    """The JSON object in a response; an empty one where there is none."""
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def no_server(server: Server, reason: str) -> Failure:
    """No server has answered yet."""
    return Failure(
        f"no server answers at {server} ({shown(reason)}). {HOW_TO_START}", Exit.UNREACHABLE
    )


def denied(server: Server) -> Failure:
    """The token is missing or wrong."""
    what = "refuses the token" if server.token else "wants a token"
    return Failure(
        f"{server} {what}: set WHISPERX_TOKEN to one of the server's BRIDGE_TOKEN", Exit.DENIED
    )
