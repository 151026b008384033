//! The report for people and for programs. Pure.

use super::{Line, Outcome, Report};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Version of the JSON form: it goes up where a name or a meaning changes.
pub const JSON_VERSION: u32 = 1;

/// Widest column of areas.
const AREA_COLUMN: usize = 8;

/// An outcome in four letters.
pub fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Ok => "OK  ",
        Outcome::Skipped => "SKIP",
        Outcome::Warning => "WARN",
        Outcome::Failed => "FAIL",
    }
}

/// One line, and below it what to do, where there is something.
pub fn line(line: &Line) -> String {
    let area = line.area.to_string();
    let mut out = format!(
        "{}  {area:<AREA_COLUMN$}  {}\n",
        word(line.outcome),
        line.found
    );
    if !line.fix.is_empty() {
        let _ = writeln!(out, "{:width$}-> {}", "", line.fix, width = AREA_COLUMN + 8);
    }
    out
}

/// All lines, and the result.
pub fn table(report: &Report) -> String {
    let mut out: String = report.lines.iter().map(line).collect();
    let count = |outcome| report.lines.iter().filter(|l| l.outcome == outcome).count();
    let _ = writeln!(
        out,
        "\n{} ok, {} skipped, {} with a warning, {} failed: {}",
        count(Outcome::Ok),
        count(Outcome::Skipped),
        count(Outcome::Warning),
        count(Outcome::Failed),
        match report.worst() {
            Outcome::Ok | Outcome::Skipped => "ready for a show",
            Outcome::Warning => "a show works, but not as well as it could",
            Outcome::Failed => "a show will not work",
        }
    );
    out
}

/// `{"version", "worst", "lines": [{"area", "outcome", "found", "fix", "took_ms"}]}`; areas and
/// outcomes in small letters (docs/doctor.md).
pub fn json(report: &Report) -> Value {
    json!({
        "version": JSON_VERSION,
        "worst": report.worst(),
        "lines": report.lines,
    })
}

#[cfg(test)]
mod tests {
    use super::super::Area;
    use super::*;

    fn report() -> Report {
        let line = |area, outcome, found: &str, fix: &str| Line {
            area,
            outcome,
            found: found.into(),
            fix: fix.into(),
            took_ms: 7,
        };
        Report {
            lines: vec![
                line(Area::Ffmpeg, Outcome::Ok, "ffmpeg 9", ""),
                line(Area::Encoder, Outcome::Skipped, "no driver", ""),
                line(Area::Network, Outcome::Failed, "closed", "open it"),
            ],
        }
    }

    #[test]
    fn the_table_is_aligned_and_has_each_fix() {
        assert_eq!(
            table(&report()),
            "OK    ffmpeg    ffmpeg 9\n\
             SKIP  encoder   no driver\n\
             FAIL  network   closed\n                -> open it\n\
             \n1 ok, 1 skipped, 0 with a warning, 1 failed: a show will not work\n"
        );
    }

    #[test]
    fn the_json_form_is_stable() {
        assert_eq!(
            json(&report()).to_string(),
            json!({"version": 1, "worst": "failed", "lines": [
                {"area": "ffmpeg", "outcome": "ok", "found": "ffmpeg 9", "fix": "", "took_ms": 7},
                {"area": "encoder", "outcome": "skipped", "found": "no driver", "fix": "", "took_ms": 7},
                {"area": "network", "outcome": "failed", "found": "closed", "fix": "open it", "took_ms": 7},
            ]})
            .to_string()
        );
    }
}
