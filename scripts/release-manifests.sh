#!/bin/sh
# Writes the manifests and compose.yaml of a release into a folder, every image named by its digest.
#   scripts/release-manifests.sh IMAGES FOLDER
# IMAGES has a line for each image: its name in the manifests, a space, and what is to stand there.
set -eu
IMAGES=$(realpath "$1")
FOLDER=$2
mkdir -p "$FOLDER"
FOLDER=$(realpath "$FOLDER")
cd "$(dirname "$0")/.."

edits=$(sed -n 's|^\([^ ]*\) \([^ ]*@sha256:[0-9a-f]\{64\}\)$|s#image: \1$#image: \2#|p' "$IMAGES")
[ "$(printf '%s\n' "$edits" | grep -c .)" = "$(grep -c . "$IMAGES")" ] || {
    echo "release: a line of $1 names no digest" >&2
    exit 2
}
for file in k8s/whisperx-stack.yaml k8s/*/whisperx-stack-*.yaml k8s/examples/*.yaml compose.yaml; do
    sed "$edits" "$file" > "$FOLDER/$(basename "$file")"
done
if grep -n 'image: [^@]*$' "$FOLDER"/*; then
    echo "release: these images have no digest in $1" >&2
    exit 1
fi
