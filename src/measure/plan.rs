//! What is measured, in which order, and how long it will still take. Pure.

use crate::settings::Way;
use crate::units::{Fps, Size};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// A picture: its size and rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Scene {
    /// Pixels.
    pub size: Size,
    /// Frames a second.
    pub fps: Fps,
}

impl fmt::Display for Scene {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.size, self.fps)
    }
}

impl FromStr for Scene {
    type Err = String;

    /// `1280x720@60`, `1280x720@30000/1001`; 30 frames a second without a rate.
    fn from_str(text: &str) -> Result<Self, String> {
        let parse = || {
            let (size, fps) = text.split_once('@').unwrap_or((text, "30"));
            let (width, height) = size.split_once('x')?;
            let (num, den) = fps.split_once('/').unwrap_or((fps, "1"));
            let fps = Fps {
                num: num.parse().ok().filter(|n| *n > 0)?,
                den: den.parse().ok().filter(|n| *n > 0)?,
            };
            Some(Self {
                size: Size::new(width.parse().ok()?, height.parse().ok()?),
                fps,
            })
        };
        parse().ok_or_else(|| format!("`{text}` is no size; give it as 1280x720@30"))
    }
}

/// What a cell runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Before: one ffmpeg for everything with the usual flags, into MediaMTX by SRT.
    Naive,
    /// Before: the console by SRT push into MediaMTX, where an ffmpeg encodes again for the viewers.
    Transcoded,
    /// The console as it is, by this way.
    Console(Way),
}

impl Kind {
    /// In the tables.
    pub fn name(self) -> String {
        match self {
            Self::Naive => "before: one ffmpeg, usual flags".into(),
            Self::Transcoded => "before: server encodes again".into(),
            Self::Console(way) => way.name().into(),
        }
    }

    /// For programs; stays as it is.
    pub fn id(self) -> String {
        match self {
            Self::Naive => "before_naive".into(),
            Self::Transcoded => "before_transcoded".into(),
            Self::Console(way) => format!("{way:?}"),
        }
    }

    /// Whether it is what the console is compared with.
    pub fn is_before(self) -> bool {
        !matches!(self, Self::Console(_))
    }
}

/// One run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cell {
    /// The picture.
    pub scene: Scene,
    /// Bitrate of the picture, kb/s.
    pub kbps: u32,
    /// What is run.
    pub kind: Kind,
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}, {} kb/s, {}",
            self.scene,
            self.kbps,
            self.kind.name()
        )
    }
}

/// Everything that is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Matrix {
    /// Ways into the server.
    pub ways: Vec<Way>,
    /// kb/s.
    pub bitrates_kbps: Vec<u32>,
    /// Sizes and rates.
    pub scenes: Vec<Scene>,
    /// Length of each measurement, s.
    pub seconds: f64,
    /// Whether what the console is compared with is measured too.
    pub before: bool,
    /// The test pattern as a show has it: without the grain that takes up any bitrate.
    pub plain: bool,
}

/// The bitrate at which the comparison is made, kb/s, or the nearest that is asked for.
const COMPARED_KBPS: u32 = 3000;

impl Matrix {
    /// The ways that are measured where nothing else is said, fastest first.
    pub const WAYS: [Way; 4] = [Way::Rtsp, Way::Whip, Way::SrtPull, Way::SrtPush];

    /// At which bitrate the comparison is made, kb/s: once a size, or a run would take twice as long.
    pub fn compared_kbps(&self) -> u32 {
        let all = self.bitrates_kbps.iter().copied();
        all.min_by_key(|kbps| kbps.abs_diff(COMPARED_KBPS))
            .unwrap_or(COMPARED_KBPS)
    }

    /// The runs in order: size by size, bitrate by bitrate, what the console is compared with right
    /// before what is compared, so that both see the same machine.
    pub fn cells(&self) -> Vec<Cell> {
        let mut cells = Vec::new();
        for scene in &self.scenes {
            for kbps in &self.bitrates_kbps {
                let mut add = |kind| {
                    let cell = Cell {
                        scene: *scene,
                        kbps: *kbps,
                        kind,
                    };
                    if !cells.contains(&cell) {
                        cells.push(cell);
                    }
                };
                if self.before && *kbps == self.compared_kbps() {
                    add(Kind::Naive);
                    add(Kind::Transcoded);
                }
                self.ways.iter().for_each(|way| add(Kind::Console(*way)));
            }
        }
        cells
    }
}

