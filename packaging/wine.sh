#!/usr/bin/env bash
# Runs the Windows build under wine, as far as wine goes: the unit tests, the list of monitors and
# windows, a show with the test pattern and a real ffmpeg, the window. Capture itself cannot be run:
# wine has no Windows.Graphics.Capture. Needs a screen (DISPLAY); test.sh gives it one.
#
#   bash packaging/wine.sh FOLDER    keeps wine's files in FOLDER, which it makes
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
work=${1:?"the folder for wine's files"}
mkdir -p "$work"
work=$(cd "$work" && pwd)
target=x86_64-pc-windows-gnu

# shellcheck source-path=SCRIPTDIR source=wine-prefix.sh
. packaging/wine-prefix.sh
export CARGO_TARGET_X86_64_PC_WINDOWS_GNU_RUNNER=wine

if ffmpeg=$(windows_ffmpeg); then
    PD_CONSOLE_FFMPEG=$(winepath -w "$ffmpeg" 2>/dev/null)
    export PD_CONSOLE_FFMPEG FFMPEG_BIN="$PD_CONSOLE_FFMPEG"
    say "ffmpeg: $(winepath -w "$ffmpeg" 2>/dev/null)"
else
    ffmpeg=
fi

say "unit tests"
unit_tests() { timeout 1200 cargo test --target "$target" --lib --locked -- -q; }
# Once more where one failed: wine's scheduling on a busy machine can miss a limit in time.
unit_tests || { say "unit tests once more"; unit_tests; } || fail "unit tests, twice"

# Where cargo put it, whatever CARGO_TARGET_DIR says.
program=$(cargo build --target "$target" --bin pd-console --locked --message-format=json 2>/dev/null |
    sed -n 's/.*"executable":"\([^"]*pd-console\.exe\)".*/\1/p' | tail -n 1)
[ -n "$program" ] || fail "no pd-console.exe"
console() { timeout 120 wine "$program" "$@" 2>"$work/stderr.log" </dev/null; }

console --help >"$work/help" || fail "--help"
grep -q 'Go live' "$work/help" || fail "--help says: $(cat "$work/help")"

if [ -z "${DISPLAY:-}" ]; then
    say "no screen: monitors, windows and the console's own window are not looked at"
else
    console sources --json >"$work/sources" || fail "sources: $(tail -n 1 "$work/stderr.log")"
    grep -q '"Monitor"' "$work/sources" || fail "sources: no monitor in $(cat "$work/sources")"
    say "sources: $(grep -c '"label"' "$work/sources")"
fi

# cases.md B23: whatever ends the console, no ffmpeg outlives it (on Windows the job object's work).
killed_mid_show() {
    local console tries=0 children=() child
    wine "$program" live --defaults --source pattern --audio tone --quiet \
        >"$work/killed.log" 2>&1 </dev/null &
    console=$!
    until [ ${#children[@]} -ge 3 ]; do # receiver, encoder, publisher
        tries=$((tries + 1))
        [ "$tries" -le 300 ] || fail "no show to kill: $(tail -n 3 "$work/killed.log")"
        sleep 0.1
        mapfile -t children < <(pgrep -f "${ffmpeg//\//.} .*-hide_banner.*-f ")
    done
    tr '\0' ' ' <"/proc/$console/cmdline" | grep -q 'pd-console.exe' || fail "another process to kill"
    kill -9 "$console"
    wait "$console" 2>/dev/null || true
    sleep 3
    for child in "${children[@]}"; do
        grep -qs '^State:[[:space:]]*[^ZX]' "/proc/$child/status" && fail "ffmpeg $child outlived the console"
    done
    say "killed mid show: its ${#children[@]} ffmpegs ended with it"
}

if [ -n "$ffmpeg" ]; then
    # No server: MediaMTX for Windows is in no registry. An ffmpeg receiver takes its place.
    console live --defaults --source pattern --audio tone --seconds 5 >"$work/live" ||
        fail "live: $(tail -n 3 "$work/stderr.log")"
    sed -n '/LIVE after\|arrived\|drops\|passed/p' "$work/live"
    grep -q 'confirmed online' "$work/live" || fail "live: not confirmed"
    grep -q 'passed *100.00 %' "$work/live" || fail "live: pictures did not arrive as they were sent"
    killed_mid_show
else
    say "SHOW SKIPPED: no ffmpeg for Windows: $(tail -n 1 "$work/pip.log")"
fi

if [ -n "${DISPLAY:-}" ]; then
    ended=0
    timeout 12 wine "$program" --log >"$work/window.log" 2>&1 </dev/null || ended=$?
    # 124: timeout ended it, so it was open all the time.
    [ "$ended" = 124 ] || fail "the window ended by itself ($ended): $(tail -n 3 "$work/window.log")"
    ! grep -q 'panicked' "$work/window.log" || fail "the window: $(grep panicked "$work/window.log")"
    say "the window stayed open for 12 s"
fi
