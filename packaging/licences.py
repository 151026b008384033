#!/usr/bin/env python3
"""The licences of everything that is linked into the program, as one text: each crate's own licence files and notices,
told once where crates share a text, and a list of what has none.

    python3 packaging/licences.py TARGET [FEATURES] > THIRD-PARTY.txt

TARGET is a target triple, such as x86_64-unknown-linux-gnu: another system links other crates. FEATURES as cargo takes
them, beside the default ones. Build scripts, macros' own crates and tests are not in the program and not in the text.
The sources must be in cargo's registry: `cargo fetch` gets them, a build has them."""

import collections
import json
import pathlib
import subprocess
import sys

NAMES = ("licen", "copying", "copyright", "notice", "unlicense", "ofl", "ufl")
ROOT = pathlib.Path(__file__).resolve().parent.parent


def cargo(command, target, features, *more):
    command = ["cargo", command, "--locked", "--offline", *more]
    if features:
        command += ["--features", features]
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout


def linked(target, features):
    """Packages that are linked into the program, itself left out: what tests and macros need is not among them."""
    tree = cargo("tree", target, features, "--target", target, "--edges", "normal,no-proc-macro", "--prefix", "none", "--format", "{p}")
    names = {tuple(line.split()[:2]) for line in tree.splitlines() if line.strip()}
    data = json.loads(cargo("metadata", target, features, "--format-version", "1", "--filter-platform", target))
    root = data["resolve"]["root"]
    found = [p for p in data["packages"] if (p["name"], "v" + p["version"]) in names and p["id"] != root]
    if len(found) != len(names) - 1:
        sys.exit(f"licences: {len(names) - 1} crates in cargo's tree, {len(found)} of them in its metadata")
    return sorted(found, key=lambda p: (p["name"], p["version"]))


def texts(package):
    """Its licence files, by name and content; those of C sources that it brings too."""
    folder = pathlib.Path(package["manifest_path"]).parent
    for path in sorted(folder.rglob("*")):
        depth = len(path.relative_to(folder).parts)
        if depth > 3 or not path.is_file() or path.suffix in (".rs", ".go", ".py", ".c", ".h", ".toml", ".html"):
            continue
        if path.name.lower().startswith(NAMES):
            text = path.read_text(encoding="utf-8", errors="replace").replace("\r\n", "\n").strip()
            if text:
                yield "\n".join(line.rstrip() for line in text.split("\n"))


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    packages = linked(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else "")
    if len(packages) < 50:
        sys.exit(f"licences: only {len(packages)} crates: cargo's answer was not understood")
    who = collections.defaultdict(list)
    bare = []
    for package in packages:
        name = f"{package['name']} {package['version']}"
        own = list(dict.fromkeys(texts(package)))
        for text in own:
            who[text].append(name)
        if not own:
            bare.append(package)
    print(f"What pd-console for {sys.argv[1]} is linked from, beside its own source: {len(packages)} crates and Rust's standard")
    print("library (MIT OR Apache-2.0, The Rust Project Developers). Which licence each is under:\n")
    for package in packages:
        print(f"  {package['name']} {package['version']}: {package['license'] or 'see its text below'}")
    print("\nWithout a licence file of their own in what their authors publish; under the licence that they name above,")
    print("whose text is below under other names:\n")
    for package in bare:
        print(f"  {package['name']} {package['version']}: {', '.join(package['authors']) or package['repository'] or 'no author named'}")
    for text, names in sorted(who.items(), key=lambda pair: pair[1][0]):
        print("\n" + "=" * 100)
        print("Of " + ", ".join(names) + ":\n")
        print(text)


if __name__ == "__main__":
    main()
