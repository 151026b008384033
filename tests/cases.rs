//! docs/cases.md names the test of each reported fault: are they all there? And what only the sources
//! themselves can show of a fault.

#[path = "common/sources.rs"]
mod rust_files;

use rust_files::collect;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// The reported faults.
const CASES: [&str; 22] = [
    "B01", "B02", "B04", "B05", "B06", "B08", "B10", "B11", "B12", "B13", "B16", "B17", "B18",
    "B20", "B21", "B22", "B23", "B24", "B26", "B27", "B28", "B29",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Names of the tests in a source: functions below `#[test]` and further attributes.
fn tests_of(text: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut is_test = false;
    for line in text.lines().map(str::trim) {
        if line == "#[test]" {
            is_test = true;
        } else if let Some(rest) = line.strip_prefix("fn ") {
            let name: String = rest
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            if std::mem::take(&mut is_test) {
                names.push(name);
            }
        } else if !line.starts_with("#[") && !line.starts_with("//") && !line.is_empty() {
            is_test = false;
        }
    }
    names
}

/// Words in backticks that are a test's name: of small letters, digits and at least two underscores.
fn named(line: &str) -> Vec<&str> {
    let words = line.split('`').skip(1).step_by(2);
    words
        .filter(|word| {
            let of = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            word.chars().all(of) && word.matches('_').count() >= 2
        })
        .collect()
}

fn all_tests() -> BTreeSet<String> {
    let mut files = Vec::new();
    collect(&root().join("src"), &mut files);
    collect(&root().join("tests"), &mut files);
    let read = |path: &PathBuf| std::fs::read_to_string(path).expect("a text file");
    files
        .iter()
        .flat_map(|path| tests_of(&read(path)))
        .collect()
}

fn table() -> String {
    std::fs::read_to_string(root().join("docs/cases.md")).expect("docs/cases.md")
}

/// The lines of a case: its heading up to the next.
fn of_case<'t>(table: &'t str, case: &str) -> &'t str {
    let head = format!("\n## {case} ");
    let Some(from) = table.find(&head) else {
        panic!("docs/cases.md has no {case}");
    };
    let rest = &table[from + head.len()..];
    rest.find("\n## ").map_or(rest, |end| &rest[..end])
}

#[test]
fn each_case_has_tests_and_each_named_test_exists() {
    let (table, tests) = (table(), all_tests());
    assert!(tests.len() > 900, "only {} tests are seen", tests.len());
    let missing: Vec<_> = table
        .lines()
        .flat_map(named)
        .filter(|name| !tests.contains(*name))
        .collect();
    assert!(
        missing.is_empty(),
        "docs/cases.md names what is not there: {missing:#?}"
    );
    for case in CASES {
        let text = of_case(&table, case);
        let count = text.lines().flat_map(named).count();
        assert!(count > 0, "{case} names no test");
    }
}

/// A test that is named for a case stands in the table of that case.
#[test]
fn each_test_that_is_named_for_a_case_is_in_the_table() {
    let table = table();
    let mut absent = Vec::new();
    for name in all_tests() {
        let Some((case, _)) = name.split_once('_') else {
            continue;
        };
        let case = case.to_uppercase();
        let case = case.trim_end_matches(|c: char| !c.is_ascii_digit());
        if CASES.contains(&case) && !of_case(&table, case).contains(&format!("`{name}`")) {
            absent.push(name);
        }
    }
    assert!(absent.is_empty(), "not in docs/cases.md: {absent:#?}");
}

#[test]
fn names_are_read_as_they_are_meant() {
    let text = "#[test]\nfn a_b_c() {}\n#[cfg(unix)]\n#[test]\n#[ignore = \"x\"]\nfn d_e_f() {}\nfn g_h_i() {}\n\
                #[test]\n// why\nfn j_k_l(\n";
    assert_eq!(tests_of(text), ["a_b_c", "d_e_f", "j_k_l"]);
    assert_eq!(
        named("| `a_b_c` and `x.rs`, `A_b_c`, `a_b` | `d_e_f1` |"),
        ["a_b_c", "d_e_f1"]
    );
}

/// B27 b: the clock on the wall, which is set while a show runs, is read where a date is written and
/// nowhere else: no picture's and no sound's time can come from it.
#[test]
fn b27_the_wall_clock_is_read_for_names_and_dates_only() {
    // Broken files, reports and recordings are named by it, the journal and the kept figures are dated,
    // what was found about ffmpeg and what dead runs and broken downloads left ages by it, and the pattern's window shows it.
    const MAY: [&str; 17] = [
        "crash/diagnostics.rs",
        "crash/facts.rs",
        "crash/hook.rs",
        "crash/running.rs",
        "ffmpeg/cache.rs",
        "main.rs",
        "measure/mod.rs",
        "mediamtx/folder.rs",
        "partial.rs",
        "record/mod.rs",
        "session/claim.rs",
        "session/journal.rs",
        "session/keep_meter.rs",
        "settings/store.rs",
        "ui/alone.rs",
        "ui/pattern.rs",
        "whole_file.rs",
    ];
    const WORDS: [&str; 4] = [
        "SystemTime::now",
        "Zoned::now",
        "Timestamp::now",
        "ClockId::Realtime",
    ];
    let mut files = Vec::new();
    collect(&root().join("src"), &mut files);
    let mut found = BTreeSet::new();
    for path in &files {
        let text = std::fs::read_to_string(path).expect("a text file");
        let code = |line: &&str| !line.trim_start().starts_with("//");
        let names = |line: &str| WORDS.iter().any(|word| line.contains(word));
        if path.to_string_lossy().contains("tests") {
            continue;
        }
        if text.lines().filter(code).any(names) {
            let name = path.strip_prefix(root().join("src")).expect("below src");
            found.insert(name.to_string_lossy().replace('\\', "/"));
        }
    }
    assert!(found.len() > 4, "the look finds nothing: {found:?}");
    let wrong: Vec<_> = found
        .iter()
        .filter(|f| !MAY.contains(&f.as_str()))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}