/// How long it will still take, from how long it took so far.
#[derive(Clone, Debug)]
pub struct Estimate {
    seconds: f64,
    /// Seconds spent beyond the measurement: runs and their sum, of the console's and of the others'.
    beyond: [(u32, f64); 2],
}

impl Estimate {
    /// For measurements of `seconds`.
    pub fn new(seconds: f64) -> Self {
        Self {
            seconds,
            beyond: [(0, 0.0); 2],
        }
    }

    /// A run of `kind` took so long; one that failed says nothing of the next.
    pub fn took(&mut self, kind: Kind, time: Duration) {
        let (runs, sum) = &mut self.beyond[usize::from(kind.is_before())];
        *runs += 1;
        *sum += (time.as_secs_f64() - self.seconds).max(0.0);
    }

    /// For these runs.
    pub fn left(&self, cells: &[Cell]) -> Duration {
        let one = |cell: &Cell| {
            let (runs, sum) = self.beyond[usize::from(cell.kind.is_before())];
            let beyond = match (runs, cell.kind) {
                (0, Kind::Console(_)) => 3.0,
                (0, Kind::Naive | Kind::Transcoded) => 8.0,
                (runs, _) => sum / f64::from(runs),
            };
            self.seconds + beyond
        };
        Duration::from_secs_f64(cells.iter().map(one).sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scene(text: &str) -> Scene {
        text.parse().unwrap()
    }

    fn matrix() -> Matrix {
        Matrix {
            ways: vec![Way::Rtsp, Way::SrtPush],
            bitrates_kbps: vec![1000, 2500, 6000],
            scenes: vec![scene("1280x720"), scene("1280x720@60")],
            seconds: 8.0,
            before: true,
            plain: false,
        }
    }

    #[test]
    fn a_size_is_read_and_written() {
        assert_eq!(scene("1280x720").to_string(), "1280x720@30");
        let ntsc = scene("640x360@30000/1001");
        assert_eq!((ntsc.fps.num, ntsc.fps.den), (30_000, 1001));
        for bad in ["", "1280", "1280x", "1280x720@", "1280x720@0", "ax720@30"] {
            assert!(bad.parse::<Scene>().is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_compared_stands_together_and_before_comes_first() {
        let cells = matrix().cells();
        let text: Vec<_> = cells.iter().map(|c| c.to_string()).collect();
        assert_eq!(
            text[..8],
            [
                "1280x720@30, 1000 kb/s, RTSP",
                "1280x720@30, 1000 kb/s, SRT push",
                "1280x720@30, 2500 kb/s, before: one ffmpeg, usual flags",
                "1280x720@30, 2500 kb/s, before: server encodes again",
                "1280x720@30, 2500 kb/s, RTSP",
                "1280x720@30, 2500 kb/s, SRT push",
                "1280x720@30, 6000 kb/s, RTSP",
                "1280x720@30, 6000 kb/s, SRT push",
            ]
        );
        assert_eq!(cells.len(), 16);
        let mut twice = matrix();
        twice.before = false;
        twice.scenes = vec![scene("1280x720"), scene("1280x720@30")];
        assert_eq!(twice.cells().len(), 6, "the same is measured once");
    }

    #[test]
    fn the_rest_is_estimated_from_what_was() {
        let cells = matrix().cells();
        let mut estimate = Estimate::new(8.0);
        assert_eq!(estimate.left(&cells[..4]), Duration::from_secs(54));
        estimate.took(cells[0].kind, Duration::from_secs(10));
        estimate.took(cells[1].kind, Duration::from_secs(12));
        assert_eq!(estimate.left(&cells[4..6]), Duration::from_secs(22));
        assert_eq!(estimate.left(&cells[2..4]), Duration::from_secs(32));
        // None makes a promise of less than the measurement.
        estimate.took(Kind::Naive, Duration::from_secs(1));
        assert_eq!(estimate.left(&cells[2..3]), Duration::from_secs(8));
        assert_eq!(estimate.left(&[]), Duration::ZERO);
    }
}
