#!/usr/bin/env python3
"""Lays out the macOS bundle: Info.plist, its words in Korean, the icon, the program, ffmpeg, the licences. Runs anywhere
(python 3.9); signing and the disk image are packaging/macos/package.sh's, which needs macOS.

    . packaging/about.sh
    python3 packaging/macos/bundle.py PROGRAM FFMPEG_FOLDER LICENCES_FOLDER OUT     makes OUT/PD Console.app
    python3 packaging/macos/bundle.py --check APP                                  looks whether it is whole

FFMPEG_FOLDER holds ffmpeg, FFMPEG.txt and GPL-3.0.txt; it may be "none": then the console takes the system's."""

import os
import pathlib
import plistlib
import re
import shutil
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
# ScreenCaptureKit is there from 12.3 on, its sound from 13: Cargo.toml's screencapturekit.
OLDEST = "13.0"

# What macOS shows when it asks the operator. It asks for the screen by itself, without a text of the program's
# (System Settings, Privacy & Security, Screen & System Audio Recording); for the microphone and the local network it
# shows these.
WORDS = {
    "NSMicrophoneUsageDescription": (
        "PD Console sends the sound of the microphone or mixer that you choose together with the return picture.",
        "PD Console은 선택한 마이크나 믹서의 소리를 리턴 영상과 함께 보냅니다.",
    ),
    "NSLocalNetworkUsageDescription": (
        "PD Console sends the return picture to the server that you name, and shows viewers in your network its page.",
        "PD Console은 지정한 서버로 리턴 영상을 보내고, 같은 네트워크의 시청자에게 시청 페이지를 제공합니다.",
    ),
}


def info(about):
    """The Info.plist as a dictionary."""
    number = re.match(r"[0-9.]+", about["PD_VERSION"]).group()
    plist = {
        "CFBundleDevelopmentRegion": "en",
        "CFBundleDisplayName": about["PD_TITLE"],
        "CFBundleExecutable": about["PD_NAME"],
        "CFBundleIconFile": f"{about['PD_NAME']}.icns",
        "CFBundleIdentifier": about["PD_ID"],
        "CFBundleInfoDictionaryVersion": "6.0",
        "CFBundleLocalizations": ["en", "ko"],
        "CFBundleName": about["PD_TITLE"],
        "CFBundlePackageType": "APPL",
        "CFBundleShortVersionString": number,
        "CFBundleVersion": number,
        "LSApplicationCategoryType": "public.app-category.video",
        "LSMinimumSystemVersion": OLDEST,
        "NSHighResolutionCapable": True,
        "NSHumanReadableCopyright": f"{about['PD_LICENSE']}; ffmpeg in it: GPL-3.0-or-later",
        # A show behind other windows must not be put to sleep.
        "LSAppNapIsDisabled": True,
        "NSSupportsAutomaticTermination": False,
        "NSSupportsSuddenTermination": False,
    }
    plist.update({key: english for key, (english, _) in WORDS.items()})
    return plist


def make(program, ffmpeg, licences, out):
    about = {key: os.environ[key] for key in ("PD_NAME", "PD_VERSION", "PD_TITLE", "PD_ID", "PD_LICENSE")}
    app = pathlib.Path(out) / f"{about['PD_TITLE']}.app"
    shutil.rmtree(app, ignore_errors=True)
    programs, resources = app / "Contents/MacOS", app / "Contents/Resources"
    for folder in (programs, resources / "en.lproj", resources / "ko.lproj"):
        folder.mkdir(parents=True)
    with open(app / "Contents/Info.plist", "wb") as file:
        plistlib.dump(info(about), file)
    (app / "Contents/PkgInfo").write_text("APPL????")
    for language, which in (("en", 0), ("ko", 1)):
        with open(resources / f"{language}.lproj/InfoPlist.strings", "wb") as file:
            plistlib.dump({key: words[which] for key, words in WORDS.items()}, file)
    shutil.copy(ROOT / "assets/icon/pd-console.icns", resources / f"{about['PD_NAME']}.icns")
    shutil.copy(program, programs / about["PD_NAME"])
    (programs / about["PD_NAME"]).chmod(0o755)
    shutil.copytree(licences, resources / "licences")
    if ffmpeg != "none":
        # Beside the program: code belongs to Contents/MacOS, or its signature does not hold.
        shutil.copy(pathlib.Path(ffmpeg) / "ffmpeg", programs / "ffmpeg")
        (programs / "ffmpeg").chmod(0o755)
        for text in ("FFMPEG.txt", "GPL-3.0.txt"):
            shutil.copy(pathlib.Path(ffmpeg) / text, resources / "licences" / text)
    return app


def check(app):
    """Ends with a word where the bundle lacks something that macOS or the console wants."""
    app = pathlib.Path(app)
    with open(app / "Contents/Info.plist", "rb") as file:
        plist = plistlib.load(file)
    lacking = [key for key in (*WORDS, "CFBundleIdentifier", "CFBundleVersion", "LSMinimumSystemVersion") if not plist.get(key)]
    program = app / "Contents/MacOS" / plist["CFBundleExecutable"]
    for path in (program, app / "Contents/Resources" / plist["CFBundleIconFile"]):
        if not path.is_file():
            lacking.append(str(path))
    if not os.access(program, os.X_OK):
        lacking.append("the right to run it")
    for language in plist["CFBundleLocalizations"]:
        with open(app / f"Contents/Resources/{language}.lproj/InfoPlist.strings", "rb") as file:
            words = plistlib.load(file)
        lacking += [f"{key} in {language}" for key in WORDS if not words.get(key)]
    if (app / "Contents/MacOS/ffmpeg").exists() and not (app / "Contents/Resources/licences/GPL-3.0.txt").is_file():
        lacking.append("the licence of ffmpeg")
    with open(ROOT / "packaging/macos/entitlements.plist", "rb") as file:
        rights = plistlib.load(file)
    # Each right takes something from the hardened runtime: the microphone, and no other.
    if rights != {"com.apple.security.device.audio-input": True}:
        lacking.append(f"other entitlements than the microphone: {rights}")
    if lacking:
        sys.exit("bundle: lacking: " + ", ".join(lacking))
    print(f"bundle: {app.name}, {plist['CFBundleIdentifier']} {plist['CFBundleVersion']}, from macOS {plist['LSMinimumSystemVersion']}")


if __name__ == "__main__":
    if len(sys.argv) == 3 and sys.argv[1] == "--check":
        check(sys.argv[2])
    elif len(sys.argv) == 5:
        check(make(*sys.argv[1:]))
    else:
        sys.exit(__doc__)
