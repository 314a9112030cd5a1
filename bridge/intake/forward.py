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
from bridge.recordings.arrive import Arrivals, Source
from bridge.recordings.files import FORWARDED, new_id
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

    def __init__(self, intake: Intake, arrivals: Arrivals, cog: Cog, links: Links) -> None:
        self._intake: Final = intake
        self._arrivals: Final = arrivals
        self._cog: Final = cog
        self._links: Final = links

    async def send(self, body: Mapping[str, Any]) -> tuple[int, Any]:
        """Cog's status and answer. Raises InvalidInputs, InvalidInput or Busy."""
        asked = self._intake.inputs.check(body.get("input") or {})
        await self._arrivals.check_url("webhook", str(body["webhook"]))
        sources = [
            Source(new_name(), asked.field, asked.recording, asked.inputs.get(TRACK)),
            *(Source(new_name(), REFERENCES, uri) for uri in asked.inputs.get(REFERENCES) or ()),
        ]
        # What has no record has no tenant: settings refuse API_KEYS_FILE together with this.
        async with self._arrivals.kept(sources, DEFAULT) as arrived:
            for source, one in zip(sources, arrived, strict=True):
                if (url := one.recording.source) is not None:
                    await self._arrivals.download(source.recording, source.field, url, source.track)
            kept = {key: value for key, value in asked.inputs.items() if key not in AUDIO_NAMES}
            link, *clips = [self._links.audio(source.recording) for source in sources]
            if clips:
                kept[REFERENCES] = clips
            # A context tells the predictor where to call: nothing for strangers to choose.
            given = {key: value for key, value in body.items() if key != "context"}
            try:
                return await self._cog.start({**given, "input": {**kept, "audio_file": link}})
            except NotAccepted:
                raise Busy from None


def new_name() -> str:
    """For a forwarded recording, so that the sweep knows it."""
    return FORWARDED + new_id()
