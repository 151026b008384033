//! The documents: each link leads to a file and a heading that are there, each command shown is one that the program takes,
//! each message quoted is one that it says, each page is found from the index.
// Every function here is a test or serves one.
#![allow(clippy::unwrap_used)]

#[path = "common/sources.rs"]
mod rust_files;

use clap::Parser;
use pd_console::cli::Cli;
use rust_files::collect;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Component, Path, PathBuf};
use std::sync::LazyLock;

/// One document: its path from the root, and its lines outside of ``` blocks, then those within.
struct Document {
    path: PathBuf,
    text: Vec<String>,
    blocks: Vec<String>,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

static DOCUMENTS: LazyLock<Vec<Document>> = LazyLock::new(|| {
    let mut paths = Vec::new();
    for folder in ["", "docs", "packaging", "assets/fonts", "assets/icon"] {
        let Ok(entries) = std::fs::read_dir(root().join(folder)) else {
            continue;
        };
        for entry in entries {
            let name = entry.unwrap().file_name().into_string().unwrap();
            if name.ends_with(".md") {
                paths.push(Path::new(folder).join(name));
            }
        }
    }
    paths.sort();
    assert!(paths.len() > 30, "{paths:?}");
    paths.into_iter().map(read).collect()
});

fn read(path: PathBuf) -> Document {
    let all = std::fs::read_to_string(root().join(&path)).unwrap();
    let (mut text, mut blocks, mut within) = (Vec::new(), Vec::new(), false);
    for line in all.lines() {
        if line.trim_start().starts_with("```") {
            within = !within;
        } else if within {
            blocks.push(line.to_owned());
        } else {
            text.push(line.to_owned());
        }
    }
    assert!(!within, "{}: a ``` block does not end", path.display());
    Document { path, text, blocks }
}

/// The anchors that GitHub makes of headings: small letters, blanks to hyphens, all but letters, digits, hyphens and
/// underscores gone.
fn anchors(document: &Document) -> BTreeSet<String> {
    let headings = document.text.iter().filter(|line| line.starts_with('#'));
    headings
        .map(|line| {
            let title = line.trim_start_matches('#').trim().to_lowercase();
            let kept = title.chars().filter_map(|c| match c {
                ' ' => Some('-'),
                c if c.is_alphanumeric() || c == '-' || c == '_' => Some(c),
                _ => None,
            });
            kept.collect()
        })
        .collect()
}

/// What stands in round brackets behind square ones.
fn links(line: &str) -> Vec<&str> {
    let starts = line.match_indices("](");
    starts
        .filter_map(|(at, mark)| line[at + mark.len()..].split_once(')'))
        .map(|(target, _)| target)
        .collect()
}

/// `from` with `to` walked, without `..`; None where that leads out of the repository.
fn walked(from: &Path, to: &str) -> Option<PathBuf> {
    let mut path = from.to_owned();
    for part in Path::new(to).components() {
        match part {
            Component::ParentDir => path.pop().then_some(())?,
            Component::Normal(name) => path.push(name),
            Component::CurDir => {}
            _ => return None,
        }
    }
    Some(path)
}

#[test]
fn every_link_leads_to_a_file_and_a_heading() {
    let mut bad = Vec::new();
    let by_path: BTreeMap<_, _> = DOCUMENTS.iter().map(|d| (d.path.clone(), d)).collect();
    for document in DOCUMENTS.iter() {
        let folder = document.path.parent().unwrap();
        for line in &document.text {
            for target in links(line) {
                if target.starts_with("https://") || target.starts_with("http://") {
                    continue;
                }
                let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
                let path = match file {
                    "" => Some(document.path.clone()),
                    file => walked(folder, file),
                };
                let there = path.as_ref().is_some_and(|p| root().join(p).exists());
                let heading = anchor.is_empty()
                    || path.as_ref().is_some_and(|path| {
                        let to = by_path.get(path);
                        to.is_some_and(|to| anchors(to).contains(anchor))
                    });
                if !there || !heading {
                    bad.push(format!("{}: {target}", document.path.display()));
                }
            }
        }
    }
    assert!(bad.is_empty(), "{bad:#?}");
}

#[test]
fn every_page_is_found_from_the_index() {
    let linked = |path: &str| {
        let path = Path::new(path);
        let document = DOCUMENTS.iter().find(|d| d.path == path).unwrap();
        let folder = path.parent().unwrap().to_owned();
        let links = document.text.iter().flat_map(|line| links(line));
        let files = links.map(|link| link.split('#').next().unwrap_or_default().to_owned());
        files
            .filter_map(move |file| walked(&folder, &file))
            .collect::<BTreeSet<_>>()
    };
    let index = linked("docs/README.md");
    for document in DOCUMENTS.iter().filter(|d| d.path.starts_with("docs")) {
        let is_index = document.path.ends_with("README.md");
        assert!(
            is_index || index.contains(&document.path),
            "{}",
            document.path.display()
        );
    }
    let readme = linked("README.md");
    for path in [
        "docs/README.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
    ] {
        assert!(readme.contains(Path::new(path)), "{path}");
    }
}

/// Commands of the program: lines of indented or ``` blocks that begin with it (or with variables for it), with the lines
/// that a backslash joins, and what stands between backticks.
fn commands(document: &Document) -> Vec<String> {
    let mut found = Vec::new();
    let mut lines = document.blocks.iter().chain(&document.text);
    while let Some(line) = lines.next() {
        let mut whole = line.clone();
        while whole.ends_with('\\') {
            whole.pop();
            whole.push_str(lines.next().unwrap().trim());
        }
        let is_block = whole.starts_with("    ") || document.blocks.contains(line);
        let code = whole.split('`').skip(1).step_by(2);
        let candidates: Vec<&str> = if is_block {
            vec![whole.trim()]
        } else {
            code.collect()
        };
        for candidate in candidates {
            let is_variable = |word: &&str| word.split_once('=').is_some_and(|(n, _)| is_name(n));
            let words: Vec<&str> = candidate.split(' ').skip_while(is_variable).collect();
            match words[..] {
                ["pd-console", ..] => found.push(words.join(" ")),
                ["bash", "packaging/run.sh", "--", ref of_it @ ..] => {
                    found.push(format!("pd-console {}", of_it.join(" ")));
                }
                _ => {}
            }
        }
    }
    found
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_uppercase() || c == '_')
}

