//! What goes wrong: each seam's faults, drawn by the seed, with how long each lasts.

use super::encoder::Habit;
use super::recorder::Disk;
use super::server::Api;
use super::sources::{Look, Play};
use std::time::Duration;

/// A fault of one seam.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Fault {
    /// The source looks so.
    Screen(Look),
    /// A device does so; which.
    Sound(usize, Play),
    /// The encoder at work, or the one that is starting, dies.
    EncoderDies,
    /// The same one gives and takes nothing.
    EncoderHangs,
    /// Encoders that start, and those that run, work so.
    EncoderIs(Habit),
    /// Encoders cannot be started.
    NoEncoder,
    /// The publisher dies.
    PublisherDies,
    /// It reads nothing.
    PublisherHangs,
    /// Publishers cannot be started.
    NoPublisher,
    /// The server ends and comes back.
    ServerRestarts,
    /// It lets nobody in.
    ServerRefuses,
    /// Its API does so.
    Api(Api),
    /// The network is pulled.
    Cut,
    /// Packets are lost.
    Lossy,
    /// Knocks are swallowed.
    Firewall,
    /// Somebody else publishes there.
    Taken,
    /// Somebody encodes again behind the server, or pictures do not arrive.
    Recoded,
    /// The same.
    NotArriving,
    /// The disk does so.
    Disk(Disk),
    /// The settings file: torn, zeroed, not writable, a folder in its place.
    Store(u8),
    /// The machine sleeps: two hours on a clock that counts them; on one that does not.
    Sleep,
    /// The same.
    SleepUncounted,
    /// Everything stands still for a moment.
    Standstill,
    /// Settings change, good and bad ones.
    Settings,
    /// The operator is everywhere at once.
    Spam,
    /// Preflight finds that something is missing.
    Missing,
}

impl Fault {
    /// Draws one.
    pub fn draw(dice: &mut fastrand::Rng) -> Self {
        fn one<T: Copy>(dice: &mut fastrand::Rng, of: &[T]) -> T {
            of[dice.usize(..of.len())]
        }
        use Look::{Backwards, Black, Burst, Equal, Late, Lost, Resizing, Still, Tiny};
        use Play::{Double, Loses, LosesSilently, NotANumber, Stalled, Unplugged};
        let looks = [
            Still, Lost, Late, Backwards, Equal, Burst, Black, Resizing, Tiny,
        ];
        let plays = [Unplugged, Stalled, Double, Loses, LosesSilently, NotANumber];
        let habits = [
            Habit::Slow,
            Habit::AllIdr,
            Habit::NeverIdr,
            Habit::Garbage,
            Habit::Skips,
            Habit::OtherSize,
        ];
        let apis = [Api::Slow, Api::Down, Api::Garbage, Api::Denies];
        let disks = [Disk::Slow, Disk::Hangs, Disk::Full];
        match dice.u8(..40) {
            0..7 => Self::Screen(one(dice, &looks)),
            7..11 => Self::Sound(dice.usize(..4), one(dice, &plays)),
            11..13 => Self::EncoderDies,
            13 => Self::EncoderHangs,
            14..18 => Self::EncoderIs(one(dice, &habits)),
            18 => Self::NoEncoder,
            19..21 => Self::PublisherDies,
            21 => Self::PublisherHangs,
            22 => Self::NoPublisher,
            23..25 => Self::ServerRestarts,
            25 => Self::ServerRefuses,
            26..28 => Self::Api(one(dice, &apis)),
            28 => Self::Cut,
            29 => Self::Lossy,
            30 => Self::Firewall,
            31 => Self::Taken,
            32 => one(dice, &[Self::Recoded, Self::NotArriving]),
            33 => Self::Disk(one(dice, &disks)),
            34 => Self::Store(dice.u8(..5)),
            35 => one(dice, &[Self::Sleep, Self::SleepUncounted, Self::Standstill]),
            36..38 => Self::Settings,
            38 => Self::Spam,
            _ => one(dice, &[Self::Missing, Self::Standstill, Self::Settings]),
        }
    }

    /// How long it lasts, at most.
    pub fn lasts(self, dice: &mut fastrand::Rng) -> Duration {
        let seconds =
            |dice: &mut fastrand::Rng, most: f64| Duration::from_secs_f64(0.05 + dice.f64() * most);
        match self {
            Self::Screen(_) | Self::Sound(..) => seconds(dice, 12.0),
            Self::EncoderHangs => seconds(dice, 5.0),
            Self::EncoderIs(_) | Self::NoEncoder => seconds(dice, 4.0),
            Self::PublisherHangs => seconds(dice, 9.0),
            Self::ServerRestarts | Self::Cut | Self::Taken => seconds(dice, 20.0),
            _ => seconds(dice, 10.0),
        }
    }

    /// Which seam it is at.
    pub fn seam(self) -> &'static str {
        match self {
            Self::Screen(_) => "capture",
            Self::Sound(..) => "sound",
            Self::EncoderDies | Self::EncoderHangs | Self::NoEncoder => "encoder",
            Self::EncoderIs(Habit::Slow | Habit::Skips) => "encoder",
            Self::EncoderIs(_) => "relay",
            Self::PublisherDies | Self::PublisherHangs | Self::NoPublisher => "publisher",
            Self::Disk(_) => "disk",
            Self::Store(_) | Self::Settings => "settings",
            Self::Sleep | Self::SleepUncounted | Self::Standstill => "clock",
            Self::Spam | Self::Missing => "operator",
            _ => "server",
        }
    }
}
