"""Prints what it costs: ``make bench``, or ``python -m benchmarks NAME …``."""

import argparse
import asyncio
from pathlib import Path

from benchmarks import cold_start, gateway, pipeline, stages


def _gateway() -> None:
    print(gateway.report(), flush=True)
    print(f"\n{cold_start.line(asyncio.run(cold_start.measure()))}", flush=True)


def _stages() -> None:
    print("\nThe pipeline on the demo models:\n", flush=True)
    print(stages.table(stages.run()), flush=True)


def _stock() -> None:
    print("\nThe pipeline beside stock whisperx, on the demo models:\n")
    print(pipeline.table(pipeline.run(pipeline.MINUTES, 1)), flush=True)
    print("\nThe same with models of production size and random weights:\n")
    print(pipeline.table(pipeline.run((1.0,), 1, pipeline.SIZE)))


PARTS = {"gateway": _gateway, "pipeline": _stages, "stock": _stock}


def others() -> list[str]:
    """The benchmarks that are programs of their own."""
    folder = Path(__file__).parent
    programs = [path.stem for path in folder.glob("*.py") if "__main__" in path.read_text()]
    packages = [path.parent.name for path in folder.glob("*/__main__.py")]
    return sorted({*programs, *packages} - {Path(__file__).stem, *PARTS})


def main() -> None:
    """The parts asked for; ``gateway`` and ``pipeline`` when none is."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="gateway: the bridge beside raw Cog, and its start. pipeline: time per stage. "
        "stock: the pipeline beside stock whisperx, half an hour. As python -m benchmarks.NAME: "
        f"{', '.join(others())}.",
    )
    parser.add_argument("name", nargs="*", metavar="|".join(PARTS))
    names = parser.parse_args().name or ["gateway", "pipeline"]
    for name in names:
        if name not in PARTS:
            parser.error(
                f"there is no {name}; there are {', '.join(PARTS)}, and as python -m "
                f"benchmarks.NAME: {', '.join(others())}"
            )
    for name in names:
        PARTS[name]()


if __name__ == "__main__":
    main()
