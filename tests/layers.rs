//! The layers of the program: the window is above everything, nothing reaches up to it.

#[path = "common/sources.rs"]
mod rust_files;

use rust_files::collect;
use std::path::Path;

/// What only `src/ui` and the entry may name.
const WINDOW_WORDS: [&str; 5] = ["egui", "eframe", "egui_plot", "crate::ui", "pd_console::ui"];

/// The window's words in a line, comments apart; whole words only.
fn named(line: &str) -> Option<&'static str> {
    let code = line.split("//").next().unwrap_or_default();
    WINDOW_WORDS.into_iter().find(|word| {
        code.match_indices(word).any(|(at, _)| {
            let part = |c: char| c.is_alphanumeric() || c == '_';
            !code[..at].ends_with(part) && !code[at + word.len()..].starts_with(part)
        })
    })
}

#[test]
fn nothing_below_the_window_names_it() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut all = Vec::new();
    collect(&src, &mut all);
    let (window, below): (Vec<_>, Vec<_>) = all
        .into_iter()
        .partition(|path| path.starts_with(src.join("ui")) || *path == src.join("main.rs"));
    let mut bad = Vec::new();
    for path in &below {
        let text = std::fs::read_to_string(path).expect("a text file");
        for (number, line) in text.lines().enumerate() {
            if let Some(word) = named(line) {
                bad.push(format!("{}:{}: {word}", path.display(), number + 1));
            }
        }
    }
    assert!(bad.is_empty(), "names the window:\n{}", bad.join("\n"));
    // The look itself works: it finds the window where it is, and there are sources to look at.
    assert!(below.len() > 50, "only {} sources", below.len());
    let seen = window.iter().any(|path| {
        let text = std::fs::read_to_string(path).expect("a text file");
        text.lines().any(|line| named(line) == Some("egui"))
    });
    assert!(seen, "src/ui does not name egui");
}

#[test]
fn words_are_found_whole_and_outside_comments() {
    assert_eq!(named("use eframe::egui::Ui;"), Some("egui"));
    assert_eq!(named("let a = crate::ui::app();"), Some("crate::ui"));
    assert_eq!(named("use egui_plot::Line;"), Some("egui_plot"));
    assert_eq!(named("// egui draws it"), None);
    assert_eq!(named("let my_egui = 1; let crate_ui = 2;"), None);
}
