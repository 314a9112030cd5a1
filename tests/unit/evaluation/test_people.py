"""The corpus of people's speech is whole, small and licensed; its words are counted fairly."""

import numpy as np
import pytest

from evaluation import sounds
from evaluation.normalizer import counted_words
from evaluation.people import CORPUS, clips
from transcription.audio import SAMPLE_RATE, decode

LARGEST = 8 << 20  # bytes
NO_RECORDINGS = {"LICENCE", "clips.toml"}
TERMS = {
    "CC-BY-SA-3.0": "creativecommons.org/licenses/by-sa/3.0/",
    "CC-BY-3.0": "creativecommons.org/licenses/by/3.0/",
    "BSD-2-Clause": "Redistribution and use in source and binary forms",
    "public domain": "public domain",
}


def test_the_manifest_names_every_recording_and_every_folder_has_a_licence() -> None:
    files = {path for path in CORPUS.rglob("*") if path.is_file()}
    assert {clip.audio for clip in clips(CORPUS)} == {
        path for path in files if path.name not in NO_RECORDINGS
    }
    assert sum(path.stat().st_size for path in files) <= LARGEST
    for clip in clips(CORPUS):
        assert TERMS[clip.licence] in (clip.audio.parent / "LICENCE").read_text()


def test_no_image_ships_the_corpus() -> None:
    root = CORPUS.parents[2]
    assert "tests" in (root / ".dockerignore").read_text().splitlines()
    assert not [
        file
        for file in (root / "images").rglob("*")
        if file.is_file() and b"speech" in file.read_bytes()
    ]


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        ("en", "I'm sorry; dial twenty-one.", "i am sorry dial 21"),
        ("en", "To mute yourself...", "To mute yourself."),
        ("es", "Número inválido…", "numero invalido"),
        ("fr", "Désolé, réessayez !", "desole reessayez"),
        ("ru", "Попробуйте ещё раз.", "попробуйте еще раз"),
    ],
)
def test_what_sounds_alike_counts_alike(language: str, one: str, other: str) -> None:
    assert counted_words(one, language) == counted_words(other, language) != []


def test_different_words_count_as_different() -> None:
    assert counted_words("мой", "ru") != counted_words("мои", "ru")
    assert counted_words("two", "en") != counted_words("too", "en")


def test_sounds_are_what_they_are_called() -> None:
    wave = np.sin(np.arange(SAMPLE_RATE) / 3).astype(np.float32)
    quiet = sounds.at_level(wave, -50.0)
    assert 20 * np.log10(np.sqrt(np.mean(quiet**2))) == pytest.approx(-50.0, abs=0.1)
    row = sounds.in_a_row(wave, wave, pause=0.5)
    assert len(row) == 3.5 * SAMPLE_RATE
    assert not row[: SAMPLE_RATE // 2].any()
    stored = decode(sounds.as_wav(wave))
    assert np.allclose(stored, wave, atol=1e-4)
    assert np.array_equal(decode(sounds.as_wav(stored)), stored)
    high = sounds.by_telephone(np.sin(np.arange(SAMPLE_RATE) * 2.4).astype(np.float32))  # 6.1 kHz
    assert np.abs(high[800:-800]).max() < 0.05 < np.abs(sounds.by_telephone(wave)).max()
    for name, sound in sounds.WITHOUT_SPEECH.items():
        assert len(sound(2.0)) == 2 * SAMPLE_RATE, name
        assert np.abs(sound(2.0)).max() <= 1.0, name
