"""What an event changed in a record, and which webhooks the client gets of it."""

from dataclasses import dataclass

from bridge.records.prediction import Prediction


@dataclass(frozen=True, slots=True)
class Change:
    """A record before and after an event; the same object twice when nothing changed."""

    before: Prediction
    after: Prediction

    @property
    def changed(self) -> bool:
        """Whether the event meant anything."""
        return self.after is not self.before


def webhook_events(change: Change) -> list[str]:
    """The events of this change that the client's receiver gets."""
    prediction = change.after
    if prediction.webhook is None:
        return []
    events = []
    if prediction.started_at is not None and change.before.started_at is None:
        events.append("start")
    if prediction.terminal:
        events.append("completed")
    elif prediction.logs != change.before.logs:
        events.append("logs")
    return [event for event in events if event in prediction.webhook_events]
