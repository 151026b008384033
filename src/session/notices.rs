//! Watches a running show for what an operator must hear of: lost server, picture or sound, silence,
//! black picture, a machine too busy; and tells by the server's side whether viewers have the show.
//!
//! Runs on the session's thread, once a snapshot; pure: the facts and the time are arguments. At most
//! one notice of a kind lasts; those that are over are kept for half a minute, 16 at most.

use super::snapshot::{
    Confirmation, Notice, NoticeKind, ProbeState, Severity, Snapshot, State, Tally,
};
use crate::audio::mixer::GAIN_OFF_DB;
use crate::capture::brightness::BLACK;
use crate::clock::MonoTime;
use crate::settings::{AudioSourceKind, NotifySettings, Settings};
use std::time::Duration;

/// A notice that is over can be read so long.
const KEPT: Duration = Duration::from_secs(30);
/// At most so many.
const KEPT_MAX: usize = 16;
/// What is lost for less is no news: a source that is opened anew, a publisher that starts.
const LOST_AFTER: Duration = Duration::from_secs(1);
/// Pictures missing at the measuring viewer for so long are missing at all.
const NOT_ARRIVING_AFTER: Duration = Duration::from_secs(2);
/// A burst of the network passes by itself, and a young connection is made anew by itself.
const LATE_AFTER: Duration = Duration::from_secs(4);
/// The machine's load rises above the limit for a moment at each start.
const CPU_AFTER: Duration = Duration::from_secs(5);
/// Below the limit by so much, percent, it is over: else it would come and go.
const CPU_SLACK: f64 = 5.0;

/// What is known of the show at a moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// Whether the show is on air, or was and is being connected again.
    pub on_air: bool,
    /// Why the server is lost, while it is.
    pub server_lost: Option<String>,
    /// Why the connection is made anew on purpose, while it is.
    pub made_anew: Option<String>,
    /// Whether pictures come out of the server; None where nobody measures.
    pub arriving: Option<bool>,
    /// Why there is no picture, while there is none.
    pub picture_lost: Option<String>,
    /// Why no encoder is at work, while none is.
    pub encoder_lost: Option<String>,
    /// So much longer than agreed the server holds each picture, ms.
    pub held_beyond_ms: Option<u32>,
    /// The brightest part of the newest picture, 0..=255; None without one.
    pub brightest: Option<u8>,
    /// Why no input gives sound, while none does.
    pub sound_lost: Option<String>,
    /// Why one input gives none, while others do.
    pub input_lost: Option<String>,
    /// The sum's peak, dBFS; None where silence is as wished: muted, or no input that should sound.
    pub peak_dbfs: Option<f32>,
    /// Share of all cores in use, percent; None where the system does not tell.
    pub cpu_percent: Option<f64>,
}

impl Facts {
    /// Out of a snapshot and what it does not hold.
    pub fn of(
        snapshot: &Snapshot,
        arriving: Option<bool>,
        brightest: Option<u8>,
        cpu_percent: Option<f64>,
    ) -> Self {
        let away = matches!(snapshot.state, State::Reconnecting { .. });
        let anew = snapshot.link.is_made_anew;
        let on_air = away || snapshot.state == State::Live;
        let audio = &snapshot.audio;
        let dead = audio.inputs.iter().find_map(|input| input.problem.clone());
        Self {
            on_air,
            server_lost: (away && !anew).then(|| snapshot.link.cause.clone()),
            made_anew: (away && anew).then(|| snapshot.link.cause.clone()),
            // Where the server is lost nothing can arrive, and that is said.
            arriving: arriving.filter(|_| !away),
            picture_lost: snapshot.picture.problem.clone(),
            encoder_lost: snapshot.encoding.lost.clone(),
            held_beyond_ms: snapshot.route.held_beyond_ms.filter(|_| !away),
            brightest: brightest.filter(|_| snapshot.picture.problem.is_none()),
            sound_lost: audio.problem.clone(),
            input_lost: dead.filter(|_| audio.problem.is_none()),
            peak_dbfs: is_sound_wanted(&snapshot.settings).then(|| {
                let [left, right] = audio.level.peak_dbfs;
                left.max(right)
            }),
            cpu_percent,
        }
    }
}

/// Whether anything in the mix should sound.
fn is_sound_wanted(settings: &Settings) -> bool {
    let sounds = settings.audio.inputs.iter().any(|input| {
        !input.muted && input.gain_db > GAIN_OFF_DB && input.source != AudioSourceKind::Silence
    });
    sounds && !settings.audio.muted
}

/// One kind's watch.
#[derive(Clone, Debug, Default)]
struct Watch {
    /// Since when it is so.
    since: Option<MonoTime>,
    is_told: bool,
}

/// What was seen so far.
#[derive(Default)]
pub struct Notices {
    watches: [Watch; NoticeKind::ALL.len()],
    list: Vec<Notice>,
    next: u64,
    arrivals: Arrivals,
}

