//! The meter into files: frame by frame as CSV, and its figures, trend and events as JSON.
//!
//! Gathers on the session's thread, writes on `pd-keep-meter`, which ends with the files. One set is
//! some 100 kB; nothing is ever written over.

use super::journal::Journal;
use super::snapshot::Snapshot;
use crate::clock::MonoTime;
use crate::latency::trace::{self, FrameRow, Tracer};
use crate::record::{folder, name};
use crate::relay::Relay;
use crate::relay::hub::RelayFigures;
use serde_json::json;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Goes up when a name or a meaning in the JSON changes.
const VERSION: u32 = 1;

/// What is written.
struct Kept {
    rows: Vec<FrameRow>,
    zero_us: u64,
    figures: serde_json::Value,
    stem: String,
}

/// Keeps what `snapshot` and `relay` have of the meter, in the folder for recordings; the journal says
/// where, or why not.
pub fn keep(snapshot: &Snapshot, relay: Option<&Relay>, now: MonoTime, journal: &Journal) {
    let Some(relay) = relay else {
        journal.warn(
            "there is nothing of the meter to save: no show has run yet. Press GO LIVE first",
        );
        return;
    };
    let at = jiff::Zoned::now();
    let path = &snapshot.settings.target.path;
    let kept = Kept {
        rows: relay.trace(&mut Tracer::default(), now, true),
        zero_us: trace::zero_us(),
        figures: figures(
            snapshot,
            &relay.figures(now, snapshot.drops.capture),
            now,
            &at.to_string(),
        ),
        stem: format!("{} latency", name::stem(path, at.datetime())),
    };
    let (told, set) = (journal.clone(), snapshot.settings.recording.folder.clone());
    let started = std::thread::Builder::new()
        .name("pd-keep-meter".into())
        .spawn(move || match write(&kept, set.as_deref()) {
            Ok([csv, json]) => told.info(format!(
                "the latency meter is saved: {} ({} frames), {}",
                csv.display(),
                kept.rows.len(),
                json.display()
            )),
            Err(why) => told.warn(format!("the latency meter is not saved: {why}")),
        });
    if let Err(error) = started {
        journal.warn(format!("the latency meter is not saved: {error}"));
    }
}

fn write(kept: &Kept, set: Option<&Path>) -> Result<[PathBuf; 2], String> {
    let folder = folder(set)?;
    let failed = |error: io::Error| format!("{}: {error}", folder.display());
    let file = |extension: &str, text: &[u8]| {
        let path = name::claim(&folder, &kept.stem, extension)?;
        std::fs::write(&path, text)?;
        Ok(path)
    };
    let csv = file("csv", &table(&kept.rows, kept.zero_us)).map_err(failed)?;
    let json = file("json", format!("{:#}\n", kept.figures).as_bytes()).map_err(failed)?;
    Ok([csv, json])
}

fn table(rows: &[FrameRow], zero_us: u64) -> Vec<u8> {
    let mut text = Vec::with_capacity(100 * (rows.len() + 1));
    // Writing into memory cannot fail.
    let _ = writeln!(text, "{}", trace::header());
    for row in rows {
        let _ = writeln!(text, "{}", row.line(zero_us));
    }
    text
}

/// Latencies in ms, times in s since the show was live.
fn figures(
    snapshot: &Snapshot,
    relay: &RelayFigures,
    now: MonoTime,
    at: &str,
) -> serde_json::Value {
    let video = &snapshot.settings.video;
    json!({
        "version": VERSION,
        "console": env!("CARGO_PKG_VERSION"),
        "saved_at": at,
        "live_s": snapshot.live_since.map(|since| now.since(since).as_secs_f64()),
        "show": {
            "source": snapshot.source,
            "encoder": snapshot.encoder,
            "way": snapshot.route.way.map(|way| format!("{way:?}")),
            "size": video.size.to_string(),
            "fps": video.fps.as_f64(),
            "bitrate_kbps": snapshot.settings.encoder.bitrate_kbps,
        },
        "last_2_s": relay.latency.json(),
        "whole_show": relay.totals.json(),
        "drops": relay.drops,
        "frames": relay.frames,
        "passthrough": relay.passthrough,
        "arrivals": { "matched": relay.arrivals.0, "unmatched": relay.arrivals.1 },
        "worst_eye": snapshot.eyes.worst().map(|eye| json!({
            "viewer": eye.label, "to_eye": eye.to_eye, "unsure_ms": eye.unsure_ms,
        })),
        "trend": snapshot.trend,
        "events": snapshot.events,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::latency::Taken;
    use crate::session::snapshot::{TrendEvent, TrendKind, TrendPoint};
    use std::time::{Duration, Instant};

    fn show() -> (std::sync::Arc<Relay>, Snapshot) {
        let (relay, _events) = Relay::new();
        let us = MonoTime::from_micros;
        relay.live(MonoTime::ZERO);
        for frame in 0..3 {
            relay.paced(frame, Taken::at(us(1000 + frame)));
            relay.sent(frame, us(5000 + frame));
        }
        let mut snapshot = Snapshot {
            trend: vec![TrendPoint {
                at_s: 1.0,
                p50_ms: 4.0,
                p95_ms: 5.0,
            }],
            events: vec![TrendEvent {
                at_s: 0.5,
                kind: TrendKind::Reconnected,
                text: "away 2 s".into(),
            }],
            ..Snapshot::default()
        };
        snapshot.settings.target.path = "pd_main".into();
        (relay, snapshot)
    }

    fn said(journal: &Journal) -> String {
        let began = Instant::now();
        while journal.lines().is_empty() && began.elapsed() < Duration::from_secs(5) {
            std::thread::sleep(Duration::from_millis(5));
        }
        journal
            .lines()
            .iter()
            .map(|line| line.text.clone())
            .collect()
    }

    #[test]
    fn every_frame_and_figure_is_kept_and_nothing_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let (relay, mut snapshot) = show();
        snapshot.settings.recording.folder = Some(folder.path().to_owned());
        for _ in 0..2 {
            let journal = Journal::new();
            keep(
                &snapshot,
                Some(&relay),
                MonoTime::from_micros(9000),
                &journal,
            );
            assert!(said(&journal).contains("is saved"), "{}", said(&journal));
        }
        let files: Vec<_> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        assert_eq!(files.len(), 4, "{files:?}");
        for file in files {
            let text = std::fs::read_to_string(&file).unwrap();
            if file.extension().unwrap() == "csv" {
                assert_eq!(text.lines().count(), 4, "{text}");
                assert!(text.starts_with("frame,captured_us,"), "{text}");
                continue;
            }
            let json: serde_json::Value = serde_json::from_str(&text).unwrap();
            assert_eq!(json["whole_show"]["sent"]["frames"], 3);
            assert!(
                json["whole_show"]["arrived"].is_null(),
                "never zero for unknown"
            );
            assert_eq!(json["trend"][0]["p95_ms"], 5.0);
            assert_eq!(json["events"][0]["text"], "away 2 s");
        }
    }

    #[test]
    fn a_folder_that_is_away_and_a_show_that_never_was_are_said() {
        let (relay, mut snapshot) = show();
        snapshot.settings.recording.folder = Some("/nowhere/at all".into());
        let journal = Journal::new();
        keep(&snapshot, Some(&relay), MonoTime::ZERO, &journal);
        assert!(said(&journal).contains("not saved"), "{}", said(&journal));
        let journal = Journal::new();
        keep(&snapshot, None, MonoTime::ZERO, &journal);
        assert!(
            said(&journal).contains("no show has run"),
            "{}",
            said(&journal)
        );
    }
}
