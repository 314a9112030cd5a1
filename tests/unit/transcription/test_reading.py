"""Texts of forms become values in one way, whatever the client's language writes."""

from typing import Any

import pytest

from transcription.reading import value_of, words


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        *(
            ("boolean", text, True)
            for text in (
                "true",
                "True",
                "TRUE",
                "1",
                " true\n",
                "on",
                "Yes",
                "t",
                "Y",
                '"true"',
                "'True'",
            )
        ),
        *(("boolean", text, False) for text in ("false", "False", "0", "off", "NO", "F", "n")),
        *(("boolean", text, text) for text in ("perhaps", "2", "-1", "truefalse")),
        *(("integer", text, 2) for text in ("2", "2.0", " 2 ", "+2", "2.", "2e0", '"2"')),
        *(("integer", text, text) for text in ("2.5", "two", "2_0", "nan", "1e999", "0x2", "²")),
        ("number", "0.25", 0.25),
        ("number", ".5", 0.5),
        ("number", "1e-1", 0.1),
        ("number", "1", 1.0),
        *(("number", text, text) for text in ("nan", "inf", "-Infinity", "1,5", "1e999")),
        ("array", "Ann", ["Ann"]),
        ("array", "Doe, Jane", ["Doe, Jane"]),
        ("array", '["Ann", "Bob"]', ["Ann", "Bob"]),
        ("array", "['Ann', \"Bob's\", 'O\\'Neil']", ["Ann", "Bob's", "O'Neil"]),
        ("array", "['Ann' 'Bob']", "['Ann' 'Bob']"),
        ("array", "[Ann", "[Ann"),
        ("string", "2.0", "2.0"),
        (None, "x", "x"),
        *(
            (kind, text, None)
            for kind in ("boolean", "integer", "number")
            for text in ("None", "null", " undefined ")
        ),
        ("string", "None", "None"),
        *((kind, " ", None) for kind in ("boolean", "integer", "number", "array", "string", None)),
    ],
)
def test_a_text_becomes_the_value_that_it_stands_for(kind: str, text: str, value: Any) -> None:
    found = value_of(kind, text)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("word", ["word"]),
        ("word,segment", ["word", "segment"]),
        (" word , segment ", ["word", "segment"]),
        ('["word", "segment"]', ["word", "segment"]),
        ("['word', 'segment']", ["word", "segment"]),
        ("[]", []),
        ("", []),
        ("[word", ["[word"]),
    ],
)
def test_words_come_as_json_or_between_commas(text: str, found: list[str]) -> None:
    assert words(text) == found
