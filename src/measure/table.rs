//! The report as Markdown. Pure.

use super::plan::{Cell, Kind, Scene};
use super::report::{Figures, NOTES, Report, Row, change_percent};
use crate::session::snapshot::{Drops, StageFigures};
use std::fmt::Write as _;

/// Roles of the console's runs, and of all, in the order of the picture's way.
const ROLES: [&str; 4] = ["console", "encoder", "publisher", "server"];
const ALL_ROLES: [&str; 5] = ["console", "encoder", "publisher", "transcoder", "server"];
/// What stands where nothing was measured.
const NONE: &str = "-";

/// The whole report.
pub fn markdown(report: &Report) -> String {
    let mut out = String::new();
    // Writing into a String cannot fail.
    let _ = heading(&mut out, report);
    let _ = latency(&mut out, report);
    let _ = compared(&mut out, report);
    let _ = rest(&mut out, report);
    out
}

fn heading(out: &mut String, report: &Report) -> std::fmt::Result {
    let (machine, versions) = (&report.machine, &report.versions);
    let load = |load: Option<f64>| load.map_or("not told".into(), |load| format!("{load:.1}"));
    let cpu = if machine.cpu.is_empty() {
        "CPU not told"
    } else {
        &machine.cpu
    };
    writeln!(
        out,
        "Measured {} in {:.0} s: {cpu}, {} cores, {}, {}; load {} at begin, {} at end.",
        report.began,
        report.took_s,
        machine.cores,
        machine.os,
        machine.kernel,
        load(report.load.0),
        load(report.load.1)
    )?;
    writeln!(
        out,
        "pd-console {}, ffmpeg {}, MediaMTX {}; {}; {}; {}.",
        versions.console,
        versions.ffmpeg,
        versions.mediamtx,
        report.source,
        report.encoder,
        report.server
    )?;
    if let Some(warning) = report.warning() {
        writeln!(out, "\n**{warning}**")?;
    }
    Ok(())
}

fn ms(figures: Option<StageFigures>, with_max: bool) -> String {
    figures.map_or(NONE.into(), |f| {
        let two = format!("{:.1} / {:.1}", f.p50_ms, f.p95_ms);
        if with_max {
            format!("{two} / {:.1}", f.max_ms)
        } else {
            two
        }
    })
}

fn kbps(figures: &Figures) -> String {
    figures.kbps.map_or(NONE.into(), |k| format!("{k:.0}"))
}

fn latency(out: &mut String, report: &Report) -> std::fmt::Result {
    let rows: Vec<_> = report
        .rows
        .iter()
        .filter(|row| !row.cell.kind.is_before())
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "\n| picture | kb/s wanted, measured | way | encode p50 / p95 | server p50 / p95 | capture to arrival p50 / p95 / max | console's own p50 / p95 | drops: capture, encoder, network, lost | passed %: picture, sound | frames | CPU %: console, encoder, publisher, server | MiB: the same |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    )?;
    for row in rows {
        let cell = &row.cell;
        let begin = |measured: &str| {
            format!(
                "| {} | {}, {measured} | {} |",
                cell.scene,
                cell.kbps,
                cell.kind.name()
            )
        };
        match &row.result {
            Ok(f) => {
                let drops = f.drops.map_or(NONE.into(), |d| {
                    format!("{}, {}, {}, {}", d.capture, d.encoder, d.network, d.lost)
                });
                let share = |share: Option<f64>| {
                    share.map_or(NONE.into(), |share| format!("{:.2}", share * 100.0))
                };
                let passed = format!("{}, {}", share(f.passthrough), share(f.sound_passthrough));
                let frames = f.total.map_or(NONE.into(), |t| t.frames.to_string());
                let (cpu, memory) = cost(f, &ROLES);
                writeln!(
                    out,
                    "{} {} | {} | {} | {} | {drops} | {passed} | {frames} | {cpu} | {memory} |",
                    begin(&kbps(f)),
                    ms(f.encode, false),
                    ms(f.server, false),
                    ms(f.total, true),
                    ms(f.own, false),
                )?;
            }
            Err(why) => writeln!(out, "{} {}", begin(NONE), failed(why, 9))?,
        }
    }
    Ok(())
}

