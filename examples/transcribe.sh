#!/bin/sh
# Transcribes a recording with curl: BRIDGE_TOKEN=… examples/transcribe.sh talk.mp3
# Python only reads the JSON that comes back; jq would do as well.
set -eu

if [ $# != 1 ] || [ -z "${BRIDGE_TOKEN:-}" ]; then
    echo "usage: BRIDGE_TOKEN=… transcribe.sh FILE" >&2
    exit 2
fi
file=$1
api=${BRIDGE_URL:-http://127.0.0.1:8080}/v1/predictions
auth="Authorization: Bearer $BRIDGE_TOKEN"

member() { python3 -c 'import json, sys; print(json.load(sys.stdin).get(sys.argv[1]) or "")' "$1"; }

# "Prefer: wait" holds the answer until the result is there, for 55 seconds at most.
prediction=$(curl -sS -H "$auth" -H "Prefer: wait" -F "audio_file=@$file" "$api")
id=$(printf %s "$prediction" | member id)
[ -n "$id" ] || { printf %s "$prediction" | member detail >&2; exit 1; }

while :; do
    case $(printf %s "$prediction" | member status) in
        succeeded) break ;;
        failed | canceled) printf %s "$prediction" | member error >&2; exit 1 ;;
    esac
    sleep 1
    prediction=$(curl -sS -H "$auth" "$api/$id")
done

printf %s "$prediction" | python3 -c '
import json, sys
for segment in json.load(sys.stdin)["output"]["segments"]:
    print(segment.get("speaker", "?") + ":", segment["text"].strip())
'
