#!/usr/bin/env python3
"""What a release says of itself. The version stands in Cargo.toml, what changed in CHANGELOG.md; nothing is said twice.

    python3 packaging/release.py check TAG      ends with 1 unless TAG is v and the version, and the changelog has it
    python3 packaging/release.py notes          what changed in the version, as the release's text
    python3 packaging/release.py sums FOLDER    FOLDER/SHA256SUMS over all files in it, as sha256sum -c reads it
    python3 packaging/release.py try            tries itself

A version with a hyphen, such as 0.2.0-rc.1, is a release before the release: its changes may still be under [Unreleased]."""

import hashlib
import pathlib
import re
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent


def version(manifest):
    """Version of the package, of Cargo.toml's text."""
    package = manifest.split("[package]", 1)[1].split("\n[", 1)[0]
    return re.search(r'^version = "([^"]+)"$', package, re.M).group(1)


def notes(changelog, wanted):
    """The section of a version, without its heading; None where there is none or it is empty."""
    sections = re.split(r"^## \[([^]]+)\].*$", changelog, flags=re.M)[1:]
    found = dict(zip(sections[::2], sections[1::2]))
    text = found.get(wanted)
    if text is None and "-" in wanted:
        text = found.get("Unreleased")
    # Links of the whole file stand at its end.
    return re.sub(r"^\[[^]]+\]: \S+$", "", text, flags=re.M).strip() or None if text else None


def check(tag, manifest, changelog):
    """Why the tag cannot be released; None where it can."""
    ours = version(manifest)
    if tag != f"v{ours}":
        return f"the tag is {tag}, Cargo.toml says {ours}: raise the version there, or tag v{ours}"
    if not notes(changelog, ours):
        return f"CHANGELOG.md has nothing under [{ours}]"
    return None


def sums(folder):
    folder = pathlib.Path(folder)
    lines = []
    for path in sorted(folder.iterdir()):
        if path.is_file() and path.name != "SHA256SUMS":
            lines.append(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n")
    if not lines:
        sys.exit(f"release: nothing in {folder}")
    (folder / "SHA256SUMS").write_text("".join(lines), encoding="ascii", newline="\n")
    return len(lines)


def trial():
    manifest = '[package]\nname = "x"\nversion = "1.2.3"\n\n[dependencies]\nversion = "9.9.9"\n'
    log = "# Changelog\n\n## [Unreleased]\n\n- new\n\n## [1.2.3] - 2026-12-01\n\n### Fixed\n\n- one\n\n## [1.2.2]\n\n- old\n\n[1.2.3]: https://x\n"
    assert version(manifest) == "1.2.3"
    assert check("v1.2.3", manifest, log) is None
    assert "Cargo.toml says 1.2.3" in check("v1.2.4", manifest, log)
    assert "Cargo.toml says 1.2.3" in check("1.2.3", manifest, log)
    assert "nothing under" in check("v1.2.3", manifest, log.replace("[1.2.3] -", "[1.2.1] -"))
    assert notes(log, "1.2.3") == "### Fixed\n\n- one"
    assert notes(log, "1.2.2") == "- old"
    assert notes(log, "1.2.4") is None
    assert notes(log, "1.2.4-rc.1") == "- new"
    assert notes(log.replace("- old", ""), "1.2.2") is None
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "a").write_bytes(b"abc")
        assert sums(folder) == 1 and sums(folder) == 1
        text = pathlib.Path(folder, "SHA256SUMS").read_text()
        assert text == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad  a\n", text
    # The real ones.
    ours = version((ROOT / "Cargo.toml").read_text(encoding="utf-8"))
    assert re.fullmatch(r"\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?", ours), ours
    print(f"release.py: as it should be; the version is {ours}")


def main():
    words = sys.argv[1:]
    manifest = (ROOT / "Cargo.toml").read_text(encoding="utf-8")
    if words == ["try"]:
        trial()
    elif words == ["notes"]:
        text = notes((ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), version(manifest))
        print(text or sys.exit("release: CHANGELOG.md has nothing for this version"))
    elif len(words) == 2 and words[0] == "check":
        wrong = check(words[1], manifest, (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
        if wrong:
            sys.exit(f"release: {wrong}")
        print(version(manifest))
    elif len(words) == 2 and words[0] == "sums":
        print(f"release: {sums(words[1])} files in SHA256SUMS")
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
