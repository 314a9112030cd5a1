"""One line of the log is one JSON object, and says which prediction it is about."""

import json
import logging
import sys

from bridge.logs import JsonLines


def line(message: str, *arguments: object, error: BaseException | None = None) -> dict[str, object]:
    info = (type(error), error, error.__traceback__) if error else None
    record = logging.LogRecord(
        "bridge.tasks.runs", logging.WARNING, "f", 1, message, arguments, info
    )
    text = JsonLines().format(record)
    assert "\n" not in text
    loaded: dict[str, object] = json.loads(text)
    return loaded


def test_a_message_about_a_prediction_names_it() -> None:
    found = line("prediction %s: run %s was lost", "abc", 2)
    assert found["prediction"] == "abc"
    assert found["message"] == "prediction abc: run 2 was lost"
    assert (found["level"], found["logger"]) == ("warning", "bridge.tasks.runs")


def test_a_webhook_note_is_not_mistaken_for_an_id() -> None:
    assert (
        line("prediction %s: webhook given up: %s", "abc completed", "410")["prediction"] == "abc"
    )


def test_other_messages_name_none() -> None:
    assert "prediction" not in line("Cog is %s", "READY")


def test_an_error_keeps_its_traceback_in_one_line() -> None:
    try:
        raise ValueError("two\nlines")
    except ValueError:
        found = line("prediction %s: unexpected error", "abc", error=sys.exception())
    assert "ValueError: two\nlines" in str(found["error"])
