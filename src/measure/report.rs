//! What a measurement found, and its form for programs. Pure.

use super::machine::{Machine, Versions};
use super::plan::{Cell, Matrix};
use super::show::Cost;
use crate::session::snapshot::{Drops, StageFigures};
use crate::settings::Way;
use serde_json::{Value, json};

/// Version of [`Report::json`]: goes up when a name or a meaning changes.
pub const JSON_VERSION: u32 = 1;

/// What stands in the figures and what does not; below each table.
pub const NOTES: [&str; 6] = [
    "Latency: from the picture's capture to its last packet at a WebRTC viewer of MediaMTX (the console's own probe), ms. \
     Not in it: what lies before the capture (the screen), and behind the arrival (a browser's jitter buffer, decoding, display).",
    "\"encode\" is capture to access unit out of the encoder, \"server\" is written to the publisher to arrival: publisher, way, server and the viewer's way.",
    "\"before\": the same test pattern on the same machine in the same run. Its pictures are found again by the frame number that the \
     pattern shows, since their bytes are others; the times are those of arrival, decoding is not in them.",
    "Counted from 1 s after LIVE on, \"before\" from 2 s after its first picture on: what was held back while all started is not in it.",
    "CPU is percent of one core, memory is resident MiB, each by program and then all. The console's has the pattern, conversion and the probe in it, and of memory what the runs before left; the publisher's the sound's second encoding for its proof (`probe.sound_proof`).",
    "\"kb/s\" is of the picture alone. Grain in the place of the pattern's colour bars takes up any bitrate, as a real picture in motion \
     would (--plain leaves it out: flat colours need some 400 kb/s, whatever is allowed).",
];

/// What one run found. None where it was not measured: never zero for unknown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    /// How long was measured, s; less than asked for where it was interrupted.
    pub seconds: f64,
    /// Capture to access unit out of the encoder.
    pub encode: Option<StageFigures>,
    /// Written to the publisher to arrival.
    pub server: Option<StageFigures>,
    /// Capture to arrival.
    pub total: Option<StageFigures>,
    /// What the console itself adds: pacer, relay, pipes.
    pub own: Option<StageFigures>,
    /// Frames left out on the way by cause.
    pub drops: Option<Drops>,
    /// Frames captured of which nothing arrived; told by the frame number.
    pub missing: Option<u64>,
    /// Share of the arrived pictures that are the encoder's byte for byte, 0..=1.
    pub passthrough: Option<f64>,
    /// The same of the sound's packets.
    pub sound_passthrough: Option<f64>,
    /// Bitrate of the picture, kb/s.
    pub kbps: Option<f64>,
    /// CPU and memory by role.
    pub cost: Cost,
}

/// A run and what became of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// What was run.
    pub cell: Cell,
    /// What was found, or why nothing was.
    pub result: Result<Figures, String>,
}

/// A way or a comparison that was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// What.
    pub name: String,
    /// Why.
    pub why: String,
}

/// Everything that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// What was asked for.
    pub matrix: Matrix,
    /// The machine.
    pub machine: Machine,
    /// The programs.
    pub versions: Versions,
    /// When it began, RFC 3339 with the local offset.
    pub began: String,
    /// How long it took, s.
    pub took_s: f64,
    /// The machine's load at begin and end.
    pub load: (Option<f64>, Option<f64>),
    /// What was captured.
    pub source: String,
    /// The encoder.
    pub encoder: String,
    /// The server in words.
    pub server: String,
    /// The runs in order.
    pub rows: Vec<Row>,
    /// What was not run.
    pub left_out: Vec<LeftOut>,
    /// Whether all that was planned was run.
    pub complete: bool,
}

/// Change from `before` to `after` in percent, -84.0 for a sixth; None where there is nothing to compare.
pub fn change_percent(before: f64, after: f64) -> Option<f64> {
    (before > 0.0 && before.is_finite() && after.is_finite())
        .then(|| (after / before - 1.0) * 100.0)
}

impl Report {
    /// The figures of a run, where there are any.
    pub fn found(&self, cell: Cell) -> Option<&Figures> {
        let row = self.rows.iter().find(|row| row.cell == cell)?;
        row.result.as_ref().ok()
    }

    /// Said where the machine had others' work at the start: more than half of its cores.
    pub fn warning(&self) -> Option<String> {
        let (load, cores) = (self.load.0?, self.machine.cores);
        (load > cores as f64 / 2.0).then(|| {
            format!(
                "The machine was busy at the start (load {load:.1} on {cores} cores): these figures are of a busy machine. Measure again when it rests."
            )
        })
    }

