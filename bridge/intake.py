"""From a checked request to a queued prediction: recording kept, record written, task added."""

import re
from base64 import b32encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from uuid import uuid4

from bridge.audio import check_audio
from bridge.dispatch import Dispatcher
from bridge.files import Files, media_type
from bridge.prediction import Prediction
from bridge.settings import Settings
from bridge.store import Store
from bridge.validation import Inputs
from outbound.fetch import check
from outbound.policy import Refused
from transcription.errors import InvalidAudio, InvalidInput
from transcription.options import AUDIO_NAMES, SECRETS

MASK = "**********"  # what Replicate's and Cog's own answers show for a secret
_ID = re.compile(r"[a-zA-Z0-9_-]{1,64}")


def new_id() -> str:
    """26 letters and digits, as Replicate's ids look."""
    return b32encode(uuid4().bytes).decode().lower().rstrip("=")


def check_id(text: object) -> str:
    """A client's own id for its prediction. Raises InvalidInput unless it is a safe name."""
    if isinstance(text, str) and _ID.fullmatch(text):
        return text
    raise InvalidInput("id", "must be 1-64 characters from [a-zA-Z0-9_-]")


@dataclass(frozen=True, slots=True)
class Upload:
    """A recording that came with the request and already lies in the files' folder."""

    field: str
    filename: str
    size: int


class Intake:
    """Accepts predictions."""

    def __init__(
        self, settings: Settings, store: Store, files: Files, inputs: Inputs, dispatcher: Dispatcher
    ) -> None:
        self._settings: Final = settings
        self._store: Final = store
        self._files: Final = files
        self._inputs: Final = inputs
        self._dispatcher: Final = dispatcher

    async def accept(
        self, prediction_id: str, inputs: Mapping[str, Any], upload: Upload | None, version: str
    ) -> Prediction:
        """Record and queue a prediction.

        Raises InvalidInputs or InvalidInput for what cannot be used, QueueFull, AlreadyExists.
        """
        if upload is not None:
            inputs = {**inputs, upload.field: f"upload:{upload.filename}"}
        field, audio = self._inputs.check(inputs)
        try:
            source, shown = await self._keep(prediction_id, field, audio, upload)
            prediction = Prediction(
                id=prediction_id,
                model=self._settings.model_name,
                version=version,
                input=_shown({**inputs, field: shown}),
                created_at=datetime.now(UTC),
                source=source,
            )
            await self._store.create(prediction, _secrets(inputs))
        except BaseException:
            self._files.remove(prediction_id)
            raise
        await self._dispatcher.submit(prediction)
        return prediction

    async def _keep(
        self, prediction_id: str, field: str, audio: str, upload: Upload | None
    ) -> tuple[str | None, str]:
        """(URL still to fetch or None, what the record shows in place of the recording)."""
        if upload is None and not audio.startswith("data:"):
            await self._check_url(field, audio)
            return audio, audio
        if upload is None:
            size = await self._files.write_data_uri(prediction_id, audio, field)
            shown = f"data:{media_type(audio)} ({size} bytes)"
        else:
            size = upload.size
            shown = f"{upload.filename} ({size} bytes)"
        if size == 0:
            raise InvalidAudio("the file is empty", field)
        path = self._files.path(prediction_id)
        await check_audio(path, self._settings.max_audio_seconds, field)
        return None, shown

    async def _check_url(self, field: str, text: str) -> None:
        policy = self._settings.policy
        try:
            await check(policy.parse_url(text), policy)
        except Refused as refusal:
            raise InvalidAudio(str(refusal), field) from None


def _shown(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs as the record shows them."""
    return {
        name: MASK if name in SECRETS else value
        for name, value in inputs.items()
        if value is not None and not (name in AUDIO_NAMES and value == "")
    }


def _secrets(inputs: Mapping[str, Any]) -> dict[str, str]:
    return {name: inputs[name] for name in SECRETS if inputs.get(name) is not None}
