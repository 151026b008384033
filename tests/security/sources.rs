//! What the sources may have: no shell, children at known places only, `unsafe` where SECURITY.md lists it.

#[path = "../common/sources.rs"]
mod rust_files;

use rust_files::collect;
use std::collections::BTreeMap;
use std::path::Path;
use syn::visit::{self, Visit};

/// Where a program may be started, and which.
const STARTS: [(&str, &str); 6] = [
    ("src/capture/scap.rs", "pd-scap-source, by its whole path"),
    (
        "src/doctor/server.rs",
        "mediamtx --version, by its whole path",
    ),
    (
        "src/ffmpeg/capabilities.rs",
        "ffmpeg's questions, by its whole path",
    ),
    ("src/ffmpeg/child.rs", "ffmpeg, by its whole path"),
    (
        "src/ffmpeg/guard.rs",
        "this very program, by its whole path",
    ),
    ("src/mediamtx/server.rs", "mediamtx, by its whole path"),
];
/// "cmd" alone is a key's name too.
const SHELLS: [&str; 11] = [
    "sh",
    "bash",
    "dash",
    "zsh",
    "/bin/sh",
    "/bin/bash",
    "/usr/bin/env",
    "cmd.exe",
    "powershell",
    "powershell.exe",
    "pwsh",
];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The product's sources: name below the package's folder, and text.
fn product() -> Vec<(String, String)> {
    let mut all = Vec::new();
    collect(&root().join("src"), &mut all);
    collect(&root().join("helpers/scap-source/src"), &mut all);
    all.sort();
    all.into_iter()
        .map(|path| {
            let name = path
                .strip_prefix(root())
                .unwrap()
                .to_string_lossy()
                .replace('\\', "/");
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect()
}

/// Files that hold nothing but tests.
fn is_test(name: &str) -> bool {
    name.ends_with("_tests.rs")
        || name.ends_with("/tests.rs")
        || name.contains("/tests/")
        || name.ends_with("/testing.rs")
        || name == "src/ffmpeg/fake.rs"
        || name.starts_with("src/fuzzing/")
}

#[derive(Default)]
struct Look {
    starts: usize,
    shells: Vec<String>,
    /// Lines of `unsafe`.
    unsafes: Vec<usize>,
}

fn is_for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("cfg")
            && attribute.meta.require_list().is_ok_and(|list| {
                list.tokens
                    .to_string()
                    .split(|c: char| !c.is_alphanumeric())
                    .any(|w| w == "test")
            })
    })
}

impl<'a> Visit<'a> for Look {
    fn visit_item_mod(&mut self, item: &'a syn::ItemMod) {
        if !is_for_tests(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_expr_path(&mut self, path: &'a syn::ExprPath) {
        let names: Vec<_> = path
            .path
            .segments
            .iter()
            .map(|s| s.ident.to_string())
            .collect();
        let last = names.iter().rev().take(2).rev().map(String::as_str);
        if matches!(
            last.collect::<Vec<_>>()[..],
            ["Command", "new"] | ["FfmpegCommand", "new" | "new_with_path"]
        ) {
            self.starts += 1;
        }
        visit::visit_expr_path(self, path);
    }

    fn visit_lit_str(&mut self, text: &'a syn::LitStr) {
        if SHELLS.contains(&text.value().as_str()) {
            self.shells.push(text.value());
        }
    }

    fn visit_expr_unsafe(&mut self, block: &'a syn::ExprUnsafe) {
        self.unsafes.push(block.unsafe_token.span.start().line);
        visit::visit_expr_unsafe(self, block);
    }

    fn visit_item_impl(&mut self, item: &'a syn::ItemImpl) {
        self.unsafes
            .extend(item.unsafety.map(|token| token.span.start().line));
        visit::visit_item_impl(self, item);
    }

    fn visit_signature(&mut self, signature: &'a syn::Signature) {
        self.unsafes
            .extend(signature.unsafety.map(|token| token.span.start().line));
        visit::visit_signature(self, signature);
    }
}

fn look(text: &str) -> Look {
    let mut look = Look::default();
    look.visit_file(&syn::parse_file(text).unwrap());
    look
}

#[test]
fn programs_are_started_at_known_places_and_never_a_shell() {
    let mut starts = Vec::new();
    for (name, text) in product().iter().filter(|(name, _)| !is_test(name)) {
        let seen = look(text);
        assert!(
            seen.shells.is_empty(),
            "{name} names a shell: {:?}",
            seen.shells
        );
        if seen.starts > 0 {
            starts.push(name.clone());
        }
    }
    let known: Vec<_> = STARTS.iter().map(|(name, _)| *name).collect();
    assert_eq!(
        starts, known,
        "a program is started elsewhere: see SECURITY.md, then list it here"
    );
    // The look itself works.
    let seen = look("fn a() { std::process::Command::new(\"sh\"); }");
    assert_eq!((seen.starts, seen.shells.len()), (1, 1));
}

/// SECURITY.md has a row for each file: its name in backquotes and how many there are.
#[test]
fn every_unsafe_is_listed_and_says_why_it_is_sound() {
    let document = std::fs::read_to_string(root().join("SECURITY.md")).unwrap();
    let mut listed = BTreeMap::new();
    for line in document.lines() {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        if let [_, file, count, ..] = cells[..]
            && let Some(file) = file.strip_prefix('`').and_then(|f| f.strip_suffix('`'))
            && file.ends_with(".rs")
            && let Ok(count) = count.parse::<usize>()
        {
            listed.insert(file.to_owned(), count);
        }
    }
    let mut found = BTreeMap::new();
    for (name, text) in product().iter().filter(|(name, _)| !is_test(name)) {
        let seen = look(text);
        let lines: Vec<_> = text.lines().collect();
        for line in &seen.unsafes {
            // In the comment or comments right above the statement.
            let from = line.saturating_sub(9);
            let is_said = lines[from..*line].iter().any(|l| l.contains("SAFETY:"));
            assert!(
                is_said,
                "{name}:{line} does not say why it is sound (// SAFETY: ...)"
            );
        }
        if !seen.unsafes.is_empty() {
            found.insert(name.clone(), seen.unsafes.len());
        }
    }
    assert_eq!(
        found, listed,
        "SECURITY.md, \"Unsafe code\", lists what is not there, or lacks what is"
    );
    assert_eq!(
        look("fn a() { unsafe { b() } } unsafe impl Send for X {}")
            .unsafes
            .len(),
        2
    );
}
