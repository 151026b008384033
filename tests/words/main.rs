//! Each text that reaches the operator has a Korean translation, and no translation is left over.
//!
//! Reads the sources with syn: every string literal with words in it, outside of tests, is taken for
//! such a text, wherever it stands. So a new message fails here until it is in
//! `assets/i18n/messages.ko.po`, or in `exceptions.txt` with the reason why nobody reads it.

mod scan;

use polib::po_file::parse_from_reader;
use scan::Literal;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::LazyLock;

/// Folders and files whose texts the window never shows.
const NOT_SHOWN: &[(&str, &str)] = &[
    ("src/cli", "answers of the command line, which is English"),
    ("src/main.rs", "the same"),
    ("src/headless", "the table of a show without a window"),
    ("src/fuzzing/", "in the fuzzer and in tests only"),
    ("src/measure/", "the report of `measure`"),
    ("src/glass/", "the table of `glass`"),
    ("src/viewer/http.rs", "answers to browsers"),
    ("src/viewer/proxy.rs", "the same"),
    ("src/viewer/report.rs", "the same"),
    ("src/viewer/server.rs", "the same"),
    ("src/mediamtx/config.rs", "MediaMTX's configuration"),
    ("src/remote/request/", "answers to remote controls"),
    ("src/remote/client.rs", "the same"),
    ("src/remote/job.rs", "the same"),
    ("src/remote/codec.rs", "the same"),
    ("src/remote/job.rs", "the same"),
    (
        "src/capture/pattern/layout.rs",
        "names for tests of the pattern",
    ),
    ("src/words/", "the translator itself"),
    (
        "src/crash/",
        "reports and diagnostics, in English for whoever helps",
    ),
    ("src/doctor/versions.rs", "the same"),
    ("src/session/last_state.rs", "the same"),
    ("src/updates/ask.rs", "log and command line only"),
    ("src/updates/release.rs", "the same"),
];

fn translations() -> BTreeMap<String, String> {
    let file = parse_from_reader(pd_console::words::KOREAN_PO.as_bytes()).expect("a PO file");
    let each = file.messages().map(|message| {
        let korean = message.msgstr().expect("one form").to_owned();
        (message.msgid().to_owned(), korean)
    });
    each.collect()
}

/// File and text, from `exceptions.txt`: a reason after `#`, then lines of `file<TAB>text`.
fn exceptions() -> BTreeSet<(String, String)> {
    let mut reason = false;
    let mut all = BTreeSet::new();
    for line in include_str!("exceptions.txt").lines() {
        if line.starts_with('#') {
            reason = true;
        } else if line.is_empty() {
            reason = false;
        } else {
            assert!(reason, "no reason for {line:?}");
            let (file, text) = line.split_once('\t').expect("file, tab, text");
            let text: String = serde_json::from_str(text).expect("a text as JSON has it");
            assert!(all.insert((file.to_owned(), text)), "twice: {line}");
        }
    }
    all
}

/// Read once for all tests.
fn sources() -> &'static [Literal] {
    static ALL: LazyLock<Vec<Literal>> =
        LazyLock::new(|| scan::literals(Path::new(env!("CARGO_MANIFEST_DIR"))));
    &ALL
}

fn not_shown(file: &str) -> bool {
    NOT_SHOWN.iter().any(|(path, _)| file.starts_with(path))
}

#[test]
fn every_message_has_a_translation_and_none_is_left_over() {
    let (all, translations, exceptions) = (sources(), translations(), exceptions());
    assert!(all.len() > 2000, "the scan found {} texts", all.len());
    let mut missing = BTreeMap::new();
    let mut excepted = BTreeSet::new();
    for literal in all {
        let key = (literal.file.clone(), literal.text.clone());
        let known = translations.contains_key(&literal.text);
        let except = exceptions.contains(&key);
        if except {
            assert!(!known, "excepted and translated: {key:?}");
            excepted.insert(key);
        } else if !known && literal.is_message() && !not_shown(&literal.file) {
            missing.insert(&literal.text, format!("{}:{}", literal.file, literal.line));
        }
    }
    let list: Vec<_> = missing
        .iter()
        .map(|(text, at)| format!("# {at}\nmsgid {}\nmsgstr \"\"\n", serde_json::json!(text)))
        .collect();
    assert!(
        list.is_empty(),
        "{} texts without a translation: give each one in assets/i18n/messages.ko.po, or a reason in \
         tests/words/exceptions.txt\n\n{}",
        list.len(),
        list.join("\n")
    );
    let there: BTreeSet<&String> = all.iter().map(|literal| &literal.text).collect();
    let idle: Vec<_> = translations
        .keys()
        .filter(|id| !there.contains(id))
        .collect();
    assert!(
        idle.is_empty(),
        "in messages.ko.po, but no longer in the sources: {idle:#?}"
    );
    let idle: Vec<_> = exceptions.difference(&excepted).collect();
    assert!(
        idle.is_empty(),
        "in exceptions.txt, but no longer in the sources: {idle:#?}"
    );
}

#[test]
fn each_path_that_is_not_shown_exists() {
    let all = sources();
    for (path, reason) in NOT_SHOWN {
        let any = all.iter().any(|literal| literal.file.starts_with(path));
        assert!(any, "{path} ({reason})");
    }
}

/// What the scan must see, and what not: else it would be no proof.
#[test]
fn the_scan_sees_messages_wherever_they_stand() {
    let code = r##"
        //! A doc comment with words.
        const WHY: &str = "a constant with words";
        #[derive(thiserror::Error)]
        enum Bad { #[error("an error {0} with words, {}", .path.display())] A(u8) }
        fn f(journal: &J) {
            journal.warn(format!("a warning of {x}"));
            let _ = Failure { message: "a field \
                with words".into() };
            let _ = vec!["in a macro".to_owned()];
            thread_local! { /// A doc comment in a macro.
                static X: u8 = 0; }
            match x { 1 => "an arm: ", _ => "single" };
            tracing::warn!("for the log only {x}");
            x.expect("for developers only");
            if line.contains("words that are looked for") {}
        }
        #[cfg(test)]
        mod tests { fn g() { f("of a test only"); } }
        #[cfg(all(test, unix))]
        fn h() { f("of another test"); }
    "##;
    let found = scan::of_code("src/x.rs", code).expect("it parses");
    let messages: Vec<&str> = found
        .iter()
        .filter(|l| l.is_message())
        .map(|l| l.text.as_str())
        .collect();
    let expected = [
        "a constant with words",
        "an error {0} with words, {}",
        "a warning of {x}",
        "a field with words",
        "in a macro",
        "an arm: ",
    ];
    assert_eq!(messages, expected);
}
