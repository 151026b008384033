#!/usr/bin/env bash
# Tries the installer for Windows under wine, as far as wine goes: an older version installed silently, a new one over it, the
# program started from where it was installed (doctor, a show on the test pattern with the bundled ffmpeg, the window),
# refused while it runs, removed without a trace but for the settings, removed with them. Needs makensis, mingw-w64, pip, wine;
# a screen (DISPLAY) for the window.
#
#   bash packaging/try-nsis.sh FOLDER PROGRAM [WINDOWS_PNG]   keeps wine's files in FOLDER; PROGRAM is a pd-console.exe
#
# Looked at: PD_FFMPEG_FOLDER (as packaging/windows/package.sh), PD_PATIENCE (times the limits of time), PD_NO_PACK=1 (takes the
# packages that are in FOLDER).
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
work=${1:?"the folder for wine's files"}
program=${2:?"pd-console.exe"}
picture=${3:-}
mkdir -p "$work"
work=$(cd "$work" && pwd)
# shellcheck source-path=SCRIPTDIR source=wine-prefix.sh
. packaging/wine-prefix.sh
# The installed program must find its own.
unset PD_CONSOLE_FFMPEG PD_CONSOLE_CONFIG_DIR
# shellcheck source-path=SCRIPTDIR source=about.sh
. packaging/about.sh

export PD_FFMPEG_FOLDER=${PD_FFMPEG_FOLDER:-$work/ffmpeg}
setup_of() { printf '%s/pd-console-%s-windows-x86_64-setup.exe' "$work" "$1"; }
for version in 0.0.9 "$PD_VERSION"; do
    [ -z "${PD_NO_PACK:-}" ] || [ ! -e "$(setup_of "$version")" ] || continue
    PD_VERSION=$version bash packaging/windows/package.sh "$program" "$work" --fast >"$work/pack.log" 2>&1 ||
        fail "not packed: $(tail -n 3 "$work/pack.log")"
done
say "packed: $(wc -c <"$(setup_of "$PD_VERSION")") bytes, quickly"

# Debian's wine says that it is Windows 7, which the installer refuses.
setup() { within 300 wine "$(setup_of "$1")" "${@:2}" >/dev/null 2>&1; }
wine reg add 'HKCU\Software\Wine' /v Version /d win7 /f >/dev/null 2>&1
ended=0
setup "$PD_VERSION" /S || ended=$?
[ "$ended" = 2 ] || fail "installed on Windows 7: exit code $ended"
wine reg add 'HKCU\Software\Wine' /v Version /d win10 /f >/dev/null 2>&1

drive=$WINEPREFIX/drive_c
# The user's folders are of whoever runs wine.
appdata=$(winepath -u "$(wine cmd /c echo %APPDATA% 2>/dev/null | tr -d '\r')" 2>/dev/null)
localdata=$(winepath -u "$(wine cmd /c echo %LOCALAPPDATA% 2>/dev/null | tr -d '\r')" 2>/dev/null)
installed=$localdata/Programs/$PD_TITLE
menu="$appdata/Microsoft/Windows/Start Menu/Programs/$PD_TITLE.lnk"
uninstall_key="Software\\Microsoft\\Windows\\CurrentVersion\\Uninstall\\$PD_ID"
registered() { wine reg query "$1\\$uninstall_key" /v DisplayVersion /reg:64 2>/dev/null | tr -d '\r' | awk '/REG_SZ/ { print $3 }'; }
# All files and folders but wine's own housekeeping.
list() { (cd "$drive" && find . -path ./windows -prune -o -path '*/Temp/*' -prune -o -path '*/temp/*' -prune -o -print | LC_ALL=C sort); }
# The uninstaller goes on as a copy of itself, unless it is told where it is.
remove() {
    local folder=$1 tries=0
    shift
    within 120 wine "$folder/uninstall.exe" "$@" >/dev/null 2>&1 || true
    while [ -e "$folder/uninstall.exe" ]; do
        tries=$((tries + 1))
        [ "$tries" -le $((300 * ${PD_PATIENCE:-1})) ] || fail "the uninstaller left itself: $(ls -A "$folder")"
        sleep 0.2
    done
    sleep 1
}

list >"$work/before"
# Every Windows has this folder, a new wine has not.
user_programs='\./users/[^/]*/AppData/Local/Programs'
setup 0.0.9 /S || fail "the older version: exit code $?"
[ "$(registered HKCU)" = 0.0.9 ] || fail "not registered: '$(registered HKCU)'"
[ -e "$menu" ] || fail "no $menu"
for file in pd-console.exe "PD Console.exe" ffmpeg.exe uninstall.exe licences/FFMPEG.txt licences/GPL-3.0.txt licences/THIRD-PARTY.txt; do
    [ -s "$installed/$file" ] || fail "no $file in $installed"
done
say "0.0.9 installed for this user: $(du -sm "$installed" | cut -f 1) MB"

