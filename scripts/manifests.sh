#!/bin/sh
# Renders the overlays: into k8s/cpu/whisperx-stack-cpu.yaml, or to stdout for the one that is named.
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
{
    echo "# Rendered from k8s/cpu by \`make manifests\`: kubectl apply -f works with this file alone."
    render k8s/cpu
} > k8s/cpu/whisperx-stack-cpu.yaml.new
mv k8s/cpu/whisperx-stack-cpu.yaml.new k8s/cpu/whisperx-stack-cpu.yaml
