#!/usr/bin/env bash
# Installs a .deb into a clean Debian 12 and uses it there: what the package says it needs, and nothing else, is
# installed first; then it goes live on the test pattern to an SRT listener, without a window and from its window,
# and is removed again without a trace.
#
#   bash packaging/try-deb.sh FILE.deb FOLDER    keeps the root, logs and window.png in FOLDER, which it makes
#
# Needs root, mmdebstrap, Xvfb, xdotool, ffmpeg. On a Debian 12 the root comes from this machine's own apt sources, elsewhere
# from mmdebstrap's default mirror. Mounts live in a mount namespace of this script's own and end with it; where the kernel
# gives none (a container without CAP_SYS_ADMIN), it says so and goes on in a plain chroot, without /proc.
# Exit code 77: not possible here at all; the last line says why.
set -euo pipefail

if [ -z "${PD_TRY_NAMESPACE:-}" ]; then
    [ "$(id -u)" -eq 0 ] || { echo "try-deb: NOT TRIED: not root"; exit 77; }
    for program in mmdebstrap Xvfb xdotool ffmpeg; do
        command -v "$program" >/dev/null || { echo "try-deb: NOT TRIED: no $program"; exit 77; }
    done
    if unshare --mount true 2>/dev/null; then
        PD_TRY_NAMESPACE=mounts exec unshare --mount --propagation private bash "$0" "$@"
    fi
    PD_TRY_NAMESPACE=none exec bash "$0" "$@"
fi

deb=$(realpath "${1:?"the .deb"}")
work=${2:?"the folder for the root and what is seen"}
mkdir -p "$work"
work=$(cd "$work" && pwd)
root=$work/root
name=$(dpkg-deb -f "$deb" Package)
# As the program's windows name themselves.
class=$(dpkg-deb -c "$deb" | sed -n 's|.*/applications/\(.*\)\.desktop$|\1|p')
user=producer
# Its own screen follows.
unset DISPLAY

pids=()
finish() {
    local pid
    for pid in "${pids[@]}"; do
        kill "$pid" 2>/dev/null || true
    done
    for pid in "${pids[@]}"; do
        wait "$pid" 2>/dev/null || true
    done
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

from=$SECONDS
say() { printf 'try-deb: %3d s  %s\n' $((SECONDS - from)) "$*"; }
fail() {
    say "FAILED: $*"
    exit 1
}
wait_for() {
    local limit=$1 tries=0
    shift
    until "$@"; do
        tries=$((tries + 1))
        [ "$tries" -lt $((limit * 5)) ] || return 1
        sleep 0.2
    done
}

# --- the clean root, with what the package names in Depends; recommended packages are left out
depends=$(dpkg-deb -f "$deb" Depends | sed -e 's/([^)]*)//g' -e 's/|[^,]*//g' -e 's/ //g')
# shellcheck source=/dev/null
case $(. /etc/os-release && echo "$ID-${VERSION_CODENAME:-}") in
debian-bookworm)
    # shellcheck disable=SC2016 # apt's own words
    apt-get indextargets --format 'deb $(REPO_URI) $(CODENAME) $(COMPONENT)' 'Created-By: Packages' 'Origin: Debian' |
        sort -u >"$work/sources"
    ;;
*) : >"$work/sources" ;;
esac
rm -rf "$root"
bare=()
[ "$PD_TRY_NAMESPACE" = mounts ] || bare=(--skip=chroot/mount)
sources=()
[ ! -s "$work/sources" ] || sources=(-)
# PD_HEAVY: how heavy work is started where others must not notice, such as "nice -n 19".
# shellcheck disable=SC2086 # words
${PD_HEAVY:-} mmdebstrap --quiet --mode=root --variant=minbase --include="$depends" "${bare[@]}" \
    --aptopt='Acquire::Languages "none"' --aptopt='Acquire::Retries "3"' --aptopt='APT::Install-Recommends "false"' \
    --dpkgopt=force-unsafe-io bookworm "$root" "${sources[@]}" <"$work/sources" >"$work/mmdebstrap.log" 2>&1 ||
    fail "no Debian root: $(grep -E '^E:|error' "$work/mmdebstrap.log" | tail -n 2)"
say "Debian $(cat "$root/etc/debian_version"), $(chroot "$root" dpkg-query -W | wc -l) packages, with: $depends"

if [ "$PD_TRY_NAMESPACE" = mounts ]; then
    mount -t proc proc "$root/proc" 2>/dev/null || mount --rbind /proc "$root/proc"
    mount --rbind /dev "$root/dev"
    mkdir -p "$root/tmp/.X11-unix"
