#!/usr/bin/env bash
# Packs the program as AppImage: one file that runs without being installed. After packaging/deb.sh, whose build and whose
# tree (target/package) it takes.
#
#   PD_APPIMAGE_RUNTIME=FILE PD_APPIMAGE_RUNTIME_SHA256=SUM bash packaging/appimage.sh [FOLDER]
#
# FOLDER is target/packages where none is named. The runtime is AppImage's own small program (type2-runtime,
# runtime-x86_64) that mounts what stands behind it; it comes from outside and is taken only with this sum. Without it
# everything but the last step is done: the folder and its squashfs are made and the program in them is started.
# PD_PROFILE as for deb.sh. Needs mksquashfs (squashfs-tools).
#
# No library is bundled: what is linked (libc, ALSA, PipeWire), X11, OpenGL and Wayland's client stand in AppImage's own excludelist;
# libXcursor, libXi, libxkbcommon and Wayland's other two, opened by name, do not: a desktop has them for its other
# programs. ffmpeg is the system's or the one that the console offers to fetch. The libc must be as new as the one it was built with.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
out=${1:-target/packages}
profile=${PD_PROFILE:-release}
mkdir -p "$out"
# shellcheck source-path=SCRIPTDIR source=about.sh
. packaging/about.sh
say() { printf 'appimage: %s\n' "$*"; }
heavy() {
    # shellcheck disable=SC2086 # words
    ${PD_HEAVY:-} "$@"
}
[ -d target/package/root ] || { say "no target/package/root: packaging/deb.sh makes it" && exit 1; }
program=$PD_TARGET_DIR/$([ "$profile" = dev ] && echo debug || echo "$profile")/$PD_NAME

app=target/package/$PD_NAME.AppDir
rm -rf "$app"
mkdir -p "$app/usr"
cp -r target/package/root/usr/share "$app/usr/share"
rm -r "$app/usr/share/lintian"
install -D -m 644 target/package/copyright "$app/usr/share/doc/$PD_NAME/copyright"
install -D -m 755 "$program" "$app/usr/bin/$PD_NAME"
install -m 755 packaging/linux/AppRun "$app/AppRun"
# What the desktop shows of the file itself.
cp "$app/usr/share/applications/$PD_ID.desktop" "$app/"
cp "$app/usr/share/icons/hicolor/256x256/apps/$PD_ID.png" "$app/$PD_ID.png"
ln -s "$PD_ID.png" "$app/.DirIcon"
# Its catalogues look for the older name.
mv "$app/usr/share/metainfo/$PD_ID.metainfo.xml" "$app/usr/share/metainfo/$PD_ID.appdata.xml"

arch=$(uname -m)
squashfs=target/package/$PD_NAME.squashfs
rm -f "$squashfs"
# mksquashfs takes every time stamp from SOURCE_DATE_EPOCH by itself.
heavy mksquashfs "$app" "$squashfs" -root-owned -noappend -no-xattrs -comp zstd -b 1M -quiet -no-progress
say "$(stat -c '%s bytes' "$squashfs"), sha256 $(sha256sum <"$squashfs" | cut -d' ' -f1)"
# From the squashfs, as it will be mounted.
trial=$(mktemp -d)
trap 'rm -rf "$trial"' EXIT
unsquashfs -quiet -no-progress -dest "$trial/mounted" "$squashfs"
[ "$(cd / && "$trial/mounted/AppRun" --version)" = "$PD_NAME $PD_VERSION" ] || { say "AppRun does not start the program" && exit 1; }
say "AppRun starts $PD_NAME $PD_VERSION"

if [ -z "${PD_APPIMAGE_RUNTIME:-}" ]; then
    say "NO APPIMAGE WAS MADE: PD_APPIMAGE_RUNTIME names no runtime"
    exit 0
fi
[ "$(sha256sum <"$PD_APPIMAGE_RUNTIME" | cut -d' ' -f1)" = "${PD_APPIMAGE_RUNTIME_SHA256:?"the runtime's sum"}" ] ||
    { say "$PD_APPIMAGE_RUNTIME has another SHA-256 than the given one" && exit 1; }
image=$out/$PD_NAME-$PD_VERSION-$arch.AppImage
cat "$PD_APPIMAGE_RUNTIME" "$squashfs" >"$image"
chmod 755 "$image"
say "$(sha256sum "$image")"
