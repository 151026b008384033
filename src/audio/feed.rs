//! When the publisher's next piece of sound is due: pure, reads no clock.
//!
//! Owned by the publisher's sound thread. It never skips and never repeats, because the sound's
//! time behind the pipe is its number of samples: a skipped chunk would pull all later sound
//! forward against the picture.

use super::timeline::index_of;
use super::{CHANNELS, SAMPLE_RATE};
use crate::clock::MonoTime;
use std::time::Duration;

/// How far behind the clock the publisher reads the sound: a source's chunk must have come by then.
/// Measured with 10 ms chunks (PulseAudio, ALSA): 15 ms was enough on an idle machine, 10 was not.
/// Chunks that are too long for it are placed later (see `intake`).
pub const SOUND_DELAY: Duration = Duration::from_millis(30);

/// Behind by more than this, the feed gives up catching up: 1 s of frames. The timeline holds 2 s.
const MAX_BEHIND_FRAMES: u64 = SAMPLE_RATE as u64;

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// Write the chunk that begins at this index of the timeline.
    Chunk(u64),
    /// The machine stood still (suspend): so many sample frames are not going to be written. The
    /// sound behind the pipe is now early by them, so the caller starts the publisher anew (or
    /// writes that much silence). The next chunk begins at the present.
    Resync {
        /// Sample frames left out.
        lost: u64,
    },
}

/// Paces the sound that is written to the publisher.
#[derive(Clone, Debug)]
pub struct Feed {
    next: u64,
    delay_frames: u64,
    chunk: usize,
}

impl Feed {
    /// A feed whose first sample frame is that of `epoch` (the publisher's time zero), each chunk
    /// of `chunk` sample frames written `delay` after its end, so that a device has had the time
    /// to deliver it. `delay` must cover the device's chunk, its jitter and the 3 ms of a fade.
    pub fn new(epoch: MonoTime, delay: Duration, chunk: usize) -> Self {
        Self {
            next: index_of(epoch),
            delay_frames: u64::try_from(delay.as_micros() * u128::from(SAMPLE_RATE) / 1_000_000)
                .unwrap_or(u64::MAX),
            chunk: chunk.max(1),
        }
    }

    /// Sample frames a chunk.
    pub const fn chunk_frames(&self) -> usize {
        self.chunk
    }

    /// What is due at `now`; ask again until it is None.
    pub fn due(&mut self, now: MonoTime) -> Option<Due> {
        let written_until = index_of(now).checked_sub(self.delay_frames)?;
        let behind = written_until.checked_sub(self.next + self.chunk as u64)?;
        if behind > MAX_BEHIND_FRAMES {
            let lost = behind / self.chunk as u64 * self.chunk as u64;
            self.next += lost;
            return Some(Due::Resync { lost });
        }
        let first = self.next;
        self.next += self.chunk as u64;
        Some(Due::Chunk(first))
    }

    /// When the next chunk is due.
    pub fn next_at(&self) -> MonoTime {
        let index = self.next + self.chunk as u64 + self.delay_frames;
        let us = (u128::from(index) * 1_000_000).div_ceil(u128::from(SAMPLE_RATE));
        MonoTime::from_micros(u64::try_from(us).unwrap_or(u64::MAX))
    }
}

/// Header of an endless WAV stream: 48 kHz stereo, signed 16 bit little endian. For
/// `-f wav -ignore_length 1`; the lengths are the largest that the format can say (RIFF and data
/// sizes are 32 bit, Microsoft/IBM "Multimedia Programming Interface" 1.0, 1991).
pub fn wav_header() -> [u8; 44] {
    let block = CHANNELS as u16 * 2;
    let mut header = [0_u8; 44];
    let parts: [&[u8]; 13] = [
        b"RIFF",
        &u32::MAX.to_le_bytes(),
        b"WAVE",
        b"fmt ",
        &16_u32.to_le_bytes(),
        &1_u16.to_le_bytes(), // PCM
        &(CHANNELS as u16).to_le_bytes(),
        &SAMPLE_RATE.to_le_bytes(),
        &(SAMPLE_RATE * u32::from(block)).to_le_bytes(),
        &block.to_le_bytes(),
        &16_u16.to_le_bytes(),
        b"data",
        &u32::MAX.to_le_bytes(),
    ];
    let mut at = 0;
    for part in parts {
        header[at..at + part.len()].copy_from_slice(part);
        at += part.len();
    }
    header
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const DELAY: Duration = Duration::from_millis(30);

    #[test]
    fn a_chunk_is_due_its_end_plus_the_delay() {
        let epoch = MonoTime::from_micros(1_000_000);
        let mut feed = Feed::new(epoch, DELAY, 480);
        assert_eq!(feed.next_at(), epoch + Duration::from_millis(40));
        assert_eq!(feed.due(MonoTime::from_micros(1_039_979)), None);
        assert_eq!(feed.due(feed.next_at()), Some(Due::Chunk(48_000)));
        assert_eq!(feed.due(MonoTime::from_micros(1_049_979)), None);
        assert_eq!(feed.due(feed.next_at()), Some(Due::Chunk(48_480)));
    }

    #[test]
    fn a_short_stall_is_caught_up_a_long_one_is_told() {
        let mut feed = Feed::new(MonoTime::ZERO, DELAY, 480);
        let mut chunks = 0;
        while let Some(due) = feed.due(MonoTime::from_micros(900_000)) {
            assert_eq!(due, Due::Chunk(chunks * 480));
            chunks += 1;
        }
        assert_eq!(chunks, 87);
        // An hour of suspend.
        let now = MonoTime::from_micros(3_600_000_000);
        let Some(Due::Resync { lost }) = feed.due(now) else {
            panic!("an hour is not told");
        };
        assert!(lost > 3_598 * 48_000 && lost % 480 == 0);
        assert_eq!(feed.due(now), Some(Due::Chunk(chunks * 480 + lost)));
        assert_eq!(feed.due(now), None);
    }

    #[test]
    fn before_its_epoch_nothing_is_due() {
        let mut feed = Feed::new(MonoTime::from_micros(5_000_000), DELAY, 480);
        assert_eq!(feed.due(MonoTime::ZERO), None);
        assert_eq!(feed.due(MonoTime::from_micros(4_000_000)), None);
    }

    proptest! {
        #[test]
        fn it_never_skips_never_repeats_never_runs_ahead(
            epoch_us in 0_u64..10_000_000,
            steps in prop::collection::vec(0_u64..400_000, 1..60),
        ) {
            let mut feed = Feed::new(MonoTime::from_micros(epoch_us), DELAY, 480);
            let mut expected = index_of(MonoTime::from_micros(epoch_us));
            let mut now = epoch_us;
            for step in steps {
                now += step;
                let time = MonoTime::from_micros(now);
                while let Some(due) = feed.due(time) {
                    prop_assert_eq!(due, Due::Chunk(expected));
                    expected += 480;
                    prop_assert!(expected + 1_440 <= index_of(time));
                }
                prop_assert!(expected + 480 + 1_440 > index_of(time));
                prop_assert!(feed.next_at() > time);
            }
        }
    }

    #[test]
    fn the_header_says_48_khz_stereo_16_bit() {
        let header = wav_header();
        assert_eq!(&header[..4], b"RIFF");
        assert_eq!(header[22], 2);
        assert_eq!(header[24..28], 48_000_u32.to_le_bytes());
        assert_eq!(header[28..32], 192_000_u32.to_le_bytes());
        assert_eq!(header[34], 16);
        assert_eq!(&header[36..40], b"data");
    }
}
