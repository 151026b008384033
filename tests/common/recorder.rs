//! Records what an input gives, through the console's own inputs, mixer and pacer, and prints its
//! figures for another process to read. Run in a child, because environment variables choose the
//! sound server.

use super::sound;
use pd_console::audio::{Due, Feed, Meter, SAMPLE_RATE, SoundBank, list_inputs};
use pd_console::clock;
use pd_console::settings::{AudioInput, AudioSourceKind};
use std::io::BufRead;
use std::time::{Duration, Instant};

/// Names the input for a child: `default`, `system`, or an input's name.
pub const INPUT_ENV: &str = "PD_TEST_SOUND_INPUT";
/// Of the publisher's pacer behind the clock.
const DELAY: Duration = Duration::from_millis(30);

/// The input that [`INPUT_ENV`] names.
pub fn wanted() -> AudioSourceKind {
    match std::env::var(INPUT_ENV).as_deref() {
        Err(_) | Ok("default") => AudioSourceKind::DefaultInput,
        Ok("system") => AudioSourceKind::SystemSound,
        Ok(name) => AudioSourceKind::Input(name.to_owned()),
    }
}

/// Starts the input and waits until it gives sound.
pub fn open(kind: AudioSourceKind) -> SoundBank {
    println!("inputs={:?}", list_inputs());
    let bank = SoundBank::start(&[AudioInput::of(kind)]).unwrap();
    let opening = Instant::now();
    while pushed(&bank) == 0 {
        let waited = opening.elapsed();
        assert!(waited < Duration::from_secs(6), "{:?}", bank.statuses());
        std::thread::sleep(Duration::from_millis(5));
    }
    println!("opened_ms={}", opening.elapsed().as_millis());
    bank
}

/// Sample frames that the input has given.
pub fn pushed(bank: &SoundBank) -> u64 {
    bank.mixer().strips()[0].timeline().stats().pushed
}

/// Prints the figures of so many seconds from now on.
pub fn record(bank: &SoundBank, seconds: usize) {
    let mixer = bank.mixer();
    let timeline = mixer.strips()[0].timeline().clone();
    let before = timeline.stats();
    let mut feed = Feed::new(clock::now() - Duration::from_millis(200), DELAY, 240);
    let mut reader = mixer.reader();
    let mut meter = Meter::new();
    let mut pcm: Vec<i16> = Vec::new();
    let mut chunk = vec![0; 480];
    let mut peak = f32::NEG_INFINITY;
    while pcm.len() < seconds * 96_000 {
        let now = clock::now();
        match feed.due(now) {
            Some(Due::Chunk(first)) => {
                reader.read(first, &mut chunk);
                meter.push_i16(now, &chunk);
                peak = peak.max(meter.level(now).peak_dbfs[0]);
                pcm.extend(&chunk);
            }
            Some(Due::Resync { lost }) => panic!("{lost} frames lost"),
            None => std::thread::sleep(feed.next_at().since(now)),
        }
    }
    // The reader's own fade-in is no part of the tone.
    let bytes: Vec<u8> = pcm[2_000..].iter().flat_map(|s| s.to_le_bytes()).collect();
    for (side, name) in ["left", "right"].into_iter().enumerate() {
        let signal = sound::channel(&bytes, side);
        let rough = signal
            .windows(3)
            .map(|w| (w[0] - 2.0 * w[1] + w[2]).abs())
            .fold(0.0, f64::max);
        let level = sound::sine_peak_dbfs(&signal);
        println!(
            "{name}_hz={} {name}_dbfs={level} {name}_roughness={rough}",
            pitch(&signal)
        );
    }
    let after = timeline.stats();
    let status = bank.statuses().remove(0);
    let format = status.format.unwrap_or_default();
    println!("label={:?} problem={:?}", status.label, status.problem);
    println!(
        "host={} rate_hz={} channels={} buffer_frames={} buffer_ms={:.2} late_ms={}",
        format.host,
        format.rate_hz,
        format.channels,
        format.buffer_frames,
        format.buffer_ms(),
        format.late_ms
    );
    println!(
        "meter_dbfs={peak} silent_frames={}",
        reader.silent_frames()[0]
    );
    println!(
        "resyncs={} inserted={} left_out={}",
        after.resyncs - before.resyncs,
        after.inserted - before.inserted,
        after.left_out - before.left_out
    );
}

/// The figure `name` in a child's words; the last, where there are several.
pub fn figure(text: &str, name: &str) -> f64 {
    let word = word(text, name);
    word.parse()
        .unwrap_or_else(|e| panic!("{name}={word}: {e}"))
}

/// The word after `name=`.
pub fn word<'a>(text: &'a str, name: &str) -> &'a str {
    let mark = format!("{name}=");
    text.split_whitespace()
        .rev()
        .find_map(|word| word.strip_prefix(&mark))
        .unwrap_or_else(|| panic!("no {name} in {text}"))
}

/// Whether a child recorded this tone (its peak 0.25, -12.04 dBFS) whole; else what is wrong.
pub fn tone_fault(text: &str, hz: f64) -> Option<String> {
    let near = |name: &str, wanted: f64, limit: f64| {
        let got = figure(text, name);
        let good = (got - wanted).abs() <= limit;
        (!good).then(|| format!("{name} is {got}, not {wanted}"))
    };
    let mut faults = vec![
        near("meter_dbfs", -12.04, 0.5),
        near("silent_frames", 0.0, 0.0),
        near("resyncs", 0.0, 0.0),
    ];
    for side in ["left", "right"] {
        faults.push(near(&format!("{side}_hz"), hz, 1.0));
        faults.push(near(&format!("{side}_dbfs"), -12.04, 0.5));
        // The tone's own is 0.0008; a click is more.
        faults.push(near(&format!("{side}_roughness"), 0.0015, 0.0015));
    }
    faults.into_iter().flatten().next()
}

/// What a child that records again and again says, one text a recording; each line is shown too.
pub fn recordings(out: impl BufRead) -> impl Iterator<Item = String> {
    let mut lines = out.lines().map_while(Result::ok);
    std::iter::from_fn(move || {
        let mut text = String::new();
        for line in lines.by_ref() {
            println!("{line}");
            text.push_str(&line);
            text.push('\n');
            if line.contains("RECORDED") {
                return Some(text);
            }
        }
        None
    })
}

/// Asserts that a child recorded this tone whole.
pub fn is_the_tone(text: &str, hz: f64) {
    if let Some(fault) = tone_fault(text, hz) {
        panic!("{fault}\n{text}");
    }
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
