"""Prints what it costs: ``make bench``."""

import asyncio
import sys

from benchmarks import cold_start, gateway, pipeline, stages


def main() -> int:
    """Both tables, or those asked for: ``gateway``, ``pipeline``, ``stock``.

    ``stock`` takes half an hour: the pipeline beside stock whisperx, also at production size.
    """
    wanted = sys.argv[1:] or ["gateway", "pipeline"]
    if "gateway" in wanted:
        print(f"The bridge beside raw Cog, {gateway.ROUNDS} requests each, one client:\n")
        print(gateway.table(asyncio.run(gateway.measure())), flush=True)
        print(f"\n{cold_start.line(asyncio.run(cold_start.measure()))}", flush=True)
    if "pipeline" in wanted:
        print("\nThe pipeline on the demo models:\n", flush=True)
        print(stages.table(stages.run()), flush=True)
    if "stock" in wanted:
        print("\nThe pipeline beside stock whisperx, on the demo models:\n")
        print(pipeline.table(pipeline.run(pipeline.MINUTES, 1)), flush=True)
        print("\nThe same with models of production size and random weights:\n")
        print(pipeline.table(pipeline.run((1.0,), 1, pipeline.SIZE)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
