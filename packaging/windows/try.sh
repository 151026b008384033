#!/usr/bin/env bash
# Tries the installer on a real Windows, in Git's shell: installed silently for this user, a show on the test pattern with the
# bundled ffmpeg, the window, removed without a trace but for the settings. packaging/try-nsis.sh does more of it under wine.
#
#   bash packaging/windows/try.sh SETUP.exe
set -euo pipefail

setup=${1:?"the installer"}
title="PD Console"
# Git's shell would take /S for a path.
export MSYS_NO_PATHCONV=1
local_data=$(cygpath -u "$LOCALAPPDATA")
installed=$local_data/Programs/$title
say() { printf 'try: %s\n' "$*"; }
fail() {
    say "FAILED: $*"
    exit 1
}

"./$setup" /S || fail "the installer: exit code $?"
for file in pd-console.exe "PD Console.exe" ffmpeg.exe uninstall.exe licences/GPL-3.0.txt; do
    [ -s "$installed/$file" ] || fail "no $file in $installed"
done
console() { "$installed/pd-console.exe" "$@"; }
console --version
console doctor >doctor.txt || true
grep -F ffmpeg.exe doctor.txt | grep -F "$title" || fail "doctor does not name the bundled ffmpeg: $(cat doctor.txt)"
console live --defaults --source pattern --audio tone --seconds 5 >live.txt || fail "live: $(cat live.txt)"
grep -q 'confirmed online' live.txt || fail "live: $(cat live.txt)"
grep -q 'passed *100.00 %' live.txt || fail "live: $(cat live.txt)"
"$installed/PD Console.exe" || fail "the Start menu's program: exit code $?"
sleep 10
# A runner without a graphics card may have no OpenGL: then the window cannot be tried, and the log says so.
if tasklist /FI "IMAGENAME eq pd-console.exe" | grep -q pd-console.exe; then
    say "the window is open after 10 s"
    taskkill /F /IM pd-console.exe >/dev/null
    sleep 2
else
    say "WINDOW NOT TRIED: it ended by itself"
fi
"$installed/uninstall.exe" /S
for _ in $(seq 100); do
    [ -e "$installed" ] || break
    sleep 0.3
done
[ ! -e "$installed" ] || fail "left behind: $(ls -A "$installed")"
reg query "HKCU\\Software\\Microsoft\\Windows\\CurrentVersion\\Uninstall\\org.pdconsole.PdConsole" 2>/dev/null && fail "still registered"
say "installed, live with the bundled ffmpeg, removed"
