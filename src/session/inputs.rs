//! Picture and sound sources, kept running from before a show until after it.
//!
//! Owns the picture source (see [`crate::capture::supervise`]), the threads `pd-pump` and
//! `pd-preview` and the sound inputs'. A lost source never ends a show: the pump repeats the last
//! picture, the mix goes on without it.

use super::journal::Journal;
use super::pump::{self, PumpControl};
use super::snapshot::Preview;
use crate::audio::bank::News;
use crate::audio::supervisor::SourceStatus;
use crate::audio::{Mixer, SoundBank};
use crate::capture::{FrameSlot, Opener, PictureSource, PictureStatus, preview, supervise};
use crate::clock::{self, MonoTime};
use crate::monitor::thread_time::thread_time;
use crate::panics;
use crate::settings::{AudioInput, AudioSettings, PreviewSettings, VideoSettings};
use crate::stop::{StopToken, ends_by};
use arc_swap::{ArcSwap, ArcSwapOption};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// Running sources.
pub struct Inputs {
    stop: StopToken,
    threads: Vec<JoinHandle<()>>,
    sound: Option<SoundBank>,
    picture: Option<PictureSource>,
    /// Where the pump is told of shows.
    pub control: PumpControl,
    /// From the source to the pump.
    pub slot: FrameSlot,
    /// The sound.
    pub mixer: Mixer,
}

/// What the preview thread shares with the session.
#[derive(Clone, Default)]
pub struct PreviewOut {
    /// Whether pictures are wanted.
    pub on: Arc<AtomicBool>,
    /// Until when they are wanted whatever `on` says, microseconds of the console's clock.
    glance_until: Arc<AtomicU64>,
    /// How many and how large.
    pub wish: Arc<ArcSwap<PreviewSettings>>,
    /// The newest.
    pub picture: Arc<ArcSwapOption<Preview>>,
}

/// A glance makes pictures for so long.
const GLANCE: Duration = Duration::from_secs(3);

impl PreviewOut {
    /// Someone without a window wants to see how the picture looks now.
    pub fn glance(&self, now: MonoTime) {
        if !self.is_wanted(now) {
            // An old one must not be taken for it.
            self.picture.store(None);
        }
        let until = (now + GLANCE).as_micros();
        self.glance_until.store(until, Ordering::Relaxed);
    }

    fn is_wanted(&self, now: MonoTime) -> bool {
        self.on.load(Ordering::Relaxed)
            || now.as_micros() < self.glance_until.load(Ordering::Relaxed)
    }
}

impl Inputs {
    /// Starts the sources of these settings.
    ///
    /// # Errors
    /// Where a thread cannot be started.
    pub fn start(
        video: &VideoSettings,
        audio: &AudioSettings,
        open: Opener,
        preview_out: &PreviewOut,
        journal: &Journal,
    ) -> std::io::Result<Self> {
        let stop = StopToken::new();
        let (slot, preview_slot) = (FrameSlot::new(), FrameSlot::new());
        let control = PumpControl::default();
        let sound = SoundBank::start(&audio.inputs)?;
        let named = |name: &str| std::thread::Builder::new().name(name.into());
        let mut threads = Vec::new();
        let log = journal.clone();
        let picture = supervise::spawn(video, open, &slot, move |status| tell(status, &log))?;
        {
            let (slot, preview_slot, control) =
                (slot.clone(), preview_slot.clone(), control.clone());
            let (journal, stop) = (journal.clone(), stop.clone());
            threads.push(named("pd-pump").spawn(move || {
                pump::run(&slot, &preview_slot, &control, &journal, &stop);
            })?);
        }
        {
            let (out, stop) = (preview_out.clone(), stop.clone());
            threads.push(named("pd-preview").spawn(move || {
                panics::go_on(&stop, |_| {}, || preview_thread(&preview_slot, &out, &stop));
            })?);
        }
        Ok(Self {
            stop,
            threads,
            mixer: sound.mixer(),
            sound: Some(sound),
            picture: Some(picture),
            control,
            slot,
        })
    }

