//! The last seconds of the show: access units and the sound beside them, in memory.
//!
//! Pure but for the memory. It begins with an IDR always. Bounded in time and in bytes: what is too
//! old or too much goes by whole groups of pictures, oldest first. Whoever writes a file reads from
//! here at its own pace; who is so slow that its place has gone is told how many units it lost.

use crate::audio::timeline::index_of;
use crate::audio::{CHANNELS, SAMPLE_RATE};
use crate::clock::MonoTime;
use crate::relay::AccessUnit;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

/// Sample frames of a piece of sound.
pub const CHUNK: usize = SAMPLE_RATE as usize / 50;

/// More sound than this beyond the pictures' span is not kept: pictures may be missing.
const SPARE_S: u64 = 12;

/// The last seconds. Cloning copies no picture and no sound.
#[derive(Clone, Debug)]
pub struct Ring {
    span: Duration,
    max_bytes: usize,
    units: VecDeque<AccessUnit>,
    /// Number of the first unit kept; they are numbered as they come.
    first: u64,
    /// Numbers of the IDRs kept.
    keys: VecDeque<u64>,
    bytes: usize,
    sound: VecDeque<Arc<[i16]>>,
    /// The timeline's index of the sound's first frame.
    sound_from: u64,
}

/// What is at a unit's number.
#[derive(Debug)]
pub enum At {
    /// The unit.
    Unit(AccessUnit),
    /// Not there any more; the oldest there is has this number.
    Gone(u64),
    /// Not there yet.
    Later,
}

/// What is at an index of the sound.
#[derive(Debug, PartialEq, Eq)]
pub enum Sound {
    /// Interleaved samples from there on, within one piece.
    Samples(Vec<i16>),
    /// Not there any more, or never was: so many frames are missing.
    Missing(u64),
    /// Not there yet.
    Later,
}

impl Ring {
    /// A ring that keeps at least `span` where `max_bytes` allow it.
    pub fn new(span: Duration, max_bytes: usize) -> Self {
        Self {
            span,
            max_bytes,
            units: VecDeque::new(),
            first: 0,
            keys: VecDeque::new(),
            bytes: 0,
            sound: VecDeque::new(),
            sound_from: 0,
        }
    }

    /// Takes the next unit. Before the first IDR nothing is kept.
    pub fn push_unit(&mut self, unit: AccessUnit) {
        let number = self.first + self.units.len() as u64;
        if unit.idr {
            self.keys.push_back(number);
        } else if self.keys.is_empty() {
            // Undecodable; its number is used up all the same.
            self.first = number + 1;
            return;
        }
        self.bytes += unit.data.len();
        let newest = unit.captured_at;
        self.units.push_back(unit);
        while let Some(&second) = self.keys.get(1) {
            let at = self.units[(second - self.first) as usize].captured_at;
            if newest.since(at) < self.span && self.held_bytes() <= self.max_bytes {
                break;
            }
            self.forget_before(second);
        }
        if self.held_bytes() > self.max_bytes {
            // A single group of pictures beyond all measure.
            self.forget_before(number + 1);
        }
        if let Some(oldest) = self.units.front() {
            self.forget_sound_before(index_of(oldest.captured_at));
        }
    }

    fn forget_before(&mut self, number: u64) {
        while self.first < number
            && let Some(unit) = self.units.pop_front()
        {
            self.bytes -= unit.data.len();
            self.first += 1;
        }
        while self.keys.front().is_some_and(|key| *key < number) {
            self.keys.pop_front();
        }
    }

    /// Bytes of pictures and sound that it holds.
    pub fn held_bytes(&self) -> usize {
        self.bytes + self.sound.len() * CHUNK * CHANNELS * 2
    }

    fn forget_sound_before(&mut self, index: u64) {
        while self.sound_from + (CHUNK as u64) <= index && self.sound.pop_front().is_some() {
            self.sound_from += CHUNK as u64;
        }
    }

    /// Takes the [`CHUNK`] of sound that begins at index `from` of the timeline. Where it does not
    /// follow what is there, what is there goes.
    pub fn push_sound(&mut self, from: u64, samples: Arc<[i16]>) {
        if self.sound_until() != from {
            self.sound.clear();
            self.sound_from = from;
        }
        self.sound.push_back(samples);
        let most = (self.span.as_secs() + SPARE_S) * u64::from(SAMPLE_RATE);
        self.forget_sound_before(self.sound_until().saturating_sub(most));
    }

    /// The timeline's index behind the newest sound.
    pub fn sound_until(&self) -> u64 {
        self.sound_from + (self.sound.len() * CHUNK) as u64
    }

    /// The unit of this number.
    pub fn unit(&self, number: u64) -> At {
        if number < self.first {
            return At::Gone(self.first);
        }
        match self.units.get((number - self.first) as usize) {
            Some(unit) => At::Unit(unit.clone()),
            None => At::Later,
        }
    }

    /// The number that the next unit will have.
    pub fn next(&self) -> u64 {
        self.first + self.units.len() as u64
    }

    /// The number of the newest IDR.
    pub fn last_key(&self) -> Option<u64> {
        self.keys.back().copied()
    }

    /// The number of the newest IDR that is not newer than `at`, else of the oldest.
    pub fn key_before(&self, at: MonoTime) -> Option<u64> {
        let time = |key: &u64| self.units[(key - self.first) as usize].captured_at;
        let older = self.keys.iter().rev().find(|key| time(key) <= at);
        older.or_else(|| self.keys.front()).copied()
    }

