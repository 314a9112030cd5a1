"""What a directory must hold so that it loads without asking anybody for the rest."""

from pathlib import Path

# Each entry: one of these names has to be there.
Needed = tuple[tuple[str, ...], ...]

WHISPER: Needed = (
    ("config.json",),
    ("model.bin",),
    ("tokenizer.json",),
    ("vocabulary.json", "vocabulary.txt"),
)
ALIGNER: Needed = (
    ("config.json",),
    ("preprocessor_config.json", "processor_config.json"),
    ("vocab.json", "tokenizer.json"),
    (
        "model.safetensors",
        "pytorch_model.bin",
        "model.safetensors.index.json",
        "pytorch_model.bin.index.json",
    ),
)
DIARIZER: Needed = (("config.yaml",),)


def lacking(folder: Path, needed: Needed) -> list[str]:
    """The first name of every entry of which nothing is in ``folder``."""
    return [names[0] for names in needed if not any((folder / name).exists() for name in names)]
