//! The encoders of a show: the one at work, the one that is warming up, those that are ending.
//!
//! Runs on the session's thread. A change starts a second encoder; when it is warm it gets every
//! frame from the next one on, and the relay cuts over at its first IDR. An encoder that dies or
//! gives nothing any more is replaced at once while the publisher goes on: one on the CPU by itself
//! once, any other (a driver that failed once is not trusted with the rest of the show) by the next
//! of the [`Lineup`]. Where none is left, all are tried anew, in longer and longer waits (`again`): a
//! show that was on air does not end by it. One that never had a picture does, and says why.

mod again;

use self::again::{Again, Try};
use super::journal::Journal;
use super::lineup::{Lineup, Pick};
use super::pump::PumpControl;
use super::snapshot::TrendKind;
use crate::clock::MonoTime;
use crate::ffmpeg::launch::{Launch, Reached};
use crate::ffmpeg::plan::EncoderWish;
use crate::ffmpeg::{Ffmpeg, encoder};
use crate::relay::cutover::EncoderId;
use crate::relay::encoder::{Encoder, EncoderDoor, EncoderSink};
use crate::relay::{Relay, RelayEvent};
use crate::settings::{EncoderFamily, EncoderSpeed};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

/// For an encoder that is no longer needed; nobody waits for it.
const END_GRACE: Duration = Duration::from_millis(300);
/// A new encoder must be warm within this time. Measured: 0.1 to 0.6 s with x264; drivers take up to
/// some seconds when they are first used.
const WARM_LIMIT: Duration = Duration::from_secs(6);
/// Seconds of pictures that were put in while none came out: it hangs. Counted in pictures, so that
/// a machine that slept does not look like one.
const HANG_SECONDS: f64 = 2.0;

/// Something for the meter's trend: when, what kind, in words.
pub type Mark = (MonoTime, TrendKind, String);

/// A change with its kind and reason.
pub type Wished = (EncoderWish, TrendKind, Option<String>);

/// A change under way.
struct Change {
    id: EncoderId,
    wish: EncoderWish,
    kind: TrendKind,
    reason: Option<String>,
    since: MonoTime,
    warm: bool,
}

/// An encoder at work, as its show holds it.
pub trait Running: Send {
    /// What it makes.
    fn wish(&self) -> &EncoderWish;
    /// Its process id.
    fn pid(&mut self) -> u32;
    /// With what priority it runs.
    fn reached(&self) -> Reached;
    /// Where it takes its frames.
    fn door(&self) -> EncoderDoor;
    /// Lets no further frame in, so that it ends once its pipe is empty. Does not wait.
    fn close(&self);
    /// Ends it within about twice `grace`.
    fn end(self: Box<Self>, grace: Duration);
    /// Ends it, and nobody waits for that.
    fn dismiss(self: Box<Self>, grace: Duration);
}

impl Running for Encoder {
    fn wish(&self) -> &EncoderWish {
        self.wish()
    }

    fn pid(&mut self) -> u32 {
        self.pid()
    }

    fn reached(&self) -> Reached {
        self.reached()
    }

    fn door(&self) -> EncoderDoor {
        self.door()
    }

    fn close(&self) {
        self.close();
    }

    fn end(self: Box<Self>, grace: Duration) {
        (*self).end(grace);
    }

    fn dismiss(self: Box<Self>, grace: Duration) {
        let id = self.id();
        // Ending takes some milliseconds; the session does not wait.
        let ended = std::thread::Builder::new()
            .name(format!("pd-end-{id}"))
            .spawn(move || (*self).end(grace));
        if let Err(error) = ended {
            tracing::warn!("no thread to end encoder {id}: {error}");
        }
    }
}

/// Starts an encoder: its number, the program, what it is to make, how it is started, who hears of it.
pub type StartFn = dyn Fn(
        EncoderId,
        &Ffmpeg,
        EncoderWish,
        Launch,
        Arc<dyn EncoderSink>,
    ) -> std::io::Result<Box<dyn Running>>
    + Send
    + Sync;