/// Whether the count of arrived pictures moves.
#[derive(Default)]
struct Arrivals {
    count: u64,
    moved_at: Option<MonoTime>,
}

/// Something for the log.
pub type News = (Severity, String);

impl Notices {
    /// Looks at `facts`; what has begun or ended comes back, for the log.
    pub fn look(&mut self, facts: &Facts, rules: &NotifySettings, now: MonoTime) -> Vec<News> {
        let mut news = Vec::new();
        for kind in NoticeKind::ALL {
            let watch = &mut self.watches[kind as usize];
            let is_so = facts.on_air && is_so(kind, facts, rules, watch.is_told);
            if !is_so {
                let told = std::mem::take(watch);
                if let Some(since) = told.since.filter(|_| told.is_told) {
                    self.end(kind, now);
                    // A connection that could not be made anew is lost from now on.
                    let goes_on = kind == NoticeKind::Anew && facts.server_lost.is_some();
                    if facts.on_air && !goes_on {
                        let lasted = now.since(since).as_secs();
                        news.push((Severity::Info, over(kind, lasted)));
                    }
                }
                continue;
            }
            let since = *watch.since.get_or_insert(now);
            if !watch.is_told && now.since(since) >= patience(kind, rules) {
                watch.is_told = true;
                let text = words(kind, facts, rules, now.since(since).as_secs());
                news.push((kind.severity(), text.clone()));
                self.list.push(Notice {
                    number: self.next,
                    kind,
                    since,
                    until: None,
                    text,
                });
                self.next += 1;
            }
        }
        self.list
            .retain(|notice| notice.until.is_none_or(|at| now.since(at) < KEPT));
        while self.list.len() > KEPT_MAX {
            let over = self.list.iter().position(|notice| notice.until.is_some());
            self.list.remove(over.unwrap_or(0));
        }
        news
    }

    fn end(&mut self, kind: NoticeKind, now: MonoTime) {
        let mut lasting = self.list.iter_mut().filter(|n| n.until.is_none());
        if let Some(notice) = lasting.find(|notice| notice.kind == kind) {
            notice.until = Some(now);
        }
    }

    /// Those that last and those just over, the oldest first.
    pub fn list(&self) -> Vec<Notice> {
        self.list.clone()
    }

    /// A new show begins: what was wrong in the last one is no longer said.
    pub fn reset(&mut self) {
        self.list.clear();
        self.watches = Default::default();
        self.arrivals = Arrivals::default();
    }

    /// Whether pictures come out of the server: None before the first one in this show, and while
    /// nobody measures.
    pub fn arriving(&mut self, snapshot: &Snapshot, now: MonoTime) -> Option<bool> {
        // Damaged or coded again, they come.
        let count = snapshot.proof.all() + snapshot.probe.damaged;
        let seen = &mut self.arrivals;
        if count > seen.count {
            seen.moved_at = Some(now);
        }
        if count < seen.count {
            seen.moved_at = None;
        }
        seen.count = count;
        // The loopback receiver counts without a probe.
        let measures = !matches!(
            snapshot.probe.state,
            ProbeState::Off | ProbeState::NoAddress | ProbeState::Joining(_)
        );
        if !measures {
            seen.moved_at = None;
        }
        let moved_at = seen.moved_at?;
        Some(now.since(moved_at) < NOT_ARRIVING_AFTER)
    }
}

/// The lamp.
pub fn tally(snapshot: &Snapshot, arriving: Option<bool>) -> Tally {
    match &snapshot.state {
        State::Idle | State::Failed { .. } | State::Stopping => Tally::Off,
        State::Preflight | State::Starting => Tally::Waiting,
        State::Reconnecting { .. } => Tally::Lost,
        State::Live => match (arriving, snapshot.confirmation) {
            (Some(true), _) => Tally::Seen,
            (Some(false), _) => Tally::Lost,
            (None, Confirmation::Online) => Tally::Online,
            (None, Confirmation::Handshake) => Tally::Sent,
            (None, Confirmation::None) => Tally::Waiting,
        },
    }
}

