//! Flash and beep through the whole path, as any other reader of the server decodes them: how far
//! apart picture and sound are, told by nothing of the console's. By the driver's thread.

use super::show::{PATH, Show};
use crate::common::Killed;
use crate::common::lip::{median, offsets};
use crate::common::stream::Stream;
use pd_console::units::Size;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Seconds that are read.
const READ_S: u32 = 9;

/// Sound minus picture, median, ms. The show has the pattern and the beep meanwhile.
///
/// # Errors
/// What did not go as it should.
pub fn offset_ms(show: &mut Show, near_ms: f64) -> Result<f64, String> {
    for words in ["source-set pattern", "input-mute 1", "input-unmute 2"] {
        show.remote.operation(words)?;
    }
    // The beep sounds for a tenth of each second: `is_well` may find silence between.
    std::thread::sleep(Duration::from_secs(3));
    let read = read(show);
    for words in ["input-mute 2", "input-unmute 1", "source-set x11"] {
        show.remote.operation(words)?;
    }
    let offsets = offsets(&read?, Size::new(1280, 720));
    show.well_after(near_ms, Duration::from_secs(30))?;
    if offsets.len() < 4 {
        return Err(format!("{} flashes only", offsets.len()));
    }
    Ok(median(&offsets))
}

fn read(show: &Show) -> Result<Stream, String> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("read.ts");
    let reader = Command::new("ffmpeg")
        .args(["-v", "error", "-nostdin", "-i"])
        .arg(format!(
            "srt://127.0.0.1:{}?streamid=read:{PATH}",
            show.server.srt
        ))
        .args(["-map", "0", "-c", "copy", "-t", &READ_S.to_string()])
        .args(["-f", "mpegts"])
        .arg(&path)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let mut reader = Killed(reader.unwrap());
    let limit = Duration::from_secs(u64::from(READ_S) + 20);
    match reader.ends_within(limit) {
        Some(status) if status.success() => Ok(Stream::at(path, folder)),
        other => Err(format!("the reader: {other:?}")),
    }
}
