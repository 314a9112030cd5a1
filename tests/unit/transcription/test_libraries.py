"""A library that is missing is named before the first recording needs it."""

import pytest

from transcription.engine import libraries
from transcription.engine.libraries import MissingLibraries, check_libraries, find_missing
from transcription.engine.settings import Settings


def test_what_is_missing_is_named() -> None:
    assert list(find_missing(["libc.so.6", "libnosuch.so.9"])) == ["libnosuch.so.9"]


def test_a_cpu_needs_no_cuda() -> None:
    check_libraries(Settings(models=("demo",), device="cpu"))


def test_without_ffmpeg_the_setup_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libraries, "FFMPEG", "no_such_module")
    with pytest.raises(MissingLibraries, match="FFmpeg"):
        check_libraries(Settings(models=("demo",), device="cpu"))