fn is_so(kind: NoticeKind, facts: &Facts, rules: &NotifySettings, is_told: bool) -> bool {
    match kind {
        NoticeKind::ServerLost => facts.server_lost.is_some(),
        NoticeKind::Anew => facts.made_anew.is_some(),
        NoticeKind::NotArriving => facts.arriving == Some(false),
        NoticeKind::PictureLost => facts.picture_lost.is_some(),
        NoticeKind::PictureBlack => {
            rules.black_seconds > 0 && facts.brightest.is_some_and(|b| b <= BLACK)
        }
        NoticeKind::EncoderLost => facts.encoder_lost.is_some(),
        NoticeKind::Late => facts.held_beyond_ms.is_some(),
        NoticeKind::SoundLost => facts.sound_lost.is_some(),
        NoticeKind::InputLost => facts.input_lost.is_some(),
        NoticeKind::Silence => {
            // Lost sound is silent too, and is said as such.
            rules.silence_seconds > 0
                && facts.sound_lost.is_none()
                && facts
                    .peak_dbfs
                    .is_some_and(|peak| peak < rules.silence_below_dbfs)
        }
        NoticeKind::Cpu => {
            let slack = if is_told { CPU_SLACK } else { 0.0 };
            rules.cpu_percent > 0
                && facts
                    .cpu_percent
                    .is_some_and(|percent| percent > f64::from(rules.cpu_percent) - slack)
        }
    }
}

fn patience(kind: NoticeKind, rules: &NotifySettings) -> Duration {
    let seconds = |s: u32| Duration::from_secs(u64::from(s));
    match kind {
        NoticeKind::ServerLost | NoticeKind::Anew | NoticeKind::NotArriving => Duration::ZERO,
        NoticeKind::PictureLost
        | NoticeKind::EncoderLost
        | NoticeKind::SoundLost
        | NoticeKind::InputLost => LOST_AFTER,
        NoticeKind::Late => LATE_AFTER,
        NoticeKind::PictureBlack => seconds(rules.black_seconds),
        NoticeKind::Silence => seconds(rules.silence_seconds),
        NoticeKind::Cpu => CPU_AFTER,
    }
}

fn words(kind: NoticeKind, facts: &Facts, rules: &NotifySettings, seconds: u64) -> String {
    let cause = |text: &Option<String>| text.clone().unwrap_or_default();
    match kind {
        NoticeKind::ServerLost => {
            format!(
                "the server is lost, and with it the viewers: {}",
                cause(&facts.server_lost)
            )
        }
        NoticeKind::Anew => {
            format!(
                "the connection is made anew, which interrupts viewers for a moment: {}",
                cause(&facts.made_anew)
            )
        }
        NoticeKind::NotArriving => {
            "the server takes the stream, but no picture comes out of it for \
             viewers. Look at the server and its log"
                .into()
        }
        NoticeKind::PictureLost => cause(&facts.picture_lost),
        NoticeKind::PictureBlack => format!(
            "the picture has been black for {seconds} s. Look whether the right screen or window is \
             captured; a locked screen is black too"
        ),
        NoticeKind::EncoderLost => format!(
            "no encoder is at work, viewers have a still picture: {}. Another is tried by itself; choose a smaller picture or another encoder if none comes",
            cause(&facts.encoder_lost)
        ),
        NoticeKind::Late => {
            let more = facts.held_beyond_ms.unwrap_or_default();
            format!(
                "the server holds each picture {more} ms longer than the agreed latency. A new connection mends it, which interrupts viewers for a second or two; where it comes again, the network is too narrow: lower the bitrate"
            )
        }
        NoticeKind::SoundLost => cause(&facts.sound_lost),
        NoticeKind::InputLost => cause(&facts.input_lost),
        NoticeKind::Silence => {
            let below = rules.silence_below_dbfs;
            format!(
                "no sound above {below:.0} dBFS for {seconds} s. Look at the inputs' levels, gain and \
                 mute, or mute the sound if it is meant to be silent"
            )
        }
        NoticeKind::Cpu => {
            let (percent, limit) = (facts.cpu_percent.unwrap_or_default(), rules.cpu_percent);
            format!(
                "this machine's CPU is at {percent:.0} %, above the limit of {limit} %. End other \
                 programs, or lower size or frame rate; a graphics card's encoder needs the least"
            )
        }
    }
}

/// What is said when it is over.
fn over(kind: NoticeKind, seconds: u64) -> String {
    match kind {
        NoticeKind::ServerLost | NoticeKind::Anew => {
            format!("the server has the stream again, after {seconds} s")
        }
        NoticeKind::NotArriving => {
            format!("pictures come out of the server again, after {seconds} s")
        }
        NoticeKind::PictureLost => format!("the picture is back, after {seconds} s"),
        NoticeKind::PictureBlack => {
            format!("the picture is no longer black, after {seconds} s")
        }
        NoticeKind::EncoderLost => format!("an encoder is at work again, after {seconds} s"),
        NoticeKind::Late => {
            format!("pictures are no longer held longer than agreed, after {seconds} s")
        }
        NoticeKind::SoundLost => format!("the sound is back, after {seconds} s"),
        NoticeKind::InputLost => format!("all sound inputs are back, after {seconds} s"),
        NoticeKind::Silence => format!("there is sound again, after {seconds} s"),
        NoticeKind::Cpu => {
            format!("this machine's CPU is below the limit again, after {seconds} s")
        }
    }
}

#[cfg(test)]
#[path = "notices_tests.rs"]
mod tests;