    /// Seconds from the oldest picture to the newest.
    pub fn seconds(&self) -> f64 {
        match (self.units.front(), self.units.back()) {
            (Some(first), Some(last)) => last.captured_at.since(first.captured_at).as_secs_f64(),
            _ => 0.0,
        }
    }

    /// When the newest picture was captured.
    pub fn newest(&self) -> Option<MonoTime> {
        self.units.back().map(|unit| unit.captured_at)
    }

    /// The sound at `index`.
    pub fn sound(&self, index: u64) -> Sound {
        if index < self.sound_from {
            return Sound::Missing(self.sound_from - index);
        }
        let behind = index - self.sound_from;
        match self.sound.get((behind / CHUNK as u64) as usize) {
            Some(piece) => {
                let skip = (behind % CHUNK as u64) as usize * CHANNELS;
                Sound::Samples(piece[skip..].to_vec())
            }
            None => Sound::Later,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn unit(frame: u64, ms: u64, idr: bool, bytes: usize) -> AccessUnit {
        AccessUnit {
            frame,
            captured_at: MonoTime::from_micros(ms * 1000),
            begun_at: MonoTime::ZERO,
            frame_time: Duration::ZERO,
            encoded_at: MonoTime::ZERO,
            idr,
            data: vec![0; bytes].into(),
            hash: frame,
        }
    }

    /// 10 pictures a second, an IDR each second.
    fn filled(span_s: u64, seconds: u64) -> Ring {
        let mut ring = Ring::new(Duration::from_secs(span_s), 1 << 30);
        for n in 0..seconds * 10 {
            ring.push_unit(unit(n, n * 100, n % 10 == 0, 100));
            for k in 0..5 {
                let from = (n * 5 + k) * CHUNK as u64;
                ring.push_sound(from, vec![n as i16; CHUNK * CHANNELS].into());
            }
        }
        ring
    }

    #[test]
    fn it_holds_its_span_and_begins_with_an_idr() {
        let ring = filled(5, 60);
        // 0.9 s behind the last IDR: the span reaches to 54.9, so the group from 54 is kept.
        assert_eq!((ring.first, ring.seconds()), (540, 5.9));
        assert!(matches!(ring.unit(540), At::Unit(unit) if unit.idr && unit.frame == 540));
        assert!(matches!(ring.unit(539), At::Gone(540)));
        assert!(matches!(ring.unit(600), At::Later));
        assert_eq!((ring.next(), ring.last_key()), (600, Some(590)));
        let key = |ms: u64| ring.key_before(MonoTime::from_micros(ms * 1000));
        assert_eq!(key(57_950), Some(570));
        assert_eq!(key(57_000), Some(570));
        assert_eq!(key(1_000), Some(540), "the oldest there is");
        assert_eq!(ring.sound_from, 54 * 48_000);
    }

    #[test]
    fn sound_is_found_by_its_index_or_is_said_to_be_missing() {
        let mut ring = filled(5, 6);
        let Sound::Samples(samples) = ring.sound(48_000 + 10) else {
            panic!("not there")
        };
        assert_eq!(samples.len(), (CHUNK - 10) * CHANNELS);
        assert_eq!(samples[0], 10);
        assert_eq!(ring.sound(6 * 48_000), Sound::Later);
        ring.push_sound(7 * 48_000, vec![1; CHUNK * CHANNELS].into());
        assert_eq!(ring.sound(6 * 48_000), Sound::Missing(48_000));
    }

    #[test]
    fn the_first_idr_begins_it() {
        let mut ring = Ring::new(Duration::from_secs(5), 1 << 20);
        ring.push_unit(unit(0, 0, false, 10));
        assert_eq!((ring.last_key(), ring.next()), (None, 1));
        ring.push_unit(unit(1, 100, true, 10));
        assert_eq!((ring.last_key(), ring.next()), (Some(1), 2));
    }

    #[test]
    fn a_group_beyond_all_measure_is_let_go() {
        let mut ring = Ring::new(Duration::from_secs(5), 10_000);
        for n in 0..100 {
            ring.push_unit(unit(n, n * 10, n == 0, 1000));
            assert!(ring.held_bytes() <= 10_000);
        }
        ring.push_unit(unit(100, 1000, true, 1000));
        assert_eq!((ring.last_key(), ring.next()), (Some(100), 101));
    }

    proptest! {
        #[test]
        fn it_stays_within_its_bounds(
            steps in prop::collection::vec((0_u64..400, prop::bool::weighted(0.1), 0_usize..4000), 1..300),
        ) {
            let mut ring = Ring::new(Duration::from_secs(3), 60_000);
            let (mut ms, mut sound) = (0, 0);
            for (n, (step, idr, bytes)) in steps.into_iter().enumerate() {
                ms += step;
                ring.push_unit(unit(n as u64, ms, idr, bytes));
                if n % 3 == 0 {
                    ring.push_sound(sound, vec![0; CHUNK * CHANNELS].into());
                    sound += CHUNK as u64;
                }
                prop_assert_eq!(ring.next(), n as u64 + 1);
                prop_assert_eq!(ring.bytes, ring.units.iter().map(|u| u.data.len()).sum::<usize>());
                prop_assert!(ring.bytes <= 60_000);
                prop_assert!(ring.units.front().is_none_or(|u| u.idr));
                let keys: Vec<_> = ring.units.iter().filter(|u| u.idr).map(|u| u.frame).collect();
                prop_assert_eq!(keys, ring.keys.iter().copied().collect::<Vec<_>>());
            }
        }
    }
}
