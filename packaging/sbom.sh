#!/usr/bin/env bash
# Lists what is linked into the program, a system at a time (SBOM, CycloneDX 1.5 in JSON), ffmpeg beside it where it is bundled.
#
#   bash packaging/sbom.sh FOLDER
#
# Installs cargo-cyclonedx into target/package-tools where it is not there.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
out=${1:?"the folder"}
mkdir -p "$out"
out=$(cd "$out" && pwd)
# shellcheck source-path=SCRIPTDIR source=about.sh
. packaging/about.sh
tools=$PWD/target/package-tools
PATH=$PATH:$tools/bin
cargo cyclonedx --version >/dev/null 2>&1 ||
    cargo install --quiet --locked --debug --root "$tools" --target-dir "$tools/target" cargo-cyclonedx@0.5.9

for system in linux-x86_64:x86_64-unknown-linux-gnu windows-x86_64:x86_64-pc-windows-gnu \
    macos-arm64:aarch64-apple-darwin macos-x86_64:x86_64-apple-darwin; do
    name=pd-console-$PD_VERSION-${system%%:*}.cdx
    # Written beside Cargo.toml.
    cargo cyclonedx --quiet --format json --spec-version 1.5 --target "${system#*:}" --override-filename "$name"
    mv "$name.json" "$out/$name.json"
    python3 - "$out/$name.json" packaging/ffmpeg.json "${system%%:*}" <<'P'
import json, sys
path, manifest, system = sys.argv[1:]
with open(path, encoding="utf-8") as file:
    bom = json.load(file)
with open(manifest, encoding="utf-8") as file:
    builds = json.load(file)["builds"]
for build in builds:
    if build["use"] == "bundled" and system == f"{build['os']}-{build['arch']}":
        bom["components"].append({
            "type": "application", "bom-ref": f"ffmpeg@{build['version']}", "name": "ffmpeg", "version": build["version"],
            "supplier": {"name": build["origin"]}, "licenses": [{"expression": build["licence"]}],
            "hashes": [{"alg": "SHA-256", "content": build["sha256"]}],
            "description": "a program of its own that is bundled, not linked",
        })
names = {component["name"] for component in bom["components"]}
if bom["bomFormat"] != "CycloneDX" or len(names) < 50 or not {"serde", "rustls", "clap"} <= names:
    sys.exit(f"sbom: {path} is not what is linked: {len(names)} names")
with open(path, "w", encoding="utf-8") as file:
    json.dump(bom, file, indent=1)
print(f"sbom: {path.rsplit('/', 1)[-1]}: {len(bom['components'])} components")
P
done