/// Starts a child ([`Encoder::start`]).
///
/// # Errors
/// Where the child or a thread cannot be started.
pub fn start_child(
    id: EncoderId,
    ffmpeg: &Ffmpeg,
    wish: EncoderWish,
    launch: Launch,
    sink: Arc<dyn EncoderSink>,
) -> std::io::Result<Box<dyn Running>> {
    Ok(Box::new(Encoder::start(id, ffmpeg, wish, launch, sink)?))
}

/// The encoders of one show.
pub struct Encoders {
    ffmpeg: Ffmpeg,
    start: Arc<StartFn>,
    launch: Launch,
    lineup: Lineup,
    relay: Arc<Relay>,
    control: PumpControl,
    journal: Journal,
    running: HashMap<EncoderId, Box<dyn Running>>,
    next: EncoderId,
    active: Option<EncoderId>,
    change: Option<Change>,
    in_force: EncoderWish,
    /// Of what is in force: made once, shown with each snapshot.
    options: String,
    pick: Pick,
    again: Again,
    /// Whether any encoder of this show has given a picture.
    has_begun: bool,
    /// Why none is at work, once the show has begun.
    lost: Option<String>,
    marks: Vec<Mark>,
    abandoned: Option<Wished>,
    /// The relay's newest unit, and how many frames had been given out when it came.
    alive: (Option<MonoTime>, u64),
}

/// What an [`Encoders`] works with.
pub struct Means {
    /// The program.
    pub ffmpeg: Ffmpeg,
    /// Starts it; [`start_child`] unless a test plays the child.
    pub start: Arc<StartFn>,
    /// How it is started.
    pub launch: Launch,
    /// Which encoders work here.
    pub lineup: Lineup,
    /// Where their units go.
    pub relay: Arc<Relay>,
    /// Where they get their frames from.
    pub control: PumpControl,
    /// The operator's log.
    pub journal: Journal,
}

impl Encoders {
    /// Starts the first encoder; `wish` names no encoder of its own, the lineup does.
    ///
    /// # Errors
    /// Where no encoder works, in words.
    pub fn start(means: Means, wish: EncoderWish, now: MonoTime) -> Result<Self, String> {
        let pick = means.lineup.pick().ok_or_else(|| means.lineup.why_none())?;
        let mut encoders = Self {
            ffmpeg: means.ffmpeg,
            start: means.start,
            launch: means.launch,
            lineup: means.lineup,
            relay: means.relay,
            control: means.control,
            journal: means.journal,
            running: HashMap::new(),
            next: 1,
            active: None,
            change: None,
            in_force: with(wish, &pick),
            options: String::new(),
            pick,
            again: Again::default(),
            has_begun: false,
            lost: None,
            marks: Vec::new(),
            abandoned: None,
            alive: (None, 0),
        };
        encoders.say_fallback();
        let wish = encoders.in_force;
        encoders.put_in_force(wish);
        encoders
            .launch(wish, TrendKind::Wished, None, now)
            .map_err(|e| format!("{} could not be started: {e}", encoders.name()))?;
        Ok(encoders)
    }

    /// What the active encoder makes, or the first one will.
    pub fn in_force(&self) -> &EncoderWish {
        &self.in_force
    }

    /// Which encoder is in force and why.
    pub fn pick(&self) -> &Pick {
        &self.pick
    }

    /// What is being changed to.
    pub fn changing_to(&self) -> Option<&EncoderWish> {
        let change = self.change.as_ref().filter(|_| self.active.is_some())?;
        Some(&change.wish)
    }

    /// Why no encoder is at work, in a show that had one.
    pub fn lost(&self) -> Option<&str> {
        self.lost.as_deref()
    }

    /// The encoder's own arguments, for eyes.
    pub fn options(&self) -> &str {
        &self.options
    }

    /// The change that was not made because its encoder was too slow, once.
    pub fn take_abandoned(&mut self) -> Option<Wished> {
        self.abandoned.take()
    }

