#!/bin/sh
# Builds the images that the manifests name; with PUSH=1 it pushes them too. Run through `make images`.
#   REGISTRY=ghcr.io/you  the address to build for, instead of the one in images/images.env
#   IMAGES="bridge cpu"   only these of: bridge cpu all-in-one predictor baked
#   ENGINE="podman"       instead of docker
#   BUILD_FLAGS="…"       more arguments for its `build`
set -eu
cd "$(dirname "$0")/.."

ASKED=${REGISTRY:-}
. images/images.env
REGISTRY=${ASKED:-$REGISTRY}
ENGINE=${ENGINE:-docker}

say() { printf '%s\n' "images: $*"; }

publish() {
    [ "${PUSH:-0}" = 1 ] || return 0
    for tag in "$VERSION" latest; do $ENGINE push "$REGISTRY/$1:$tag"; done
}

build() {
    say "$REGISTRY/$2:$VERSION"
    # shellcheck disable=SC2086
    $ENGINE build ${BUILD_FLAGS:-} -f "images/$1.Dockerfile" \
        -t "$REGISTRY/$2:$VERSION" -t "$REGISTRY/$2:latest" .
    publish "$2"
}

# The GPU image, which only Cog can build (and Cog needs Docker).
predictor() {
    command -v cog >/dev/null || { say "no cog here: $PREDICTOR is left out (github.com/replicate/cog)"; return 0; }
    say "$REGISTRY/$PREDICTOR:$VERSION"
    COG_OPENAPI_SCHEMA=.cog/openapi_schema.json cog build -t "$REGISTRY/$PREDICTOR:$VERSION"
    docker tag "$REGISTRY/$PREDICTOR:$VERSION" "$REGISTRY/$PREDICTOR:latest"
    ENGINE=docker publish "$PREDICTOR"
}

for image in ${IMAGES:-bridge cpu predictor all-in-one}; do
    case $image in
        bridge) build bridge "$BRIDGE" ;;
        cpu) build cpu "$PREDICTOR_CPU" ;;
        predictor) predictor ;;
        all-in-one)
            BUILD_FLAGS="${BUILD_FLAGS:-} --build-arg PREDICTOR=${BASE_PREDICTOR:-$REGISTRY/$PREDICTOR_CPU:$VERSION}"
            build all-in-one "$ALL_IN_ONE"
            ;;
        baked)
            BUILD_FLAGS="${BUILD_FLAGS:-} --build-arg PREDICTOR=${BASE_PREDICTOR:-$REGISTRY/$PREDICTOR:$VERSION}"
            build baked "$BAKED"
            ;;
        *) say "there is no image called $image" >&2; exit 2 ;;
    esac
done
if [ -n "$ASKED" ]; then
    say "to deploy these: sed 's#ghcr.io/whisperx-stack/#$REGISTRY/#' k8s/whisperx-stack.yaml | kubectl apply -f -"
fi
