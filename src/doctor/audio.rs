//! Sound inputs: each that the settings name is opened and listened to for a moment.

use super::guard::{Lane, Look, no_thread};
use super::{Area, LIVE, Outcome};
use crate::audio::supervisor::{self, SoundSource, SourceStatus};
use crate::audio::{CHANNELS, Format, SAMPLE_RATE, Timeline};
use crate::settings::{AudioInput, AudioSourceKind};
use crate::stop::StopToken;
use std::time::{Duration, Instant};

/// For the first sound. A device that does not open says so within 3 s.
const FIRST_SOUND: Duration = Duration::from_millis(3500);
/// How long each is listened to.
const LISTEN: Duration = Duration::from_millis(300);
/// Opening, listening, closing.
const LIMIT: Duration = Duration::from_secs(6);
const TURN: Duration = Duration::from_millis(20);
/// Below this, dBFS, a 16-bit signal has nothing but zeros.
const NOTHING_DBFS: f64 = -96.0;

pub(super) fn check(lane: &Lane) {
    let now = &lane.case.now;
    let inputs = &lane.case.settings.audio.inputs;
    if let Some(statuses) = &now.sounds {
        for (input, status) in inputs.iter().zip(statuses) {
            lane.tell(Area::Audio, Duration::ZERO, running(input, status));
        }
        return;
    }
    if now.live {
        return lane.tell(Area::Audio, Duration::ZERO, Look::skipped(LIVE));
    }
    lane.look(Area::Audio, LIMIT, |case, stop| {
        listen(&case.settings.audio.inputs, stop)
    });
}

/// What an input is called in the settings.
fn name(input: &AudioInput) -> String {
    match &input.source {
        AudioSourceKind::DefaultInput => "default input".into(),
        AudioSourceKind::Input(name) => name.clone(),
        AudioSourceKind::SystemSound => "what this machine plays".into(),
        AudioSourceKind::Tone => "test tone".into(),
        AudioSourceKind::Beep(_) => "test beep".into(),
        AudioSourceKind::Silence => "silence".into(),
    }
}

/// A show goes on with silence, so that a lost input is a warning.
fn problem(input: &AudioInput, problem: &str) -> Look {
    let message = format!("{}: {problem}", name(input));
    Look::of_message(Outcome::Warning, message, "choose another sound input")
}

fn opened(input: &AudioInput, status: &SourceStatus) -> String {
    let label = match status.label.as_str() {
        "" => String::new(),
        label if label == name(input) => String::new(),
        label => format!(" ({label})"),
    };
    let format = status.format.as_ref().map(described).unwrap_or_default();
    format!("{}{label}{format}", name(input))
}

fn described(format: &Format) -> String {
    let late = match format.late_ms {
        0 => String::new(),
        ms => format!(", placed {ms} ms late"),
    };
    format!(
        ", {}, {} Hz, {} channels, {:.1} ms a callback{late}",
        format.host,
        format.rate_hz,
        format.channels,
        format.buffer_ms()
    )
}

/// An input that is open anyway.
fn running(input: &AudioInput, status: &SourceStatus) -> Look {
    match &status.problem {
        Some(text) => problem(input, text),
        None => Look::ok(format!("{}, open", opened(input, status))),
    }
}

struct Listening<'a> {
    input: &'a AudioInput,
    timeline: Timeline,
    source: std::io::Result<SoundSource>,
}

/// All inputs at once, each listened to for [`LISTEN`] from its first sound on.
fn listen(inputs: &[AudioInput], stop: &StopToken) -> Vec<Look> {
    let all: Vec<_> = inputs
        .iter()
        .map(|input| {
            let timeline = Timeline::new();
            let source = supervisor::spawn(&input.source, &timeline, stop);
            Listening {
                input,
                timeline,
                source,
            }
        })
        .collect();
    let began = Instant::now();
    while began.elapsed() < FIRST_SOUND
        && !all.iter().all(|one| one.is_known())
        && !stop.sleep(TURN)
    {}
    let looks = all.iter().map(Listening::look).collect();
    for one in all {
        if let Ok(source) = one.source {
            source.join(Duration::from_millis(500));
        }
    }
    looks
}

