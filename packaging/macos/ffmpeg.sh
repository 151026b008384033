#!/usr/bin/env bash
# Builds the ffmpeg that the macOS bundle brings along, out of pinned sources: no ready one for macOS is to be had that speaks
# SRT and may be passed on (docs/ffmpeg.md). Needs a C compiler, cmake, nasm (x86_64), pkg-config, git, curl; runs on Linux too,
# where it is tried.
#
#   bash packaging/macos/ffmpeg.sh FOLDER [JOBS]
#
# FOLDER then holds ffmpeg, FFMPEG.txt, GPL-3.0.txt and sources.tar: what it was built from and this script, which have to be
# offered beside the program wherever that is published.
# Looked at: PD_GIT_MIRROR (a folder of clones OWNER+NAME/repo in place of the network), PD_FFMPEG_TARBALL (ffmpeg's source).
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
out=${1:?"the folder"}
jobs=${2:-$(getconf _NPROCESSORS_ONLN)}
mkdir -p "$out"
out=$(cd "$out" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
say() { printf 'ffmpeg: %s\n' "$*" >&2; }

FFMPEG_VERSION=7.1.1
FFMPEG_SHA256=733984395e0dbbe5c046abda2dc49a5544e7e0e1e2366bba849222ae9e3a03b1
# Repository, tag, commit. x264 has no tags: its branch `stable`.
SOURCES="mirror/x264 stable c24e06c2e184345ceb33eb20a15d1024d9fd3497
xiph/opus v1.5.2 ddbe48383984d56acd9e1ab6a090c54ca6b735a6
Mbed-TLS/mbedtls v3.6.6 0bebf8b8c7f07abe3571ded48a11aa907a1ffb20
Haivision/srt v1.5.4 a8c6b65520f814c5bd8f801be48c33ceece7c4a6"

[ "$(uname)" != Darwin ] || export MACOSX_DEPLOYMENT_TARGET=13.0
sum_of() { python3 -c 'import hashlib, sys; print(hashlib.sha256(open(sys.argv[1], "rb").read()).hexdigest())' "$1"; }

mkdir -p "$work/src" "$work/prefix"
while read -r repository tag commit; do
    from=https://github.com/$repository.git
    [ -z "${PD_GIT_MIRROR:-}" ] || from=$PD_GIT_MIRROR/${repository/\//+}/repo
    folder=$work/src/${repository#*/}
    say "$repository $tag"
    git init -q "$folder"
    # A commit's name is the sum of all that is in it.
    git -C "$folder" fetch -q --depth 1 "$from" "$commit"
    git -C "$folder" -c advice.detachedHead=false checkout -q FETCH_HEAD
    [ "$(git -C "$folder" rev-parse HEAD)" = "$commit" ]
    # Mbed TLS has a part of its build in one; which commit of it is in the commit above.
    git -C "$folder" submodule -q update --init --depth 1
done <<<"$SOURCES"
tarball=$work/src/ffmpeg-$FFMPEG_VERSION.tar.xz
if [ -n "${PD_FFMPEG_TARBALL:-}" ]; then
    cp "$PD_FFMPEG_TARBALL" "$tarball"
else
    curl --proto '=https' -fsSL --retry 3 -o "$tarball" "https://ffmpeg.org/releases/ffmpeg-$FFMPEG_VERSION.tar.xz"
fi
[ "$(sum_of "$tarball")" = "$FFMPEG_SHA256" ] || {
    say "ffmpeg-$FFMPEG_VERSION.tar.xz has another SHA-256 than the pinned one"
    exit 1
}
cp "${BASH_SOURCE[0]}" "$work/src/build.sh"
# What is offered beside the program, before anything is built in it.
tar -C "$work/src" --exclude .git -cf "$out/sources.tar" .
tar -C "$work/src" -xf "$tarball"

export PKG_CONFIG_LIBDIR="$work/prefix/lib/pkgconfig"
prefix=$work/prefix
release=(-DCMAKE_BUILD_TYPE=Release "-DCMAKE_INSTALL_PREFIX=$prefix" "-DCMAKE_PREFIX_PATH=$prefix" -DCMAKE_INSTALL_LIBDIR=lib -DCMAKE_POSITION_INDEPENDENT_CODE=ON)
# Runs a build with its words in a file, the last of which are shown where it fails.
logged() {
    local name=$1
    shift
    if ! "$@" >>"$work/$name.log" 2>&1; then
        tail -n 25 "$work/$name.log" >&2
        exit 1
    fi
}
cmake_build() {
    local name=$1
    shift
    logged "$name" cmake -S "$work/src/$name" -B "$work/build/$name" "${release[@]}" "$@"
    logged "$name" cmake --build "$work/build/$name" -j "$jobs" --target install
    say "$name built"
}
cd "$work/src/x264"
logged x264 ./configure --prefix="$prefix" --enable-static --enable-pic --disable-cli --disable-opencl
logged x264 make -j "$jobs" install-lib-static
say "x264 built"
cmake_build opus -DBUILD_SHARED_LIBS=OFF -DOPUS_BUILD_PROGRAMS=OFF -DOPUS_BUILD_TESTING=OFF
cmake_build mbedtls -DENABLE_PROGRAMS=OFF -DENABLE_TESTING=OFF -DUSE_STATIC_MBEDTLS_LIBRARY=ON -DUSE_SHARED_MBEDTLS_LIBRARY=OFF -DGEN_FILES=OFF
cmake_build srt -DENABLE_SHARED=OFF -DENABLE_STATIC=ON -DENABLE_APPS=OFF -DUSE_ENCLIB=mbedtls -DENABLE_CXX_DEPS=ON

# All of ffmpeg's own parts, and of others' only what a show needs; nothing that this machine happens to have.
apple=()
[ "$(uname)" != Darwin ] || apple=(--enable-videotoolbox --enable-audiotoolbox)
cd "$work/src/ffmpeg-$FFMPEG_VERSION"
logged ffmpeg ./configure --prefix="$prefix" --pkg-config-flags=--static --disable-autodetect \
    --enable-gpl --enable-version3 --enable-libx264 --enable-libopus --enable-libsrt --enable-pthreads ${apple[@]+"${apple[@]}"} \
    --disable-shared --enable-static --disable-ffplay --disable-ffprobe --disable-doc --disable-debug --extra-libs=-lm \
    --extra-version=pd-console
logged ffmpeg make -j "$jobs" ffmpeg
cp "$work/src/ffmpeg-$FFMPEG_VERSION/ffmpeg" "$out/ffmpeg"
strip "$out/ffmpeg"

# What a show needs, as src/ffmpeg/capabilities.rs asks for it.
"$out/ffmpeg" -hide_banner -protocols | grep -qx '  srt'
for encoder in libx264 libopus; do "$out/ffmpeg" -hide_banner -encoders | grep -q " $encoder "; done
for muxer in flv mpegts framehash; do "$out/ffmpeg" -hide_banner -muxers | grep -q " $muxer "; done

cp "$here/../GPL-3.0.txt" "$out/GPL-3.0.txt"
cat >"$out/FFMPEG.txt" <<T
ffmpeg in this folder is ffmpeg $FFMPEG_VERSION, a program of its own that is not part of PD Console: the console starts it as a
separate process and talks to it over pipes and the network. It may be replaced by another ffmpeg, or removed.

Licence: GPL-3.0-or-later, whose text is in GPL-3.0.txt. There is no warranty. It was built by packaging/macos/ffmpeg.sh of PD
Console from ffmpeg $FFMPEG_VERSION (ffmpeg.org) and
$SOURCES
Their source and that script are in the file pd-console-...-ffmpeg-sources.tar beside this package where it is published.
T
say "$("$out/ffmpeg" -version | head -n 1), $(wc -c <"$out/ffmpeg") bytes, in $out"
