//! The recorder, played up to its ffmpeg: the real sink of the relay, ring, sound and cut into files; the
//! disk is how fast units are taken. No thread.

use super::checks::{Checks, bound};
use super::h264::maker;
use pd_console::audio::Mixer;
use pd_console::clock::MonoTime;
use pd_console::publish::publisher::pts_ms;
use pd_console::record::cut::{Cut, Step};
use pd_console::record::ring::{At, Sound};
use pd_console::record::tap::{Filling, Kept};
use pd_console::relay::annexb::{nal_type, nal_units};
use pd_console::relay::hub::SinkEnd;
use pd_console::relay::{AccessUnit, Relay};
use std::time::Duration;

/// How the disk does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Disk {
    /// It takes what comes.
    #[default]
    Good,
    /// One unit a look.
    Slow,
    /// Nothing: it hangs.
    Hangs,
    /// Every write fails.
    Full,
}

/// A file.
struct File {
    cut: Cut,
    epoch: MonoTime,
    last_pts: Option<u32>,
    last_at: MonoTime,
    last_maker: Option<(u32, u64)>,
}

/// A recording of one show.
pub struct Recorder {
    kept: Kept,
    filling: Filling,
    sink: SinkEnd,
    next: u64,
    file: Option<File>,
    /// Files begun.
    pub files: u64,
    /// Units that are in files, and that are lost.
    pub written: u64,
    /// The same.
    pub lost: u64,
}

/// The ring's span of the played show.
const SPAN: Duration = Duration::from_secs(10);

impl Recorder {
    /// Begins to keep what goes through `relay` and `sound`.
    pub fn new(relay: &Relay, sound: &Mixer, now: MonoTime) -> Self {
        Self {
            kept: Kept::new(SPAN),
            filling: Filling::new(sound, now),
            sink: relay.add_sink_behind(64),
            next: 0,
            file: None,
            files: 0,
            written: 0,
            lost: 0,
        }
    }

    /// Fills the ring, writes what the disk takes.
    pub fn turn(&mut self, disk: Disk, now: MonoTime, checks: &mut Checks) {
        while let Ok(unit) = self.sink.units.try_recv() {
            self.kept.with(|ring| ring.push_unit(unit));
        }
        self.filling.sound_due(now, false, &self.kept);
        let bytes = self.kept.with(|ring| ring.held_bytes());
        checks.at_most("bytes in the ring", bytes, bound::RING);
        let most = match disk {
            Disk::Good | Disk::Full => 200,
            Disk::Slow => 1,
            Disk::Hangs => 0,
        };
        for _ in 0..most {
            if !self.one(disk, checks) {
                return;
            }
        }
    }

    /// One unit; false where there is nothing to do.
    fn one(&mut self, disk: Disk, checks: &mut Checks) -> bool {
        let Some(file) = &mut self.file else {
            return self.begin();
        };
        match file.cut.step(self.kept.unit(file.cut.at()), file.last_at) {
            Step::Write(..) if disk == Disk::Full => {
                file.cut.unwritten();
                self.next = file.cut.at();
                self.file = None;
                return false;
            }
            Step::Write(unit, _) => {
                file.write(&unit, checks);
                self.written += 1;
            }
            Step::Lost(lost) => self.lost += lost,
            Step::Next(_) => {
                self.next = file.cut.at();
                self.file = None;
            }
            Step::Wait => return false,
        }
        true
    }

    fn begin(&mut self) -> bool {
        match self.kept.unit(self.next) {
            At::Unit(unit) if unit.idr => {
                self.files += 1;
                self.file = Some(File {
                    cut: Cut::new(self.next, &unit),
                    epoch: unit.captured_at,
                    last_pts: None,
                    last_at: unit.captured_at,
                    last_maker: None,
                });
                // The sound beside it is there, is said to be missing, or comes.
                let at = pd_console::audio::timeline::index_of(unit.captured_at);
                let sound = self.kept.sound(at);
                !matches!(sound, Sound::Missing(0))
            }
            At::Unit(_) => {
                self.next += 1;
                true
            }
            At::Gone(first) => {
                self.next = first;
                true
            }
            At::Later => false,
        }
    }
}

impl File {
    fn write(&mut self, unit: &AccessUnit, checks: &mut Checks) {
        let pts = pts_ms(unit.captured_at, self.epoch, self.last_pts);
        // Times monotonic, files.
        checks.hold(self.last_pts.is_none_or(|last| pts > last), || {
            format!("a file's picture at {pts} ms after {:?}", self.last_pts)
        });
        self.last_pts = Some(pts);
        self.last_at = unit.captured_at;
        let slice = nal_units(&unit.data).find(|nal| matches!(nal_type(nal), 1 | 5));
        let made = slice.and_then(maker);
        let follows = made
            .zip(self.last_maker)
            .is_some_and(|(made, last)| made == (last.0, last.1 + 1));
        checks.hold(unit.idr || follows, || {
            format!("a file has {made:?} after {:?}", self.last_maker)
        });
        self.last_maker = made;
    }
}
