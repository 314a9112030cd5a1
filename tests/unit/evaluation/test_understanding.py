"""The tables of people's speech, worked out by hand."""

import pytest

pytest.importorskip("faster_whisper")

from benchmarks.quality.understanding import (
    CLIP,
    NOTHING,
    OURS,
    STOCK,
    WHOLE,
    Heard,
    Result,
    Task,
    tables,
)


def result(
    kind: str, said: str, ours: str, stock: str, language: str = "en", name: str = "name"
) -> Result:
    heard = {STOCK: Heard(stock, language, 4.0), OURS: Heard(ours, "en", 1.0)}
    return Result(Task(kind, name, language, said, 2.0), heard)


def test_errors_are_added_over_clips_before_they_are_divided() -> None:
    table = tables(
        [
            result(
                CLIP,
                "red orange yellow green blue indigo violet black",
                "red orange yellow green blue indigo violet black",
                "",
            ),
            result(CLIP, "Good morning.", "good evening", "Good morning!"),
            result(CLIP, "hola", "hola", "ola", "es"),
            result(WHOLE, "yes", "yes", "yes"),
            result(NOTHING, "", "thank you", "", ""),
        ]
    )
    lines = table.splitlines()
    assert lines[0] == "| word error rate | recordings | audio | words | ours | stock |"
    assert "| en, clip | 2 | 4 s | 10 | 10.00 % | 80.00 % |" in lines
    assert "| es, clip | 1 | 2 s | 1 | 0.00 % | 100.00 % |" in lines
    assert "| es, clip | 1 | 2 s | 1 | 0 of 1 | 1 of 1 |" in lines
    assert "| all, clip | 3 | 6 s | 11 | 3 s | 12 s |" in lines
    assert "| name | 1 | 2 s | 2 | 0 |" in lines
    # English: -8 and 1, so of two clips drawn -16, -7 (half of the draws) or 2.
    assert "| en, clip | 2 | 4 s | 10 |  | -7 (-16 to +2) |" in lines
    assert "| es, clip | 1 | 2 s | 1 |  | -1 (-1 to -1) |" in lines
    assert table.count("more words wrong by ours") == 1


def test_invented_words_are_counted_by_source() -> None:
    recordings = [("zoo/goat", "Ha ha ha!"), ("zoo/hen", ""), ("zoo/cow", "Oh."), ("hum", "")]
    table = tables([result(NOTHING, "", "", stock, "", name) for name, stock in recordings])
    assert table.splitlines() == [
        "| words invented | recordings | audio | ours | stock |",
        "| --- | --- | --- | --- | --- |",
        "| zoo | 3 | 6 s | 0 | 4 in 2 |",
        "| hum | 1 | 2 s | 0 | 0 |",
        "| all | 4 | 8 s | 0 | 4 in 2 |",
    ]
