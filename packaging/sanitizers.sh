#!/usr/bin/env bash
# Looks at the code that has `unsafe` (SECURITY.md, "Unsafe code") with what can see it go wrong: valgrind,
# AddressSanitizer, ThreadSanitizer, Miri. By hand, not in CI: each builds the program anew.
#
#   bash packaging/sanitizers.sh [valgrind] [address] [thread] [miri]     all four where none is named
#
# Linux on x86-64. valgrind needs the stable toolchain only; the others a nightly one with rust-src and miri
# (rustup toolchain install nightly --component rust-src,miri). CARGO_TARGET_DIR is respected.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
target=x86_64-unknown-linux-gnu
folder=${CARGO_TARGET_DIR:-target}/sanitizers
# Built once and run for seconds.
quick=(--config 'profile.dev.package."*".opt-level=0')
# The modules with `unsafe` that a test can reach here: pre_exec, vmsplice, the mapping shared with the X server.
modules=(ffmpeg::launch relay::lend capture::sys)
# What threads share without a lock of their own.
threads=(relay::lend capture::frame capture::latest relay::hub stop::)
# Pure parsers of what strangers send. Miri knows no system calls of this kind: nothing with files, threads'
# clocks or sockets.
pure=(relay::annexb::tests relay::h264_bits relay::flv::tests publish::streamid mediamtx::url viewer::http::tests::each_route viewer::http::tests::without viewer::http::tests::dns peer::tests::the_kernels)

under_valgrind() {
    local binary
    binary=$(cargo test --lib --no-run --message-format=json 2>/dev/null |
        sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' | tail -n 1)
    # The children are programs of others.
    valgrind --quiet --error-exitcode=9 --trace-children=no --track-fds=no \
        "$binary" --test-threads=1 "${modules[@]}"
}

# with_sanitizer NAME MORE_CARGO_ARGUMENTS -- FILTERS
with_sanitizer() {
    local name=$1
    shift
    CARGO_TARGET_DIR=$folder/$name RUSTFLAGS="-Zsanitizer=$name --cfg=sanitizer" \
        cargo +nightly test "${quick[@]}" --lib --no-default-features --features x11 --target "$target" "$@"
}

address() { with_sanitizer address -- "${modules[@]}"; }
# The standard library has to know of it too.
thread() { with_sanitizer thread -Zbuild-std -- "${threads[@]}"; }
miri() {
    CARGO_TARGET_DIR=$folder/miri MIRIFLAGS="-Zmiri-disable-isolation" PROPTEST_CASES=4 \
        cargo +nightly miri test "${quick[@]}" --lib --no-default-features -- "${pure[@]}"
}

[[ $# -gt 0 ]] || set -- valgrind address thread miri
for what in "$@"; do
    echo "=== $what"
    case $what in
        valgrind) under_valgrind ;;
        address | thread | miri) "$what" ;;
        *) echo "no such check: $what" >&2; exit 2 ;;
    esac
done
