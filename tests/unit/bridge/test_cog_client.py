"""What Cog's answers mean: its prefixes, its broken worker, its 409."""

import pytest

from bridge.cog.client import NotAccepted, RunLost, parse_run


@pytest.mark.parametrize(
    ("message", "error"),
    [
        ("Prediction failed: Prediction failed: ValueError: bad audio", "bad audio"),
        ("Prediction failed: InvalidAudio: empty", "empty"),
        ("Async prediction failed: InvalidAudio: empty", "empty"),
        ("Prediction failed: Async prediction failed: InvalidInput: field: x", "field: x"),
        ("Prediction failed: ClientError: audio_file: x", "audio_file: x"),
        ("audio_file: not audio", "audio_file: not audio"),
        ("", "The prediction failed."),
    ],
)
def test_cogs_own_words_are_taken_off_an_error(message: str, error: str) -> None:
    assert parse_run({"status": "failed", "error": message}).error == error


@pytest.mark.parametrize(
    "message",
    [
        "Worker crashed",
        "('Connection aborted.', ConnectionResetError(104, 'Connection reset by peer'))",
        "('Connection broken: IncompleteRead(0 bytes read)', IncompleteRead(0 bytes read))",
        "HTTPConnectionPool(host='127.0.0.1', port=8081): Max retries exceeded with url: /audio/x",
    ],
)
def test_a_dead_worker_or_bridge_is_a_lost_run(message: str) -> None:
    with pytest.raises(RunLost):
        parse_run({"status": "failed", "error": message})


def test_a_run_that_never_reached_its_worker_was_not_accepted() -> None:
    body = {"status": "failed", "error": "Failed to send request: Broken pipe"}
    with pytest.raises(NotAccepted):
        parse_run(body)


def test_a_cancel_during_the_download_is_no_failure() -> None:
    ended = parse_run({"status": "failed", "error": "Input validation error: ", "logs": ""})
    assert (ended.status, ended.error) == ("canceled", None)
