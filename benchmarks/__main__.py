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
        print("\nThe whole pipeline on the demo models (resident), on this machine:\n")
        print(pipeline.table(pipeline.run()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
