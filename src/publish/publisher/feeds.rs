//! What a publisher's child is given: pictures with their times, sound by the clock.
//!
//! Pure: the time is an argument, bytes come out; `pd-pub-video` and `pd-pub-audio` write them. Holds
//! no picture. Leaves out a unit older than [`OLDEST_SENT`] and what depends on it, and what is encoded
//! while a primed child calls; of the sound nothing is left out, what nobody gave is silence.

use crate::audio::feed::{Due, Feed, SOUND_DELAY};
use crate::audio::{CHANNELS, MixReader, Mixer, SAMPLE_RATE};
use crate::clock::MonoTime;
use crate::relay::{AccessUnit, flv_write};
use std::io::{self, Write};
use std::time::Duration;

/// A unit that came out of the encoder longer ago is not sent any more.
pub const OLDEST_SENT: Duration = Duration::from_millis(250);
/// A primed child that has not said by then that it sends is given pictures all the same.
const CALL_LIMIT: Duration = Duration::from_secs(3);
/// 5 ms: half an Opus frame. Less waits longer for nothing, more holds the sound back.
const FEED_CHUNK: usize = 240;
/// A longer standstill of the sound is not made up for: the publisher starts anew.
const LONGEST_GAP: u64 = 10 * SAMPLE_RATE as u64;

/// The pictures of one publisher.
#[derive(Debug)]
pub struct VideoFeed {
    epoch: Option<MonoTime>,
    last_pts_ms: Option<u32>,
    /// For an IDR.
    waiting: bool,
    /// When its child was primed.
    primed_at: Option<MonoTime>,
}

impl Default for VideoFeed {
    fn default() -> Self {
        Self {
            epoch: None,
            last_pts_ms: None,
            waiting: true,
            primed_at: None,
        }
    }
}

impl VideoFeed {
    /// The time of the first picture, which is the stream's zero; None before it.
    pub fn epoch(&self) -> Option<MonoTime> {
        self.epoch
    }

    /// The newest IDR before this publisher, as a picture that is repeated at `now`.
    ///
    /// # Errors
    /// Where it has no parameter sets: nothing can begin with it.
    pub fn prime(&mut self, primer: &AccessUnit, now: MonoTime) -> io::Result<Vec<u8>> {
        let repeated = AccessUnit {
            captured_at: now,
            ..primer.clone()
        };
        self.primed_at = Some(now);
        self.bytes(&repeated)
    }

    /// A unit that came out of the relay at `now`: FLV for the child, None where it is left out.
    /// `has_sent` is whether the child has said that it sends.
    ///
    /// # Errors
    /// As [`VideoFeed::prime`]; within the result, as the unit was not left out.
    pub fn take(
        &mut self,
        unit: &AccessUnit,
        has_sent: bool,
        now: MonoTime,
    ) -> Option<io::Result<Vec<u8>>> {
        let late = now.since(unit.encoded_at) > OLDEST_SENT;
        let calling = !has_sent && self.primed_at.is_some_and(|at| now.since(at) < CALL_LIMIT);
        self.waiting = late || calling || (self.waiting && !unit.idr);
        (!self.waiting).then(|| self.bytes(unit))
    }

    fn bytes(&mut self, unit: &AccessUnit) -> io::Result<Vec<u8>> {
        let epoch = *self.epoch.get_or_insert(unit.captured_at);
        let pts = pts_ms(unit.captured_at, epoch, self.last_pts_ms);
        let mut bytes = flv_write::picture(unit, pts);
        if self.last_pts_ms.replace(pts).is_none() {
            let header = flv_write::sequence_header(unit)
                .ok_or_else(|| io::Error::other("an IDR without parameter sets"))?;
            bytes.splice(0..0, header);
        }
        Ok(bytes)
    }
}

/// A unit's time since `epoch` in FLV's unit, later than the one before: equal times would be
/// refused.
pub fn pts_ms(captured_at: MonoTime, epoch: MonoTime, last_ms: Option<u32>) -> u32 {
    let us = captured_at.since(epoch).as_micros();
    let pts = u32::try_from((us + 500) / 1000).unwrap_or(u32::MAX);
    last_ms.map_or(pts, |last| pts.max(last.saturating_add(1)))
}

/// The sound of one publisher.
pub struct SoundFeed {
    sound: MixReader,
    feed: Feed,
    samples: [i16; FEED_CHUNK * CHANNELS],
    bytes: [u8; FEED_CHUNK * CHANNELS * 2],
}

impl SoundFeed {
    /// The sum of `sound` from `epoch` on, the picture's zero.
    pub fn new(sound: &Mixer, epoch: MonoTime) -> Self {
        Self {
            sound: sound.reader(),
            feed: Feed::new(epoch, SOUND_DELAY, FEED_CHUNK),
            samples: [0; FEED_CHUNK * CHANNELS],
            bytes: [0; FEED_CHUNK * CHANNELS * 2],
        }
    }

    /// When the next piece is due.
    pub fn next_at(&self) -> MonoTime {
        self.feed.next_at()
    }

    /// Writes the piece that is due at `now` into `pipe`; false where none is.
    ///
    /// # Errors
    /// The pipe's, and a standstill of more than 10 s, after which the publisher starts anew.
    pub fn write_due(
        &mut self,
        now: MonoTime,
        muted: bool,
        pipe: &mut impl Write,
    ) -> io::Result<bool> {
        match self.feed.due(now) {
            Some(Due::Chunk(first)) => {
                self.sound.set_muted(muted);
                self.sound.read(first, &mut self.samples);
                for (pair, sample) in self.bytes.chunks_exact_mut(2).zip(self.samples) {
                    pair.copy_from_slice(&sample.to_le_bytes());
                }
                pipe.write_all(&self.bytes)?;
            }
            Some(Due::Resync { lost }) => make_up(lost, pipe)?,
            None => return Ok(false),
        }
        Ok(true)
    }
}

/// Silence in the place of sample frames that nobody can give any more: a WAV stream's time is its
/// length. After a suspend (B27) the publisher starts anew instead.
fn make_up(lost: u64, pipe: &mut impl Write) -> io::Result<()> {
    if lost > LONGEST_GAP {
        return Err(io::Error::other("the sound stood still for more than 10 s"));
    }
    let silence = [0_u8; FEED_CHUNK * CHANNELS * 2];
    let mut left = usize::try_from(lost).unwrap_or(usize::MAX) * CHANNELS * 2;
    while left > 0 {
        let now = left.min(silence.len());
        pipe.write_all(&silence[..now])?;
        left -= now;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_rise_even_where_two_pictures_have_the_same() {
        let us = MonoTime::from_micros;
        assert_eq!(pts_ms(us(5000), us(5000), None), 0);
        assert_eq!(pts_ms(us(38_333), us(5000), Some(0)), 33);
        assert_eq!(pts_ms(us(38_333), us(5000), Some(33)), 34);
        assert_eq!(pts_ms(us(1000), us(5000), Some(34)), 35);
    }
}
