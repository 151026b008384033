//! What the publisher's ffmpeg makes of the sound pipe: an endless WAV stream, whose header says
//! the largest lengths there are, decodes to the same samples.
//!
//! ffmpeg is `PD_CONSOLE_FFMPEG` or the one on PATH; skipped, with a line that says so, without.

#![allow(clippy::unwrap_used)]

use pd_console::audio::{AudioSource, SAMPLE_RATE, Timeline, ToneSource, wav_header};
use std::io::{Read, Write};
use std::process::{Command, Stdio};

#[test]
fn an_endless_wav_on_a_pipe_is_read_as_it_was_written() {
    let ffmpeg = std::env::var_os("PD_CONSOLE_FFMPEG").unwrap_or_else(|| "ffmpeg".into());
    let child = Command::new(&ffmpeg)
        .args(["-hide_banner", "-loglevel", "warning", "-probesize", "32"])
        .args(["-analyzeduration", "0", "-f", "wav", "-ignore_length", "1"])
        .args(["-max_size", "1920", "-i", "pipe:0", "-f", "s16le", "pipe:1"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut child) = child else {
        println!("SKIPPED: no ffmpeg at {ffmpeg:?}");
        return;
    };
    let mut tone = ToneSource::new(440.0, -12.0);
    assert_eq!(tone.label(), "440 Hz, -12 dBFS");
    let mut sound = vec![0.0; 3 * 2 * SAMPLE_RATE as usize];
    tone.fill(&mut sound);
    let timeline = Timeline::new();
    let mut sent = Vec::new();
    for (k, chunk) in sound.chunks(960).enumerate() {
        let at = pd_console::clock::MonoTime::from_micros(k as u64 * 10_000);
        timeline.push(at, chunk);
        let mut out = [0_i16; 960];
        timeline.read(k as u64 * 480, &mut out);
        sent.extend(out.iter().flat_map(|s| s.to_le_bytes()));
    }
    let mut stdin = child.stdin.take().unwrap();
    let to_send = sent.clone();
    let writer = std::thread::spawn(move || {
        stdin.write_all(&wav_header()).unwrap();
        for chunk in to_send.chunks(1920) {
            stdin.write_all(chunk).unwrap();
        }
    });
    let mut got = Vec::new();
    child.stdout.take().unwrap().read_to_end(&mut got).unwrap();
    writer.join().unwrap();
    let mut complaints = String::new();
    let mut stderr = child.stderr.take().unwrap();
    stderr.read_to_string(&mut complaints).unwrap();
    assert!(child.wait().unwrap().success(), "{complaints}");
    println!("{ffmpeg:?}: {} bytes, says: {complaints:?}", got.len());
    assert_eq!(got.len(), sent.len());
    assert!(got == sent, "other samples came out");
}
