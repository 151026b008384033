#!/usr/bin/env python3
"""Makes a true list of what cargo-cyclonedx wrote: that tool lists what cargo could resolve (crates of features that are
off, of tests, macros, build scripts); kept is what is linked into the program, as cargo's own tree and THIRD-PARTY.txt have it.

    python3 packaging/sbom.py FILE.json SYSTEM TARGET

SYSTEM is linux-x86_64, windows-x86_64, macos-arm64 or macos-x86_64; the ffmpeg that is bundled there comes into the list as
its pins say (ffmpeg.json, macos/ffmpeg.sh). No path of this machine stays in it, and the same commit gives the same bytes.
Held against CycloneDX's own schema where Python's cyclonedx-python-lib[json-validation] is installed."""

import json
import pathlib
import re
import sys
import uuid

import licences

HERE = pathlib.Path(__file__).resolve().parent
# What macos/ffmpeg.sh builds ffmpeg from, as their licence files have it.
LICENCES = {"x264": "GPL-2.0-or-later", "opus": "BSD-3-Clause", "mbedtls": "Apache-2.0 OR GPL-2.0-or-later", "srt": "MPL-2.0"}


def ffmpeg(system):
    """The bundled ffmpeg as a component; none where it is the system's."""
    about = {"type": "application", "name": "ffmpeg", "description": "a program of its own that is bundled, not linked"}
    for build in json.loads((HERE / "ffmpeg.json").read_text(encoding="utf-8"))["builds"]:
        if build["use"] == "bundled" and system == f"{build['os']}-{build['arch']}":
            version = build["version"]
            yield about | {
                "bom-ref": f"ffmpeg@{version}", "version": version, "supplier": {"name": build["origin"]},
                "hashes": [{"alg": "SHA-256", "content": build["sha256"]}], "licenses": [{"expression": build["licence"]}],
            }
    if system.startswith("macos"):
        recipe = (HERE / "macos" / "ffmpeg.sh").read_text(encoding="utf-8")
        version, source = (re.search(rf"^FFMPEG_{name}=(\S+)$", recipe, re.M)[1] for name in ("VERSION", "SHA256"))
        parts = re.search(r'^SOURCES="([^"]+)"', recipe, re.M)[1].splitlines()
        yield about | {
            "bom-ref": f"ffmpeg@{version}", "version": version, "licenses": [{"expression": "GPL-3.0-or-later"}],
            "externalReferences": [{
                "type": "distribution", "comment": "the source it is built from", "url": f"https://ffmpeg.org/releases/ffmpeg-{version}.tar.xz",
                "hashes": [{"alg": "SHA-256", "content": source}],
            }],
            "components": [part(*line.split()) for line in parts],
        }


def part(repository, tag, commit):
    name = repository.rsplit("/", 1)[1]
    version = tag.removeprefix("v") if tag[1:2].isdigit() else commit[:12]
    return {
        "type": "library", "bom-ref": f"{name}@{version}", "name": name, "version": version, "licenses": [{"expression": LICENCES[name]}],
        "purl": f"pkg:github/{repository.lower()}@{commit}",
        "externalReferences": [{"type": "vcs", "url": f"https://github.com/{repository}", "comment": f"commit {commit}"}],
    }


def kept(bom, target):
    """Leaves what is linked, and says what is wrong with what is left."""
    linked = {(package["name"], package["version"]) for package in licences.linked(target, "")}
    bom["components"] = [c for c in bom["components"] if (c["name"], c["version"]) in linked]
    have = {(c["name"], c["version"]) for c in bom["components"]}
    if have != linked or len(have) != len(bom["components"]):
        sys.exit(f"sbom: linked for {target} and not listed: {sorted(linked - have)}; listed {len(bom['components'])} times: {len(have)}")
    refs = {c["bom-ref"] for c in bom["components"]} | {bom["metadata"]["component"]["bom-ref"]}
    edges = {d["ref"]: [ref for ref in d.get("dependsOn", []) if ref in refs] for d in bom["dependencies"] if d["ref"] in refs}
    bom["dependencies"] = [{"ref": ref, "dependsOn": to} if to else {"ref": ref} for ref, to in edges.items()]
    reached, open_ = set(), [bom["metadata"]["component"]["bom-ref"]]
    while open_:
        ref = open_.pop()
        if ref not in reached:
            reached.add(ref)
            open_ += edges[ref]
    if reached != refs:
        sys.exit(f"sbom: nothing leads from the program to {sorted(refs - reached)}")


def validated(path):
    """Whether the schema was there to hold it against."""
    try:
        from cyclonedx.schema import SchemaVersion
        from cyclonedx.validation.json import JsonStrictValidator
    except ImportError:
        return False
    wrong = JsonStrictValidator(SchemaVersion.V1_5).validate_str(path.read_text(encoding="utf-8"))
    if wrong is not None:
        sys.exit(f"sbom: {path.name} is no CycloneDX 1.5: {wrong}")
    return True


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    path, (system, target) = pathlib.Path(sys.argv[1]), sys.argv[2:]
    text = path.read_text(encoding="utf-8")
    # Where the program's own folder lies is nobody's business, and another with each build.
    root = re.search(r'"bom-ref": "(path\+file://[^"#]*#)', text)[1]
    bom = json.loads(text.replace(root, "").replace("?download_url=file://.", ""))
    kept(bom, target)
    program = bom["metadata"]["component"]["bom-ref"]
    crates = len(bom["components"])
    for extra in ffmpeg(system):
        bom["components"].append(extra)
        next(d for d in bom["dependencies"] if d["ref"] == program)["dependsOn"].append(extra["bom-ref"])
    # Of what is in it: a list made anew of the same commit is the same list.
    bom["serialNumber"] = f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(bom, sort_keys=True))}"
    out = json.dumps(bom, indent=1, ensure_ascii=False) + "\n"
    if "file://" in out:
        sys.exit(f"sbom: a path of this machine is in {path.name}")
    path.write_text(out, encoding="utf-8")
    held = "valid" if validated(path) else "NOT HELD AGAINST THE SCHEMA: no cyclonedx-python-lib"
    print(f"sbom: {path.name}: {crates} crates, {len(bom['components']) - crates} bundled, {held}")


if __name__ == "__main__":
    main()
