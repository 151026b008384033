//! The real path of the sound: a tone played into a PulseAudio daemon of the test's own, recorded
//! by the console's input, read by the publisher's pacer.
//!
//! The capture runs in a child process (this test binary again), because the daemon is chosen by
//! environment variables. Skipped, with a line that says so, where there is no PulseAudio.

#![allow(clippy::unwrap_used)]
#![cfg(target_os = "linux")]

use pd_console::audio::{Due, Feed, Meter, SAMPLE_RATE, Timeline, list_inputs, spawn};
use pd_console::clock;
use pd_console::settings::AudioSourceKind;
use pd_console::stop::StopToken;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

const HZ: f64 = 440.0;
/// -12.04 dBFS.
const PEAK: f64 = 0.25;
/// Of the publisher's pacer behind the clock.
const DELAY: Duration = Duration::from_millis(40);

/// Kills its process when dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// By which of cpal's hosts the child reaches the daemon.
#[derive(Clone, Copy, PartialEq)]
enum Route {
    /// cpal's own Pulse client.
    Native,
    /// ALSA's pulse plugin, which cpal falls back to: its own client looks for the daemon's cookie
    /// in ~/.config only (pulseaudio 0.3.2, `cookie_path_from_env`), so the cookie is elsewhere.
    Alsa,
}

struct Pulse {
    daemon: Running,
    dir: tempfile::TempDir,
    route: Route,
}

impl Pulse {
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        private(&mut command, self.dir.path(), self.route);
        command
            .env("PULSE_SERVER", format!("unix:{}", socket(self.dir.path())))
            .env("PULSE_SOURCE", "pd_null.monitor");
        command
    }

    /// A daemon with one null sink; None where there is no PulseAudio here.
    fn start(route: Route) -> Option<Self> {
        for program in ["pulseaudio", "pacat"] {
            let found = Command::new(program)
                .arg("--version")
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
            if found.is_err() {
                println!("SKIPPED: {program} is not installed");
                return None;
            }
        }
        let dir = tempfile::tempdir().unwrap();
        let pulse = Self {
            daemon: daemon(dir.path(), route),
            dir,
            route,
        };
        Some(pulse)
    }

    /// Plays the tone until the result is dropped.
    fn play(&self, seconds: u32) -> Running {
        let path = self.dir.path().join("tone.s16");
        let mut bytes = Vec::new();
        for k in 0..seconds * SAMPLE_RATE {
            let turns = (f64::from(k) * HZ / f64::from(SAMPLE_RATE)).fract();
            let sample = (PEAK * 32_768.0 * (turns * std::f64::consts::TAU).sin()) as i16;
            bytes.extend(sample.to_le_bytes());
            bytes.extend(sample.to_le_bytes());
        }
        File::create(&path).unwrap().write_all(&bytes).unwrap();
        let player = self
            .command("pacat")
            .args(["--playback", "--device=pd_null", "--format=s16le"])
            .args([
                "--rate=48000",
                "--channels=2",
                "--latency-msec=200",
                "--raw",
            ])
            .arg(&path)
            .spawn()
            .unwrap();
        Running(player)
    }

    /// Runs `part` of this test binary against the daemon; its standard output.
    fn child(&self, part: &str) -> String {
        let output = self
            .command(std::env::current_exe().unwrap().to_str().unwrap())
            .args(["--ignored", "--exact", part, "--nocapture"])
            .stderr(Stdio::inherit())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{part} failed: {text}");
        text
    }
}

fn daemon(dir: &Path, route: Route) -> Running {
    let mut command = Command::new("pulseaudio");
    private(&mut command, dir, route);
    let daemon = command
        .args(["-n", "--daemonize=no", "--exit-idle-time=-1"])
        .args(["--system=false", "--use-pid-file=no", "--disable-shm=yes"])
        .args(["-L", "module-null-sink sink_name=pd_null rate=48000"])
        .arg("-L")
        .arg(format!(
            "module-native-protocol-unix auth-anonymous=1 socket={}",
            socket(dir)
        ))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let daemon = Running(daemon);
    let deadline = Instant::now() + Duration::from_secs(10);
    while !Path::new(&socket(dir)).exists() {
        assert!(Instant::now() < deadline, "pulseaudio does not start");
        std::thread::sleep(Duration::from_millis(20));
    }
    daemon
}

