"""A download that fails as nobody foresaw ends its prediction."""

from dataclasses import replace
from unittest.mock import create_autospec

from bridge.recordings.arrive import Arrivals
from bridge.recordings.files import Files
from bridge.records.api_keys import KeyFile
from bridge.records.limits import Meter
from bridge.records.prediction import Recording, Rejected
from bridge.records.store import Store
from bridge.tasks.lifecycle import Lifecycle
from bridge.tasks.queue import Queue
from bridge.tasks.transfers import Transfers
from bridge.tasks.turns import Line
from bridge.tasks.webhooks import Webhooks
from tests.unit.bridge.test_render import prediction


async def test_an_unexpected_error_is_the_predictions_end() -> None:
    record = replace(prediction(input={}), source="https://example.org/talk.wav", recording="r1")
    parts = {
        kind: create_autospec(kind, instance=True)
        for kind in (Store, Files, Arrivals, Lifecycle, Queue, Webhooks, Meter, KeyFile)
    }
    parts[Store].get.return_value = record
    parts[Files].missing.return_value = [Recording("r1", record.source)]
    parts[Arrivals].download.side_effect = ZeroDivisionError("secret")
    parts[Queue].fetches = create_autospec(Line, instance=True)
    await Transfers(*parts.values()).fetch(str(record.id))
    parts[Lifecycle].apply.assert_awaited_once_with(
        record.id, Rejected("The service met an unexpected error.")
    )
    parts[Queue].submit.assert_not_called()
