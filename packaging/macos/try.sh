#!/usr/bin/env bash
# Tries the disk image on a Mac: mounted, the bundle whole and its signature holding, its program run, a show on the test
# pattern with the ffmpeg beside it. The window, the screen's capture and its permission need a person at the screen.
#
#   bash packaging/macos/try.sh IMAGE.dmg
set -euo pipefail

image=${1:?"the disk image"}
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
mount=$(mktemp -d)
config=$(mktemp -d)
finish() {
    hdiutil detach -quiet "$mount" || true
    rm -rf "$config"
}
trap finish EXIT
hdiutil attach -quiet -nobrowse -readonly -mountpoint "$mount" "$image"
app=$(find "$mount" -maxdepth 1 -name '*.app')
python3 "$here/bundle.py" --check "$app"
codesign --verify --deep --strict "$app"
program=$app/Contents/MacOS/pd-console
export PD_CONSOLE_CONFIG_DIR=$config
"$program" --version
"$program" doctor >"$config/doctor.txt" || true
if [ -e "$app/Contents/MacOS/ffmpeg" ]; then
    grep -F "Contents/MacOS/ffmpeg" "$config/doctor.txt"
    "$program" live --defaults --source pattern --audio tone --seconds 5 >"$config/live.txt"
    grep 'passed *100.00 %' "$config/live.txt"
fi
echo "try: ${image##*/} is as it should be"
