//! The runs one after another, on the command line's thread. A run that fails says why and the next
//! follows; an interruption ends the run and keeps what was measured. Nothing runs beside a run.

#[cfg(feature = "probe")]
use super::before;
use super::plan::{Cell, Estimate, Kind, Matrix};
use super::report::{Figures, LeftOut, Row};
use super::show::{self, CostMeter, Show};
use super::{Progress, logged_pattern, settings_of};
use crate::ffmpeg::Ffmpeg;
use crate::session::failure::{Failure, FailureKind};
use crate::session::snapshot::Snapshot;
use crate::settings::{Secrets, Settings, VideoSourceKind, Way};
use crate::stop::StopToken;
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What the runs have in common.
#[cfg_attr(
    not(feature = "probe"),
    allow(dead_code, reason = "only the comparison needs the programs")
)]
pub(super) struct Bench<'a> {
    pub(super) settings: &'a Settings,
    pub(super) secrets: &'a Secrets,
    pub(super) plain: bool,
    pub(super) time: Duration,
    pub(super) stop: &'a StopToken,
    pub(super) ffmpeg: Ffmpeg,
    /// None for someone's own server.
    pub(super) mediamtx: Option<PathBuf>,
    pub(super) newest: Option<Arc<Snapshot>>,
}

impl Bench<'_> {
    /// All runs; whether none was left out by an interruption.
    pub(super) fn all(
        &mut self,
        cells: Vec<Cell>,
        matrix: &Matrix,
        left_out: &mut Vec<LeftOut>,
        on: &mut dyn FnMut(Progress<'_>),
    ) -> (Vec<Row>, bool) {
        let mut rows = Vec::new();
        let mut estimate = Estimate::new(matrix.seconds);
        let mut waiting = VecDeque::from(cells);
        while let Some(cell) = waiting.front().copied() {
            if self.stop.is_stopped() {
                return (rows, false);
            }
            on(Progress::Begins {
                number: rows.len() + 1,
                of: rows.len() + waiting.len(),
                cell,
                left: estimate.left(waiting.make_contiguous()),
            });
            waiting.pop_front();
            let from = Instant::now();
            let result = self.one(&cell);
            if result.is_ok() {
                estimate.took(cell.kind, from.elapsed());
            }
            match result {
                Err(_) if self.stop.is_stopped() => return (rows, false),
                // What the settings or the server do not allow, no other size will.
                Err(failure) if failure.kind == FailureKind::Settings && !cell.kind.is_before() => {
                    waiting.retain(|other| other.kind != cell.kind);
                    left_out.push(LeftOut {
                        name: cell.kind.name(),
                        why: failure.message,
                    });
                }
                result => {
                    let row = Row {
                        cell,
                        result: result.map_err(|failure| failure.message),
                    };
                    on(Progress::Ended(&row));
                    rows.push(row);
                }
            }
        }
        (rows, !self.stop.is_stopped())
    }

    fn one(&mut self, cell: &Cell) -> Result<Figures, Failure> {
        let settings = settings_of(self.settings, cell);
        match cell.kind {
            Kind::Console(way) => self.console(&settings, way),
            kind => self.before(&settings, kind),
        }
    }

    #[cfg(feature = "probe")]
    fn before(&mut self, settings: &Settings, kind: Kind) -> Result<Figures, Failure> {
        let none = || Failure::new(FailureKind::Server, "there is no MediaMTX");
        let ground = before::Ground {
            ffmpeg: &self.ffmpeg,
            mediamtx: self.mediamtx.as_deref().ok_or_else(none)?,
            plain: self.plain,
            time: self.time,
            stop: self.stop,
        };
        match kind {
            Kind::Naive => before::naive(ground, settings),
            _ => before::transcoded(ground, settings),
        }
    }

    #[cfg(not(feature = "probe"))]
    fn before(&mut self, _: &Settings, _: Kind) -> Result<Figures, Failure> {
        Err(Failure::new(
            FailureKind::Internal,
            "this build has no probe",
        ))
    }

    /// The console as it is.
    fn console(&mut self, settings: &Settings, way: Way) -> Result<Figures, Failure> {
        let is_pattern = settings.video.source == VideoSourceKind::Pattern;
        let open = is_pattern.then(|| logged_pattern(self.plain).1);
        let show = Show::start(settings, self.secrets, open, self.stop)?;
        show.watch(show::SETTLE, self.stop)?;
        let dropped_before = show.session().figures().drops;
        let meter = CostMeter::start(&show.session().pids());
        let seconds = show.watch(self.time, self.stop)?;
        let cost = meter.cost(&show.session().pids());
        let snapshot = show.snapshot();
        let found = show.session().figures();
        show.end();
        if snapshot.route.way != Some(way) {
            let taken = snapshot.route.way.map_or("none", Way::name);
            let text = format!("{taken} was taken in its place");
            return Err(Failure::new(FailureKind::NoReceiver, text));
        }
        self.newest = Some(snapshot);
        Ok(Figures {
            seconds,
            encode: found.totals.encoded,
            server: found.totals.server,
            total: found.totals.arrived,
            own: found.totals.own,
            drops: Some(found.drops.since(dropped_before)),
            missing: None,
            passthrough: found.passthrough,
            sound_passthrough: found.sound.passthrough,
            kbps: found.kbps,
            cost,
        })
    }
}
