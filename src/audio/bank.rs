//! All inputs of the mix, kept running as the settings say.
//!
//! Owned by the session's thread. Each input has its own supervisor and timeline; a change of the
//! list starts and stops only what changed, so what stays plays on undisturbed, live too. Holds
//! as many threads as inputs.

use super::supervisor::{self, SoundSource, SourceStatus};
use super::{Mixer, Strip, Timeline};
use crate::settings::AudioInput;
use crate::stop::StopToken;
use std::sync::Arc;
use std::time::{Duration, Instant};

#[derive(Debug)]
struct Running {
    wish: AudioInput,
    strip: Arc<Strip>,
    source: SoundSource,
    /// What was last told of it.
    told: Option<News>,
}

/// Something about an input that the operator has not been told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// It is open: what and how.
    Open(String),
    /// It gives nothing: why, and what to do.
    Problem(String),
}

impl Running {
    fn start(wish: &AudioInput) -> std::io::Result<Self> {
        let timeline = Timeline::new();
        let source = supervisor::spawn(&wish.source, &timeline, &StopToken::new())?;
        Ok(Self {
            wish: wish.clone(),
            strip: Strip::new(timeline),
            source,
            told: None,
        })
    }

    fn control(&mut self, wish: &AudioInput) {
        self.strip.set(wish.gain_db, wish.muted, wish.delay_ms);
        self.wish = wish.clone();
    }
}

/// Running inputs and their mix. Dropping it asks all of them to end.
#[derive(Debug, Default)]
pub struct SoundBank {
    mixer: Mixer,
    running: Vec<Running>,
}

impl SoundBank {
    /// Starts these inputs.
    ///
    /// # Errors
    /// Where a thread cannot be started; what a device says comes as its status.
    pub fn start(inputs: &[AudioInput]) -> std::io::Result<Self> {
        let mut bank = Self::default();
        bank.apply(inputs)?;
        Ok(bank)
    }

    /// The mix.
    pub fn mixer(&self) -> Mixer {
        self.mixer.clone()
    }

    /// Takes over `inputs`: moves the controls of those that stay, starts and stops the others.
    ///
    /// # Errors
    /// Where a thread cannot be started; the inputs that run are as before but for their controls.
    pub fn apply(&mut self, inputs: &[AudioInput]) -> std::io::Result<()> {
        let same = |running: &Running, wish: &AudioInput| running.wish.source == wish.source;
        let pairs = self.running.iter().zip(inputs);
        if self.running.len() == inputs.len() && pairs.clone().all(|(r, wish)| same(r, wish)) {
            for (running, wish) in self.running.iter_mut().zip(inputs) {
                if running.wish != *wish {
                    running.control(wish);
                }
            }
            return Ok(());
        }
        // Started before anything is taken apart, so that a failure leaves all as it was.
        let mut free: Vec<_> = self.running.iter().map(|r| Some(&r.wish.source)).collect();
        let mut places = Vec::with_capacity(inputs.len());
        for wish in inputs {
            let known = free.iter().position(|source| *source == Some(&wish.source));
            if let Some(at) = known {
                free[at] = None;
                places.push(Ok(at));
            } else {
                places.push(Err(Running::start(wish)?));
            }
        }
        let mut old: Vec<_> = self.running.drain(..).map(Some).collect();
        for (place, wish) in places.into_iter().zip(inputs) {
            let running = match place {
                Ok(at) => old[at].take(),
                Err(new) => Some(new),
            };
            if let Some(mut running) = running {
                running.control(wish);
                self.running.push(running);
            }
        }
        let strips = self.running.iter().map(|running| running.strip.clone());
        self.mixer.set_strips(strips.collect());
        // Whoever is left ends by itself; its timeline lives on until it has faded out.
        Ok(())
    }

    /// Each input's status, in the order of the settings.
    pub fn statuses(&self) -> Vec<SourceStatus> {
        let all = self.running.iter();
        all.map(|running| running.source.status()).collect()
    }

    /// What has changed since this was last asked.
    pub fn news(&mut self) -> Vec<News> {
        let several = self.running.len() > 1;
        let mut all = Vec::new();
        for (index, running) in self.running.iter_mut().enumerate() {
            let status = running.source.status();
            let Some(news) = news_of(&status) else {
                continue;
            };
            if running.told.as_ref() == Some(&news) {
                continue;
            }
            running.told = Some(news.clone());
            let numbered = |text: String| match several {
                true => format!("sound input {}: {text}", index + 1),
                false => format!("sound: {text}"),
            };
            all.push(match news {
                News::Open(text) => News::Open(numbered(text)),
                News::Problem(text) => News::Problem(numbered(text)),
            });
        }
        all
    }

