"""The predictor's own lines: JSON where Cog writes JSON, text where it writes text."""

import io
import json
import sys

import pytest

from predictor import log as predictor_log
from predictor.log import note


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "__stderr__", stream)
    return stream


class Scope:
    """What Cog says of a request that the bridge sent."""

    context = {"run": "abc-2"}  # noqa: RUF012 - as Cog's own


def test_a_line_is_json_and_names_the_prediction(
    log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LOG_FORMAT", raising=False)
    monkeypatch.setattr(predictor_log, "current_scope", Scope)
    note("transcribed", seconds={"align": 0.5})
    line = json.loads(log.getvalue())
    assert (line["prediction"], line["message"], line["level"]) == ("abc", "transcribed", "info")
    assert line["seconds"] == {"align": 0.5}


def test_an_error_is_one_line_with_its_traceback(
    log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOG_FORMAT", "json")
    note("unexpected error", ValueError("two\nlines"))
    line = json.loads(log.getvalue())
    assert line["level"] == "error"
    assert "ValueError: two\nlines" in line["error"]
    assert "prediction" not in line, "outside of a prediction"


def test_text_is_for_people(log: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOG_FORMAT", "console")
    monkeypatch.setattr(predictor_log, "current_scope", Scope)
    note("transcribed")
    assert "INFO prediction abc: transcribed" in log.getvalue()
