#!/bin/sh
# Installs Chromium, which the tests of the page drive, where no browser of its kind is there.
# Run through `make install-browser`; a second run notices that nothing is missing.
set -eu

for program in chromium chromium-browser google-chrome; do
    if command -v "$program" >/dev/null; then exit 0; fi
done
say() { printf '%s\n' "install: $*" >&2; }
as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null; then sudo "$@"; else return 1; fi
}
command -v apt-get >/dev/null || { say "please install Chromium with your system's package manager"; exit 1; }
say "chromium (400 MB)"
as_root apt-get update -qq || { say "apt-get needs root or sudo; please install chromium"; exit 1; }
as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    chromium fonts-dejavu-core >/dev/null
