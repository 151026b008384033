//! What the window, remote control and a run without a window are told when something is wrong in a
//! running show, and whether viewers have the show at all. Plain values.

use super::Severity;
use crate::clock::MonoTime;

/// One thing that is, or was just now, wrong in the running show.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// Counts notices of the session from 0; what an operator has read is known by it.
    pub number: u64,
    /// What kind.
    pub kind: NoticeKind,
    /// Since when it is so.
    pub since: MonoTime,
    /// When it was over; None while it lasts.
    pub until: Option<MonoTime>,
    /// What happened and what to do.
    pub text: String,
}

/// Kinds of [`Notice`]; at most one of each lasts at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NoticeKind {
    /// The connection to the server is lost.
    ServerLost,
    /// The connection to the server is made anew on purpose.
    Anew,
    /// The server takes the stream, and no picture comes out for viewers.
    NotArriving,
    /// The picture source gives nothing: viewers have a still picture.
    PictureLost,
    /// The picture is black.
    PictureBlack,
    /// No encoder is at work: viewers have a still picture.
    EncoderLost,
    /// The server holds each picture longer than was agreed.
    Late,
    /// No sound input gives anything.
    SoundLost,
    /// One of several sound inputs gives nothing.
    InputLost,
    /// Sound that should be there is silence.
    Silence,
    /// The machine is too busy.
    Cpu,
}

impl NoticeKind {
    /// All.
    pub const ALL: [Self; 11] = [
        Self::ServerLost,
        Self::Anew,
        Self::NotArriving,
        Self::PictureLost,
        Self::PictureBlack,
        Self::EncoderLost,
        Self::Late,
        Self::SoundLost,
        Self::InputLost,
        Self::Silence,
        Self::Cpu,
    ];

    /// Its stable name, for remote control and results.
    pub fn id(self) -> &'static str {
        match self {
            Self::ServerLost => "server-lost",
            Self::Anew => "connection-anew",
            Self::NotArriving => "not-arriving",
            Self::PictureLost => "picture-lost",
            Self::PictureBlack => "picture-black",
            Self::EncoderLost => "encoder-lost",
            Self::Late => "late",
            Self::SoundLost => "sound-lost",
            Self::InputLost => "input-lost",
            Self::Silence => "silence",
            Self::Cpu => "cpu",
        }
    }

    /// How grave.
    pub fn severity(self) -> Severity {
        match self {
            Self::ServerLost
            | Self::NotArriving
            | Self::PictureLost
            | Self::EncoderLost
            | Self::SoundLost => Severity::Error,
            Self::Anew
            | Self::PictureBlack
            | Self::Late
            | Self::InputLost
            | Self::Silence
            | Self::Cpu => Severity::Warning,
        }
    }
}

/// Whether viewers have the show, as the server's side says; for a lamp.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Tally {
    /// No show.
    #[default]
    Off,
    /// A show begins; nobody has it yet.
    Waiting,
    /// The receiver took the stream; whether viewers have it, nobody tells.
    Sent,
    /// The server says that its path is online for viewers.
    Online,
    /// Pictures come out of the server: the measuring viewer has them.
    Seen,
    /// The show was on air and viewers do not have it now.
    Lost,
}

impl Tally {
    /// Its stable name, for remote control and results.
    pub fn id(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Waiting => "waiting",
            Self::Sent => "sent",
            Self::Online => "online",
            Self::Seen => "seen",
            Self::Lost => "lost",
        }
    }

    /// Whether viewers have the show, as far as anybody can tell.
    pub fn is_live(self) -> bool {
        matches!(self, Self::Sent | Self::Online | Self::Seen)
    }
}