fn private(command: &mut Command, dir: &Path, route: Route) {
    command
        .env("HOME", dir)
        .env("XDG_RUNTIME_DIR", dir)
        .env_remove("PULSE_SERVER")
        .env_remove("PULSE_COOKIE")
        .env_remove("XDG_CONFIG_HOME");
    if route == Route::Alsa {
        command.env("XDG_CONFIG_HOME", dir.join("elsewhere"));
    }
}

fn socket(dir: &Path) -> String {
    dir.join("native.sock").display().to_string()
}

fn figure(text: &str, name: &str) -> f64 {
    let at = text
        .find(&format!("{name}="))
        .unwrap_or_else(|| panic!("no {name} in {text}"));
    let value = &text[at + name.len() + 1..];
    value.split_whitespace().next().unwrap().parse().unwrap()
}

fn tone_through(route: Route) {
    let Some(pulse) = Pulse::start(route) else {
        return;
    };
    let _player = pulse.play(30);
    let text = pulse.child("child_records");
    println!("{text}");
    for side in ["left", "right"] {
        let hz = figure(&text, &format!("{side}_hz"));
        assert!((hz - HZ).abs() < 1.0, "{hz} Hz");
    }
    let peak = figure(&text, "peak_dbfs");
    assert!((peak + 12.04).abs() < 0.3, "{peak} dBFS");
    assert_eq!(figure(&text, "silent_frames"), 0.0);
    assert_eq!(figure(&text, "resyncs"), 0.0);
    // The tone's own is 0.0008.
    assert!(figure(&text, "roughness") < 0.003, "clicks");
    let named = text.contains("Monitor of Null Output");
    assert_eq!(named, route == Route::Native, "the other host was used");
}

#[test]
fn a_tone_keeps_pitch_level_and_every_sample() {
    tone_through(Route::Native);
}

#[test]
fn a_tone_keeps_pitch_level_and_every_sample_through_alsa() {
    tone_through(Route::Alsa);
}

fn server_dies(route: Route) {
    let Some(mut pulse) = Pulse::start(route) else {
        return;
    };
    let child = pulse
        .command(std::env::current_exe().unwrap().to_str().unwrap())
        .args(["--ignored", "--exact", "child_outlives_its_server"])
        .arg("--nocapture")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut child = Running(child);
    let out = BufReader::new(child.0.stdout.take().unwrap());
    let mut text = String::new();
    for line in out.lines().map_while(Result::ok) {
        println!("{line}");
        if line.contains("SOUND") {
            let _ = pulse.daemon.0.kill();
            let _ = pulse.daemon.0.wait();
            let _ = std::fs::remove_file(socket(pulse.dir.path()));
        } else if line.contains("PROBLEM") {
            // The same place again, so that the child's environment still points to it.
            pulse.daemon = daemon(pulse.dir.path(), route);
        }
        text.push_str(&line);
    }
    assert!(text.contains("RECOVERED"), "{text}");
}

#[test]
fn a_server_that_dies_is_named_and_found_again() {
    server_dies(Route::Native);
}

#[test]
fn a_server_that_dies_is_named_and_found_again_through_alsa() {
    server_dies(Route::Alsa);
}

