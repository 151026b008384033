//! `pd-console measure`: a matrix of ways, bitrates and sizes on this machine, beside what the console is
//! compared with, as a table and for programs.
//!
//! Runs on the command line's thread, one run after another, nothing beside them. A run that fails says
//! why and the next follows; an interruption ends the run and keeps what was measured.

#[cfg(feature = "probe")]
pub mod before;
mod bench;
pub mod machine;
pub mod naive;
pub mod numbers;
pub mod plan;
pub mod report;
pub mod show;
pub mod table;

use crate::capture::pattern::{NumberLog, PatternSource};
use crate::capture::{Opener, VideoSource};
use crate::ffmpeg::{Ffmpeg, capabilities};
use crate::mediamtx::locate;
use crate::session::failure::{Failure, FailureKind};
use crate::session::snapshot::{Receiver, Snapshot};
use crate::settings::{Secrets, Settings, TargetKind, VideoSourceKind, Way, sentences};
use crate::stop::StopToken;
use crate::units::{Fps, Size};
use bench::Bench;
use machine::{Machine, Versions};
use plan::{Cell, Kind, Matrix};
use report::{LeftOut, Report, Row, server_words};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What is under way.
pub enum Progress<'a> {
    /// A run begins.
    Begins {
        /// Counts runs from 1.
        number: usize,
        /// So many there are.
        of: usize,
        /// Which.
        cell: Cell,
        /// What it and those after it will take.
        left: Duration,
    },
    /// It has ended.
    Ended(&'a Row),
}

/// The settings of one run: the operator's, without what would make it another run than it says.
pub fn settings_of(base: &Settings, cell: &Cell) -> Settings {
    let mut settings = base.clone();
    settings.video.size = cell.scene.size;
    settings.video.fps = cell.scene.fps;
    settings.encoder.bitrate_kbps = cell.kbps;
    // Both would change bitrate, size or rate by themselves.
    settings.encoder.adaptive = false;
    settings.encoder.lower_picture = false;
    settings.target.way = match cell.kind {
        Kind::Console(way) => way,
        Kind::Naive | Kind::Transcoded => Way::SrtPush,
    };
    settings.probe.on = true;
    settings.viewer.on = false;
    settings.recording.auto = false;
    settings.backup.on = false;
    settings
}

/// The pattern that is measured with: with grain unless `plain`.
fn pattern(size: Size, fps: Fps, plain: bool) -> PatternSource {
    let pattern = PatternSource::new(size, fps);
    if plain { pattern } else { pattern.with_grain() }
}

/// The same as the picture source of a session, and when it made each frame.
pub fn logged_pattern(plain: bool) -> (NumberLog, Opener) {
    let log = NumberLog::default();
    let noted = log.clone();
    let open: Opener = Arc::new(move |video| {
        let source = pattern(video.size, video.fps, plain).logging(noted.clone());
        Ok(Box::new(source) as Box<dyn VideoSource>)
    });
    (log, open)
}

