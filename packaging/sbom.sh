#!/usr/bin/env bash
# Lists what is linked into the program, a system at a time (SBOM, CycloneDX 1.5 in JSON), ffmpeg beside it where it is bundled.
#
#   bash packaging/sbom.sh FOLDER
#
# Installs cargo-cyclonedx into target/package-tools where it is not there (65 s of CPU). sbom.py makes the lists true and checks them.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
out=${1:?"the folder"}
mkdir -p "$out"
out=$(cd "$out" && pwd)
# shellcheck source-path=SCRIPTDIR source=about.sh
. packaging/about.sh
tools=$PWD/target/package-tools
PATH=$PATH:$tools/bin
cargo cyclonedx --version >/dev/null 2>&1 || {
    CARGO_PROFILE_DEV_DEBUG=0 cargo install --quiet --locked --debug --root "$tools" --target-dir "$tools/target" cargo-cyclonedx@0.5.9
    rm -rf "$tools/target"
}
# Every system's crates, for sbom.py's look at what cargo says of them.
cargo fetch --quiet --locked

for system in linux-x86_64:x86_64-unknown-linux-gnu windows-x86_64:x86_64-pc-windows-gnu \
    macos-arm64:aarch64-apple-darwin macos-x86_64:x86_64-apple-darwin; do
    name=pd-console-$PD_VERSION-${system%%:*}.cdx
    # Written beside Cargo.toml.
    cargo cyclonedx --quiet --format json --spec-version 1.5 --target "${system#*:}" --override-filename "$name"
    mv "$name.json" "$out/$name.json"
    python3 packaging/sbom.py "$out/$name.json" "${system%%:*}" "${system#*:}"
done