else
    say "no mounts here: a plain chroot, without /proc"
    for device in null zero full random urandom; do
        [ -c "$root/dev/$device" ] || cp -a "/dev/$device" "$root/dev/" || fail "no /dev/$device can be made here"
    done
    mkdir -p "$root/dev/shm"
    chmod 1777 "$root/dev/shm"
fi
chroot "$root" useradd --create-home --shell /bin/bash "$user"
# words_for AS COMMAND...: how it is run in the root, with an environment as after a login.
words_for() {
    local as=$1 home=/root
    shift
    [ "$as" = root ] || home=/home/$as
    words=(chroot --userspec="$as" "$root" env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
        HOME="$home" USER="$as" LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive XDG_RUNTIME_DIR="$home/.run"
        LIBGL_ALWAYS_SOFTWARE=1 ${DISPLAY:+DISPLAY="$DISPLAY"} "$@")
}
in_root() {
    local words
    words_for "$@"
    "${words[@]}"
}
# With & only: then its process is the program's own, not that of a shell around it.
start_in_root() {
    local words
    words_for "$@"
    exec "${words[@]}"
}
in_root "$user" mkdir -m 700 "/home/$user/.run"

# All files with kind, mode, owner, size, time and target; what dpkg and apt keep for themselves, the kernel's and the user's left out.
list() {
    (cd "$root" && find . -xdev \( -path ./proc -o -path ./sys -o -path ./dev -o -path ./tmp -o -path ./run -o -path "./home/$user" \
        -o -path ./var/lib/dpkg -o -path ./var/lib/apt -o -path ./var/cache/apt -o -path ./var/log \) -prune -o \
        \( -type d -printf '%p %y %m %u\n' -o -printf '%p %y %m %u %s %T@ %l\n' \)) | LC_ALL=C sort
}
list >"$work/before"

# --- installed; apt has no package lists here, so that nothing more can come
cp "$deb" "$root/tmp/$name.deb"
in_root root apt-get -qq -o APT::Sandbox::User=root -o Dpkg::Use-Pty=0 install -y "/tmp/$name.deb" >"$work/install.log" 2>&1 ||
    fail "not installed: $(tail -n 5 "$work/install.log")"
