//! What the window sees of the probe: how it does, and what it proves. Plain values.

pub use crate::latency::passage::Verdict;

/// How the probe, the console's own viewer, does.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProbeStatus {
    /// Where it stands.
    pub state: ProbeState,
    /// CPU that it costs the console since it was started, in percent of one core; None where the
    /// system does not tell.
    pub cpu_percent: Option<f64>,
    /// Pictures that came with bytes missing, or broken: in no figure.
    pub damaged: u64,
    /// Reports that found no room in the ledger's queue: pictures that came and count as lost.
    pub unread: u64,
}

/// Where the probe stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ProbeState {
    /// No show runs.
    #[default]
    Idle,
    /// Put off in the settings (or left out of this build): no fault.
    Off,
    /// The server's WebRTC address is not known.
    NoAddress,
    /// Not in the stream yet, or not any more; why, where it was refused or lost.
    Joining(Option<String>),
    /// In the stream.
    Joined,
}

/// What came through untouched, in counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Proof {
    /// Arrived, and byte for byte the console's.
    pub untouched: u64,
    /// Arrived, and not.
    pub other: u64,
    /// What that means.
    pub verdict: Verdict,
}

impl Proof {
    /// Of these counts, as they come from the relay: the console's, others.
    pub fn of((untouched, other): (u64, u64), verdict: Verdict) -> Self {
        Self {
            untouched,
            other,
            verdict,
        }
    }

    /// All that arrived and was judged.
    pub fn all(self) -> u64 {
        self.untouched + self.other
    }
}
