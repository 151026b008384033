#!/usr/bin/env bash
# Makes the PNGs, pd-console.ico and pd-console.icns of the two drawings. Run by hand after a drawing
# was changed; what it makes is committed, so that no build needs these programs.
#
#   apt install librsvg2-bin icoutils icnsutils && bash assets/icon/make.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

# Small ones have a drawing of their own: an arrow of two pixels is a smudge.
draw() {
    local size=$1 from=icon.svg
    [ "$size" -gt 32 ] || from=icon-small.svg
    rsvg-convert --width "$size" --height "$size" --output "$size.png" "$from"
}
for size in 16 24 32 48 64 128 256 512; do
    draw "$size"
done
# 256 as PNG within the file, the others as bitmaps: what Windows reads since Vista.
icotool --create --output pd-console.ico 16.png 24.png 32.png 48.png 64.png --raw=256.png
png2icns pd-console.icns 16.png 32.png 48.png 128.png 256.png 512.png >/dev/null
icotool --list pd-console.ico
icns2png --list pd-console.icns
