#!/usr/bin/env bash
# Packs a built pd-console for macOS: bundle, signature, disk image. On macOS alone (codesign, hdiutil, notarytool).
#
#   bash packaging/macos/package.sh PROGRAM FFMPEG_FOLDER FOLDER    FFMPEG_FOLDER as packaging/macos/ffmpeg.sh makes it, or none
#
# FOLDER then holds pd-console-VERSION-macos-ARCH.dmg. Looked at:
#   PD_SIGN_IDENTITY   "Developer ID Application: ...", whose key is in the keychain; without it the bundle is signed ad hoc,
#                      and whoever downloads it has to allow it by hand (docs/install-macos.md)
#   PD_NOTARY_KEY, PD_NOTARY_KEY_ID, PD_NOTARY_ISSUER   the App Store Connect key's file, its id and issuer: notarized with them
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
program=${1:?"pd-console"}
ffmpeg=${2:?"ffmpeg's folder, or none"}
out=${3:?"the folder for the image"}
# shellcheck source-path=SCRIPTDIR source=../about.sh
. "$root/packaging/about.sh"
mkdir -p "$out"
out=$(cd "$out" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

arch=$(uname -m)
target=aarch64-apple-darwin
[ "$arch" = x86_64 ] && target=x86_64-apple-darwin
mkdir -p "$work/licences" "$work/image"
cp "$root/LICENSE-MIT" "$root/LICENSE-APACHE" "$work/licences/"
python3 "$root/packaging/licences.py" "$target" >"$work/licences/THIRD-PARTY.txt"
python3 "$root/packaging/macos/bundle.py" "$program" "$ffmpeg" "$work/licences" "$work/image"
app=$work/image/$PD_TITLE.app
plutil -lint "$app/Contents/Info.plist" "$root/packaging/macos/entitlements.plist"

# From the inside out; ffmpeg needs no right of its own: it reads pipes and writes to the network.
identity=${PD_SIGN_IDENTITY:--}
stamp=--timestamp
[ "$identity" = - ] && stamp=--timestamp=none
if [ -e "$app/Contents/MacOS/ffmpeg" ]; then
    codesign --force --options runtime "$stamp" --sign "$identity" "$app/Contents/MacOS/ffmpeg"
fi
codesign --force --options runtime "$stamp" --sign "$identity" \
    --entitlements "$root/packaging/macos/entitlements.plist" "$app"
codesign --verify --strict --verbose=2 "$app"

ln -s /Applications "$work/image/Applications"
image=$out/pd-console-$PD_VERSION-macos-$arch.dmg
hdiutil create -quiet -ov -fs HFS+ -format UDZO -volname "$PD_TITLE $PD_VERSION" -srcfolder "$work/image" "$image"
if [ "$identity" != - ]; then
    codesign --force "$stamp" --sign "$identity" "$image"
fi
if [ -n "${PD_NOTARY_KEY:-}" ]; then
    xcrun notarytool submit "$image" --wait --key "$PD_NOTARY_KEY" --key-id "$PD_NOTARY_KEY_ID" --issuer "$PD_NOTARY_ISSUER"
    xcrun stapler staple "$image"
fi
printf 'package: %s, %s bytes, signed by %s\n' "$image" "$(wc -c <"$image")" "$identity"