    /// Captures this from now on, also in the middle of a show.
    pub fn change_picture(&self, video: &VideoSettings) {
        self.control.set_fit(video.fit);
        if let Some(picture) = &self.picture {
            picture.change(video);
        }
    }

    /// Opens the picture source anew, so that the desktop asks again.
    pub fn reopen_picture(&self) {
        if let Some(picture) = &self.picture {
            picture.reopen();
        }
    }

    /// Takes over the sound inputs; those that stay are not disturbed.
    ///
    /// # Errors
    /// Where a thread cannot be started.
    pub fn set_sound(&mut self, inputs: &[AudioInput]) -> std::io::Result<()> {
        match &mut self.sound {
            Some(sound) => sound.apply(inputs),
            None => Ok(()),
        }
    }

    /// The picture source's status.
    pub fn picture_status(&self) -> PictureStatus {
        self.picture
            .as_ref()
            .map(PictureSource::status)
            .unwrap_or_default()
    }

    /// Tells the operator what has changed with the sound inputs.
    pub fn tell_sound(&mut self, journal: &Journal) {
        for news in self.sound.as_mut().map(SoundBank::news).unwrap_or_default() {
            match news {
                News::Open(text) => journal.info(text),
                News::Problem(text) => journal.warn(text),
            }
        }
    }

    /// The sound inputs' status, in the order of the settings.
    pub fn sound_statuses(&self) -> Vec<SourceStatus> {
        let sound = self.sound.as_ref();
        sound.map(SoundBank::statuses).unwrap_or_default()
    }

    /// Ends all threads, within about half a second.
    pub fn end(mut self) {
        self.stop.stop();
        let deadline = std::time::Instant::now() + Duration::from_millis(500);
        if self
            .picture
            .take()
            .is_some_and(|picture| !picture.join(Duration::from_millis(500)))
        {
            tracing::warn!("the picture source did not end in time");
        }
        if let Some(sound) = self.sound.take() {
            sound.end(Duration::from_millis(300));
        }
        for thread in self.threads.drain(..) {
            if ends_by(&thread, deadline) {
                let _ = thread.join();
            } else {
                tracing::warn!("{:?} did not end in time", thread.thread().name());
            }
        }
    }
}

impl Drop for Inputs {
    fn drop(&mut self) {
        self.stop.stop();
    }
}

fn tell(status: &PictureStatus, journal: &Journal) {
    match (&status.problem, &status.asks) {
        (Some(problem), _) => journal.warn(problem.clone()),
        (None, Some(asks)) => journal.info(format!("picture: {asks}")),
        (None, None) if status.label.is_empty() => {}
        (None, None) => journal.info(format!("picture: {}", status.label)),
    }
}

fn preview_thread(slot: &FrameSlot, out: &PreviewOut, stop: &StopToken) {
    let mut number = 0;
    while !stop.is_stopped() {
        let wish = **out.wish.load();
        let every = Duration::from_secs(1) / wish.fps.max(1);
        if !slot.wait(every) {
            continue;
        }
        if let Some(frame) = slot.take().filter(|_| out.is_wanted(clock::now())) {
            let before = thread_time();
            let (size, rgba) = preview::downscale(&frame, wish.width);
            let before_it = out.picture.load();
            if before_it
                .as_ref()
                .is_some_and(|old| old.size == size && *old.rgba == *rgba)
            {
                // The same picture again: nothing for the window to draw.
                stop.sleep(every);
                continue;
            }
            let cost = thread_time().saturating_sub(before);
            number += 1;
            out.picture.store(Some(Arc::new(Preview {
                number,
                size,
                rgba: rgba.into(),
                cost_us: u32::try_from(cost.as_micros()).unwrap_or(u32::MAX),
            })));
        }
        stop.sleep(every);
    }
}