    /// What is to be marked on the trend since this was last asked.
    pub fn take_marks(&mut self) -> Vec<Mark> {
        std::mem::take(&mut self.marks)
    }

    /// The operator's choice of an encoder; [`Encoders::resolve`] follows it from now on.
    pub fn choose(&mut self, chosen: Option<EncoderFamily>) {
        if self.lineup.chosen() == chosen {
            return;
        }
        self.lineup.choose(chosen);
        let Some(pick) = self.lineup.pick() else {
            return;
        };
        if let Some(text) = &pick.fallback {
            self.journal.warn(text.clone());
        }
        if pick.family == self.in_force.family {
            self.pick = pick;
        }
    }

    /// How encoders are started from now on.
    pub fn set_launch(&mut self, launch: Launch) {
        self.launch = launch;
    }

    /// The wish with the encoder that the lineup gives it.
    pub fn resolve(&self, wish: EncoderWish) -> EncoderWish {
        let pick = self.lineup.pick();
        with(wish, pick.as_ref().unwrap_or(&self.pick))
    }

    /// Changes to `wish` without an interruption. Only one change at a time: false while one runs.
    ///
    /// # Errors
    /// Where ffmpeg cannot be started; the old encoder goes on.
    pub fn change(
        &mut self,
        wish: EncoderWish,
        kind: TrendKind,
        reason: Option<String>,
        now: MonoTime,
    ) -> std::io::Result<bool> {
        if self.change.is_some() {
            return Ok(false);
        }
        self.launch(self.resolve(wish), kind, reason, now)?;
        self.again.forget();
        Ok(true)
    }

    /// Takes the relay's word.
    ///
    /// # Errors
    /// The last words of an encoder where none of the show has given a picture yet and none can be
    /// kept running.
    pub fn on(&mut self, event: RelayEvent, now: MonoTime) -> Result<(), String> {
        match event {
            RelayEvent::Ready(id) => {
                if let Some(change) = self.change.as_mut().filter(|change| change.id == id) {
                    change.warm = true;
                }
                if let Some(encoder) = self.running.get(&id) {
                    self.control.arm(encoder.door());
                }
            }
            RelayEvent::TookOver(id) => self.took_over(id, now),
            RelayEvent::Retired(id) => self.dismiss(id),
            // Without an encoder before it, it has ended, and that is told next and has another started. A
            // change that was too slow is given up after some tries, a show's only encoder never.
            RelayEvent::Abandoned(_) if self.active.is_none() => {}
            RelayEvent::Abandoned(id) => {
                let change = self.change.take_if(|change| change.id == id);
                self.abandoned = change.map(|change| (change.wish, change.kind, change.reason));
                self.dismiss(id);
            }
            RelayEvent::Gone { encoder, why } => return self.gone(encoder, &why, now),
        }
        Ok(())
    }

    /// Looks for encoders that do not answer; what follows comes through [`Encoders::on`].
    pub fn look(&mut self, now: MonoTime) {
        if let Some(change) = &self.change {
            // With an encoder at work the relay itself ends a change whose first picture is late.
            let limit = match (change.warm, self.active) {
                (false, _) => Some(WARM_LIMIT),
                (true, None) => Some(WARM_LIMIT * 2),
                (true, Some(_)) => None,
            };
            if limit.is_some_and(|limit| now.since(change.since) > limit) {
                let why = format!("it gave no picture within {} s", WARM_LIMIT.as_secs());
                self.relay.gone(change.id, why);
            }
        }
        if let Some(Try { wish, why }) = self.again.due(now) {
            self.try_again(wish, &why, now);
        }
        let (newest, frames) = (self.relay.last_unit(), self.relay.frames());
        if newest != self.alive.0 {
            self.alive = (newest, frames);
        }
        let silent = frames.saturating_sub(self.alive.1);
        if let Some(active) = self.active.filter(|_| newest.is_some())
            && silent > self.in_force.fps.frames_in(HANG_SECONDS).into()
        {
            self.alive.1 = frames;
            let why = format!("it gave no picture for {HANG_SECONDS} s");
            self.relay.gone(active, why);
        }
    }

