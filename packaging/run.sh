#!/usr/bin/env bash
# Sets up, builds and starts the console.
#
#   bash packaging/run.sh                       the window; without a display as with --headless
#   bash packaging/run.sh --headless [SECONDS]  goes live with the test pattern and a tone, 10 s
#                                               unless told, and prints the latency by stage
#   bash packaging/run.sh -- ARGUMENTS          any call of pd-console
set -euo pipefail

usage() { sed -n '2,7s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"; }

seconds=10
mode=window
case "${1:-}" in
-h | --help)
    usage
    exit 0
    ;;
--headless)
    mode=headless
    seconds=${2:-$seconds}
    if [ $# -gt 2 ] || ! [[ $seconds =~ ^[0-9]+(\.[0-9]+)?$ ]]; then
        usage >&2
        exit 2
    fi
    ;;
--)
    mode=any
    shift
    ;;
"") ;;
*)
    usage >&2
    exit 2
    ;;
esac
if [ "$mode" = window ] && [ "$(uname)" = Linux ] && [ -z "${DISPLAY:-}${WAYLAND_DISPLAY:-}" ]; then
    echo "run.sh: no display (DISPLAY, WAYLAND_DISPLAY); going live without a window" >&2
    mode=headless
fi

called_from=$PWD
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/.."
# shellcheck source-path=SCRIPTDIR source=deps.sh
. packaging/deps.sh
install_deps run
cargo build --release --locked

case $mode in
window) exec cargo run --quiet --release --locked ;;
headless) exec cargo run --quiet --release --locked -- live --source pattern --audio tone --seconds "$seconds" ;;
any)
    manifest=$PWD/Cargo.toml
    target=${CARGO_TARGET_DIR:-$PWD/target}
    case $target in /*) ;; *) target=$PWD/$target ;; esac
    cd "$called_from"
    CARGO_TARGET_DIR=$target exec cargo run --quiet --release --locked --manifest-path "$manifest" -- "$@"
    ;;
esac