/// Runs the matrix; tells `on` of each run.
///
/// # Errors
/// Where nothing can be measured at all: settings out of their bounds, no usable ffmpeg, no server.
pub fn run(
    settings: &Settings,
    secrets: &Secrets,
    matrix: &Matrix,
    stop: &StopToken,
    on: &mut dyn FnMut(Progress<'_>),
) -> Result<Report, Failure> {
    let load_at_begin = machine::load();
    let began = (Instant::now(), local_time());
    let mut cells = matrix.cells();
    for cell in &cells {
        settings_of(settings, cell).check().map_err(|all| {
            let all = sentences(&all);
            Failure::new(FailureKind::Settings, format!("{cell}: {all}"))
        })?;
    }
    let ffmpeg = capabilities::look(settings.ffmpeg_path.as_deref())
        .map_err(|e| Failure::new(FailureKind::Ffmpeg, e))?;
    // Without a server a show goes to a receiver that knows no ways: nothing of it belongs into the table.
    let mediamtx = match settings.target.kind {
        TargetKind::Embedded => Some(
            locate(settings.mediamtx_path.as_deref())
                .map_err(|e| Failure::new(FailureKind::Server, e))?,
        ),
        TargetKind::Srt => None,
    };
    let mut left_out = closed(&ffmpeg, matrix);
    if matrix.before
        && let Some(why) = not_compared(settings, matrix)
    {
        let name = "what the console is compared with".into();
        left_out.push(LeftOut { name, why });
        cells.retain(|cell| !cell.kind.is_before());
    }
    cells.retain(|cell| left_out.iter().all(|left| left.name != cell.kind.name()));
    let versions = Versions::of(settings, secrets, &ffmpeg, stop);
    let mut bench = Bench {
        settings,
        secrets,
        plain: matrix.plain,
        time: Duration::from_secs_f64(matrix.seconds),
        stop,
        ffmpeg,
        mediamtx,
        newest: None,
    };
    let (rows, complete) = bench.all(cells, matrix, &mut left_out, on);
    let snapshot = bench.newest.unwrap_or_default();
    let own = match &snapshot.receiver {
        Some(Receiver::OwnServer { address }) => Some(address.as_str()),
        _ => None,
    };
    Ok(Report {
        matrix: matrix.clone(),
        machine: Machine::here(),
        versions,
        began: began.1,
        took_s: began.0.elapsed().as_secs_f64(),
        load: (load_at_begin, machine::load()),
        source: source_words(settings, matrix.plain, &snapshot),
        encoder: format!("encoder {}", snapshot.encoding.name),
        server: server_words(own),
        rows,
        left_out,
        complete,
    })
}

fn local_time() -> String {
    jiff::Zoned::now()
        .strftime("%Y-%m-%dT%H:%M:%S%:z")
        .to_string()
}

fn source_words(settings: &Settings, plain: bool, snapshot: &Snapshot) -> String {
    let picture = match settings.video.source {
        VideoSourceKind::Pattern if plain => "test pattern",
        VideoSourceKind::Pattern => "test pattern with grain",
        _ => &snapshot.source,
    };
    let sound = &snapshot.audio.label;
    if sound.is_empty() {
        picture.to_owned()
    } else {
        format!("{picture}, {sound}")
    }
}

/// Ways that this ffmpeg cannot take; no run is needed to know.
fn closed(ffmpeg: &Ffmpeg, matrix: &Matrix) -> Vec<LeftOut> {
    let found = &ffmpeg.capabilities;
    let lacks = |way: &Way| {
        let muxer = match way {
            Way::Whip => "whip",
            Way::Rtsp => "rtsp",
            _ => return None,
        };
        (!found.muxers.contains(muxer)).then(|| LeftOut {
            name: Kind::Console(*way).name(),
            why: format!(
                "ffmpeg {} cannot publish so{}",
                found.version_text,
                if *way == Way::Whip {
                    "; 8.0 and later can"
                } else {
                    ""
                }
            ),
        })
    };
    matrix.ways.iter().filter_map(lacks).collect()
}

/// Why there is nothing to compare with; None where there is.
fn not_compared(settings: &Settings, matrix: &Matrix) -> Option<String> {
    let small = |scene: &&plan::Scene| scene.size.width < 512 || scene.size.height < 288;
    if cfg!(not(feature = "probe")) {
        Some("this build has no probe".into())
    } else if settings.target.kind != TargetKind::Embedded {
        Some("it needs the console's own server: leave --host and target.kind out".into())
    } else if settings.video.source != VideoSourceKind::Pattern || settings.video.region.is_some() {
        Some(
            "it needs the whole test pattern, whose frame number it reads: --source pattern".into(),
        )
    } else {
        matrix.scenes.iter().find(small).map(|scene| {
            format!("the pattern's number cannot be read at {scene}: 512x288 is the least")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cell(kind: Kind) -> Cell {
        Cell {
            scene: "640x360@60".parse().unwrap(),
            kbps: 700,
            kind,
        }
    }

    #[test]
    fn a_run_is_what_it_says_and_nothing_else_runs_beside_it() {
        let mut base = Settings::default();
        base.encoder.adaptive = true;
        base.encoder.lower_picture = true;
        base.recording.auto = true;
        base.backup.on = true;
        base.probe.on = false;
        let settings = settings_of(&base, &cell(Kind::Console(Way::Rtsp)));
        assert_eq!(settings.encoder.bitrate_kbps, 700);
        assert_eq!(settings.video.fps.as_f64(), 60.0);
        assert_eq!(settings.target.way, Way::Rtsp);
        assert!(!settings.encoder.adaptive && !settings.encoder.lower_picture);
        assert!(settings.probe.on, "it is what measures");
        assert!(!settings.viewer.on && !settings.recording.auto && !settings.backup.on);
        let before = settings_of(&base, &cell(Kind::Naive));
        assert_eq!(before.target.way, Way::SrtPush);
    }

    #[test]
    fn what_cannot_be_compared_says_why() {
        let mut settings = Settings::default();
        settings.video.source = VideoSourceKind::Pattern;
        let mut matrix = Matrix {
            ways: vec![Way::Rtsp],
            bitrates_kbps: vec![3000],
            scenes: vec!["1280x720".parse().unwrap()],
            seconds: 8.0,
            before: true,
            plain: false,
        };
        if cfg!(feature = "probe") {
            assert_eq!(not_compared(&settings, &matrix), None);
        }
        matrix.scenes.push("320x180".parse().unwrap());
        assert!(not_compared(&settings, &matrix).is_some());
        matrix.scenes.pop();
        settings.target.kind = TargetKind::Srt;
        assert!(not_compared(&settings, &matrix).is_some());
        settings.target.kind = TargetKind::Embedded;
        settings.video.source = VideoSourceKind::Screen;
        assert!(not_compared(&settings, &matrix).is_some());
    }
}
