#!/usr/bin/env bash
# Builds the program as it is released: cargo's release profile, nothing but Cargo.lock's versions.
#
#   bash packaging/build.sh [TARGET]     TARGET is one of rustc's; this machine's where none is named
#
# The same commit and compiler are to give the same bytes, whatever the folder: time stamps are the commit's
# (SOURCE_DATE_EPOCH), and no path of this machine is in the program (--remap-path-prefix, -ffile-prefix-map).
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source-path=SCRIPTDIR source=about.sh
. packaging/about.sh
# So that the folders to be renamed are there. The registry's has the index' hash in its name: one mapping for each.
cargo fetch --quiet --locked
registry=${CARGO_HOME:-$HOME/.cargo}/registry/src
# The last that fits wins.
remap="--remap-path-prefix=$HOME=home --remap-path-prefix=$PWD=. --remap-path-prefix=$PD_TARGET_DIR=target"
for index in "$registry"/*/; do
    [ ! -d "$index" ] || remap="$remap --remap-path-prefix=${index%/}=crates"
done
export RUSTFLAGS="${RUSTFLAGS:-} $remap"
maps="-ffile-prefix-map=$registry=crates -ffile-prefix-map=$PD_TARGET_DIR=target"
export CFLAGS="${CFLAGS:-} $maps" CXXFLAGS="${CXXFLAGS:-} $maps"
exec cargo build --locked --release --bin "$PD_NAME" ${1:+--target "$1"}
