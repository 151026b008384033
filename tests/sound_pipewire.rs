//! The sound through a PipeWire of the test's own: a tone played into a null sink, captured as the
//! system's sound, as the default input, and by the sink's name.
//!
//! Needs pipewire, wireplumber (which links the streams), dbus-daemon (without which wireplumber
//! does not start) and pw-cat; skipped, with a line that says so, where one is missing.

#![allow(clippy::unwrap_used)]
#![cfg(all(target_os = "linux", feature = "pipewire"))]

mod common;

use common::Killed;
use common::recorder::{self, INPUT_ENV, figure, is_the_tone, word};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::time::Duration;

const HZ: f64 = 440.0;

struct PipeWire {
    // Dropped in this order: the clients before the servers.
    wireplumber: Option<Killed>,
    daemon: Option<Killed>,
    bus: Killed,
    address: String,
    dir: tempfile::TempDir,
}

impl PipeWire {
    /// Servers with one null sink; None where there is no PipeWire here.
    fn start(sink: &str) -> Option<Self> {
        if !common::are_installed(
            &["pipewire", "wireplumber", "dbus-daemon", "pw-cat", "pw-cli"],
            "PipeWire was not tested",
        ) {
            return None;
        }
        let dir = tempfile::tempdir().unwrap();
        let mut bus = Command::new("dbus-daemon")
            .args(["--session", "--nofork", "--print-address=1"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut address = String::new();
        let mut out = BufReader::new(bus.stdout.take().unwrap());
        out.read_line(&mut address).unwrap();
        let mut pipewire = Self {
            wireplumber: None,
            daemon: None,
            bus: Killed(bus),
            address: address.trim().to_owned(),
            dir,
        };
        let started = |mut command: Command| {
            let command = command.stdout(Stdio::null()).stderr(Stdio::null());
            Some(Killed(command.spawn().unwrap()))
        };
        pipewire.daemon = started(pipewire.command("pipewire"));
        let socket = pipewire.dir.path().join("pipewire-0");
        let there = common::wait_until(Duration::from_secs(10), || socket.exists());
        assert!(there, "pipewire does not start");
        pipewire.wireplumber = started(pipewire.command("wireplumber"));
        pipewire.create_sink(sink);
        let metadata = || {
            let output = pipewire.command("pw-metadata").output().unwrap();
            String::from_utf8_lossy(&output.stdout).into_owned()
        };
        let there = common::wait_until(Duration::from_secs(15), || {
            metadata().contains("default.audio.sink")
        });
        assert!(there, "wireplumber finds no sink: {}", metadata());
        Some(pipewire)
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env("HOME", self.dir.path())
            .env("XDG_RUNTIME_DIR", self.dir.path())
            .env("DBUS_SESSION_BUS_ADDRESS", &self.address)
            .env_remove("PULSE_SERVER")
            .env_remove("XDG_CONFIG_HOME")
            .env_remove("PIPEWIRE_REMOTE")
            .env_remove("DISPLAY")
            .stdin(Stdio::null());
        command
    }

    fn create_sink(&self, more: &str) {
        let words = format!(
            "{{ factory.name=support.null-audio-sink node.name=pd_null media.class=Audio/Sink \
             node.description=\"Null Output\" object.linger=true {more} }}"
        );
        let status = self
            .command("pw-cli")
            .args(["create-node", "adapter", &words])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        assert!(status.unwrap().success(), "no null sink");
    }

    /// Plays the tone until the result is dropped.
    fn play(&self, rate: u32, channels: u16) -> Killed {
        let path = self.dir.path().join("tone.wav");
        write_tone(&path, rate, channels);
        let player = self
            .command("pw-cat")
            .args(["--playback", "--target", "pd_null"])
            .arg(&path)
            .stdout(Stdio::null())
            .spawn();
        Killed(player.unwrap())
    }

    /// The recorder's words on `input`. On a busy machine this server, which has no real-time
    /// priority here, itself breaks the tone up now and then: one recording of four must be whole.
    fn record_whole(&self, input: &str) -> String {
        let mut text = String::new();
        for _ in 0..4 {
            text = self.record(input);
            match recorder::tone_fault(&text, HZ) {
                Some(fault) => println!("{input}: {fault}"),
                None => break,
            }
        }
        text
    }

    /// Runs the recorder on `input`; its standard output.
    fn record(&self, input: &str) -> String {
        let program = std::env::current_exe().unwrap();
        let output = self
            .command(program.to_str().unwrap())
            .args(["--ignored", "--exact", "child_records", "--nocapture"])
            .env(INPUT_ENV, input)
            .stderr(Stdio::inherit())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{text}");
        text
    }
}

impl Drop for PipeWire {
    fn drop(&mut self) {
        self.wireplumber = None;
        self.daemon = None;
        let _ = self.bus.0.kill();
    }
}

/// 60 s of a sine, peak 0.25, as WAV.
fn write_tone(path: &std::path::Path, rate: u32, channels: u16) {
    let frames = 60 * rate;
    let block = u32::from(channels) * 2;
    let mut bytes = Vec::new();
    bytes.extend(b"RIFF");
    bytes.extend((36 + frames * block).to_le_bytes());
    bytes.extend(b"WAVEfmt ");
    bytes.extend(16_u32.to_le_bytes());
    bytes.extend(1_u16.to_le_bytes());
    bytes.extend(channels.to_le_bytes());
    bytes.extend(rate.to_le_bytes());
    bytes.extend((rate * block).to_le_bytes());
    bytes.extend((block as u16).to_le_bytes());
    bytes.extend(16_u16.to_le_bytes());
    bytes.extend(b"data");
    bytes.extend((frames * block).to_le_bytes());
    for k in 0..frames {
        let turns = (f64::from(k) * HZ / f64::from(rate)).fract();
        let sample = (8_192.0 * (turns * std::f64::consts::TAU).sin()) as i16;
        for _ in 0..channels {
            bytes.extend(sample.to_le_bytes());
        }
    }
    std::fs::write(path, bytes).unwrap();
}

fn tone_through(sink: &str, rate: u32, channels: u16, inputs: &[&str]) {
    let _alone = common::alone();
    let Some(pipewire) = PipeWire::start(sink) else {
        return;
    };
    let _player = pipewire.play(rate, channels);
    for input in inputs {
        let text = pipewire.record_whole(input);
        println!("{input}: {text}");
        is_the_tone(&text, HZ);
        assert_eq!(word(&text, "host"), "PipeWire", "the other host was used");
        assert!(text.contains("Monitor of Null Output"), "{text}");
        assert!(
            !text.contains("pw-cat"),
            "another program's stream is listed"
        );
        assert!(figure(&text, "buffer_ms") > 0.5, "{text}");
    }
}

#[test]
fn what_the_machine_plays_is_captured_through_pipewire() {
    let stereo = "audio.position=[FL FR]";
    let inputs = ["system", "default", "Monitor of Null Output"];
    tone_through(stereo, 48_000, 2, &inputs);
}

/// B13: 44100 Hz mono.
#[test]
fn b13_a_44100_hz_mono_sink_keeps_the_pitch_through_pipewire() {
    let mono = "audio.position=[MONO] audio.channels=1 audio.rate=44100";
    tone_through(mono, 44_100, 1, &["system", "Monitor of Null Output"]);
}

#[test]
fn an_8_channel_sink_keeps_the_pitch_through_pipewire() {
    let surround = "audio.position=[FL FR FC LFE RL RR SL SR] audio.channels=8";
    tone_through(surround, 48_000, 8, &["system", "Monitor of Null Output"]);
}

/// B12 c: the sink goes while it is captured and comes back as 44100 Hz mono, then with 8 channels.
#[test]
fn b12c_a_sink_that_comes_back_in_another_format_keeps_its_pitch_through_pipewire() {
    let _alone = common::alone();
    let Some(pipewire) = PipeWire::start("audio.position=[FL FR]") else {
        return;
    };
    let mut player = pipewire.play(48_000, 2);
    let program = std::env::current_exe().unwrap();
    let child = pipewire
        .command(program.to_str().unwrap())
        .args(["--ignored", "--exact", "child_records_again_and_again"])
        .args(["--nocapture"])
        .env(INPUT_ENV, "system")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut child = Killed(child);
    let out = BufReader::new(child.0.stdout.take().unwrap());
    let mono = (
        "audio.position=[MONO] audio.channels=1 audio.rate=44100",
        44_100,
        1,
    );
    let surround = "audio.position=[FL FR FC LFE RL RR SL SR] audio.channels=8";
    let mut heard = recorder::recordings(out);
    let mut recordings = Vec::from_iter(heard.next());
    for (sink, rate, channels) in [mono, (surround, 48_000, 8)] {
        drop(player);
        let status = pipewire
            .command("pw-cli")
            .args(["destroy", "pd_null"])
            .stdout(Stdio::null())
            .status();
        assert!(status.unwrap().success(), "the sink stays");
        std::thread::sleep(Duration::from_millis(1_500));
        pipewire.create_sink(sink);
        std::thread::sleep(Duration::from_millis(500));
        player = pipewire.play(rate, channels);
        recordings.extend(heard.next());
    }
    assert_eq!(recordings.len(), 3);
    for (recording, channels) in recordings.iter().zip([2.0, 1.0, 8.0]) {
        let parts: Vec<_> = recording.split("resyncs=").collect();
        assert_eq!(parts.len(), 5, "{recording}");
        let faults = parts.windows(2).map(|pair| {
            let rest = pair[1].split('\n').next().unwrap_or_default();
            recorder::tone_fault(&format!("{}resyncs={rest}", pair[0]), HZ)
        });
        let faults: Vec<_> = faults.collect();
        assert!(faults.contains(&None), "{faults:?}");
        assert_eq!(figure(recording, "channels"), channels);
    }
}

/// Child: 2 s of the input, three times; between two the device goes and comes back.
#[test]
#[ignore = "run by b12c_a_sink_that_comes_back_in_another_format_keeps_its_pitch_through_pipewire"]
fn child_records_again_and_again() {
    let bank = recorder::open(recorder::wanted());
    let problem = || bank.statuses().remove(0).problem;
    for round in 0..3 {
        if round > 0 {
            let lost = common::wait_until(Duration::from_secs(10), || problem().is_some());
            assert!(lost, "it is not seen that the sink went");
            println!("LOST {:?}", problem());
            let back = common::wait_until(Duration::from_secs(15), || problem().is_none());
            assert!(back, "{:?}", bank.statuses());
        }
        std::thread::sleep(Duration::from_millis(3_000));
        // See `record_whole`.
        for _ in 0..4 {
            recorder::record(&bank, 1);
        }
        println!("RECORDED {round}");
    }
    bank.end(Duration::from_secs(1));
}

/// Child: 3 s of the input through mixer and pacer, as the publisher would read it.
#[test]
#[ignore = "run by what_the_machine_plays_is_captured_through_pipewire"]
fn child_records() {
    let bank = recorder::open(recorder::wanted());
    std::thread::sleep(Duration::from_millis(1_500));
    recorder::record(&bank, 3);
    bank.end(Duration::from_secs(1));
}
