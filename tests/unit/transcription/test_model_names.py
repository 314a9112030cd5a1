"""A model is known by our name, by the hub's, and by those that its operator chose."""

import pytest

from transcription.model_names import Names, read_aliases

PRODUCTION = ("large-v3", "large-v3-turbo", "base", "/models/own", "someone/whisper-large-v3-de")


@pytest.mark.parametrize(
    ("name", "model"),
    [
        ("large-v3", "large-v3"),
        ("Systran/faster-whisper-large-v3", "large-v3"),
        ("systran/Faster-Whisper-Large-V3", "large-v3"),
        ("openai/whisper-large-v3", "large-v3"),
        ("whisper-large-v3", "large-v3"),
        ("faster-whisper-large-v3", "large-v3"),
        ("large", "large-v3"),
        (" large-v3\n", "large-v3"),
        ("mobiuslabsgmbh/faster-whisper-large-v3-turbo", "large-v3-turbo"),
        ("deepdml/faster-whisper-large-v3-turbo-ct2", "large-v3-turbo"),
        ("openai/whisper-large-v3-turbo", "large-v3-turbo"),
        ("turbo", "large-v3-turbo"),
        ("whisper-base", "base"),
        ("/models/own", "/models/own"),
        ("someone/whisper-large-v3-de", "someone/whisper-large-v3-de"),
        *(
            (name, "large-v3")
            for name in ('"large-v3"', "Large V3", "whisper_large_v3", "ggml-large-v3.bin")
        ),
        *((name, "large-v3") for name in ("whisper-v3", "openai-whisper-large-v3", "large-v3.pt")),
        ("mlx-community/whisper-large-v3-mlx", "large-v3"),
        ("@cf/openai/whisper-large-v3-turbo", "large-v3-turbo"),
        ("whisper-v3-turbo", "large-v3-turbo"),
        ("Xenova/whisper-base", "base"),
        ("somebody/whisper-large-v3", None),
        ("whisper-tiny", None),
        ("whisper-1", None),
        ("own", None),
        ("", None),
    ],
)
def test_a_model_that_runs_is_taken_by_every_name(name: str, model: str | None) -> None:
    assert Names(PRODUCTION).resolve(name) == model


def test_an_operator_who_names_the_repository_serves_the_short_name() -> None:
    names = Names(("Systran/faster-whisper-large-v3",))
    assert names.resolve("large-v3") == names.resolve("whisper-large-v3") == names.offered[0]


def test_aliases_come_first() -> None:
    aliases = read_aliases("whisper-1 = turbo, best=large-v3,, base=large-v3", PRODUCTION)
    names = Names(PRODUCTION, aliases)
    assert [names.resolve(name) for name in ("whisper-1", "best", "base", "worst")] == [
        "large-v3-turbo",
        "large-v3",
        "large-v3",
        None,
    ]


@pytest.mark.parametrize("text", ["best", "best=", "=base", "best=tiny", "a=b=c"])
def test_an_alias_of_nothing_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not name=model with one of large-v3"):
        read_aliases(text, PRODUCTION)
