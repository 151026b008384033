//! Picture and sound sources, kept running from before a show until after it.
//!
//! Owns the threads `pd-capture` (opens the source, opens it anew a second after a loss),
//! `pd-pump`, `pd-preview` and the sound inputs'. A lost source never ends a show: the pump
//! repeats the last picture, the mix goes on without it.

use super::journal::Journal;
use super::pump::{self, PumpControl};
use super::snapshot::Preview;
use crate::audio::supervisor::SourceStatus;
use crate::audio::{Mixer, SoundBank};
use crate::capture::{self, FrameSlot, preview};
use crate::settings::{AudioInput, AudioSettings, VideoSettings};
use crate::stop::StopToken;
use arc_swap::ArcSwapOption;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// Between a loss of the source and the next try.
const REOPEN_AFTER: Duration = Duration::from_secs(1);
/// From one preview picture to the next.
const PREVIEW_EVERY: Duration = Duration::from_millis(100);
/// Pixels across of a preview picture.
const PREVIEW_WIDTH: u32 = 640;

/// The picture source as it stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PictureStatus {
    /// The source's label, empty while none is open.
    pub label: String,
    /// Why there is no picture and what to do.
    pub problem: Option<String>,
}

/// Running sources.
pub struct Inputs {
    video: VideoSettings,
    stop: StopToken,
    threads: Vec<JoinHandle<()>>,
    sound: Option<SoundBank>,
    status: Arc<Mutex<PictureStatus>>,
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
    /// The newest.
    pub picture: Arc<ArcSwapOption<Preview>>,
}

impl Inputs {
    /// Starts the sources of these settings.
    ///
    /// # Errors
    /// Where a thread cannot be started.
    pub fn start(
        video: &VideoSettings,
        audio: &AudioSettings,
        preview_out: &PreviewOut,
        journal: &Journal,
    ) -> std::io::Result<Self> {
        let stop = StopToken::new();
        let (slot, preview_slot) = (FrameSlot::new(), FrameSlot::new());
        let control = PumpControl::default();
        let status = Arc::new(Mutex::new(PictureStatus::default()));
        let sound = SoundBank::start(&audio.inputs)?;
        let named = |name: &str| std::thread::Builder::new().name(name.into());
        let mut threads = Vec::new();
        {
            let (video, slot, stop) = (video.clone(), slot.clone(), stop.clone());
            let (status, journal) = (status.clone(), journal.clone());
            threads.push(named("pd-capture").spawn(move || {
                capture_thread(&video, &slot, &status, &journal, &stop);
            })?);
        }
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
            threads.push(
                named("pd-preview").spawn(move || preview_thread(&preview_slot, &out, &stop))?,
            );
        }
        Ok(Self {
            video: video.clone(),
            stop,
            threads,
            mixer: sound.mixer(),
            sound: Some(sound),
            status,
            control,
            slot,
        })
    }

    /// Whether this is the picture source of such settings; the sound's follow theirs at any time.
    pub fn fits(&self, video: &VideoSettings) -> bool {
        // Size and rate are the show's, but the pattern is made in them.
        self.video == *video
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
        self.status
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
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
        if let Some(sound) = self.sound.take() {
            sound.end(Duration::from_millis(300));
        }
        for thread in self.threads.drain(..) {
            while !thread.is_finished() && std::time::Instant::now() < deadline {
                std::thread::sleep(Duration::from_millis(2));
            }
            if thread.is_finished() {
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

fn capture_thread(
    video: &VideoSettings,
    slot: &FrameSlot,
    status: &Mutex<PictureStatus>,
    journal: &Journal,
    stop: &StopToken,
) {
    let set = |new: PictureStatus| {
        let mut old = status.lock().unwrap_or_else(PoisonError::into_inner);
        if *old != new {
            match &new.problem {
                Some(problem) => journal.warn(problem.clone()),
                None => journal.info(format!("picture: {}", new.label)),
            }
            *old = new;
        }
    };
    while !stop.is_stopped() {
        // A backend's panic is a lost source, not a lost show.
        let result = catch_unwind(AssertUnwindSafe(|| {
            let mut source = capture::open(video)?;
            set(PictureStatus {
                label: source.label(),
                problem: None,
            });
            source.run(slot, stop)
        }));
        let problem = match result {
            _ if stop.is_stopped() => return,
            Ok(Ok(())) => "the picture source ended. The console tries again".to_owned(),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "the picture source failed inside. The console tries again".to_owned(),
        };
        set(PictureStatus {
            label: String::new(),
            problem: Some(problem),
        });
        stop.sleep(REOPEN_AFTER);
    }
}

fn preview_thread(slot: &FrameSlot, out: &PreviewOut, stop: &StopToken) {
    let mut number = 0;
    while !stop.is_stopped() {
        if !slot.wait(PREVIEW_EVERY) {
            continue;
        }
        if let Some(frame) = slot.take().filter(|_| out.on.load(Ordering::Relaxed)) {
            let (size, rgba) = preview::downscale(&frame, PREVIEW_WIDTH);
            number += 1;
            out.picture.store(Some(Arc::new(Preview {
                number,
                size,
                rgba: rgba.into(),
            })));
        }
        stop.sleep(PREVIEW_EVERY);
    }
}
