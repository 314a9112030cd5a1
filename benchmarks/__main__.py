"""Prints what it costs: ``make bench``."""

import asyncio
import sys

from benchmarks import cold_start, gateway, pipeline


def main() -> int:
    """Both tables; a first argument ``pipeline`` or ``gateway`` prints one of them."""
    wanted = sys.argv[1:] or ["gateway", "pipeline"]
    if "gateway" in wanted:
        print(f"The bridge beside raw Cog, {gateway.ROUNDS} requests each, one client:\n")
        print(gateway.table(asyncio.run(gateway.measure())), flush=True)
        print(f"\n{cold_start.line(asyncio.run(cold_start.measure()))}", flush=True)
    if "pipeline" in wanted:
        print("\nThe whole pipeline beside stock whisperx, on the demo models:\n")
        print(pipeline.table(pipeline.run(pipeline.MINUTES, 1, production=False)), flush=True)
        print("\nThe same with models of production size and random weights:\n")
        print(pipeline.table(pipeline.run((1.0,), 1, production=True)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
