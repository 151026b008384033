#!/usr/bin/env bash
# Fetches the pinned ffmpeg of a system through pip, holds the sums of wheel and program against packaging/ffmpeg.json,
# and writes the program with the texts that have to go with it:
#
#   bash packaging/ffmpeg.sh OS ARCH FOLDER      such as: windows x86_64 target/ffmpeg
#
# FOLDER then holds ffmpeg (ffmpeg.exe), FFMPEG.txt (what it is, where its source is) and GPL-3.0.txt. Nothing is kept of a
# file whose sum is wrong. A folder that has the right program already is left as it is.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
os=${1:?"the system: windows or linux"}
arch=${2:?"the architecture: x86_64 or aarch64"}
out=${3:?"the folder"}

say() { printf 'ffmpeg: %s\n' "$*" >&2; }
fail() {
    say "$*"
    exit 1
}

for python in python3 python; do
    "$python" -m pip --version >/dev/null 2>&1 && break
    python=
done
[ -n "$python" ] || fail "no python with pip, which fetches it"

# The manifest's line for this system, as NAME=value.
values=$("$python" - "$here/ffmpeg.json" "$os" "$arch" <<'P'
import json, shlex, sys
path, system, arch = sys.argv[1:]
with open(path, encoding="utf-8") as file:
    manifest = json.load(file)
for build in manifest["builds"]:
    if (build["os"], build["arch"]) == (system, arch):
        for key in ("version", "licence", "origin", "source", "file", "sha256", "wheel", "wheel_sha256"):
            print(f"pin_{key}={shlex.quote(build[key])}")
        print(f"pin_package={shlex.quote(manifest['package'] + '==' + manifest['package_version'])}")
        break
else:
    sys.exit(f"packaging/ffmpeg.json has no ffmpeg for {system} on {arch}: docs/ffmpeg.md")
P
) || fail "not fetched"
eval "$values"
# shellcheck disable=SC2154 # pin_... are set by the line above
program=ffmpeg
[ "$os" = windows ] && program=ffmpeg.exe

sum_of() { "$python" -c 'import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest())' "$1" | tr -d '\r'; }

mkdir -p "$out"
# shellcheck disable=SC2154
if [ ! -f "$out/$program" ] || [ "$(sum_of "$out/$program")" != "$pin_sha256" ]; then
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    # The wheel's name ends with the platform, which pip wants to be told.
    # shellcheck disable=SC2154
    platform=${pin_wheel##*-}
    platform=${platform%.whl}
    # shellcheck disable=SC2154
    printf '%s --hash=sha256:%s\n' "$pin_package" "$pin_wheel_sha256" >"$work/pin.txt"
    "$python" -m pip download -q --disable-pip-version-check --no-deps --require-hashes --only-binary=:all: \
        --platform "$platform" -d "$work" -r "$work/pin.txt" || fail "pip did not get $pin_wheel with the pinned sum"
    # shellcheck disable=SC2154
    "$python" - "$work/$pin_wheel" "imageio_ffmpeg/binaries/$pin_file" "$work/$program" <<'P'
import shutil, sys, zipfile
wheel, inside, out = sys.argv[1:]
with zipfile.ZipFile(wheel) as archive, archive.open(inside) as source, open(out, "wb") as target:
    shutil.copyfileobj(source, target)
P
    found=$(sum_of "$work/$program")
    [ "$found" = "$pin_sha256" ] || fail "$pin_file has the SHA-256 $found, the manifest says $pin_sha256"
    chmod 755 "$work/$program"
    mv "$work/$program" "$out/$program"
fi
cp "$here/GPL-3.0.txt" "$out/GPL-3.0.txt"
# shellcheck disable=SC2154
cat >"$out/FFMPEG.txt" <<T
$program in this folder is ffmpeg $pin_version ($pin_origin), a program of its own that is not part of PD Console: the console
starts it as a separate process and talks to it over pipes and the network. It may be replaced by another ffmpeg, or removed:
the console takes the one that the settings name, and the first good one of those it finds.

Licence: $pin_licence, whose text is in GPL-3.0.txt; the libraries in it have licences that go with that. There is no warranty.
It is passed on as its builder published it, byte for byte:
  $pin_file
  SHA-256 $pin_sha256
Source, and what it was built from and how ($program -buildconf tells the options):
  $pin_source
T
say "$pin_file ($pin_version), sum right, in $out"
