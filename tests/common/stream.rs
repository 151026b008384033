//! An SRT receiver that has nothing of the console's, and what ffprobe and ffmpeg say of the stream.

use super::{Killed, output};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// An ffmpeg that takes one SRT caller and writes what it sends into a file, byte for byte.
pub struct Listener {
    process: Killed,
    folder: tempfile::TempDir,
    /// Where it listens, on loopback.
    pub port: u16,
}

impl Listener {
    /// Starts one, with a passphrase unless that is empty.
    pub fn start(passphrase: &str) -> Self {
        Self::at("127.0.0.1", super::free_udp_port(), passphrase)
    }

    /// The same at this address of this machine (IPv6 in brackets) and this port.
    pub fn at(address: &str, port: u16, passphrase: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("ffmpeg");
        // What comes late is waited for: this receiver is to show what was sent. By default it leaves
        // out what it has missed for 120 ms, which a busy machine brings about.
        command.args(["-v", "error", "-nostdin", "-mode", "listener"]);
        command.args(["-tlpktdrop", "0"]);
        if !passphrase.is_empty() {
            command.args(["-passphrase", passphrase]);
        }
        command
            .args(["-f", "data", "-i", &format!("srt://{address}:{port}")])
            .args(["-map", "0", "-c", "copy", "-f", "data"])
            .arg(folder.path().join("received.ts"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let process = Killed(command.spawn().unwrap());
        let listener = Self {
            process,
            folder,
            port,
        };
        // It listens as soon as the port is taken.
        assert!(
            super::wait_until(Duration::from_secs(10), || {
                std::net::UdpSocket::bind(format!("{address}:{port}")).is_err()
            }),
            "the receiver does not listen"
        );
        listener
    }

    /// Bytes that have come so far, as its file shows them (it writes in blocks).
    pub fn bytes(&self) -> u64 {
        let file = self.folder.path().join("received.ts");
        std::fs::metadata(file).map_or(0, |file| file.len())
    }

    /// Whether it runs: it ends with its first caller.
    pub fn is_running(&mut self) -> bool {
        self.process.ends_within(Duration::ZERO).is_none()
    }

    /// Waits for its end, which the caller's end brings; the stream that it took.
    pub fn received(mut self) -> Stream {
        let status = self.process.ends_within(Duration::from_secs(15));
        assert!(status.is_some(), "the receiver still waits");
        let stream = Stream {
            path: self.folder.path().join("received.ts"),
            _folder: self.folder,
        };
        let bytes = std::fs::read(&stream.path).unwrap();
        assert_eq!(holes(&bytes), 0, "transport packets are missing");
        std::fs::write(&stream.path, &bytes[..last_picture(&bytes)]).unwrap();
        stream
    }
}

/// A received transport stream.
pub struct Stream {
    path: PathBuf,
    _folder: tempfile::TempDir,
}

/// One access unit as ffprobe sees it.
#[derive(Clone, Copy, Debug)]
pub struct Packet {
    /// Time of its picture, s.
    pub pts_s: f64,
    /// Bytes.
    pub bytes: f64,
    /// Decoding can begin here.
    pub key: bool,
}

/// The longest time from one picture to the next, s.
pub fn longest_gap_s(pictures: &[Packet]) -> f64 {
    let pairs = pictures.windows(2);
    let gaps = pairs.map(|two| two[1].pts_s - two[0].pts_s);
    gaps.fold(0.0, f64::max)
}

/// An ffmpeg that reads `path` of a server by SRT into a file of `folder`, for `seconds` or until that ends.
pub fn srt_reader(port: u16, path: &str, seconds: Option<u32>, folder: &Path) -> (Killed, PathBuf) {
    let file = folder.join("read.ts");
    let mut command = Command::new("ffmpeg");
    command
        .args(["-v", "error", "-nostdin", "-i"])
        .arg(format!("srt://127.0.0.1:{port}?streamid=read:{path}"))
        .args(["-map", "0", "-c", "copy"]);
    if let Some(seconds) = seconds {
        command.args(["-t", &seconds.to_string()]);
    }
    let reader = command
        .args(["-f", "mpegts"])
        .arg(&file)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    (Killed(reader.unwrap()), file)
}

impl Stream {
    /// A stream that was written into this file of a folder.
    pub fn at(path: PathBuf, folder: tempfile::TempDir) -> Self {
        Self {
            path,
            _folder: folder,
        }
    }

    /// Times of the decoded frames of the picture (`v:0`) or the sound (`a:0`), s, and samples in
    /// each (0 for a picture).
    pub fn frames(&self, kind: &str) -> Vec<(f64, usize)> {
        let entries = "frame=pts_time,nb_samples";
        let all = self.probe(&[
            "-show_frames",
            "-select_streams",
            kind,
            "-show_entries",
            entries,
        ]);
        let frames = all["frames"].as_array().unwrap().iter();
        frames
            .filter_map(|frame| {
                let pts_s = frame["pts_time"].as_str()?.parse().unwrap();
                let samples = frame["nb_samples"].as_u64().unwrap_or(0);
                Some((pts_s, samples as usize))
            })
            .collect()
    }

    /// Its file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn probe(&self, what: &[&str]) -> Value {
        let mut command = Command::new("ffprobe");
        command.args(["-v", "error", "-of", "json"]).args(what);
        serde_json::from_slice(&output(command.arg(&self.path))).unwrap()
    }

    /// ffprobe's words on the picture or the sound.
    pub fn properties(&self, kind: &str) -> Value {
        let all = self.probe(&["-show_streams", "-select_streams", kind]);
        assert_eq!(all["streams"].as_array().unwrap().len(), 1, "{all}");
        all["streams"][0].clone()
    }

    /// Pictures in the order received.
    pub fn pictures(&self) -> Vec<Packet> {
        let all = self.probe(&["-show_packets", "-select_streams", "v:0"]);
        let text = |packet: &Value, name: &str| packet[name].as_str().unwrap().to_owned();
        let packets = all["packets"].as_array().unwrap().iter();
        packets
            .map(|packet| Packet {
                pts_s: text(packet, "pts_time").parse().unwrap(),
                bytes: text(packet, "size").parse().unwrap(),
                key: text(packet, "flags").starts_with('K'),
            })
            .collect()
    }

    /// Decodes with these output options; the bytes, and what the decoder complained of.
    pub fn decode(&self, options: &str) -> (Vec<u8>, String) {
        let output = Command::new("ffmpeg")
            .args(["-v", "error", "-nostdin", "-i"])
            .arg(&self.path)
            .args(options.split_whitespace())
            .arg("pipe:1")
            .output()
            .unwrap();
        let complaints = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{complaints}");
        (output.stdout, complaints)
    }
}

/// Transport packets that are missing, by their continuity counters (ISO/IEC 13818-1, 2.4.3.3): holes
/// that came about on the way, not at the encoder.
fn holes(stream: &[u8]) -> usize {
    let mut counters = std::collections::HashMap::new();
    let mut holes = 0;
    for packet in stream.chunks_exact(188) {
        assert_eq!(packet[0], 0x47, "no transport packet");
        // Only a packet with a payload counts.
        if packet[3] & 0x10 == 0 {
            continue;
        }
        let counter = packet[3] & 0x0f;
        let before = counters.insert(pid(packet), counter);
        holes += usize::from(before.is_some_and(|before| counter != (before + 1) & 0x0f));
    }
    holes
}

/// Where the last picture begins: the end of an SRT connection may tear it, as what its sender has
/// not given out by then is left out.
fn last_picture(stream: &[u8]) -> usize {
    // The identifier that ffmpeg's muxer gives its first stream, the picture.
    let begins = |packet: &[u8]| pid(packet) == 0x100 && packet[1] & 0x40 != 0;
    let last = stream.chunks_exact(188).rposition(begins);
    last.expect("no picture came") * 188
}

fn pid(packet: &[u8]) -> u16 {
    u16::from_be_bytes([packet[1] & 0x1f, packet[2]])
}

/// Decodes all of `file` by this ffmpeg, which may complain of nothing; what it says of its progress.
pub fn decoded(ffmpeg: &Path, file: &Path) -> String {
    let decoded = Command::new(ffmpeg)
        .args(["-v", "error", "-nostdin", "-i"])
        .arg(file)
        .args(["-fps_mode", "passthrough", "-enc_time_base:v", "1/1000"])
        .args(["-progress", "pipe:1", "-f", "null", "-"])
        .output()
        .unwrap();
    let words = String::from_utf8_lossy(&decoded.stderr);
    assert!(
        decoded.status.success() && words.is_empty(),
        "{ffmpeg:?} {file:?}: {words}"
    );
    String::from_utf8_lossy(&decoded.stdout).into_owned()
}
