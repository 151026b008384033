#!/usr/bin/env bash
# Builds the program and packs it as .deb (and with `rpm` as .rpm too) into a folder.
#
#   bash packaging/deb.sh [FOLDER] [rpm]     FOLDER is target/packages where none is named
#
# PD_PROFILE   cargo's profile: release; dev for a package that proves packaging only: the continuous integration has that
#              build already, and a release build takes its two cores ten minutes
# PD_NO_BUILD  1: takes the program that is there; it must be of this profile
# PD_HEAVY     how heavy work is started where others must not notice, such as "nice -n 19"
# PD_CARGO_ARGS for the example that writes the man pages (stage.sh)
#
# cargo-deb and cargo-generate-rpm are installed into target/package-tools where they are not there. The same commit and
# compiler are to give the same bytes (build.sh): time stamps are the commit's, archives are sorted and owned by root.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
out=${1:-target/packages}
with_rpm=${2:-}
profile=${PD_PROFILE:-release}
mkdir -p "$out"
out=$(cd "$out" && pwd)
# shellcheck source-path=SCRIPTDIR source=about.sh
. packaging/about.sh
say() { printf 'deb: %s\n' "$*"; }
heavy() {
    # shellcheck disable=SC2086 # words
    ${PD_HEAVY:-} "$@"
}

# --- tools: small ones, hardly optimised: they run for seconds
tools=$PWD/target/package-tools
PATH=$PATH:$tools/bin
# tool NAME VERSION
tool() {
    command -v "$1" >/dev/null && return 0
    say "building $1 $2"
    # Wholly unoptimised, the sums over 30 MB take longer than the build saves.
    CARGO_PROFILE_DEV_OPT_LEVEL=1 heavy cargo install --quiet --locked --debug --root "$tools" --target-dir "$tools/target" "$1@$2"
    rm -rf "$tools/target"
}
tool cargo-deb 3.8.0
[ -z "$with_rpm" ] || tool cargo-generate-rpm 0.21.1

# --- the program
build() {
    if [ "$profile" = dev ]; then
        # As everybody else builds it: with other flags, all dependencies would be built anew.
        env -u SOURCE_DATE_EPOCH -u PD_CONSOLE_COMMIT cargo build --locked --bin "$PD_NAME"
        return
    fi
    heavy bash packaging/build.sh
}
if [ -z "${PD_NO_BUILD:-}" ]; then
    say "building the program, profile $profile, commit $PD_CONSOLE_COMMIT"
    build
fi
program=$PD_TARGET_DIR/$([ "$profile" = dev ] && echo debug || echo "$profile")/$PD_NAME
say "$(stat -c '%s bytes' "$program"), $("$program" --version)"

# --- the packages
# For two seconds of writing man pages nothing is optimised: a development build, which optimises what is linked, would take
# as long as the release's.
[ "$profile" = dev ] || : "${PD_CARGO_ARGS:=--locked --config profile.dev.opt-level=0 --config profile.dev.package.\"*\".opt-level=0}"
PD_CARGO_ARGS=${PD_CARGO_ARGS:-} heavy bash packaging/stage.sh
rm -f "$out/${PD_NAME}_"*.deb "$out/$PD_NAME-"*.rpm
# With its function names, which reports of failures need; see strip in Cargo.toml.
fast=()
[ "$profile" != dev ] || fast=(--fast)
heavy cargo deb --quiet --no-build --no-strip "${fast[@]}" --profile "$profile" --output "$out/"
deb=$(echo "$out/${PD_NAME}_"*.deb)
say "$(sha256sum "$deb")"
if command -v lintian >/dev/null; then
    heavy lintian --allow-root --tag-display-limit 0 --fail-on error,warning "$deb"
    say "lintian: no error, no warning"
else
    say "NOT CHECKED: no lintian"
fi
if [ -n "$with_rpm" ]; then
    compress=zstd
    [ "$profile" != dev ] || compress=none
    heavy cargo generate-rpm --profile "$profile" --payload-compress "$compress" --source-date "$SOURCE_DATE_EPOCH" --output "$out/"
    rpm=$(echo "$out/$PD_NAME-"*.rpm)
    say "$(sha256sum "$rpm")"
    if command -v rpm >/dev/null; then
        for what in -qip -qlp "-qp --requires" "-qp --recommends"; do
            # shellcheck disable=SC2086 # words
            LC_ALL=C rpm $what "$rpm"
        done
    else
        say "NOT LISTED: no rpm"
    fi
fi
