#!/usr/bin/env bash
# What a package says of the program, for whatever makes it: all of it stands in Cargo.toml, `[package]` and
# `[package.metadata.packaging]`, and nowhere else.
#
#   . packaging/about.sh      sets and exports the variables
#   bash packaging/about.sh   prints them as NAME=value, for a workflow's environment file
#
# PD_NAME pd-console          PD_VERSION 0.1.0              PD_LICENSE MIT OR Apache-2.0
# PD_TITLE for people         PD_SUMMARY one line
# PD_ID reverse DNS: desktop file, AppStream, icons, bundle; the program's own name for its windows
# PD_MAINTAINER Name <mail>   PD_CATEGORIES A;B;            PD_KEYWORDS a;b;
# PD_TARGET_DIR cargo's folder for what it builds
# PD_CONSOLE_COMMIT the commit, which the program names in its diagnostics (`-dirty` where files differ from it);
# SOURCE_DATE_EPOCH the commit's time, for every time stamp. Both stay as they are where they are set already.

pd_about() {
    local root
    root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
    cargo metadata --no-deps --offline --locked --format-version 1 --manifest-path "$root/Cargo.toml" |
        python3 -c '
import json, sys
about = json.load(sys.stdin)
package = about["packages"][0]
more = package["metadata"]["packaging"]
print("PD_TARGET_DIR=" + about["target_directory"])
print("PD_NAME=" + package["name"])
print("PD_VERSION=" + package["version"])
print("PD_LICENSE=" + package["license"])
print("PD_MAINTAINER=" + package["authors"][0])
print("PD_TITLE=" + more["title"])
print("PD_SUMMARY=" + package["description"])
print("PD_ID=" + more["identifier"])
print("PD_CATEGORIES=" + "".join(c + ";" for c in more["categories"]))
print("PD_KEYWORDS=" + "".join(k + ";" for k in more["keywords"]))
' || return 1
    if [ -z "${PD_CONSOLE_COMMIT:-}" ] && PD_CONSOLE_COMMIT=$(git -C "$root" rev-parse --short=12 HEAD 2>/dev/null); then
        git -C "$root" diff --quiet HEAD -- 2>/dev/null || PD_CONSOLE_COMMIT=$PD_CONSOLE_COMMIT-dirty
    fi
    [ -n "${SOURCE_DATE_EPOCH:-}" ] || SOURCE_DATE_EPOCH=$(git -C "$root" log -1 --format=%ct 2>/dev/null) || SOURCE_DATE_EPOCH=
    # Without git, a fixed day is better than the day of the build.
    printf 'PD_CONSOLE_COMMIT=%s\nSOURCE_DATE_EPOCH=%s\n' "${PD_CONSOLE_COMMIT:-unknown}" "${SOURCE_DATE_EPOCH:-1767225600}"
}

if [ "${BASH_SOURCE[0]}" = "$0" ]; then
    set -euo pipefail
    pd_about
else
    pd_about_text=$(pd_about) || return 1
    while IFS='=' read -r pd_key pd_value; do
        export "$pd_key=$pd_value"
    done <<<"$pd_about_text"
    unset pd_about_text pd_key pd_value
fi
