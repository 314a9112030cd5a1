"""Records and what belongs to them as Redis keeps them: JSON under a seal."""

import json
from typing import Any, Final

from bridge.records.prediction import Prediction
from bridge.records.seals import Seals
from bridge.records.tenants import Key
from transcription.reading import from_json

# What each seal says that a value is.
RECORD, OUTPUT, SECRETS, PEAKS = "record", "output", "secrets", "peaks"
SEGMENT, BATCH = "segment", "batch"
EDITS, CORRECTED, FILE, LETTER = "edits", "corrected output", "file", "dead letter"


class Sealed:
    """Writes values for Redis, and reads those that this service wrote."""

    def __init__(self, seals: Seals) -> None:
        self._seals: Final = seals
        self.close: Final = seals.close
        self.open: Final = seals.open
        self.refuse: Final = seals.refuse

    def dump(self, value: Any, kind: str, *names: str) -> str:
        """``value`` as JSON for Redis."""
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        # Half of a character, which JSON can say, has no form that Redis could keep.
        return self.close(text.encode(errors="replace").decode(), kind, *names)

    def json(self, value: bytes | str | None, kind: str, *names: str) -> dict[str, Any] | None:
        """The JSON object in a value; None where there is none of ours."""
        text = self.open(value, kind, *names)
        if text is None:
            return None
        try:
            data = from_json(text)
        except ValueError:
            data = None
        if isinstance(data, dict):
            return data
        self.refuse(kind, *names)
        return None

    def record(self, prediction: Prediction) -> str:
        """A record for Redis. Its seal is for its id alone."""
        return self.close(json.dumps(prediction.to_dict()), RECORD, prediction.id)

    def prediction(self, document: bytes | str | None, prediction_id: Key) -> Prediction | None:
        """The record of that id; None where there is none of ours."""
        data = self.json(document, RECORD, prediction_id)
        try:
            found = None if data is None else Prediction.from_dict(data)
        except (AttributeError, KeyError, TypeError, ValueError):
            self.refuse(RECORD, prediction_id)
            return None
        return found
