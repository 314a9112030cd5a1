#!/bin/sh
# Renders the overlays, each into one file beside it that works alone. Run through `make manifests`.
# With a folder's name it prints that one.
set -eu
cd "$(dirname "$0")/.."

render() {
    # The one manifest lies beside the overlays, not below them, so that it works alone.
    if command -v kustomize >/dev/null; then
        kustomize build --load-restrictor LoadRestrictionsNone "$1"
    else
        kubectl kustomize --load-restrictor LoadRestrictionsNone "$1"
    fi
}

if [ $# -gt 0 ]; then
    render "$1"
    exit
fi
for overlay in cpu scale; do
    file=k8s/$overlay/whisperx-stack-$overlay.yaml
    {
        echo "# Rendered from k8s/$overlay by \`make manifests\`: kubectl apply -f works with this file alone."
        render "k8s/$overlay"
    } > "$file.new"
    mv "$file.new" "$file"
done