/// Child: 3 s of the default input through the pacer, as the publisher would read it.
#[test]
#[ignore = "run by a_tone_keeps_pitch_level_and_every_sample"]
fn child_records() {
    println!("inputs={:?}", list_inputs());
    let timeline = Timeline::new();
    let source = spawn(&AudioSourceKind::DefaultInput, &timeline, &StopToken::new()).unwrap();
    let opening = Instant::now();
    while timeline.stats().pushed == 0 {
        assert!(
            opening.elapsed() < Duration::from_secs(5),
            "{:?}",
            source.status()
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    println!("opened_ms={}", opening.elapsed().as_millis());
    // The first half second may be placed anew, until the callbacks' rhythm is known, and the
    // player may only be starting.
    std::thread::sleep(Duration::from_millis(1_000));
    let before = timeline.stats();
    let mut feed = Feed::new(clock::now() - Duration::from_millis(200), DELAY, 480);
    let mut reader = timeline.reader();
    let mut meter = Meter::new();
    let mut sound: Vec<i16> = Vec::new();
    let mut chunk = vec![0; 960];
    let mut peak = f32::NEG_INFINITY;
    while sound.len() < 3 * 96_000 {
        let now = clock::now();
        match feed.due(now) {
            Some(Due::Chunk(first)) => {
                reader.read(first, &mut chunk);
                meter.push_i16(now, &chunk);
                peak = peak.max(meter.level(now).peak_dbfs[0]);
                sound.extend(&chunk);
            }
            Some(Due::Resync { lost }) => panic!("{lost} frames lost"),
            None => std::thread::sleep(feed.next_at().since(now)),
        }
    }
    // The reader's own fade-in is no part of the tone.
    let sound = &sound[2_000..];
    let side = |side: usize| -> Vec<f64> {
        sound
            .chunks_exact(2)
            .map(|frame| f64::from(frame[side]) / 32_768.0)
            .collect()
    };
    let (left, right) = (side(0), side(1));
    let rough = left
        .windows(3)
        .map(|w| (w[0] - 2.0 * w[1] + w[2]).abs())
        .fold(0.0, f64::max);
    let after = timeline.stats();
    let status = source.status();
    println!("label={:?} problem={:?}", status.label, status.problem);
    println!("left_hz={} right_hz={}", pitch(&left), pitch(&right));
    println!("peak_dbfs={peak} roughness={rough}");
    println!("silent_frames={}", reader.silent_frames());
    println!("resyncs={}", after.resyncs - before.resyncs);
    println!(
        "inserted={} left_out={}",
        after.inserted - before.inserted,
        after.left_out - before.left_out
    );
    assert!(source.join(Duration::from_secs(1)));
}

/// Child: sound, then a problem within 2 s of the server's death, then sound again.
#[test]
#[ignore = "run by a_server_that_dies_is_named_and_found_again"]
fn child_outlives_its_server() {
    let timeline = Timeline::new();
    let source = spawn(&AudioSourceKind::DefaultInput, &timeline, &StopToken::new()).unwrap();
    let wait = |limit: u64, what: &dyn Fn() -> bool| {
        let started = Instant::now();
        while !what() {
            assert!(
                started.elapsed() < Duration::from_secs(limit),
                "{:?}",
                source.status()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
        started.elapsed().as_millis()
    };
    wait(5, &|| timeline.stats().pushed > 48_000);
    println!("SOUND from {:?}", source.status().label);
    let after = wait(3, &|| source.status().problem.is_some());
    println!("PROBLEM after_ms={after} {:?}", source.status().problem);
    let after = wait(10, &|| source.status().problem.is_none());
    println!("RECOVERED after_ms={after} {:?}", source.status().label);
    assert!(source.join(Duration::from_secs(1)));
}

/// Hz of a clean tone, from the first to the last upward zero crossing; 0 where there is none.
fn pitch(signal: &[f64]) -> f64 {
    let crossings: Vec<f64> = signal
        .windows(2)
        .enumerate()
        .filter(|(_, w)| w[0] < 0.0 && w[1] >= 0.0)
        .map(|(k, w)| k as f64 + w[0] / (w[0] - w[1]))
        .collect();
    match (crossings.first(), crossings.last()) {
        (Some(first), Some(last)) if last > first => {
            (crossings.len() - 1) as f64 * f64::from(SAMPLE_RATE) / (last - first)
        }
        _ => 0.0,
    }
}
