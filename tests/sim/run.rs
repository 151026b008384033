//! What a run of the world begins with, what it counts, and what may be broken in it on purpose.

use pd_console::settings::{Settings, Way};
use pd_console::units::{Fps, Size};
use std::collections::BTreeMap;

/// What a run was.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Events of the agenda.
    pub events: u64,
    /// Faults by seam.
    pub faults: BTreeMap<&'static str, u64>,
    /// Looks at invariants.
    pub looks: u64,
    /// Shows begun, frames given out, pictures that arrived.
    pub shows: u64,
    /// See above.
    pub frames: u64,
    /// See above.
    pub arrived: u64,
    /// Publishers and encoders started.
    pub starts: u64,
    /// Files and units in them.
    pub files: u64,
    /// Seconds live, of so many.
    pub live_s: f64,
    /// See above.
    pub seconds: f64,
}

/// What is broken on purpose, to see that it is found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mutation {
    /// Nothing.
    #[default]
    None,
    /// The encoders' frames are taken a second late.
    OldFrames,
    /// A publisher's bytes come twice.
    TimesGoBack,
    /// A queue is never emptied.
    QueueGrows,
    /// The watch's report says online whoever publishes.
    FalseReport,
    /// A publisher that is ended stays.
    StaysBehind,
    /// A picture is said to have been sent before it was captured.
    StageOrder,
    /// Nobody starts again what was lost.
    NoRecovery,
}

/// The settings of the played show: small pictures, the rest as it comes.
pub fn settings(dice: &mut fastrand::Rng) -> Settings {
    let mut settings = Settings::default();
    settings.video.size = Size::new(64, 36);
    settings.video.fps = Fps::whole([15, 25, 30, 30, 60][dice.usize(..5)]);
    settings.encoder.adaptive = dice.bool();
    settings.target.way = [Way::Auto, Way::SrtPush, Way::Rtsp][dice.usize(..3)];
    settings
}