# What only the older version had goes, the settings stay.
echo gone >"$installed/licences/only-in-0.0.9.txt"
mkdir -p "$appdata/pd-console"
echo kept >"$appdata/pd-console/mark.txt"
setup "$PD_VERSION" /S || fail "the upgrade: exit code $?"
[ "$(registered HKCU)" = "$PD_VERSION" ] || fail "after the upgrade: '$(registered HKCU)'"
[ ! -e "$installed/licences/only-in-0.0.9.txt" ] || fail "the upgrade left a file of the older version"
[ -s "$appdata/pd-console/mark.txt" ] || fail "the upgrade took the settings"
[ -s "$installed/pd-console.exe" ] || fail "the upgrade left no program"
[ -e "$menu" ] || fail "the upgrade left no shortcut"
say "$PD_VERSION installed over it, the settings stay"

# Icon, version and manifest: build.rs.
grep -q 'consoleAllocationPolicy' "$installed/pd-console.exe" || fail "the program has no manifest"
console() { within 120 wine "$installed/pd-console.exe" "$@" 2>"$work/stderr.log" </dev/null; }
# Asks it what it can, for as long as a busy machine takes; the answers are kept for what follows.
console ffmpeg-args --defaults >"$work/args" || fail "no ffmpeg: $(tail -n 3 "$work/stderr.log")"
grep -qF "$PD_TITLE" "$work/args" || fail "another ffmpeg than the bundled one: $(cat "$work/args")"
console doctor >"$work/doctor" || true
grep -F "ffmpeg.exe" "$work/doctor" | grep -qF "$PD_TITLE" || fail "doctor does not name the bundled ffmpeg: $(cat "$work/doctor" "$work/stderr.log")"
say "doctor: $(grep -F "ffmpeg.exe" "$work/doctor" | head -n 1 | tr -d '\r' | cut -c 1-150)"
# No MediaMTX for Windows here: the show goes to an ffmpeg of the console's own that listens on loopback (SRT).
console live --defaults --source pattern --audio tone --seconds 5 >"$work/live" || fail "live: $(tail -n 3 "$work/stderr.log")"
grep -q 'confirmed online' "$work/live" || fail "live: not confirmed"
grep -q 'passed *100.00 %' "$work/live" || fail "live: $(grep passed "$work/live")"
say "live with the bundled ffmpeg: $(grep 'passed' "$work/live" | head -n 1 | tr -s ' ')"

# As the Start menu starts it; another version is not installed over a running one.
if [ -n "${DISPLAY:-}" ]; then
    within 60 wine "$installed/PD Console.exe" --log >"$work/window.log" 2>&1 </dev/null || fail "the Start menu's program: $?"
    running() { pgrep -f "${PD_TITLE}.pd-console\.exe" | head -n 1; }
    tries=0
    until [ -n "$(running)" ] && { ! command -v xdotool >/dev/null || xdotool search --onlyvisible --name . >/dev/null 2>&1; }; do
        tries=$((tries + 1))
        [ "$tries" -le $((150 * ${PD_PATIENCE:-1})) ] || fail "no window: $(cat "$work/window.log")"
        sleep 0.2
    done
    sleep $((8 * ${PD_PATIENCE:-1}))
    pid=$(running)
    [ -n "$pid" ] || fail "the window ended by itself"
    if [ -n "$picture" ] && command -v import >/dev/null; then
        import -window root "$picture"
        say "picture: $picture"
    fi
    ended=0
    setup "$PD_VERSION" /S || ended=$?
    [ "$ended" = 5 ] || fail "installed over the running console: exit code $ended"
    [ -s "$installed/pd-console.exe" ] || fail "and the program is gone"
    kill "$pid"
    tries=0
    while kill -0 "$pid" 2>/dev/null; do
        tries=$((tries + 1))
        [ "$tries" -le 50 ] || kill -9 "$pid"
        sleep 0.2
    done
    say "the window opened from the Start menu's program; refused to install over it (5)"
fi

remove "$installed" /S
[ -z "$(registered HKCU)" ] || fail "still registered"
list >"$work/after"
left=$(LC_ALL=C comm -13 "$work/before" "$work/after" | grep -v "/AppData/Roaming/pd-console\(/\|$\)" |
    grep -vx "$user_programs" || true)
[ -z "$left" ] || fail "left behind: $left"
[ -s "$appdata/pd-console/mark.txt" ] || fail "the settings went"
say "removed: nothing is left but the settings ($(find "$appdata/pd-console" -type f | wc -l) files)"

# For all users, with a folder of one's own, and away with everything.
setup "$PD_VERSION" /S /AllUsers || fail "for all users: exit code $?"
[ "$(registered HKLM)" = "$PD_VERSION" ] || fail "for all users: not registered"
all="$drive/Program Files/$PD_TITLE"
[ -s "$all/ffmpeg.exe" ] || fail "for all users: nothing in $all"
remove "$all" /AllUsers /S /SETTINGS
[ -z "$(registered HKLM)" ] || fail "for all users: still registered"
list >"$work/after"
left=$(LC_ALL=C comm -13 "$work/before" "$work/after" |
    grep -vx "$user_programs" || true)
[ -z "$left" ] || fail "left behind with the settings asked away: $left"
say "for all users, and removed with the settings"
