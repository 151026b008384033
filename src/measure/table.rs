//! The report as Markdown. Pure.

use super::plan::{Cell, Kind, Scene};
use super::report::{Figures, NOTES, Report, Row, change_percent};
use crate::session::snapshot::{Drops, StageFigures};
use std::fmt::Write as _;

/// Roles in the order of the picture's way.
const ROLES: [&str; 5] = ["console", "encoder", "publisher", "transcoder", "server"];
/// What stands where nothing was measured.
const NONE: &str = "-";

/// The whole report.
pub fn markdown(report: &Report) -> String {
    let mut out = String::new();
    // Writing into a String cannot fail.
    let _ = heading(&mut out, report);
    let _ = latency(&mut out, report);
    let _ = compared(&mut out, report);
    let _ = cost(&mut out, report);
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
        "\n| picture | kb/s wanted, measured | way | encode p50 / p95 | server p50 / p95 | capture to arrival p50 / p95 / max | console's own p50 / p95 | drops: capture, encoder, network, lost | passed | frames |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
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
                let passed = f
                    .passthrough
                    .map_or(NONE.into(), |share| format!("{:.2} %", share * 100.0));
                let frames = f.total.map_or(NONE.into(), |t| t.frames.to_string());
                writeln!(
                    out,
                    "{} {} | {} | {} | {} | {drops} | {passed} | {frames} |",
                    begin(&kbps(f)),
                    ms(f.encode, false),
                    ms(f.server, false),
                    ms(f.total, true),
                    ms(f.own, false),
                )?;
            }
            Err(why) => writeln!(out, "{} {}", begin(NONE), failed(why, 7))?,
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
         | picture | path | capture to arrival p50 / p95 / max | p50 against one ffmpeg | p50 against encoding again | arrived, missing | kb/s | CPU of all |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- |",
        report.matrix.compared_kbps()
    )?;
    for scene in scenes {
        let of_scene =
            |row: &&Row| row.cell.scene == scene && row.cell.kbps == report.matrix.compared_kbps();
        for row in report.rows.iter().filter(of_scene) {
            let cell = row.cell;
            let begin = format!("| {} | {} |", cell.scene, cell.kind.name());
            match &row.result {
                Ok(f) => writeln!(
                    out,
                    "{begin} {} | {} | {} | {} | {} | {:.0} |",
                    ms(f.total, true),
                    change(report, cell, f, Kind::Naive),
                    change(report, cell, f, Kind::Transcoded),
                    arrived(f),
                    kbps(f),
                    f.cost.cpu.values().sum::<f64>()
                )?,
                Err(why) => writeln!(out, "{begin} {}", failed(why, 6))?,
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

fn cost(out: &mut String, report: &Report) -> std::fmt::Result {
    let rows: Vec<_> = report
        .rows
        .iter()
        .filter_map(|row| Some((row.cell, row.result.as_ref().ok()?)))
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    let is_there = |role: &&&str| {
        rows.iter()
            .any(|(_, f)| f.cost.cpu.contains_key(**role) || f.cost.memory.contains_key(**role))
    };
    let roles: Vec<_> = ROLES.iter().filter(is_there).collect();
    let names: Vec<_> = roles.iter().map(|role| (**role).to_owned()).collect();
    writeln!(
        out,
        "\nCPU (% of a core), memory (MiB):\n\n| picture | kb/s | path | {} |\n| --- | --- | --- |{}",
        names.join(" | "),
        " --- |".repeat(names.len())
    )?;
    for (cell, f) in rows {
        let one = |role: &&&str| match (f.cost.cpu.get(**role), f.cost.memory.get(**role)) {
            (Some(cpu), Some(mib)) => format!("{cpu:.1}, {mib:.0}"),
            (Some(cpu), None) => format!("{cpu:.1}"),
            _ => NONE.into(),
        };
        let all: Vec<_> = roles.iter().map(one).collect();
        writeln!(
            out,
            "| {} | {} | {} | {} |",
            cell.scene,
            cell.kbps,
            cell.kind.name(),
            all.join(" | ")
        )?;
    }
    Ok(())
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
