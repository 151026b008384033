//! What somebody who helps needs to read, as one text: versions, settings, state, log, the newest reports. Without
//! secrets. From memory ([`of_this_run`]), or, by a process of its own, from the disk and by looking ([`of_this_machine`]).

use super::facts::{self, Facts};
use super::report::{Kind, Report};
use super::{folder, running, tail};
use crate::settings::Settings;
use std::path::{Path, PathBuf};

/// Reports that are added whole.
const WHOLE: usize = 2;

fn time() -> String {
    jiff::Zoned::now()
        .strftime("%Y-%m-%dT%H:%M:%S%:z")
        .to_string()
}

/// Of the running console; reads no disk and does not wait.
pub fn of_this_run(more: Vec<(String, String)>) -> String {
    let report = Report {
        time: time(),
        facts: facts::all(),
        panic: None,
        log: tail::lines(),
        more,
    };
    report.text(Kind::Diagnostics)
}

/// Of this machine, with what running and dead consoles have left on the disk. Starts ffmpeg and MediaMTX for their
/// versions; some seconds at most.
pub fn of_this_machine(settings: &Settings) -> String {
    for (name, version) in crate::doctor::versions::look(settings) {
        facts::version(name, version);
    }
    facts::settings(settings);
    let mut more = Vec::new();
    if let Some(folder) = super::folder() {
        let runs = running::alive(&folder);
        more.push(("running consoles".to_owned(), runs.join("\n")));
        let reports = folder::all(&folder);
        let names: Vec<&str> = reports.iter().map(|kept| kept.name.as_str()).collect();
        let list = format!("in {}:\n{}", folder.display(), names.join("\n"));
        more.push(("reports".to_owned(), list));
        for kept in reports.iter().rev().take(WHOLE) {
            more.push((kept.name.clone(), indented(&kept.text)));
        }
    }
    let log = crate::logging::folder().and_then(|folder| newest_log(&folder));
    let log: Vec<String> = log
        .map(|text| text.lines().map(str::to_owned).collect())
        .unwrap_or_default();
    let report = Report {
        time: time(),
        facts: Facts {
            state: "see the running consoles".into(),
            ..facts::all()
        },
        panic: None,
        log: log[log.len().saturating_sub(tail::KEPT)..].to_vec(),
        more,
    };
    report.text(Kind::Diagnostics)
}

/// So that a report within this text does not look like its parts.
fn indented(text: &str) -> String {
    text.lines().map(|line| format!("    {line}\n")).collect()
}

fn newest_log(folder: &Path) -> Option<String> {
    let entries = std::fs::read_dir(folder).ok()?;
    let mut files: Vec<PathBuf> = entries.filter_map(|e| Some(e.ok()?.path())).collect();
    files.retain(|path| path.extension().is_some_and(|ext| ext == "log"));
    files.sort();
    running::end_of(files.last()?).ok()
}
