#!/usr/bin/env bash
# Installs what building, running and (with `test`) testing needs and is not there yet.
#
#   bash packaging/deps.sh [run|test]
#
# Also sourced by run.sh and test.sh, which call `install_deps`. Needs root or sudo only where
# something is missing; without either it names what is missing and goes on, so that the step
# that needs it says why it failed.

RUST_WANTED_MINOR=92 # Cargo.toml, rust-version = 1.92
WINDOWS_TARGET=x86_64-pc-windows-gnu
MAC_TARGET=aarch64-apple-darwin

say() { printf '%s\n' "deps: $*" >&2; }

have() { command -v "$1" >/dev/null 2>&1; }

as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif have sudo; then
        sudo "$@"
    else
        return 1
    fi
}

# The arguments that the given test says are not installed.
missing_of() {
    local is_there=$1 name
    shift
    for name in "$@"; do
        "$is_there" "$name" || printf '%s\n' "$name"
    done
}

apt_has() { [ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }
dnf_has() { rpm -q --quiet --whatprovides "$1"; }
pacman_has() { pacman -Qq "$1" >/dev/null 2>&1; }
brew_has() { have "$1" || brew list "$1" >/dev/null 2>&1; }

apt_install() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq update &&
        as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends "$@"
}
dnf_install() { as_root dnf -q install -y "$@"; }
pacman_install() { as_root pacman -Sq --noconfirm --needed "$@"; }
brew_install() { brew install --quiet "$@"; }

# Build: a C compiler (aws-lc, built without cmake), ALSA's and PipeWire's headers, and libclang,
# which reads the latter. Window: X11, Wayland and GL
# libraries, which winit and glutin load at run time, so that `ldd` does not show them.
# Test: a screen and a sound server without either.
install_packages() {
    local purpose=$1 manager names
    if have apt-get; then
        manager=apt
        names="ca-certificates curl git gcc g++ libc6-dev make pkg-config libasound2-dev libpipewire-0.3-dev libclang-dev ffmpeg
            libx11-6 libx11-xcb1 libxcursor1 libxi6 libxrandr2 libxkbcommon0 libxkbcommon-x11-0
            libwayland-client0 libwayland-egl1 libwayland-cursor0 libegl1 libgl1 libgl1-mesa-dri"
        [ "$purpose" = test ] && names="$names xvfb tcpdump pulseaudio pulseaudio-utils libasound2-plugins procps
            dbus-daemon pipewire pipewire-bin wireplumber gstreamer1.0-tools gstreamer1.0-plugins-base
            gstreamer1.0-pipewire chromium openbox xdotool nsis shellcheck
            mmdebstrap lintian desktop-file-utils appstream man-db rpm squashfs-tools"
    elif have dnf; then
        manager=dnf
        names="ca-certificates curl git gcc gcc-c++ make pkgconf-pkg-config alsa-lib-devel /usr/bin/ffmpeg
            libX11 libX11-xcb libXcursor libXi libXrandr libxkbcommon libxkbcommon-x11
            libwayland-client libwayland-egl libwayland-cursor libglvnd-egl libglvnd-glx mesa-dri-drivers"
        # Fedora has PipeWire in PulseAudio's place; the tests of the latter are skipped there.
        [ "$purpose" = test ] && names="$names xorg-x11-server-Xvfb openbox xdotool tcpdump pulseaudio-utils procps-ng
            dbus-daemon pipewire pipewire-utils wireplumber gstreamer1 gstreamer1-plugins-base pipewire-gstreamer
            sway swaybg xdg-desktop-portal xdg-desktop-portal-wlr"
    elif have pacman; then
        manager=pacman
        names="ca-certificates curl git gcc make pkgconf alsa-lib libpipewire clang ffmpeg libx11 libxcursor libxi libxrandr
            libxkbcommon libxkbcommon-x11 wayland libglvnd mesa"
        [ "$purpose" = test ] && names="$names xorg-server-xvfb openbox xdotool tcpdump libpulse alsa-plugins procps-ng
            dbus pipewire wireplumber gstreamer gst-plugins-base gst-plugin-pipewire
            sway swaybg xdg-desktop-portal xdg-desktop-portal-wlr"
    elif have brew; then
        manager=brew
        # Homebrew's plain ffmpeg has no SRT.
        names="ffmpeg-full"
    else
        say "no apt, dnf, pacman or brew here. Needed: a C compiler, pkg-config, libclang, ALSA's and PipeWire's headers (Linux), ffmpeg 5 or newer"
        return 0
    fi
    # PipeWire's headers, and the clang that makes Rust of them.
    case $manager in apt) names="$names libpipewire-0.3-dev clang" ;; dnf) names="$names pipewire-devel clang-devel" ;; pacman) names="$names libpipewire clang" ;; esac
    local missing
    # shellcheck disable=SC2086 # names are words
    missing=$(missing_of "${manager}_has" $names)
    [ -z "$missing" ] && return 0
    say "installing: ${missing//$'\n'/ }"
    # shellcheck disable=SC2086
    "${manager}_install" $missing >&2 ||
        say "could not install:" $missing "(no root, no sudo, or no network); going on without"
}

rust_is_new_enough() {
    have cargo || return 1
    local minor
    minor=$(cargo --version 2>/dev/null | sed -n 's/^cargo 1\.\([0-9]*\)\..*/\1/p')
    [ -n "$minor" ] && [ "$minor" -ge "$RUST_WANTED_MINOR" ]
}

install_rust() {
    [ -f "${CARGO_HOME:-$HOME/.cargo}/env" ] && PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"
    rust_is_new_enough && return 0
    if have rustup; then
        say "cargo is older than 1.$RUST_WANTED_MINOR; installing the stable toolchain"
        rustup -q toolchain install stable --profile minimal -c clippy -c rustfmt >&2
        export RUSTUP_TOOLCHAIN=stable
    elif have curl; then
        say "installing Rust with rustup"
        curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs |
            sh -s -- -y -q --profile minimal -c clippy -c rustfmt --no-modify-path >&2
        PATH="${CARGO_HOME:-$HOME/.cargo}/bin:$PATH"
    fi
    if ! rust_is_new_enough; then
        say "there is no cargo 1.$RUST_WANTED_MINOR or newer. Install Rust 1.$RUST_WANTED_MINOR or newer from rustup, then start again"
        return 1
    fi
}

# What building for Windows and running that build take. Optional: test.sh says what it skipped.
# Wine is 100 MB to fetch and 670 MB on the disk; PD_SKIP_WINE=1 goes without.
install_foreign() {
    local names="" target
    have x86_64-w64-mingw32-gcc || names="gcc-mingw-w64-x86-64-posix"
    have nasm || names="$names nasm"
    have wine || [ -n "${PD_SKIP_WINE:-}" ] || names="$names wine wine64"
    if [ -n "$names" ] && have apt-get; then
        say "installing, optional: $names"
        # shellcheck disable=SC2086 # names are words
        apt_install $names >&2 || say "could not install: $names; going on without"
    fi
    for target in "$WINDOWS_TARGET" "$MAC_TARGET"; do
        has_target "$target" && continue
        { have rustup && rustup -q target add "$target" >&2; } ||
            say "could not add Rust's standard library for $target; going on without"
    done
}

has_target() { [ -d "$(rustc --print target-libdir --target "$1" 2>/dev/null)" ]; }

install_deps() {
    install_packages "$1"
    install_rust || exit 1
    if [ "$1" = test ] && [ -z "${PD_SKIP_FOREIGN:-}" ]; then
        install_foreign
    fi
    export PATH
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
    set -eu
    install_deps "${1:-run}"
fi
