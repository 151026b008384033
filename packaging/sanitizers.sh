#!/usr/bin/env bash
# Looks at the code that has `unsafe` (SECURITY.md, "Unsafe code") with what can see it go wrong: valgrind,
# AddressSanitizer, ThreadSanitizer; and at pure code with Miri. By hand, not in CI. The modules are built by
# themselves (packaging/sanitizers): a minute each, but for the thread sanitizer, which builds std anew.
#
#   bash packaging/sanitizers.sh [valgrind] [address] [thread] [miri]     all four where none is named
#
# Linux on x86-64. valgrind needs the stable toolchain only, the others a nightly one
# (rustup toolchain install nightly --component rust-src,miri).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/sanitizers"
target=x86_64-unknown-linux-gnu
folder=$PWD/target

check_valgrind() {
    local binary
    binary=$(cargo test --lib --no-run --message-format=json |
        sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' | tail -n 1)
    # The children are programs of others.
    valgrind --quiet --error-exitcode=9 --trace-children=no \
        "$binary" --test-threads=1
}

# A child of the tests is no program of ours: what it leaks is not looked at.
check_address() {
    CARGO_TARGET_DIR=$folder/address RUSTFLAGS=-Zsanitizer=address ASAN_OPTIONS=detect_stack_use_after_return=1 \
        cargo +nightly test --lib --target "$target"
}

# The standard library has to know of it too.
check_thread() {
    CARGO_TARGET_DIR=$folder/thread RUSTFLAGS=-Zsanitizer=thread \
        cargo +nightly test --lib --target "$target" -Zbuild-std
}

# It knows no vmsplice, no mmap of a memfd, no fork: the pure ones.
check_miri() {
    CARGO_TARGET_DIR=$folder/miri MIRIFLAGS=-Zmiri-disable-isolation PROPTEST_CASES=8 \
        cargo +nightly miri test --lib -- streamid:: url:: settings::
}

[[ $# -gt 0 ]] || set -- valgrind address thread miri
for what in "$@"; do
    [[ $(type -t "check_$what") == function ]] || { echo "no such check: $what" >&2; exit 2; }
    echo "=== $what"
    "check_$what"
done