    /// Process ids of all that run.
    pub fn pids(&mut self) -> Vec<u32> {
        self.running
            .values_mut()
            .map(|encoder| encoder.pid())
            .collect()
    }

    /// Takes all encoders out, to be ended.
    pub fn take_all(&mut self) -> Vec<Box<dyn Running>> {
        self.running.drain().map(|(_, encoder)| encoder).collect()
    }

    fn put_in_force(&mut self, wish: EncoderWish) {
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        self.options = encoder::arguments(&wish, &self.ffmpeg.capabilities, cores).join(" ");
        self.in_force = wish;
    }

    fn name(&self) -> &'static str {
        encoder::row(self.in_force.family).name
    }

    fn say_fallback(&self) {
        if let Some(text) = &self.pick.fallback {
            self.journal.warn(text.clone());
        }
    }

    fn launch(
        &mut self,
        wish: EncoderWish,
        kind: TrendKind,
        reason: Option<String>,
        now: MonoTime,
    ) -> std::io::Result<()> {
        let id = self.next;
        self.next += 1;
        let encoder = (self.start)(id, &self.ffmpeg, wish, self.launch, self.relay.clone())?;
        if id == 1 && encoder.reached() != Reached::Normal {
            self.journal.info(format!("encoder: {}", encoder.reached()));
        }
        self.running.insert(id, encoder);
        self.change = Some(Change {
            id,
            wish,
            kind,
            reason,
            since: now,
            warm: false,
        });
        Ok(())
    }

    fn took_over(&mut self, active: EncoderId, now: MonoTime) {
        let change = self.change.take_if(|change| change.id == active);
        let first = self.active.replace(active).is_none() && self.next == 2;
        self.again.works(now);
        self.has_begun = true;
        self.lost = None;
        let Some(encoder) = self.running.get(&active) else {
            return;
        };
        let (before, after) = (self.in_force, *encoder.wish());
        self.put_in_force(after);
        if let Some(pick) = self.lineup.pick()
            && pick.family == self.in_force.family
        {
            self.pick = pick;
        }
        let wish = &self.in_force;
        self.journal.info(format!(
            "encoder {}: {}, {} at {} fps, {} kb/s",
            active,
            self.name(),
            wish.size,
            wish.fps,
            wish.bitrate_kbps
        ));
        if let Some(change) = change.filter(|_| !first) {
            let mut text = difference(&before, &self.in_force);
            if let Some(reason) = &change.reason {
                text = format!("{text}: {reason}");
            }
            if change.kind != TrendKind::Wished {
                self.journal.info(text.clone());
            }
            self.marks.push((now, change.kind, text));
        }
    }

    fn dismiss(&mut self, id: EncoderId) {
        self.control.forget(id);
        if let Some(encoder) = self.running.remove(&id) {
            encoder.dismiss(END_GRACE);
        }
    }

    fn gone(&mut self, id: EncoderId, why: &str, now: MonoTime) -> Result<(), String> {
        if !self.running.contains_key(&id) || why.is_empty() {
            return Ok(());
        }
        let wish = self.running.get(&id).map_or(self.in_force, |e| *e.wish());
        let change = self.change.take_if(|change| change.id == id);
        self.active.take_if(|active| *active == id);
        self.dismiss(id);
        let row = encoder::row(wish.family);
        if self.active.is_some() {
            if wish.family != self.in_force.family {
                // Said loudly until the operator chooses anew.
                self.lineup.fail(wish.family, why);
                self.pick.fallback = self.lineup.pick().and_then(|pick| pick.fallback);
            }
            self.journal.error(format!(
                "the new encoder ({}, {} at {} fps, {} kb/s) ended ({why}); the one before goes on",
                row.name, wish.size, wish.fps, wish.bitrate_kbps
            ));
            return Ok(());
        }
        if self.change.is_some() {
            // Another is on its way already and will find nobody before it.
            self.journal.error(format!("the encoder ended ({why})"));
            return Ok(());
        }
        self.lost = self.has_begun.then(|| why.to_owned());
        // What was wished before it died is wished still.
        let wanted = change.map_or(wish, |change| change.wish);
        let has_other = self.lineup.has_other_than(wish.family);
        if self.again.is_hopeless(row.cpu, has_other, now) {
            self.lineup.fail(wish.family, why);
        }
        let Some(pick) = self.lineup.pick() else {
            if !self.has_begun {
                return Err(format!("{}: {why}", row.name));
            }
            self.lineup.forgive();
            self.wait(wanted, why, now);
            return Ok(());
        };
        if pick.family == wish.family {
            self.journal
                .error(format!("the encoder ended ({why}) and is started again"));
        } else {
            self.pick = pick.clone();
            self.put_in_force(with(wish, &pick));
            self.journal.error(format!(
                "{} ended ({why}); {} takes over",
                row.name,
                self.name()
            ));
        }
        let launched = self.launch(
            with(wanted, &pick),
            TrendKind::Failover,
            Some(why.to_owned()),
            now,
        );
        match launched {
            Err(error) if self.has_begun => self.wait(wanted, &format!("{why}; {error}"), now),
            launched => launched.map_err(|e| format!("{why}; {e}"))?,
        }
        Ok(())
    }

    /// None can be kept running: all are tried anew, later.
    fn wait(&mut self, wish: EncoderWish, why: &str, now: MonoTime) {
        self.lost = Some(why.to_owned());
        let next = Try {
            wish,
            why: why.to_owned(),
        };
        let seconds = self.again.later(next, now).as_secs_f64();
        self.journal.error(format!(
            "no encoder can be kept running: {why}. Tried again in {seconds:.1} s. Choose a smaller picture or another encoder"
        ));
    }

    fn try_again(&mut self, wish: EncoderWish, why: &str, now: MonoTime) {
        let Some(pick) = self.lineup.pick() else {
            return;
        };
        self.pick = pick.clone();
        let wish = with(wish, &pick);
        self.put_in_force(wish);
        if let Err(error) = self.launch(wish, TrendKind::Failover, Some(why.to_owned()), now) {
            self.wait(wish, &error.to_string(), now);
        }
    }
}

