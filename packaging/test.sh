#!/usr/bin/env bash
# Sets up and runs every check, with a screen and a sound server of its own: needs neither display
# nor sound card, runs as root too. Prints the time of each step; ends with 1 if one failed.
#
#   bash packaging/test.sh
#
# Looked at, all optional: MEDIAMTX_BIN (or mediamtx in PATH: without it the tests with a real
# server say that they were skipped), PD_TEST_FFMPEGS (more ffmpegs, separated by colons),
# PD_SKIP_REMOTE_CLIENTS=1 (no clients in Python and JavaScript), PD_SKIP_DENY=1 (no cargo-deny), PD_SKIP_FFMPEGS=1 (no further ffmpegs through pip),
# PD_ADVISORY_DB (a clone of github.com/RustSec/advisory-db), PD_SKIP_FOREIGN=1 (nothing for Windows and macOS),
# PD_SKIP_WINE=1 (no Windows build and installer under wine), PD_SKIP_SOAK=1 (no ten minutes of random faults), PD_SOAK_MINUTES and
# PD_SOAK_SEED (others than 10 and 1), PD_SOAK_RECEIVER=ffmpeg (as if there were no MediaMTX), PD_SKIP_PACKAGES=1 (no .deb; the .rpm is the release workflow's).
set -euo pipefail
# Built once from nothing: what the next build would be quicker by is not kept.
export CARGO_INCREMENTAL=${CARGO_INCREMENTAL:-0}

cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source-path=SCRIPTDIR source=deps.sh
. packaging/deps.sh
began=$SECONDS
install_deps test