    /// For programs. `version` is [`JSON_VERSION`].
    ///
    /// - `cells`: in the order of the runs. `run` is `before_naive`, `before_transcoded` or the way's name as
    ///   `target.way` has it. `failed` is why there are no figures, else null.
    /// - Latencies `encode`, `server`, `total`, `own` in ms with the number of `frames`; see [`Figures`].
    ///   A figure that was not measured is null.
    /// - `change`: of this run's median and 95th percentile against each comparison of the same size and
    ///   bitrate, percent, negative is sooner.
    /// - `cpu_percent` of one core and `memory_mib` (resident) by role: `console`, `encoder`, `publisher`,
    ///   `transcoder`, `server`.
    /// - `load`: the system's load average of one minute at begin and end.
    pub fn json(&self) -> Value {
        json!({
            "version": JSON_VERSION,
            "began": self.began,
            "took_s": self.took_s,
            "complete": self.complete,
            "machine": self.machine.json(),
            "load": { "begin": self.load.0, "end": self.load.1 },
            "warning": self.warning(),
            "versions": self.versions.json(),
            "source": self.source,
            "encoder": self.encoder,
            "server": self.server,
            "asked": {
                "ways": self.matrix.ways.iter().map(|way| format!("{way:?}")).collect::<Vec<_>>(),
                "bitrates_kbps": self.matrix.bitrates_kbps,
                "sizes": self.matrix.scenes.iter().map(ToString::to_string).collect::<Vec<_>>(),
                "seconds": self.matrix.seconds,
                "before": self.matrix.before,
                "plain": self.matrix.plain,
            },
            "cells": self.rows.iter().map(|row| self.row_json(row)).collect::<Vec<_>>(),
            "left_out": self.left_out.iter().map(|l| json!({ "what": l.name, "why": l.why })).collect::<Vec<_>>(),
            "notes": NOTES,
        })
    }

    fn row_json(&self, row: &Row) -> Value {
        let cell = &row.cell;
        let nothing = Figures::default();
        let f = row.result.as_ref().unwrap_or(&nothing);
        json!({
            "run": cell.kind.id(),
            "width": cell.scene.size.width,
            "height": cell.scene.size.height,
            "fps": cell.scene.fps.as_f64(),
            "wanted_kbps": cell.kbps,
            "failed": row.result.as_ref().err(),
            "seconds": row.result.as_ref().ok().map(|f| f.seconds),
            "measured_kbps": f.kbps,
            "encode": f.encode,
            "server": f.server,
            "total": f.total,
            "own": f.own,
            "drops": f.drops,
            "missing": f.missing,
            "passthrough": f.passthrough,
            "sound_passthrough": f.sound_passthrough,
            "cpu_percent": f.cost.cpu,
            "memory_mib": f.cost.memory,
            "change": self.changes(row),
        })
    }

    fn changes(&self, row: &Row) -> Value {
        let Some(after) = row.result.as_ref().ok().and_then(|f| f.total) else {
            return Value::Null;
        };
        if row.cell.kind.is_before() {
            return Value::Null;
        }
        let against = |kind| {
            let before = self.found(Cell { kind, ..row.cell })?.total?;
            Some(json!({
                "p50_percent": change_percent(before.p50_ms, after.p50_ms),
                "p95_percent": change_percent(before.p95_ms, after.p95_ms),
            }))
        };
        use super::plan::Kind::{Naive, Transcoded};
        json!({ "before_naive": against(Naive), "before_transcoded": against(Transcoded) })
    }
}

/// The server in words.
pub fn server_words(own: Option<&str>) -> String {
    own.map_or_else(
        || "the console's own MediaMTX, on loopback".into(),
        |address| format!("own server {address}"),
    )
}

/// Ways by their name in settings, written in any case, with or without a hyphen.
///
/// # Errors
/// That there is none of this name, with those that there are.
pub fn way_named(text: &str) -> Result<Way, String> {
    let plain = |text: &str| text.to_ascii_lowercase().replace(['-', '_', ' '], "");
    let wanted = plain(text);
    Matrix::WAYS
        .into_iter()
        .find(|way| plain(&format!("{way:?}")) == wanted)
        .ok_or_else(|| format!("`{text}` is no way; there are Rtsp, Whip, SrtPull and SrtPush"))
}

#[cfg(test)]
#[path = "report_tests.rs"]
mod tests;
