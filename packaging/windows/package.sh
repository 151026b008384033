#!/usr/bin/env bash
# Packs a built pd-console.exe with ffmpeg and the licences: an installer (NSIS) and a zip that is unpacked anywhere.
# On Linux (mingw-w64, nsis) and in the Git shell of a Windows runner alike.
#
#   bash packaging/windows/package.sh PROGRAM FOLDER [--fast]
#
# FOLDER then holds pd-console-VERSION-windows-x86_64-setup.exe and .zip; with --fast the installer alone, packed quickly.
# Looked at: PD_FFMPEG_FOLDER (where the fetched ffmpeg is kept between runs), PD_SIGN (a command that signs the files it is
# given; without it nothing is signed), PD_VERSION (another version than Cargo.toml's: for trying an upgrade).
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
program=${1:?"pd-console.exe"}
out=${2:?"the folder for the packages"}
fast=
[ "${3:-}" = --fast ] && fast=yes
say() { printf 'package: %s\n' "$*" >&2; }

other_version=${PD_VERSION:-}
# shellcheck source-path=SCRIPTDIR source=../about.sh
. "$root/packaging/about.sh"
PD_VERSION=${other_version:-$PD_VERSION}
mkdir -p "$out"
out=$(cd "$out" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
files=$work/files
mkdir -p "$files/licences"

target=x86_64-pc-windows-gnu
[ "${OS:-}" = Windows_NT ] && target=x86_64-pc-windows-msvc
cp "$program" "$files/pd-console.exe"
# A development build has tables of lines in it.
if [ "$target" = x86_64-pc-windows-gnu ]; then
    x86_64-w64-mingw32-strip --strip-debug "$files/pd-console.exe"
fi
rustc --edition 2024 --target "$target" -C opt-level=s -C strip=symbols -C panic=abort \
    -o "$files/PD Console.exe" "$root/packaging/windows/start.rs"

ffmpeg=${PD_FFMPEG_FOLDER:-$work/ffmpeg}
bash "$root/packaging/ffmpeg.sh" windows x86_64 "$ffmpeg"
cp "$ffmpeg/ffmpeg.exe" "$files/"
cp "$ffmpeg/FFMPEG.txt" "$ffmpeg/GPL-3.0.txt" "$root/LICENSE-MIT" "$root/LICENSE-APACHE" "$files/licences/"
python=python3
"$python" --version >/dev/null 2>&1 || python=python
"$python" "$root/packaging/licences.py" "$target" >"$files/licences/THIRD-PARTY.txt"
cat >"$files/licences/LICENCES.txt" <<T
$PD_TITLE $PD_VERSION may be used, copied, changed and passed on under the MIT licence (LICENSE-MIT) or the Apache licence 2.0
(LICENSE-APACHE), as you choose. It comes without any warranty. What it is built from, and under which licences:
THIRD-PARTY.txt.

ffmpeg.exe is a program of its own under the GNU General Public License, version 3 or later (GPL-3.0.txt); where its source is
to be had: FFMPEG.txt. You need not accept the GPL to use it.
T
cp "$root/README.md" "$files/licences/README.md"

sign() {
    if [ -n "${PD_SIGN:-}" ]; then
        # shellcheck disable=SC2086 # a command with its arguments
        $PD_SIGN "$@"
    fi
}
sign "$files/pd-console.exe" "$files/PD Console.exe"
find "$work" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +

name=pd-console-$PD_VERSION-windows-x86_64
native() { if command -v cygpath >/dev/null; then cygpath -w "$1"; else printf '%s' "$1"; fi; }
numbers=${PD_VERSION%%[-+]*}
makensis -V2 -WX ${fast:+-DFAST} ${PD_SIGN:+"-DSIGN=$PD_SIGN"} "-DVERSION=$PD_VERSION" "-DVERSION4=$numbers.0" "-DTITLE=$PD_TITLE" "-DSUMMARY=$PD_SUMMARY" \
    "-DPUBLISHER=${PD_MAINTAINER%% <*}" "-DID=$PD_ID" "-DFILES=$(native "$files")" \
    "-DICON=$(native "$root/assets/icon/pd-console.ico")" "-DOUTPUT=$(native "$out/$name-setup.exe")" \
    "$(native "$root/packaging/windows/installer.nsi")" >&2
sign "$out/$name-setup.exe"
say "$out/$name-setup.exe, $(wc -c <"$out/$name-setup.exe") bytes"

if [ -z "$fast" ]; then
    # The same files; the console looks beside itself for ffmpeg.
    "$python" - "$files" "$out/$name.zip" "pd-console-$PD_VERSION" "$SOURCE_DATE_EPOCH" <<'P'
import pathlib, sys, time, zipfile
files, out, top, epoch = sys.argv[1:]
stamp = time.gmtime(int(epoch))[:6]
with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
    for path in sorted(pathlib.Path(files).rglob("*")):
        if path.is_file():
            entry = zipfile.ZipInfo(f"{top}/{path.relative_to(files).as_posix()}", stamp)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, path.read_bytes())
P
    say "$out/$name.zip, $(wc -c <"$out/$name.zip") bytes"
fi
