"""What is carried to a machine without a network: what it lacks, in pieces that make the whole."""

from pathlib import Path

from benchmarks.gpu.pack import _missing, _names, _pieces


def test_what_the_machine_has_is_not_carried() -> None:
    there = _names("numpy==2.5.2\nHuggingface-Hub==1.33.0\nav @ file:///av.whl\n# a remark\n")
    assert there == {"numpy", "huggingface-hub", "av"}
    every, some = (_names("\n".join(_missing(known))) for known in (set[str](), there))
    assert every - some == there
    assert {"ctranslate2", "whisperx", "rapidfuzz"} <= some
    assert not some & {"torch", "torchaudio"}


def test_pieces_are_small_and_make_the_whole(tmp_path: Path) -> None:
    whole = tmp_path / "pack.tar"
    whole.write_bytes(bytes(range(250)) * 10)
    pieces = list(_pieces(whole, tmp_path, 1000))
    assert [piece.stat().st_size for piece in pieces] == [1000, 1000, 500]
    assert b"".join(map(Path.read_bytes, sorted(tmp_path.glob("piece-*")))) == whole.read_bytes()
