# A wine prefix in $work/prefix, for the scripts that run the Windows program: sourced with $work set, an absolute folder.
# Sets WINEPREFIX and so on, say and fail, windows_ffmpeg; ends the prefix's server when the script ends.
# shellcheck shell=bash

: "${work:?}"
export WINEPREFIX="$work/prefix" WINEARCH=win64 WINEDEBUG=-all WINEDLLOVERRIDES="mscoree,mshtml="
# Those are Linux programs, which wine would start too.
unset MEDIAMTX_BIN FFMPEG_BIN PD_TEST_FFMPEGS
trap 'wineserver -k 2>/dev/null || true' EXIT

# Limits of time are for a machine of one's own: PD_PATIENCE=5 where it is busy.
within() { timeout "$(($1 * ${PD_PATIENCE:-1}))" "${@:2}"; }
say() { printf 'wine: %s\n' "$*"; }
fail() {
    say "FAILED: $*"
    exit 1
}

say "$(wine --version 2>/dev/null)"
within 180 wine wineboot -u >"$work/boot.log" 2>&1 || fail "no prefix: $(tail -n 1 "$work/boot.log")"

# Two libraries that every Windows 10 has and wine only from 9 on: random numbers, and the queue
# that capture alone asks for.
shim() {
    local name=$1
    shift
    [ -e "$WINEPREFIX/drive_c/windows/system32/$name" ] && return 0
    say "this wine has no $name: a stand-in"
    x86_64-w64-mingw32-gcc -shared -x c - -o "$WINEPREFIX/drive_c/windows/system32/$name" "$@"
}
shim bcryptprimitives.dll -ladvapi32 <<'C'
#include <windows.h>
BOOLEAN WINAPI SystemFunction036(void *buffer, ULONG size);
__declspec(dllexport) BOOL WINAPI ProcessPrng(unsigned char *buffer, SIZE_T size) {
    return SystemFunction036(buffer, (ULONG)size);
}
C
shim coremessaging.dll <<'C'
#include <windows.h>
__declspec(dllexport) HRESULT WINAPI CreateDispatcherQueueController(void *options, void **out) {
    return E_NOTIMPL;
}
C


# ffmpeg for Windows, the pinned one: its path.
windows_ffmpeg() {
    within 300 bash packaging/ffmpeg.sh windows x86_64 "${PD_FFMPEG_FOLDER:-$work/ffmpeg}" >"$work/pip.log" 2>&1 || return 1
    printf '%s' "${PD_FFMPEG_FOLDER:-$work/ffmpeg}/ffmpeg.exe"
}
