#!/bin/sh
# Renders the overlays, each into one file beside it that works alone. Run through `make manifests`.
# With an overlay's name it prints that one.
set -eu
cd "$(dirname "$0")/.."

render() {
    # The one manifest lies above the overlays, not below them, so that it works alone.
    if command -v kustomize >/dev/null; then
        kustomize build --load-restrictor LoadRestrictionsNone "k8s/$1/overlay"
    else
        kubectl kustomize --load-restrictor LoadRestrictionsNone "k8s/$1/overlay"
    fi
}

if [ $# -gt 0 ]; then
    render "$1"
    exit
fi
for overlay in cpu scale; do
    file=k8s/$overlay/whisperx-stack-$overlay.yaml
    {
        echo "# Rendered from k8s/$overlay/overlay by \`make manifests\`: kubectl apply -f works with this file alone."
        render "$overlay"
    } > "$file.new"
    mv "$file.new" "$file"
done