    /// Asks all inputs to end and waits for them, at most `limit` together.
    pub fn end(mut self, limit: Duration) {
        let deadline = Instant::now() + limit;
        for running in &self.running {
            running.source.stop();
        }
        for running in self.running.drain(..) {
            let left = deadline.saturating_duration_since(Instant::now());
            running.source.join(left);
        }
    }
}

/// None while there is nothing to tell yet: a device's buffers are known with its first sound.
fn news_of(status: &SourceStatus) -> Option<News> {
    if let Some(problem) = &status.problem {
        return Some(News::Problem(problem.clone()));
    }
    match &status.format {
        _ if status.label.is_empty() => None,
        None => Some(News::Open(status.label.clone())),
        Some(format) if format.buffer_frames == 0 => None,
        // Without the buffers: they are measured anew each second, and in the status.
        Some(format) => Some(News::Open(format!(
            "{} ({}, {} Hz, {} channels)",
            status.label, format.host, format.rate_hz, format.channels
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{channel, roughness};
    use super::super::timeline::index_of;
    use super::*;
    use crate::clock;
    use crate::settings::AudioSourceKind::{self, Input, Silence, Tone};

    fn missing() -> AudioSourceKind {
        Input("no such input 7f3a".into())
    }

    /// The last 200 ms of the mix, 60 ms ago, left.
    fn heard(bank: &SoundBank) -> Vec<f64> {
        let mut out = vec![0; 9_600 * 2];
        let first = index_of(clock::now() - Duration::from_millis(260));
        bank.mixer().reader().read(first, &mut out);
        channel(&out, 0)
    }

    fn peak(signal: &[f64]) -> f64 {
        signal.iter().fold(0.0, |peak, s| peak.max(s.abs()))
    }

    #[test]
    fn b12_a_missing_input_is_named_and_the_others_play_on() {
        let inputs = [missing(), Tone, Silence].map(AudioInput::of);
        let mut bank = SoundBank::start(&inputs).unwrap();
        std::thread::sleep(Duration::from_millis(1_200));
        let news = bank.news();
        let [News::Problem(missing), News::Open(tone)] = news.as_slice() else {
            panic!("{news:?}");
        };
        assert!(missing.starts_with("sound input 1: ") && missing.contains("7f3a"));
        assert!(tone.starts_with("sound input 2: 1000 Hz"), "{tone}");
        assert_eq!(bank.news(), [], "told once");
        let statuses = bank.statuses();
        assert!(statuses[0].problem.as_ref().unwrap().contains("7f3a"));
        assert_eq!(statuses[1].problem, None);
        assert_eq!(statuses[1].label, "1000 Hz, -20 dBFS");
        let heard = heard(&bank);
        assert!((peak(&heard) - 0.1).abs() < 0.001, "{}", peak(&heard));
        assert!(roughness(&heard[200..]) < 0.002);
        let began = Instant::now();
        bank.end(Duration::from_millis(500));
        assert!(began.elapsed() < Duration::from_millis(900));
    }

    #[test]
    fn what_stays_in_the_list_is_not_started_anew() {
        let mut tone = AudioInput::of(Tone);
        let mut bank = SoundBank::start(&[tone.clone()]).unwrap();
        let timeline = bank.running[0].strip.timeline().clone();
        std::thread::sleep(Duration::from_millis(300));
        let head = timeline.head();
        assert!(head.is_some());
        tone.gain_db = -6.0;
        let more = [AudioInput::of(missing()), tone.clone(), tone.clone()];
        bank.apply(&more).unwrap();
        assert_eq!(bank.statuses().len(), 3);
        let same = bank.running[1].strip.timeline();
        assert!(same.head() >= head && same.stats().resyncs == 0);
        // The first one's place is taken again, the other tone is new and ends.
        bank.apply(&[tone.clone()]).unwrap();
        assert_eq!(bank.running[0].strip.timeline().head(), timeline.head());
        std::thread::sleep(Duration::from_millis(300));
        let heard = heard(&bank);
        assert!((peak(&heard) - 0.050_1).abs() < 0.001, "{}", peak(&heard));
        tone.muted = true;
        bank.apply(&[tone]).unwrap();
        assert_eq!(peak(&self::heard(&bank)), 0.0);
        assert_eq!(timeline.stats().resyncs, 0);
    }
}
