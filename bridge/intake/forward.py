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
from bridge.recordings.files import FORWARDED
from bridge.records.tenants import DEFAULT
from transcription.errors import TranscriptionError
from transcription.options import AUDIO_NAMES, REFERENCES, TRACK


class Busy(TranscriptionError):
    """Cog runs something else, and a forwarded request cannot be queued."""

    status = 503

    def __init__(self) -> None:
        super().__init__("The predictor is busy, and forwarded requests are not queued.")


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
        sources = [
            Source(asked.field, asked.recording, asked.inputs.get(TRACK)),
            *(Source(REFERENCES, uri) for uri in asked.inputs.get(REFERENCES, ())),
        ]
        # What has no record has no tenant: settings refuse API_KEYS_FILE together with this.
        webhook = str(body["webhook"])
        async with self._arrivals.kept(sources, DEFAULT, webhook, FORWARDED) as arrived:
            for source, one in zip(sources, arrived, strict=True):
                if (url := one.recording.source) is not None:
                    name, field = one.recording.name, source.field
                    await self._arrivals.download(name, field, url, source.track)
            kept = {key: value for key, value in asked.inputs.items() if key not in AUDIO_NAMES}
            link, *clips = [self._links.audio(one.recording.name) for one in arrived]
            if clips:
                kept[REFERENCES] = clips
            # A context tells the predictor where to call: nothing for strangers to choose.
            given = {key: value for key, value in body.items() if key != "context"}
            try:
                return await self._cog.start({**given, "input": {**kept, "audio_file": link}})
            except NotAccepted:
                raise Busy from None
