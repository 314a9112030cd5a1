"""``CLIENT_WEBHOOKS=forward``: the rule of the system that this one replaces.

A request with both ``webhook`` and ``webhook_events_filter`` reaches Cog as it is, nothing is
recorded, and Cog calls the client itself. The recording is still checked and fetched here, so that
Cog sees loopback addresses only. Every other request is recorded as usual.
"""

from collections.abc import Mapping
from typing import Any, Final

from bridge.cog.client import Cog, NotAccepted
from bridge.intake.accept import Intake
from bridge.links import Links
from bridge.recordings.arrive import Arrivals
from bridge.recordings.files import FORWARDED, Files, new_id
from bridge.records.tenants import DEFAULT
from bridge.settings import Settings
from transcription.errors import TranscriptionError
from transcription.options import AUDIO_NAMES, REFERENCES, TRACK


class Busy(TranscriptionError):
    """Cog runs something else, and a forwarded request cannot be queued."""

    status = 503

    def __init__(self) -> None:
        super().__init__("The predictor is busy, and forwarded requests are not queued.")


def applies(settings: Settings, body: Mapping[str, Any]) -> bool:
    """Whether a request is to be forwarded."""
    both = body.get("webhook") is not None and body.get("webhook_events_filter") is not None
    return settings.client_webhooks == "forward" and both


class Forward:
    """Hands requests to Cog without a record."""

    def __init__(
        self, intake: Intake, arrivals: Arrivals, files: Files, cog: Cog, links: Links
    ) -> None:
        self._intake: Final = intake
        self._arrivals: Final = arrivals
        self._files: Final = files
        self._cog: Final = cog
        self._links: Final = links

    async def send(self, body: Mapping[str, Any]) -> tuple[int, Any]:
        """Cog's status and answer. Raises InvalidInputs, InvalidInput or Busy."""
        inputs = self._intake.inputs.settled(body.get("input") or {})
        name, audio = self._intake.inputs.check(inputs)
        await self._arrivals.check_url("webhook", str(body["webhook"]))
        files = {new_name(): uri for uri in (audio, *(inputs.get(REFERENCES) or ()))}
        try:
            for number, (recording, uri) in enumerate(files.items()):
                field, track = (REFERENCES, None) if number else (name, inputs.get(TRACK))
                await self._keep(recording, field, uri, track)
            kept = {key: value for key, value in inputs.items() if key not in AUDIO_NAMES}
            link, *clips = map(self._links.audio, files)
            if clips:
                kept[REFERENCES] = clips
            # A context tells the predictor where to call: nothing for strangers to choose.
            given = {key: value for key, value in body.items() if key != "context"}
            return await self._cog.start({**given, "input": {**kept, "audio_file": link}})
        except NotAccepted:
            self._files.remove(*files)
            raise Busy from None
        except BaseException:
            self._files.remove(*files)
            raise

    async def _keep(self, recording: str, field: str, source: str, track: str | None) -> None:
        # What has no record has no tenant: settings refuse API_KEYS_FILE together with this.
        if await self._arrivals.keep(recording, field, source, DEFAULT, track) is None:
            await self._arrivals.download(recording, field, source, track)


def new_name() -> str:
    """For a forwarded recording, so that the sweep knows it."""
    return FORWARDED + new_id()
