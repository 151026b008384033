//! A program that plays ffmpeg for the tests, see `fake.sh`.

use super::Ffmpeg;
use super::cache::Cache;
use super::capabilities::look_with;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Version of the fake.
pub const VERSION: &str =
    "ffmpeg version 5.1.9-0+deb12u1 Copyright (c) 2000-2026 the FFmpeg developers\n";

/// A fake in `folder` that has libx264 and all a show needs.
pub fn ffmpeg(folder: &Path) -> PathBuf {
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    write("version", VERSION);
    write("protocols", "Output:\n  srt\n");
    write(
        "muxers",
        " --\n  E flv             FLV\n  E mpegts          MPEG-TS\n",
    );
    has(folder, &["libx264"]);
    write(
        "options.libx264",
        "libx264 AVOptions:\n  -preset <string> E..V\n  -tune <string> E..V\n  -profile <string> E..V\n  \
         -sc_threshold <int> E..V\n  -forced-idr <boolean> E..V\n",
    );
    ffmpeg_script(folder, "")
}

/// Its list of encoders: Opus and these.
pub fn has(folder: &Path, encoders: &[&str]) {
    let mut list = " ------\n A....D libopus Opus\n".to_owned();
    for name in encoders {
        list += &format!(" V....D {name} H.264\n");
    }
    std::fs::write(folder.join("encoders"), list).unwrap();
}

/// Its program, with `more` at its end. Written by another process: a file that is open for writing
/// here, while another test starts a child, could not be run.
pub fn ffmpeg_script(folder: &Path, more: &str) -> PathBuf {
    let path = folder.join("ffmpeg");
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/src/ffmpeg/fake.sh");
    let made = Command::new("sh")
        .args([
            "-c",
            "cat \"$1\" >\"$2\" && printf '%s' \"$3\" >>\"$2\" && chmod 755 \"$2\"",
            "sh",
            script,
        ])
        .arg(&path)
        .arg(more)
        .status()
        .unwrap();
    assert!(made.success());
    path
}

/// The fake as it is found.
pub fn look(path: &Path) -> Ffmpeg {
    look_with(Some(path), &Cache::new(None)).unwrap()
}

/// What the encoder `name` says and does: `act` is a line of shell; `$here` is `folder`.
pub fn plays(folder: &Path, name: &str, said: &str, act: &str) {
    std::fs::write(folder.join(format!("said.{name}")), said).unwrap();
    std::fs::write(folder.join(format!("do.{name}")), act).unwrap();
}
