#!/bin/sh
# Installs Chromium, which the tests of the page drive, where no browser of its kind can be started.
# Run through `make install-browser`; a second run notices that nothing is missing.
set -eu

PROGRAMS="chromium google-chrome chromium-browser"
say() { printf '%s\n' "install: $*" >&2; }
fail() {
    say "$*; install Chromium or Google Chrome so that one of these starts: $PROGRAMS"
    exit 1
}
# Ubuntu's chromium-browser is there without its snap, and then starts nothing.
have_browser() {
    for program in $PROGRAMS; do "$program" --version >/dev/null 2>&1 && return; done
    return 1
}
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }

have_browser && exit 0
command -v apt-get >/dev/null || fail "there is no apt-get here"
[ "$(id -u)" = 0 ] || command -v sudo >/dev/null || fail "apt-get needs root or sudo"
say "chromium (400 MB)"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
{
    as_root apt-get update -qq &&
        as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium fonts-dejavu-core
} >"$log" 2>&1 || fail "apt-get could not install chromium ($(tail -n 1 "$log"))"
have_browser || fail "the chromium that apt-get installed does not start"