# shellcheck disable=SC2016 # dpkg's own words
[ "$(in_root root dpkg-query -W -f '${db:Status-Abbrev}' "$name")" = "ii " ] || fail "apt says installed, dpkg does not"
list >"$work/with"
came=$(LC_ALL=C comm -13 "$work/before" "$work/with" | grep -vc ' d ' || true)
owned=$(in_root root dpkg -L "$name" | while read -r path; do [ ! -f "$root$path" ] || echo "$path"; done | wc -l)
[ "$came" -eq "$owned" ] || fail "$came files came, $owned are the package's: $(diff "$work/before" "$work/with")"
say "installed: $(in_root "$user" "$name" --version), $came files, all the package's own"
libraries=$(in_root "$user" ldd "/usr/bin/$name")
! grep 'not found' <<<"$libraries" || fail "libraries are missing"
# As bash asks for it behind "live --so".
# shellcheck disable=SC2016 # that bash's words
offered=$(in_root "$user" bash -c 'source "/usr/share/bash-completion/completions/$0" &&
    by=$(complete -p "$0" | sed "s/.*-F \([^ ]*\).*/\1/") &&
    COMP_WORDS=("$0" live --so) COMP_CWORD=2 && "$by" "$0" --so live && echo "${COMPREPLY[*]}"' "$name")
[ "$offered" = --source ] || fail "bash completes 'live --so' with: $offered"

# --- live without a window, to an ffmpeg that listens
free_port() { python3 -c 'import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
is_taken() { ! python3 -c 'import socket, sys; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).bind(("127.0.0.1", int(sys.argv[1])))' "$1" 2>/dev/null; }
# listen FILE: takes one caller and writes what it sends; sets port and listener.
listen() {
    port=$(free_port)
    start_in_root "$user" ffmpeg -nostdin -v error -mode listener -f mpegts -i "srt://127.0.0.1:$port" -map 0 -c copy -f mpegts -y "$1" \
        >"$work/listener.log" 2>&1 &
    listener=$!
    pids+=("$listener")
    wait_for 30 is_taken "$port" || fail "the receiver does not listen: $(cat "$work/listener.log")"
}
# frames FILE: what ffprobe in the root decodes of it: codec and frames a stream.
frames() {
    in_root "$user" ffprobe -v error -count_frames -show_entries stream=codec_name,nb_read_frames -of csv=p=0 "$1" 2>/dev/null | sort -u | tr '\n' ' '
}
pictures() { sed -n 's/.*h264,\([0-9]*\).*/\1/p' <<<"$1"; }

listen "/home/$user/shown.ts"
in_root "$user" timeout 120 "$name" live --json --seconds 5 --source pattern --audio tone --host "srt://127.0.0.1:$port" \
    --set target.way=SrtPush --set viewer.on=false >"$work/live.json" 2>"$work/live.log" ||
    fail "live ended with $?: $(tail -n 5 "$work/live.log")"
wait_for 20 eval "! kill -0 $listener 2>/dev/null" || fail "the receiver still waits"
got=$(frames "/home/$user/shown.ts")
[ "$(pictures "$got")" -ge 100 ] || fail "5 s of 30 a second, and the receiver decoded: $got"
grep -q opus <<<"$got" || fail "no sound came: $got"
say "live 5 s without a window: the receiver decoded $got"

# --- live from the window
: >"$work/display"
Xvfb -displayfd 3 -screen 0 1280x800x24 -nolisten tcp -ac 3>"$work/display" 2>"$work/xvfb.log" &
pids+=($!)
wait_for 20 test -s "$work/display" || fail "no Xvfb: $(cat "$work/xvfb.log")"
DISPLAY=:$(tr -d '[:space:]' <"$work/display")
[ "$PD_TRY_NAMESPACE" != mounts ] || mount --bind /tmp/.X11-unix "$root/tmp/.X11-unix"
listen "/home/$user/window.ts"
in_root "$user" mkdir -p "/home/$user/.config/$name"
in_root "$user" tee "/home/$user/.config/$name/settings.ron" >/dev/null <<RON
(
    version: 3,
    language: English,
    video: (source: Pattern),
    audio: (inputs: [(source: Tone)]),
    target: (kind: Srt, host: "127.0.0.1", srt_port: $port, way: SrtPush),
    viewer: (on: false),
)
RON
start_in_root "$user" "$name" >"$work/window.log" 2>&1 &
window=$!
pids+=("$window")
found() { xdotool search --onlyvisible --class "^$class\$" >"$work/window.id" 2>/dev/null && [ -s "$work/window.id" ]; }
export DISPLAY
wait_for 60 found || fail "no window of class $class: $(tail -n 5 "$work/window.log")"
# The first frame is drawn once there is something to click on.
sleep 2
xdotool windowfocus --sync "$(head -n 1 "$work/window.id")" || true
xdotool key F5
# The colour of the tile at the top left, where the window says what it is doing: red on air.
photograph() { ffmpeg -nostdin -v error -f x11grab -draw_mouse 0 -video_size 1280x800 -i "$DISPLAY" -frames:v 1 -y "$work/window.png"; }
is_on_air() {
    photograph
    local red green blue
    read -r red green blue < <(ffmpeg -nostdin -v error -i "$work/window.png" -vf crop=6:60:14:16,scale=1:1 -f rawvideo -pix_fmt rgb24 - | od -An -tu1)
    [ "$red" -gt 150 ] && [ "$green" -lt 90 ] && [ "$blue" -lt 90 ]
}
wait_for 60 is_on_air || fail "the window does not say ON AIR within a minute: $work/window.png, $(tail -n 5 "$work/window.log")"
sleep 4
photograph
kill "$window" 2>/dev/null || true
wait_for 30 eval "! kill -0 $window 2>/dev/null" || fail "the window does not end"
wait_for 20 eval "! kill -0 $listener 2>/dev/null" || fail "the receiver still waits"
got=$(frames "/home/$user/window.ts")
[ "$(pictures "$got")" -ge 60 ] || fail "the window was on air, and the receiver decoded: $got"
say "live from the window (window.png): the receiver decoded $got"

# --- removed
in_root root apt-get -qq -o APT::Sandbox::User=root -o Dpkg::Use-Pty=0 purge -y "$name" >"$work/purge.log" 2>&1 || fail "not removed: $(tail -n 5 "$work/purge.log")"
list >"$work/after"
diff "$work/before" "$work/after" >"$work/left" || fail "traces are left: $(head -n 20 "$work/left")"
! in_root root dpkg-query -W "$name" >/dev/null 2>&1 || fail "dpkg still knows it"
[ -s "$root/home/$user/.config/$name/settings.ron" ] || fail "the user's settings are gone"
say "removed: all $(wc -l <"$work/after") files and folders as before; the user's settings are kept"