fn with(wish: EncoderWish, pick: &Pick) -> EncoderWish {
    EncoderWish {
        family: pick.family,
        variant: pick.variant,
        ..wish
    }
}

/// What changed, in few words: `bitrate 3000 -> 1000 kb/s, 1280x720 -> 960x540`.
fn difference(before: &EncoderWish, after: &EncoderWish) -> String {
    let speed = |speed| match speed {
        EncoderSpeed::Fastest => "fastest",
        EncoderSpeed::Balanced => "balanced",
        EncoderSpeed::Sharpest => "sharpest",
    };
    let mut parts = Vec::new();
    let name = |wish: &EncoderWish| encoder::row(wish.family).name;
    if before.family != after.family {
        parts.push(format!("{} -> {}", name(before), name(after)));
    }
    let (from, to) = (before.bitrate_kbps, after.bitrate_kbps);
    if from != to {
        parts.push(format!("bitrate {from} -> {to} kb/s"));
    }
    let mut part = |from: String, to: String, unit: &str| {
        if from != to {
            parts.push(format!("{from} -> {to}{unit}"));
        }
    };
    part(before.size.to_string(), after.size.to_string(), "");
    part(before.fps.to_string(), after.fps.to_string(), " fps");
    part(speed(before.speed).into(), speed(after.speed).into(), "");
    if parts.is_empty() {
        return format!("{} started again", name(after));
    }
    parts.join(", ")
}

#[cfg(test)]
#[path = "encoders_tests.rs"]
mod tests;