impl Listening<'_> {
    fn heard(&self) -> Duration {
        let frames = self.timeline.stats().pushed;
        Duration::from_millis(frames * 1000 / u64::from(SAMPLE_RATE))
    }

    /// Whether nothing more is to be learnt by waiting.
    fn is_known(&self) -> bool {
        let Ok(source) = &self.source else {
            return true;
        };
        self.input.source == AudioSourceKind::Silence
            || self.heard() >= LISTEN
            || source.status().problem.is_some()
    }

    fn look(&self) -> Look {
        let source = match &self.source {
            Ok(source) => source,
            Err(error) => return no_thread(error),
        };
        let status = source.status();
        if let Some(text) = &status.problem {
            return problem(self.input, text);
        }
        let opened = opened(self.input, &status);
        if self.input.source == AudioSourceKind::Silence {
            return Look::ok(opened);
        }
        if self.heard().is_zero() {
            // Windows gives nothing of an output while nothing plays on it.
            return if status.format.is_some() {
                Look::ok(format!("{opened}, open; nothing plays on it now"))
            } else {
                let seconds = FIRST_SOUND.as_secs_f64();
                problem(
                    self.input,
                    &format!("no sound within {seconds:.1} s. Choose another sound input"),
                )
            };
        }
        judge(self.input, &opened, peak_dbfs(&self.timeline))
    }
}

/// The loudest sample of what was heard last.
fn peak_dbfs(timeline: &Timeline) -> f64 {
    let frames = SAMPLE_RATE as usize * LISTEN.as_millis() as usize / 1000;
    let mut heard = vec![0; frames * CHANNELS];
    let head = timeline.head().unwrap_or_default();
    timeline.read(head.saturating_sub(frames as u64), &mut heard);
    let peak = heard.iter().map(|s| s.unsigned_abs()).max().unwrap_or(0);
    20.0 * (f64::from(peak).max(0.1) / 32_768.0).log10()
}

fn judge(input: &AudioInput, opened: &str, peak_dbfs: f64) -> Look {
    if peak_dbfs >= NOTHING_DBFS {
        return Look::ok(format!("{opened}, peak {peak_dbfs:.0} dBFS"));
    }
    match &input.source {
        // What is played may be silence.
        AudioSourceKind::SystemSound => Look::ok(format!("{opened}, nothing plays now")),
        AudioSourceKind::Input(name) if name.starts_with("Monitor of ") => {
            Look::ok(format!("{opened}, nothing plays now"))
        }
        // A beep comes once a second.
        AudioSourceKind::Beep(_) => Look::ok(format!("{opened}, between two beeps")),
        _ => Look::warning(
            format!("{opened}: gives nothing but zeros"),
            "unmute it, or allow the console to use it (the system's privacy settings)",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tone_is_heard_at_its_level() {
        let inputs = [AudioSourceKind::Tone, AudioSourceKind::Silence].map(AudioInput::of);
        let looks = listen(&inputs, &StopToken::new());
        assert_eq!(
            looks[0],
            Look::ok("test tone (1000 Hz, -20 dBFS), peak -20 dBFS")
        );
        assert_eq!(looks[1], Look::ok("silence"));
    }

    #[test]
    fn a_missing_input_is_a_warning_with_a_fix() {
        let input = AudioInput::of(AudioSourceKind::Input("no such input 9b1c".into()));
        let looks = listen(&[input], &StopToken::new());
        assert_eq!(looks[0].outcome, Outcome::Warning, "{looks:?}");
        assert!(looks[0].found.contains("no such input 9b1c"), "{looks:?}");
        assert!(!looks[0].fix.is_empty(), "{looks:?}");
    }

    #[test]
    fn zeros_are_told_where_they_are_strange() {
        let of = |kind| judge(&AudioInput::of(kind), "x", -110.0).outcome;
        assert_eq!(of(AudioSourceKind::DefaultInput), Outcome::Warning);
        assert_eq!(of(AudioSourceKind::SystemSound), Outcome::Ok);
        assert_eq!(
            of(AudioSourceKind::Input("Monitor of HDMI".into())),
            Outcome::Ok
        );
        let quiet = judge(&AudioInput::default(), "x", -70.2);
        assert_eq!(quiet, Look::ok("x, peak -70 dBFS"));
    }

    #[test]
    fn an_input_that_runs_is_told_of_with_its_format() {
        let mut status = SourceStatus {
            label: "USB".into(),
            problem: None,
            format: Some(Format {
                host: "ALSA",
                rate_hz: 48_000,
                channels: 2,
                buffer_frames: 480,
                late_ms: 0,
            }),
        };
        let input = AudioInput::default();
        assert_eq!(
            running(&input, &status),
            Look::ok("default input (USB), ALSA, 48000 Hz, 2 channels, 10.0 ms a callback, open")
        );
        status.problem = Some("gone. Plug it in".into());
        assert_eq!(
            running(&input, &status),
            Look::warning("default input: gone", "Plug it in")
        );
    }
}
