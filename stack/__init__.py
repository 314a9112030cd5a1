"""The whole service as processes of this machine: Redis, Cog and the bridge, started together.

What Kubernetes does in production is done here by a small supervisor, for a laptop and for the
tests: ``python -m stack`` (`make up`), ``python -m stack demo`` (`make demo`)
and ``python -m stack doctor`` (`make doctor`).
"""
