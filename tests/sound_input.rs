//! The real path of the sound: a tone played into a PulseAudio daemon of the test's own, recorded
//! by the console's input, read by the publisher's pacer.
//!
//! The capture runs in a child process (this test binary again), because the daemon is chosen by
//! environment variables. Skipped, with a line that says so, where there is no PulseAudio.

#![allow(clippy::unwrap_used)]
#![cfg(target_os = "linux")]

mod common;

use common::Killed;
use common::recorder::{self, INPUT_ENV, figure, is_the_tone, word};
use pd_console::audio::{
    AudioError, AudioSource, InputSource, SAMPLE_RATE, SoundBank, Timeline, Which,
};
use pd_console::settings::{AudioInput, AudioSourceKind};
use pd_console::stop::StopToken;
use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const HZ: f64 = 440.0;
/// -12.04 dBFS.
const PEAK: f64 = 0.25;

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
    daemon: Killed,
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
        if !common::are_installed(&["pulseaudio", "pacat"], "PulseAudio was not tested") {
            return None;
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
    fn play(&self, seconds: u32) -> Killed {
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
        Killed(player)
    }

    /// Runs `part` of this test binary on `input` of the daemon; its standard output.
    fn child(&self, part: &str, input: &str) -> String {
        let output = self
            .command(std::env::current_exe().unwrap().to_str().unwrap())
            .args(["--ignored", "--exact", part, "--nocapture"])
            .env(INPUT_ENV, input)
            .stderr(Stdio::inherit())
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{part} failed: {text}");
        text
    }
}