/// Why there are no figures, over so many columns.
fn failed(why: &str, columns: usize) -> String {
    let why = why.replace(['|', '\n'], " ");
    format!("failed: {why} |{}", " |".repeat(columns - 1))
}

/// The scenes that have something to compare.
fn compared_scenes(report: &Report) -> Vec<Scene> {
    let mut scenes = Vec::new();
    for row in report.rows.iter().filter(|row| row.cell.kind.is_before()) {
        if !scenes.contains(&row.cell.scene) {
            scenes.push(row.cell.scene);
        }
    }
    scenes
}

fn compared(out: &mut String, report: &Report) -> std::fmt::Result {
    let scenes = compared_scenes(report);
    if scenes.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "\nBefore and after, {} kb/s:\n\n\
         | picture | path | capture to arrival p50 / p95 / max | p50 against one ffmpeg | p50 against encoding again | arrived, missing | kb/s | CPU %: console, encoder, publisher, transcoder, server | MiB: the same |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
        report.matrix.compared_kbps()
    )?;
    for scene in scenes {
        let of_scene =
            |row: &&Row| row.cell.scene == scene && row.cell.kbps == report.matrix.compared_kbps();
        for row in report.rows.iter().filter(of_scene) {
            let cell = row.cell;
            let begin = format!("| {} | {} |", cell.scene, cell.kind.name());
            match &row.result {
                Ok(f) => {
                    let (cpu, memory) = cost(f, &ALL_ROLES);
                    writeln!(
                        out,
                        "{begin} {} | {} | {} | {} | {} | {cpu} | {memory} |",
                        ms(f.total, true),
                        change(report, cell, f, Kind::Naive),
                        change(report, cell, f, Kind::Transcoded),
                        arrived(f),
                        kbps(f),
                    )?;
                }
                Err(why) => writeln!(out, "{begin} {}", failed(why, 7))?,
            }
        }
    }
    Ok(())
}

fn arrived(figures: &Figures) -> String {
    let arrived = figures
        .total
        .map_or(NONE.into(), |total| total.frames.to_string());
    // Where pictures are found by their bytes, drops say what is missing.
    let missing = figures.missing.or_else(|| figures.drops.map(Drops::sum));
    missing.map_or(arrived.clone(), |missing| format!("{arrived}, {missing}"))
}

fn change(report: &Report, cell: Cell, after: &Figures, against: Kind) -> String {
    let before = report.found(Cell {
        kind: against,
        ..cell
    });
    let percent = before
        .filter(|_| cell.kind != against)
        .and_then(|before| change_percent(before.total?.p50_ms, after.total?.p50_ms));
    percent.map_or(NONE.into(), |percent| format!("{percent:+.0} %"))
}

/// What each of `roles` takes, one after another, and with more than one what all take: CPU, memory.
fn cost(figures: &Figures, roles: &[&'static str]) -> (String, String) {
    let cell = |of: &std::collections::BTreeMap<&'static str, f64>, digits: usize| {
        if of.is_empty() {
            return NONE.to_owned();
        }
        let one = |role: &&'static str| {
            of.get(role)
                .map_or(NONE.into(), |value| format!("{value:.digits$}"))
        };
        let each: Vec<_> = roles.iter().map(one).collect();
        format!("{} = {:.0}", each.join(", "), of.values().sum::<f64>())
    };
    (cell(&figures.cost.cpu, 1), cell(&figures.cost.memory, 0))
}

fn rest(out: &mut String, report: &Report) -> std::fmt::Result {
    writeln!(out)?;
    if !report.complete {
        writeln!(out, "- **Interrupted: not all that was planned was run.**")?;
    }
    for left in &report.left_out {
        writeln!(out, "- Not measured: {}: {}", left.name, left.why)?;
    }
    for note in NOTES {
        writeln!(out, "- {note}")?;
    }
    Ok(())
}
