#!/usr/bin/env bash
# Lays out everything of the Linux packages but the program: target/package/root is the tree below /, which
# .deb, .rpm, AppImage and Flatpak take as it is. Man pages and completions come out of the real command line
# (examples/package_files.rs, built with the development profile), names out of Cargo.toml (about.sh).
#
#   bash packaging/stage.sh
#
# PD_CARGO_ARGS: how cargo is called for the example (--locked), for instance with the features of a build that is
# already there. Checks with desktop-file-validate, appstreamcli and man where they are installed.
set -euo pipefail

cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source-path=SCRIPTDIR source=about.sh
. packaging/about.sh
stage=target/package
root=$stage/root
# Links to there from an older layout must not be followed.
rm -rf "$stage"
mkdir -p "$root"
umask 022

say() { printf 'stage: %s\n' "$*"; }
# put FILE MODE-less: a file at its place below the root, folders made.
put() { install -D -m 644 "$1" "$root/$2"; }
# fill TEMPLATE: its @WORDS@ filled in; & and | cannot be in them.
fill() {
    local day
    day=$(date -u -d "@$SOURCE_DATE_EPOCH" +%F)
    sed -e "s|@TITLE@|$PD_TITLE|g" -e "s|@NAME@|$PD_NAME|g" -e "s|@ID@|$PD_ID|g" -e "s|@SUMMARY@|$PD_SUMMARY|g" \
        -e "s|@CATEGORIES@|$PD_CATEGORIES|g" -e "s|@KEYWORDS@|$PD_KEYWORDS|g" -e "s|@LICENSE@|$PD_LICENSE|g" \
        -e "s|@VERSION@|$PD_VERSION|g" -e "s|@DATE@|$day|g" -e "s|@MAINTAINER@|$PD_MAINTAINER|g" \
        -e "s|@COPYRIGHT@|$(sed -n 's/^Copyright (c) //p' LICENSE-MIT)|g" \
        -e "s|@DEVELOPER@|$(sed -n 's/^Copyright (c) [0-9, -]*//p' LICENSE-MIT)|g" \
        -e "/@CATEGORIES_XML@/{
r $stage/categories
d
}" -e "/@KEYWORDS_XML@/{
r $stage/keywords
d
}" -e "/@MIT@/{
r $stage/mit
d
}" -e "/@OFL@/{
r $stage/ofl
d
}" "$1"
}
# as_field FILE: as Debian's copyright format wants a text in a field.
as_field() { sed -e 's/[[:space:]]*$//' -e 's/^$/./' -e 's/^/ /' "$1"; }

tr ';' '\n' <<<"$PD_CATEGORIES" | sed -n 's|.\+|    <category>&</category>|p' >"$stage/categories"
tr ';' '\n' <<<"$PD_KEYWORDS" | sed -n 's|.\+|    <keyword>&</keyword>|p' >"$stage/keywords"
sed '1,/^Copyright/d' LICENSE-MIT | sed '1{/^$/d}' >"$stage/mit.txt"
as_field "$stage/mit.txt" >"$stage/mit"
sed -n '/^SIL OPEN FONT LICENSE/,$p' assets/fonts/OFL.txt >"$stage/ofl.txt"
as_field "$stage/ofl.txt" >"$stage/ofl"

# --- desktop entry, AppStream, icons
fill packaging/linux/desktop.in >"$stage/desktop"
put "$stage/desktop" "usr/share/applications/$PD_ID.desktop"
fill packaging/linux/metainfo.xml.in >"$stage/metainfo"
put "$stage/metainfo" "usr/share/metainfo/$PD_ID.metainfo.xml"
for size in 16 24 32 48 64 128 256 512; do
    put "assets/icon/$size.png" "usr/share/icons/hicolor/${size}x$size/apps/$PD_ID.png"
done
put assets/icon/icon.svg "usr/share/icons/hicolor/scalable/apps/$PD_ID.svg"

# --- man pages and completions
# Without the commit's variables: crates that look at them would be built anew beside a test run's.
# shellcheck disable=SC2086 # arguments are words
env -u SOURCE_DATE_EPOCH -u PD_CONSOLE_COMMIT cargo run --quiet ${PD_CARGO_ARGS:---locked} --example package_files -- \
    "$stage/made" "$(date -u -d "@$SOURCE_DATE_EPOCH" +%F)"
for page in "$stage"/made/man/*.1; do
    gzip -9n "$page"
    put "$page.gz" "usr/share/man/man1/${page##*/}.gz"
done
put "$stage/made/completions/bash/$PD_NAME.bash" "usr/share/bash-completion/completions/$PD_NAME"
put "$stage/made/completions/zsh/_$PD_NAME" "usr/share/zsh/vendor-completions/_$PD_NAME"
put "$stage/made/completions/fish/$PD_NAME.fish" "usr/share/fish/vendor_completions.d/$PD_NAME.fish"

# --- licences, changes
doc=usr/share/doc/$PD_NAME
# Beside the tree: cargo-deb and cargo-generate-rpm put it into place themselves.
fill packaging/linux/copyright.in >"$stage/copyright"
target=$(rustc -vV | sed -n 's/^host: //p')
python3 packaging/licences.py "${PD_TARGET:-$target}" >"$stage/THIRD-PARTY.txt"
gzip -9n "$stage/THIRD-PARTY.txt"
put "$stage/THIRD-PARTY.txt.gz" "$doc/THIRD-PARTY.txt.gz"
{
    # Not Debian's own upload: there is no bug to close.
    printf '%s (%s-1) unstable; urgency=medium\n\n  * What changed stands in CHANGELOG.md of the source.\n\n' "$PD_NAME" "$PD_VERSION"
    printf ' -- %s  %s\n' "$PD_MAINTAINER" "$(LC_ALL=C date -u -d "@$SOURCE_DATE_EPOCH" '+%a, %d %b %Y %H:%M:%S +0000')"
} >"$stage/changelog.Debian"
[ ! -f CHANGELOG.md ] || { gzip -9nc CHANGELOG.md >"$stage/changelog.gz" && put "$stage/changelog.gz" "$doc/changelog.gz"; }
# The window's texts name these pages; a server of one's own runs with these files.
for page in README.md SECURITY.md docs/*.md settings/*.yml settings/default.ron; do
    put "$page" "$doc/$page"
done
install -D -m 644 packaging/linux/lintian-overrides "$root/usr/share/lintian/overrides/$PD_NAME"
find "$root" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +

# --- is it what the systems want?
if command -v desktop-file-validate >/dev/null; then
    desktop-file-validate --warn-kde "$root/usr/share/applications/$PD_ID.desktop"
    say "desktop entry: valid"
else
    say "DESKTOP ENTRY NOT CHECKED: no desktop-file-validate (desktop-file-utils)"
fi
if command -v appstreamcli >/dev/null; then
    appstreamcli validate --no-net --explain "$root/usr/share/metainfo/$PD_ID.metainfo.xml"
else
    say "APPSTREAM DATA NOT CHECKED: no appstreamcli (appstream)"
fi
if command -v man >/dev/null; then
    for page in "$root"/usr/share/man/man1/*.gz; do
        said=$(LC_ALL=C.UTF-8 MANROFFSEQ='' MANWIDTH=100 man --warnings -E UTF-8 -l -Tutf8 -Z "$page" 2>&1 >/dev/null)
        [ -z "$said" ] || { say "$page: $said" && exit 1; }
    done
    say "man pages: no warning"
fi
say "$(find "$root" -type f | wc -l) files in $root"