fn daemon(dir: &Path, route: Route) -> Killed {
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
    let daemon = Killed(daemon);
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
        // With a display and no bus, libdbus starts one of its own, which can take longer than the
        // tests wait.
        .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/dev/null")
        .env_remove("DISPLAY")
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

fn tone_through(route: Route, input: &str) {
    let Some(pulse) = Pulse::start(route) else {
        return;
    };
    let _player = pulse.play(30);
    let text = pulse.child("child_records", input);
    println!("{text}");
    is_the_tone(&text, HZ);
    let (host, named) = match route {
        Route::Native => ("PulseAudio", true),
        Route::Alsa => ("ALSA", false),
    };
    assert_eq!(word(&text, "host"), host, "the other host was used");
    assert_eq!(text.contains("Monitor of Null Output"), named);
    // What the device really does, and that nothing of it comes too late to be sent.
    let buffer_ms = figure(&text, "buffer_ms");
    assert!(buffer_ms > 1.0 && buffer_ms < 22.0, "{buffer_ms} ms");
    assert_eq!(figure(&text, "late_ms"), 0.0);
}

#[test]
fn a_tone_keeps_pitch_level_and_every_sample() {
    tone_through(Route::Native, "default");
}

#[test]
fn what_the_machine_plays_is_captured() {
    tone_through(Route::Native, "system");
}

#[test]
fn an_input_is_opened_by_its_name() {
    tone_through(Route::Native, "Monitor of Null Output");
}

#[test]
fn a_tone_keeps_pitch_level_and_every_sample_through_alsa() {
    tone_through(Route::Alsa, "default");
}

/// ALSA cannot capture what is played, and says what can.
#[test]
fn without_a_sound_server_system_sound_says_what_is_needed() {
    let Some(pulse) = Pulse::start(Route::Alsa) else {
        return;
    };
    let text = pulse.child("child_has_no_system_sound", "system");
    assert!(text.contains("Run PipeWire or PulseAudio"), "{text}");
}

/// B12 c, B13: the device goes and comes back as 44100 Hz mono, then as 8 channels.
#[test]
fn b12c_a_device_that_comes_back_in_another_format_keeps_its_pitch() {
    let Some(pulse) = Pulse::start(Route::Native) else {
        return;
    };
    let mut player = pulse.play(30);
    let child = pulse
        .command(std::env::current_exe().unwrap().to_str().unwrap())
        .args(["--ignored", "--exact", "child_records_again_and_again"])
        .arg("--nocapture")
        .env(INPUT_ENV, "pd_null.monitor")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut child = Killed(child);
    let out = BufReader::new(child.0.stdout.take().unwrap());
    let mut heard = recorder::recordings(out);
    let mut recordings = Vec::from_iter(heard.next());
    for format in ["rate=44100 channels=1", "rate=44100 channels=8"] {
        let pactl = |words: &str| {
            let status = pulse
                .command("pactl")
                .args(words.split_whitespace())
                .status();
            assert!(status.unwrap().success(), "pactl {words}");
        };
        pactl("unload-module module-null-sink");
        drop(player);
        // Long enough to be seen as lost.
        std::thread::sleep(Duration::from_millis(1_500));
        pactl(&format!(
            "load-module module-null-sink sink_name=pd_null {format}"
        ));
        player = pulse.play(30);
        recordings.extend(heard.next());
    }
    assert_eq!(recordings.len(), 3);
    for recording in &recordings {
        is_the_tone(recording, HZ);
    }
}

/// A device that stays away for a whole show: each try to open it takes nothing that stays.
#[test]
fn a_device_that_stays_away_costs_no_threads_and_no_handles() {
    let Some(pulse) = Pulse::start(Route::Native) else {
        return;
    };
    let gone = pulse
        .command("pactl")
        .args(["unload-module", "module-null-sink"])
        .status();
    assert!(gone.unwrap().success());
    let text = pulse.child("child_tries_in_vain", "system");
    println!("{text}");
    let [before, after] = ["after two:", "after six:"].map(|begin| {
        let (_, rest) = text.split_once(begin).unwrap();
        rest.lines().next().unwrap().to_owned()
    });
    assert_eq!(before, after);
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
    let mut child = Killed(child);
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

/// Child: 3 s of the input through mixer and pacer, as the publisher would read it.
#[test]
#[ignore = "run by a_tone_keeps_pitch_level_and_every_sample"]
fn child_records() {
    let bank = recorder::open(recorder::wanted());
    // The first half second may be placed anew, until the callbacks' rhythm is known, and the
    // player may only be starting.
    std::thread::sleep(Duration::from_millis(1_000));
    recorder::record(&bank, 3);
    bank.end(Duration::from_secs(1));
}

/// Child: the same, three times; between two the device goes and comes back.
#[test]
#[ignore = "run by b12c_a_device_that_comes_back_in_another_format_keeps_its_pitch"]
fn child_records_again_and_again() {
    let bank = recorder::open(recorder::wanted());
    for round in 0..3 {
        if round > 0 {
            wait(&bank, 10, |bank| problem(bank).is_some());
            println!("LOST {:?}", problem(&bank));
            wait(&bank, 10, |bank| problem(bank).is_none());
        }
        std::thread::sleep(Duration::from_millis(2_000));
        recorder::record(&bank, 2);
        println!("RECORDED {round}");
    }
    bank.end(Duration::from_secs(1));
}

/// Child: threads and handles after two tries and after six.
#[test]
#[ignore = "run by a_device_that_stays_away_costs_no_threads_and_no_handles"]
fn child_tries_in_vain() {
    let mut source = InputSource::new(Which::System);
    let (timeline, stop) = (Timeline::new(), StopToken::new());
    for number in 1..=6 {
        let tried = source.run(&timeline, &stop);
        assert!(matches!(tried, Err(AudioError::NoDevice(_))), "{tried:?}");
        let count = |what: &str| {
            std::fs::read_dir(format!("/proc/self/{what}"))
                .unwrap()
                .count()
        };
        // What ends by itself may take a moment.
        std::thread::sleep(Duration::from_millis(300));
        if number == 2 || number == 6 {
            let name = if number == 2 { "two" } else { "six" };
            println!(
                "after {name}: {} threads, {} handles",
                count("task"),
                count("fd")
            );
        }
    }
}

/// Child: the problem that system sound has.
#[test]
#[ignore = "run by without_a_sound_server_system_sound_says_what_is_needed"]
fn child_has_no_system_sound() {
    let bank = SoundBank::start(&[AudioInput::of(AudioSourceKind::SystemSound)]).unwrap();
    wait(&bank, 6, |bank| problem(bank).is_some());
    println!("{:?}", problem(&bank));
    bank.end(Duration::from_secs(1));
}

fn problem(bank: &SoundBank) -> Option<String> {
    bank.statuses().remove(0).problem
}

/// Waits at most so many seconds; how long it took, ms.
fn wait(bank: &SoundBank, limit: u64, what: impl Fn(&SoundBank) -> bool) -> u128 {
    let started = Instant::now();
    while !what(bank) {
        assert!(
            started.elapsed() < Duration::from_secs(limit),
            "{:?}",
            bank.statuses()
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    started.elapsed().as_millis()
}

/// Child: sound, then a problem within 2 s of the server's death, then sound again.
#[test]
#[ignore = "run by a_server_that_dies_is_named_and_found_again"]
fn child_outlives_its_server() {
    let bank = recorder::open(AudioSourceKind::DefaultInput);
    wait(&bank, 5, |bank| recorder::pushed(bank) > 48_000);
    println!("SOUND from {:?}", bank.statuses());
    let after = wait(&bank, 3, |bank| problem(bank).is_some());
    println!("PROBLEM after_ms={after} {:?}", problem(&bank));
    let after = wait(&bank, 10, |bank| problem(bank).is_none());
    println!("RECOVERED after_ms={after} {:?}", bank.statuses());
    bank.end(Duration::from_secs(1));
}