work=$(mktemp -d "${TMPDIR:-/tmp}/pd-test.XXXXXX")
pids=()
soak_pid=
finish() {
    local pid
    # With all that it has started.
    [ -z "$soak_pid" ] || kill -- "-$soak_pid" 2>/dev/null || true
    for pid in "${pids[@]}"; do
        kill "$pid" 2>/dev/null || true
    done
    for pid in "${pids[@]}"; do
        wait "$pid" 2>/dev/null || true
    done
    rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

note() { printf '\n=== %s\n' "$*"; }
times=()
failed=()
# step NAME COMMAND...: runs it; a failure is kept for the end, so that one run shows them all.
step() {
    local name=$1 from=$SECONDS word=ok
    shift
    note "$name"
    if ! "$@"; then
        word=FAILED
        failed+=("$name")
    fi
    times+=("$(printf '%-34s %5d s  %s' "$name" $((SECONDS - from)) "$word")")
}

# --- a screen and a sound server, both private to this run
export XDG_RUNTIME_DIR="$work/run"
mkdir -m 700 "$XDG_RUNTIME_DIR"
unset WAYLAND_DISPLAY PULSE_SERVER
# No bus: with a display libdbus would start one of its own for whoever asks, and take its time.
# Tests that need one start it themselves.
export DBUS_SESSION_BUS_ADDRESS=unix:path=/dev/null
export LIBGL_ALWAYS_SOFTWARE=1

start_screen() {
    have Xvfb || { echo "no Xvfb: the tests that need a screen say that they were skipped"; return 0; }
    # Xvfb chooses a free number itself and writes it here once it takes connections.
    : >"$work/display"
    Xvfb -displayfd 3 -screen 0 1280x800x24 -nolisten tcp 3>"$work/display" 2>"$work/xvfb.log" &
    pids+=($!)
    local tries=0
    until [ -s "$work/display" ]; do
        tries=$((tries + 1))
        if [ "$tries" -gt 100 ]; then
            echo "Xvfb did not start:"
            cat "$work/xvfb.log"
            return 1
        fi
        sleep 0.1
    done
    DISPLAY=":$(tr -d '[:space:]' <"$work/display")"
    export DISPLAY
    echo "screen $DISPLAY"
}

start_sound() {
    have pulseaudio || { echo "no pulseaudio: the tests that need a sound input say that they were skipped"; return 0; }
    export PULSE_SERVER="unix:$XDG_RUNTIME_DIR/native"
    export PULSE_RUNTIME_PATH="$XDG_RUNTIME_DIR/pulse" PULSE_STATE_PATH="$XDG_RUNTIME_DIR/pulse-state"
    pulseaudio -n --daemonize=no --use-pid-file=no --exit-idle-time=-1 --disallow-exit \
        -L "module-native-protocol-unix socket=$XDG_RUNTIME_DIR/native auth-anonymous=1" \
        -L "module-null-sink sink_name=pd_test" >"$work/pulse.log" 2>&1 &
    pids+=($!)
    local tries=0
    until pactl info >/dev/null 2>&1; do
        tries=$((tries + 1))
        if [ "$tries" -gt 100 ]; then
            echo "pulseaudio did not start:"
            tail -n 5 "$work/pulse.log"
            return 1
        fi
        sleep 0.1
    done
    echo "sound server $PULSE_SERVER"
}

# --- more ffmpegs: the console supports 5.1 to 9, a distribution has one of them. PATH's comes first: whoever takes one
# only takes that one.
more_ffmpegs() {
    local python version program
    if have ffmpeg; then
        PD_TEST_FFMPEGS="$(command -v ffmpeg)${PD_TEST_FFMPEGS:+:$PD_TEST_FFMPEGS}"
    fi
    if [ -n "${PD_SKIP_FFMPEGS:-}" ]; then
        echo "not asked for"
        return 0
    fi
    for python in python3 python; do
        "$python" -m pip --version >/dev/null 2>&1 && break
        python=
    done
    if [ -z "$python" ]; then
        echo "no pip: only the ffmpeg in PATH is tested"
        return 0
    fi
    for version in imageio-ffmpeg==0.6.0 imageio-ffmpeg; do
        if ! timeout 300 "$python" -m pip install -q --disable-pip-version-check --no-deps \
            --root-user-action=ignore --target "$work/$version" "$version" >"$work/pip.log" 2>&1; then
            echo "$version cannot be had: $(tail -n 1 "$work/pip.log")"
            continue
        fi
        program=$(find "$work/$version/imageio_ffmpeg/binaries" -name 'ffmpeg-*' -type f | head -n 1)
        if [ -n "$program" ] && "$program" -version >"$work/version" 2>&1; then
            head -n 1 "$work/version"
            PD_TEST_FFMPEGS="${PD_TEST_FFMPEGS:+$PD_TEST_FFMPEGS:}$program"
        else
            echo "$version has no ffmpeg that runs here"
        fi
    done
}

# --- clients of the remote control that others wrote (a Rust one is among the dev-dependencies)
remote_clients() {
    if [ -n "${PD_SKIP_REMOTE_CLIENTS:-}" ]; then
        echo "not asked for"
        return 0
    fi
    if python3 -m pip --version >/dev/null 2>&1 &&
        timeout 300 python3 -m pip install -q --disable-pip-version-check --root-user-action=ignore \
            --target "$work/remote-python" obsws-python==1.8.0 simpleobsws==1.4.3 >"$work/pip.log" 2>&1; then
        echo "Python: obsws-python 1.8.0, simpleobsws 1.4.3"
        export PD_TEST_REMOTE_PYTHON="$work/remote-python"
    else
        echo "REMOTE CLIENTS OF PYTHON SKIPPED: $(tail -n 1 "$work/pip.log" 2>/dev/null || echo "no pip")"
    fi
    mkdir -p "$work/remote-node"
    echo '{"private": true}' >"$work/remote-node/package.json"
    if have npm && timeout 300 npm install --silent --no-audit --no-fund --ignore-scripts \
        --prefix "$work/remote-node" obs-websocket-js@5.0.8 >"$work/npm.log" 2>&1; then
        echo "Node: obs-websocket-js 5.0.8"
        export PD_TEST_REMOTE_NODE="$work/remote-node"
    else
        echo "REMOTE CLIENTS OF NODE SKIPPED: $(tail -n 1 "$work/npm.log" 2>/dev/null || echo "no npm")"
    fi
}

# --- cargo-deny
deny() {
    if ! cargo deny --version >/dev/null 2>&1; then
        # Unoptimised: it is built once and runs for seconds.
        echo "building cargo-deny"
        cargo install --quiet cargo-deny --locked --debug --root "$work/deny" --target-dir "$work/deny-target" || {
            echo "cargo-deny cannot be built here: not checked"
            return 1
        }
        rm -rf "$work/deny-target"
        PATH="$work/deny/bin:$PATH"
    fi
    cargo deny --locked check --hide-inclusion-graph bans licenses sources || return 1
    # The advisories are a git repository of their own, which may be out of reach: then a clone of it will do.
    if [[ -n ${PD_ADVISORY_DB:-} ]]; then
        local clone
        clone=$(realpath "$PD_ADVISORY_DB")
        export GIT_CONFIG_COUNT=1 GIT_CONFIG_VALUE_0=https://github.com/RustSec/advisory-db
        export GIT_CONFIG_KEY_0="url.file://$clone.insteadOf"
    fi
    if timeout 120 cargo deny --locked fetch db >"$work/advisories.log" 2>&1; then
        cargo deny --locked --offline check advisories || return 1
        # The same database, asked by RustSec's own program where there is one.
        if [[ -n ${PD_ADVISORY_DB:-} ]] && cargo audit --version >/dev/null 2>&1; then
            cargo audit --no-fetch --stale --db "$PD_ADVISORY_DB"
        fi
    else
        echo "ADVISORIES SKIPPED: their database cannot be fetched: $(grep -E 'fatal|error|ERROR' "$work/advisories.log" | tail -n 1)"
    fi
}

# --- Windows and macOS, from here
# Compilers take what the soak leaves. Where the kernel shares by sessions (sched_autogroup) a process's own nice
# counts within its session only, and the soak has another one.
low=(nice -n 19)
step_aside() {
    { echo 19 >"/proc/$$/autogroup"; } 2>/dev/null || true
}

windows_lints() {
    "${low[@]}" cargo clippy --target "$WINDOWS_TARGET" --lib --bins --locked -- -D warnings &&
        "${low[@]}" cargo clippy --target "$WINDOWS_TARGET" --profile test --lib --locked -- -D warnings
}

# Apple's SDK is not to be had outside of macOS: the parts in C and Swift are not compiled and
# nothing is linked. All Rust is checked, for which those parts need not exist.
mac_lints() {
    local stand_in=$PWD/packaging/no-cc
    local -a with=("${low[@]}" env DOCS_RS=1 "CC_${MAC_TARGET//-/_}=$stand_in" "AR_${MAC_TARGET//-/_}=$stand_in")
    "${with[@]}" cargo clippy --target "$MAC_TARGET" --lib --bins --locked -- -D warnings &&
        "${with[@]}" cargo clippy --target "$MAC_TARGET" --profile test --lib --locked -- -D warnings
}

# --- ten minutes of random faults, to MediaMTX or, where there is none, to an ffmpeg that listens. Nothing but compiling
# is done beside it, with what it leaves of two cores; what it measures is bounded for a busy machine.
soak_log=$work/soak.log
soak_from=
start_soak() {
    local program
    if [ -n "${PD_SKIP_SOAK:-}" ]; then
        echo "SOAK SKIPPED: not asked for"
        return 0
    fi
    # Built by cargo test; run by itself, or cargo's lock would keep the compilers waiting.
    program=$(cargo test --features scap --locked --test soak --no-run 2>&1 |
        sed -n 's|.*(\(.*/soak-[0-9a-f]*\)).*|\1|p')
    if [ ! -x "$program" ]; then
        failed+=("soak: its program was not built")
        return 0
    fi
    soak_from=$SECONDS
    PD_SOAK_MINUTES=${PD_SOAK_MINUTES:-10} RUST_BACKTRACE=0 setsid "$program" --nocapture hours_of_faults >"$soak_log" 2>&1 &
    soak_pid=$!
    step_aside
    echo "soak of ${PD_SOAK_MINUTES:-10} min: under way"
}

# Once, before what a busy machine disturbs and at the end.
end_soak() {
    local word=ok
    [ -n "$soak_pid" ] || return 0
    note "soak"
    wait "$soak_pid" || word=FAILED
    soak_pid=
    cat "$soak_log"
    # Nothing that was run is no success either.
    if [ "$word" = ok ] && ! grep -q '^PASSED' "$soak_log"; then
        word=FAILED
        ! grep -q '^SKIPPED' "$soak_log" || word=SKIPPED
    fi
    [ "$word" != FAILED ] || failed+=("soak")
    times+=("$(printf '%-34s %5d s  %s' "soak, compilers beside it" $((SECONDS - soak_from)) "$word")")
}

foreign_steps() {
    if ! has_target "$WINDOWS_TARGET"; then
        echo "WINDOWS SKIPPED: no Rust standard library for $WINDOWS_TARGET (rustup target add)"
    elif ! have x86_64-w64-mingw32-gcc; then
        echo "WINDOWS SKIPPED: no x86_64-w64-mingw32-gcc (mingw-w64)"
    else
        step "Windows: clippy" windows_lints
        step "Windows: link" "${low[@]}" cargo build --target "$WINDOWS_TARGET" --locked
    fi
    if ! has_target "$MAC_TARGET"; then
        echo "MACOS SKIPPED: no Rust standard library for $MAC_TARGET (rustup target add)"
    else
        step "macOS: clippy, not linked" mac_lints
    fi
}

wine_step() {
    if [ -n "${PD_SKIP_WINE:-}" ]; then
        echo "WINE SKIPPED: not asked for"
    elif ! have wine; then
        echo "WINE SKIPPED: no wine"
    elif has_target "$WINDOWS_TARGET" && have x86_64-w64-mingw32-gcc; then
        step "Windows: under wine" bash packaging/wine.sh "$work/wine"
        if have makensis && have x86_64-w64-mingw32-strip; then
            step "Windows: installer under wine" installer_under_wine
        else
            echo "INSTALLER SKIPPED: no makensis"
        fi
    fi
}

# The development build, which is there: what is tried is how it is packed.
installer_under_wine() {
    local program
    program=$(cargo build --target "$WINDOWS_TARGET" --bin pd-console --locked --message-format=json 2>/dev/null |
        sed -n 's/.*"executable":"\([^"]*pd-console\.exe\)".*/\1/p' | tail -n 1)
    [ -n "$program" ] && bash packaging/try-nsis.sh "$work/wine" "$program"
}

# --- what packages and releases: scripts, the bundle for macOS, workflows
packaging_scripts() {
    python3 packaging/release.py try || return 1
    # shellcheck source-path=SCRIPTDIR source=about.sh
    (. packaging/about.sh && mkdir -p "$work/mac/ffmpeg" "$work/mac/licences" &&
        cp packaging/GPL-3.0.txt "$work/mac/ffmpeg/" && cp /bin/true "$work/mac/ffmpeg/ffmpeg" && : >"$work/mac/ffmpeg/FFMPEG.txt" &&
        python3 packaging/macos/bundle.py /bin/true "$work/mac/ffmpeg" "$work/mac/licences" "$work/mac") || return 1
    if have shellcheck; then
        shellcheck -x packaging/*.sh packaging/*/*.sh || return 1
    else
        echo "SHELLCHECK SKIPPED: it is not here"
    fi
    if ! have actionlint && have go; then
        GOBIN=$work/go timeout 300 go install github.com/rhysd/actionlint/cmd/actionlint@v1.7.12 >"$work/go.log" 2>&1 ||
            tail -n 1 "$work/go.log"
        PATH=$work/go:$PATH
    fi
    if have actionlint; then
        actionlint || return 1
    else
        echo "ACTIONLINT SKIPPED: neither it nor go is here"
    fi
}

# --- the packages: of the development build, which cargo test has left; the release workflow packs the release build
packages=$work/packages
build_packages() {
    "${low[@]}" env PD_PROFILE=dev PD_NO_BUILD=1 PD_CARGO_ARGS="--features scap --locked" \
        bash packaging/deb.sh "$packages" &&
        "${low[@]}" env PD_PROFILE=dev bash packaging/appimage.sh "$packages"
}

try_package() {
    local code=0
    timeout 900 bash packaging/try-deb.sh "$packages"/*.deb "$work/try" || code=$?
    if [ "$code" -eq 77 ]; then
        echo "THE PACKAGE WAS NOT TRIED: see the line above"
        code=0
    fi
    return "$code"
}

step "screen" start_screen
step "sound server" start_sound
step "more ffmpegs" more_ffmpegs
step "remote control's clients" remote_clients
if [ -n "${PD_TEST_FFMPEGS:-}" ]; then
    export PD_TEST_FFMPEGS
    export FFMPEG_BIN=$PD_TEST_FFMPEGS
fi
[ -n "${MEDIAMTX_BIN:-}" ] || have mediamtx ||
    echo "no MediaMTX (MEDIAMTX_BIN, PATH): the tests with a real server say that they were skipped"

step "cargo fmt" cargo fmt --check
step "packaging" packaging_scripts
step "cargo clippy" cargo clippy --all-targets --features scap --locked -- -D warnings
step "cargo check, no window" cargo check --no-default-features --locked
step "cargo doc" env RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --locked
if [ -z "${PD_SKIP_DENY:-}" ]; then
    step "cargo deny" deny
fi
step "cargo test" env -u PD_SOAK_MINUTES cargo test --features scap --locked --no-fail-fast
start_soak
# Compilers: beside the soak.
if [ -n "${PD_SKIP_PACKAGES:-}" ]; then
    echo "PACKAGES SKIPPED: not asked for"
elif ! have dpkg-deb; then
    echo "PACKAGES SKIPPED: no dpkg here"
else
    step "packages: .deb" build_packages
fi
if [ -z "${PD_SKIP_FOREIGN:-}" ]; then
    foreign_steps
    end_soak
    wine_step
fi
end_soak
if ls "$packages"/*.deb >/dev/null 2>&1; then
    step "packages: a clean Debian" try_package
fi

note "times"
printf '%s\n' "${times[@]}"
printf '%-34s %5d s\n' "all" $((SECONDS - began))
if [ ${#failed[@]} -gt 0 ]; then
    printf 'FAILED: %s\n' "${failed[@]}"
    exit 1
fi
echo "all checks passed"
