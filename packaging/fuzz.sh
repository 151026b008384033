#!/usr/bin/env bash
# Fuzzes the parsers for a set time each, grows and minimises their corpora, says what is new.
#
#   bash packaging/fuzz.sh SECONDS [TARGET...]      all targets without a name
#
# Wants cargo-fuzz (`cargo install cargo-fuzz --locked`) and for the sanitizer a nightly toolchain. `cargo
# test --lib fuzzing::` needs neither: it replays the corpus. Ends with 1 where an input was found that fails; it is then in fuzz/regressions/TARGET.
#
# PD_FUZZ_SANITIZER=address   for targets with unsafe code behind them (lend, capture_copy,
#                             capture_convert, audio_convert); `none` otherwise, which is faster.
# PD_FUZZ_WORK=FOLDER         the large corpora between two runs, default fuzz/target/grown.
# PD_FUZZ_KEEP=1              leaves fuzz/corpus as it is.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
seconds=${1:?usage: fuzz.sh SECONDS [TARGET...]}
shift
table=$(sed -n 's/^ *target("\([a-z0-9_]*\)", [a-z0-9_:]*, \([0-9]*\)),$/\1 \2/p' src/fuzzing/mod.rs)
targets=("$@")
[ ${#targets[@]} -gt 0 ] || mapfile -t targets < <(cut -d' ' -f1 <<<"$table")
sanitizer=${PD_FUZZ_SANITIZER:-none}
root=$PWD
work=${PD_FUZZ_WORK:-$root/fuzz/target/grown}
mkdir -p "$work"
# libFuzzer's main ignores no SIGPIPE as Rust's does; `lend` writes into pipes whose reader has gone.
trap '' PIPE
# Temporary files in memory, where there is room for them.
[ -n "${TMPDIR:-}" ] || { [ -w /dev/shm ] && export TMPDIR=/dev/shm; }

# Sanitizers are nightly's; without one the stable compiler can instrument.
cargo=(cargo) rustc=(rustc)
[ "$sanitizer" = none ] || { cargo=(cargo +nightly); rustc=(rustc +nightly); }
if ! "${cargo[@]}" fuzz --version >/dev/null 2>&1; then
    echo "no cargo-fuzz: cargo install cargo-fuzz --locked; for a sanitizer: rustup toolchain install nightly" >&2
    exit 2
fi
echo "building (sanitizer $sanitizer)"
"${cargo[@]}" fuzz build --sanitizer "$sanitizer" any
built=$("${cargo[@]}" metadata --format-version 1 --no-deps --manifest-path fuzz/Cargo.toml |
    sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
host=$("${rustc[@]}" -vV | sed -n 's/^host: //p')

failed=()
program=$built/$host/release/any
printf '%-16s %10s %8s %6s %6s %5s  %s\n' target executions exec/s edges before new found
for target in "${targets[@]}"; do
    max_len=$(awk -v name="$target" '$1 == name { print $2 }' <<<"$table")
    [ -n "$max_len" ] || { echo "no target is called $target" >&2; exit 2; }
    export PD_FUZZ_TARGET=$target
    grown=$work/$target corpus=$root/fuzz/corpus/$target
    found=$root/fuzz/regressions/$target log=$work/$target.log
    mkdir -p "$grown" "$corpus"
    here=$(mktemp -d "$work/found.XXXXXX")
    status=0
    "$program" -max_total_time="$seconds" -max_len="$max_len" -timeout=25 -rss_limit_mb=1024 \
        -print_final_stats=1 -artifact_prefix="$here/" "$grown" "$corpus" >"$log" 2>&1 || status=$?
    figure() { sed -n "s/^stat::$1: *//p" "$log" | tail -n 1; }
    edges=$(sed -n 's/.* cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
    before=$(sed -n 's/.*INITED cov: \([0-9]*\) .*/\1/p' "$log" | tail -n 1)
    inputs=("$here"/*)
    what=-
    if [ -e "${inputs[0]}" ]; then
        mkdir -p "$found"
        # By their contents' sum, as libFuzzer names them: the same fault's input is there once.
        cp "${inputs[@]}" "$found/"
        failed+=("$target")
        what="${#inputs[@]} in fuzz/regressions/$target"
    elif [ "$status" -ne 0 ]; then
        failed+=("$target")
        what="ended with $status, see $log"
    fi
    new=0
    if [ -z "${PD_FUZZ_KEEP:-}" ] && [ ! -e "${inputs[0]}" ]; then
        # Kept in the repository: the smallest inputs that reach every edge; counts of passes do not count.
        least=$(mktemp -d "$work/least.XXXXXX")
        if "$program" -merge=1 -use_counters=0 -max_len="$max_len" -timeout=25 "$least" "$corpus" "$grown" \
            >"$log.merge" 2>&1; then
            for input in "$least"/*; do
                [ -e "$corpus/$(basename "$input")" ] || cmp -s "$input" /dev/null || new=$((new + 1))
            done
            rm -rf "$corpus"
            mv "$least" "$corpus"
            chmod 755 "$corpus"
        else
            rm -rf "$least"
        fi
    fi
    rm -rf "$here"
    program=$built/$host/release/any
printf '%-16s %10s %8s %6s %6s %5s  %s\n' "$target" "$(figure number_of_executed_units)" \
        "$(figure average_exec_per_sec)" "${edges:--}" "${before:--}" "$new" "$what"
done
du -sb fuzz/corpus | awk '{ printf "the corpus has %d kB\n", $1 / 1000 }'
if [ ${#failed[@]} -gt 0 ]; then
    echo "FAILED: ${failed[*]}"
    echo "see one: cargo fuzz run --sanitizer none TARGET fuzz/regressions/TARGET/INPUT"
    exit 1
fi
