//! What feeds the single ffmpeg of the comparison: pattern and tone, raw, into its two pipes.
//!
//! Three threads: `pd-naive-source` draws, `pd-naive-video` writes the newest picture whole as soon as it
//! is there, `pd-naive-sound` writes 10 ms of tone every 10 ms by the clock. Neither queues: while ffmpeg
//! does not read, pictures are overwritten in the slot and sound is left out, so that nothing old is sent
//! later. So what comes late behind it is ffmpeg's and the server's alone.

use crate::audio::tone::ToneSource;
use crate::capture::pattern::PatternSource;
use crate::capture::{FrameSlot, VideoSource};
use crate::clock;
use crate::publish::audio_pipe::OurEnd;
use crate::stop::{StopToken, ends_by};
use std::io::{self, Write};
use std::process::ChildStdin;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A piece of sound.
const CHUNK: Duration = Duration::from_millis(10);
/// Sample frames in it.
const CHUNK_FRAMES: usize = 480;
/// Sound that is later than this is left out.
const MAX_LATE: Duration = Duration::from_millis(100);
/// How long the threads are waited for.
const LAST_WAIT: Duration = Duration::from_secs(1);

/// The running feeder. Ends with its stop, and with the ffmpeg behind the pipes.
pub struct Feeder {
    stop: StopToken,
    threads: Vec<JoinHandle<()>>,
}

impl Feeder {
    /// Starts feeding; the sound goes to the process with that id.
    ///
    /// # Errors
    /// Where the system gives no thread.
    pub fn start(
        source: PatternSource,
        video: ChildStdin,
        (sound, child): (OurEnd, u32),
    ) -> io::Result<Self> {
        let mut feeder = Self {
            stop: StopToken::new(),
            threads: Vec::new(),
        };
        let slot = FrameSlot::new().new_writer();
        let (drawn, mut source, stop) = (slot.clone(), source, feeder.stop.clone());
        feeder.spawn("pd-naive-source", move || {
            // Its only end is the stop.
            let _ = source.run(&drawn, &stop);
        })?;
        let stop = feeder.stop.clone();
        feeder.spawn("pd-naive-video", move || pictures(&slot, video, &stop))?;
        let stop = feeder.stop.clone();
        feeder.spawn("pd-naive-sound", move || {
            if let Ok(out) = sound.open(child) {
                tone(out, &stop);
            }
        })?;
        Ok(feeder)
    }

    fn spawn(&mut self, name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let thread = std::thread::Builder::new().name(name.into()).spawn(run)?;
        self.threads.push(thread);
        Ok(())
    }

    /// Asks the threads to end, which closes ffmpeg's inputs.
    pub fn stop(&self) {
        self.stop.stop();
    }
}

impl Drop for Feeder {
    fn drop(&mut self) {
        self.stop.stop();
        let until = Instant::now() + LAST_WAIT;
        for thread in &self.threads {
            // One that is blocked in a write ends with ffmpeg.
            ends_by(thread, until);
        }
    }
}

fn pictures(slot: &FrameSlot, mut out: ChildStdin, stop: &StopToken) {
    while !stop.is_stopped() {
        slot.wait(Duration::from_millis(50));
        if let Some(frame) = slot.take()
            && out.write_all(&frame.data).is_err()
        {
            return;
        }
    }
}

fn tone(mut out: impl Write, stop: &StopToken) {
    let mut source = ToneSource::new(1000.0, -20.0);
    let mut samples = [0.0; CHUNK_FRAMES * 2];
    // A chunk can be written once its last sample has sounded, as from a device.
    let mut next = clock::now() + CHUNK;
    loop {
        let now = clock::now();
        if now.since(next) > MAX_LATE {
            next = now;
        }
        if stop.sleep(next.since(now)) {
            return;
        }
        source.fill(&mut samples);
        let bytes: Vec<u8> = samples
            .iter()
            .flat_map(|sample| ((sample * 32_767.0) as i16).to_le_bytes())
            .collect();
        if out.write_all(&bytes).is_err() {
            return;
        }
        next = next + CHUNK;
    }
}