/// As a shell would part it: blanks outside of quotes, a comment's end.
fn words(command: &str) -> Vec<String> {
    let (mut all, mut word, mut quote, mut some) = (Vec::new(), String::new(), None, false);
    for c in command.chars() {
        match (quote, c) {
            (Some(q), c) if c == q => quote = None,
            (Some(_), c) => word.push(c),
            (None, '"' | '\'') => (quote, some) = (Some(c), true),
            (None, '#') if word.is_empty() => break,
            (None, c) if c.is_whitespace() => {
                if some || !word.is_empty() {
                    all.push(std::mem::take(&mut word));
                }
                some = false;
            }
            (None, c) => word.push(c),
        }
    }
    if some || !word.is_empty() {
        all.push(word);
    }
    all
}

#[test]
fn every_command_shown_is_one_that_the_program_takes() {
    let (mut bad, mut count) = (Vec::new(), 0);
    for document in DOCUMENTS.iter() {
        for command in commands(document) {
            let words = words(&command);
            count += 1;
            match Cli::try_parse_from(&words) {
                Ok(_) => {}
                Err(error) => {
                    use clap::error::ErrorKind::{DisplayHelp, DisplayVersion};
                    let shown = matches!(error.kind(), DisplayHelp | DisplayVersion);
                    if !shown {
                        let why = error
                            .to_string()
                            .lines()
                            .next()
                            .unwrap_or_default()
                            .to_owned();
                        bad.push(format!("{}: {command}: {why}", document.path.display()));
                    }
                }
            }
        }
    }
    assert!(bad.is_empty(), "{bad:#?}");
    assert!(count > 40, "{count} commands were found only");
}

/// Settings that commands set are settings, with values in bounds.
#[test]
fn every_setting_that_a_command_sets_is_one() {
    for document in DOCUMENTS.iter() {
        for command in commands(document) {
            let words = words(&command);
            for pair in words.windows(2).filter(|pair| pair[0] == "--set") {
                let mut settings = pd_console::settings::Settings::default();
                let is_example = pair[1].contains("...") || pair[1] == "NAME=VALUE";
                let set = pd_console::settings::set_pair(&mut settings, &pair[1]);
                assert!(
                    is_example || set.is_ok(),
                    "{}: {command}: {set:?}",
                    document.path.display()
                );
            }
        }
    }
}

/// Quoted lines (`> ...`) are the console's own words, which the translator knows.
#[test]
fn every_quoted_message_is_one_that_the_console_says() {
    let mut count = 0;
    for document in DOCUMENTS.iter() {
        for line in &document.text {
            let Some(quoted) = line.strip_prefix("> ") else {
                continue;
            };
            count += 1;
            let korean = pd_console::words::korean().translate(quoted);
            assert_ne!(
                korean,
                quoted,
                "{}: nobody says that",
                document.path.display()
            );
        }
    }
    assert!(count >= 9, "{count}");
}

/// What an operator can put into the environment is in one table.
#[test]
fn every_variable_is_in_the_settings_page() {
    /// Of builds, and of tests of debug builds.
    const NOT_OPERATORS: [&str; 2] = ["PD_CONSOLE_COMMIT", "PD_CONSOLE_PROVOKE"];
    let page = std::fs::read_to_string(root().join("docs/settings.md")).unwrap();
    let (mut sources, mut found) = (Vec::new(), BTreeSet::new());
    collect(&root().join("src"), &mut sources);
    for path in sources {
        let text = std::fs::read_to_string(&path).unwrap();
        for (at, _) in text.match_indices("\"PD_CONSOLE_") {
            let name = text[at + 1..].split('"').next().unwrap();
            found.insert(name.to_owned());
        }
    }
    found.retain(|name| is_name(name) && !NOT_OPERATORS.contains(&name.as_str()));
    assert!(found.len() > 10, "{found:?}");
    let missing: Vec<_> = found
        .iter()
        .filter(|name| !page.contains(name.as_str()))
        .collect();
    assert!(missing.is_empty(), "not in docs/settings.md: {missing:?}");
}

#[test]
fn links_and_words_are_read_as_they_stand() {
    assert_eq!(
        links("[a](b.md), ![c](d/e.png) and (f)"),
        ["b.md", "d/e.png"]
    );
    assert_eq!(
        walked(Path::new("docs"), "../a/b.md"),
        Some("a/b.md".into())
    );
    assert_eq!(walked(Path::new("docs"), "../../x"), None);
    let all = words("pd-console profile save \"Late show\" --bitrate 2500   # why");
    assert_eq!(
        all,
        [
            "pd-console",
            "profile",
            "save",
            "Late show",
            "--bitrate",
            "2500"
        ]
    );
}
