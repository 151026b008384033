#!/usr/bin/env python3
"""How long a start takes: the process' start to the window's first drawn frame, the pattern's, and LIVE without a window.

    python3 packaging/start-time.py PROGRAM [RUNS]

Needs a screen of its own (DISPLAY of an Xvfb: what else is drawn there would be taken for the window) and ffmpeg, which
listens on loopback. A frame counts once nine places of the screen are not black, looked at every 2 ms through libX11. The settings
are fresh ones in a folder of their own, shared by all runs: the first run of each kind (cold: encoders are tested) is told apart."""

import ctypes
import os
import pathlib
import socket
import statistics
import subprocess
import sys
import tempfile
import time

X = ctypes.CDLL("libX11.so.6")
X.XOpenDisplay.restype = ctypes.c_void_p
X.XDefaultRootWindow.restype = ctypes.c_ulong
X.XDefaultRootWindow.argtypes = [ctypes.c_void_p]
X.XGetImage.restype = ctypes.c_void_p
X.XGetImage.argtypes = [ctypes.c_void_p, ctypes.c_ulong] + [ctypes.c_int] * 2 + [ctypes.c_uint] * 2 + [ctypes.c_ulong, ctypes.c_int]
X.XGetPixel.restype = ctypes.c_ulong
X.XGetPixel.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_int]

LIMIT = 60.0


def lit(display, root):
    """How many of nine places of the screen's middle show something."""
    count = 0
    for x, y in ((x, y) for x in (200, 500, 800) for y in (60, 250, 450)):
        image = X.XGetImage(display, root, x, y, 1, 1, 0xFFFFFFFF, 2)
        count += image is not None and X.XGetPixel(image, 0, 0) & 0xFFFFFF != 0
    return count


def to_frame(command, env, places):
    """Seconds from the start to a frame, or None after LIMIT."""
    display = X.XOpenDisplay(None)
    root = X.XDefaultRootWindow(display)
    begun = time.monotonic()
    process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    took = None
    while took is None and time.monotonic() - begun < LIMIT:
        if lit(display, root) >= places:
            took = time.monotonic() - begun
        time.sleep(0.002)
    process.terminate()
    process.wait(timeout=30)
    # The server clears what a window leaves: the next start begins in black.
    while lit(display, root):
        time.sleep(0.05)
    return took


def to_live(program, env):
    """Seconds from the start to the line that says LIVE."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    listen = f"ffmpeg -nostdin -v error -mode listener -f data -i srt://127.0.0.1:{port} -map 0 -c copy -f data -y /dev/null"
    receiver = subprocess.Popen(listen.split(), stderr=subprocess.DEVNULL)
    time.sleep(1.0)
    words = f"live --seconds 1 --source pattern --audio tone --host srt://127.0.0.1:{port} --set target.way=SrtPush --set viewer.on=false"
    begun = time.monotonic()
    process = subprocess.Popen([program, *words.split()], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, encoding="utf-8")
    took = None
    for line in process.stderr:
        if took is None and "LIVE:" in line:
            took = time.monotonic() - begun
    process.wait(timeout=30)
    receiver.terminate()
    receiver.wait()
    return took


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    program, runs = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 5
    with tempfile.TemporaryDirectory() as folder:
        env = dict(os.environ, PD_CONSOLE_CONFIG_DIR=folder, XDG_CACHE_HOME=folder, DBUS_SESSION_BUS_ADDRESS="unix:path=/dev/null")
        env.setdefault("LIBGL_ALWAYS_SOFTWARE", "1")
        kinds = {
            "window, first frame": lambda: to_frame([program], env, 5),
            "pattern, first frame": lambda: to_frame([program, "pattern"], env, 3),
            "live, LIVE": lambda: to_live(program, env),
        }
        print(f"{pathlib.Path(program).stat().st_size} bytes; load {os.getloadavg()[0]:.1f}; s: first run, then median (least to most) of {runs}")
        for name, measure in kinds.items():
            first, rest = measure(), [measure() for _ in range(runs)]
            if first is None or None in rest:
                sys.exit(f"{name}: nothing within {LIMIT:.0f} s")
            print(f"{name}: {first:.2f}, {statistics.median(rest):.2f} ({min(rest):.2f} to {max(rest):.2f})")


if __name__ == "__main__":
    main()
