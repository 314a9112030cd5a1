#!/bin/sh
# The start of the all-in-one image: its few variables, as the stack calls them.
set -eu
cd /src
export BRIDGE_PORT="${PORT:-8080}" MODELS="${MODELS:-${WHISPER_MODEL:-}}"
# Cog's own port has the same name.
unset PORT
exec python -m stack
