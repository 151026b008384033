//! The real program as it is installed. Portable mode: a copy of it beside a marker keeps everything in a folder beside
//! itself and nothing in the user's home; where it cannot, it says so and does nothing. And its question for newer versions.
#![cfg(target_os = "linux")]
// Every function here is a test or serves one.
#![allow(clippy::unwrap_used)]

mod common;

use common::{alone, ffmpegs};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A machine: a home that is empty, and a folder with a copy of the program.
struct Machine {
    dir: tempfile::TempDir,
}

impl Machine {
    fn new() -> Self {
        // Beside the program that is copied, so that a link does for a copy.
        let dir = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).unwrap();
        for name in ["home", "stick", "tmp"] {
            std::fs::create_dir(dir.path().join(name)).unwrap();
        }
        let machine = Self { dir };
        let (built, copy) = (env!("CARGO_BIN_EXE_pd-console"), machine.program());
        if std::fs::hard_link(built, &copy).is_err() {
            std::fs::copy(built, &copy).unwrap();
        }
        machine
    }

    fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn program(&self) -> PathBuf {
        self.at("stick/pd-console")
    }

    fn run(&self, words: &str) -> Output {
        self.command(words).output().unwrap()
    }

    fn command(&self, words: &str) -> Command {
        let mut command = Command::new(self.program());
        command
            .args(words.split_whitespace())
            .env_clear()
            .env("HOME", self.at("home"))
            .env("TMPDIR", self.at("tmp"))
            .env("PATH", "/usr/bin:/bin");
        if let Some(ffmpeg) = ffmpegs().first() {
            command.env("PD_CONSOLE_FFMPEG", ffmpeg);
        }
        command
    }

    fn done(&self, words: &str) -> String {
        let output = self.run(words);
        assert!(output.status.success(), "{words}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    }
}

/// Every file below, by its path in there.
fn files(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(at) = open.pop() {
        for entry in std::fs::read_dir(at).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap();
                found.push(name.display().to_string());
            }
        }
    }
    found
}

/// What an operator does in a day, as far as it leaves anything: a profile, a password, a link, a show with its
/// recording, diagnostics.
fn use_it(machine: &Machine) {
    machine.done("profile save Late");
    machine.done("profile use Late");
    machine.done("remote");
    machine.done("viewer-link");
    machine.done(
        "live --source pattern --audio tone --seconds 1 --quiet --set recording.auto=true \
         --set video.size=320x180 --set video.fps=15 --set viewer.on=false",
    );
}

#[test]
fn a_portable_copy_leaves_nothing_in_the_home() {
    let _alone = alone();
    let machine = Machine::new();
    // That this test can fail: without the marker the home is where things go.
    machine.done("profile save Late");
    assert!(!files(&machine.at("home")).is_empty());
    std::fs::remove_dir_all(machine.at("home")).unwrap();
    std::fs::create_dir(machine.at("home")).unwrap();

    std::fs::write(machine.at("stick/portable"), "").unwrap();
    use_it(&machine);
    let report = machine.done("diagnostics");
    let kept = machine.at("stick/pd-console-data");
    let said = format!("kept in: portable mode, {}", kept.display());
    assert!(report.contains(&said), "{report}");

    assert_eq!(files(&machine.at("home")), [""; 0]);
    assert_eq!(files(&machine.at("tmp")), [""; 0], "left behind");
    let kept = files(&kept);
    for part in [
        "settings.ron",
        "profiles/",
        "remote-password",
        "viewer-key",
        "log/",
        "cache/",
        "recordings/pd_main ",
    ] {
        assert!(
            kept.iter().any(|name| name.starts_with(part)),
            "{part}: {kept:?}"
        );
    }
    let beside = files(&machine.at("stick"));
    let others = beside
        .iter()
        .filter(|name| !name.starts_with("pd-console-data/"));
    assert_eq!(others.count(), 2, "program and marker: {beside:?}");
}

#[test]
fn what_cannot_be_written_is_refused_before_anything_is_kept_elsewhere() {
    let machine = Machine::new();
    std::fs::write(machine.at("stick/portable.txt"), "").unwrap();
    // As a folder without the right to write is to anyone but root.
    std::fs::write(machine.at("stick/pd-console-data"), "").unwrap();
    for words in ["", "profile list", "live --source pattern --seconds 1"] {
        let output = machine.run(words);
        assert_eq!(output.status.code(), Some(3), "{words}: {output:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(
            said.contains("portable mode") && said.contains("portable.txt"),
            "{said}"
        );
        assert_eq!(said.lines().count(), 1, "{said}");
    }
    assert_eq!(files(&machine.at("home")), [""; 0]);
    // The named folder goes before the marker.
    let mut named = Command::new(machine.program());
    named.args(["profile", "save", "Late"]).env_clear();
    named.env("HOME", machine.at("home"));
    named.env("PD_CONSOLE_CONFIG_DIR", machine.at("named"));
    assert!(named.status().unwrap().success());
    assert!(machine.at("named/settings.ron").exists() || !files(&machine.at("named")).is_empty());
}

/// A feed that answers every question with `body`.
fn feed(body: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/latest.json", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut head = String::new();
            let mut lines = BufReader::new(stream.try_clone().unwrap());
            while lines.read_line(&mut head).is_ok_and(|n| n > 2) {}
            let length = body.len();
            let answer = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}");
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    url
}

#[test]
fn a_newer_version_is_told_and_nothing_else_done() {
    let machine = Machine::new();
    std::fs::write(machine.at("stick/portable"), "").unwrap();
    let ask = |url: &str| {
        let mut command = machine.command("updates");
        command.env("PD_CONSOLE_UPDATE_URL", url);
        let output = command.output().unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        (output.status.code(), said)
    };
    let own = env!("CARGO_PKG_VERSION");
    let newer = feed(
        r#"{"tag_name": "v99.1.2", "html_url": "https://example.com/x", "prerelease": false}"#,
    );
    let (code, said) = ask(&newer);
    // A page of another house than the feed's is not shown.
    assert_eq!(
        (code, said.as_str()),
        (
            Some(0),
            &*format!("Version 99.1.2 is there; this is {own}.\n")
        )
    );
    let (code, said) = ask(&feed(r#"{"version": "0.0.1"}"#));
    assert!(
        code == Some(0) && said.contains("no newer version"),
        "{said}"
    );
    let (code, said) = ask(&feed("<html>sign in</html>"));
    assert!(code == Some(1) && said.contains("not understood"), "{said}");
    let (code, said) = ask("http://192.0.2.1/latest.json");
    assert!(code == Some(1) && said.contains("https://"), "{said}");
    let (code, said) = ask("");
    assert!(
        code == Some(0) && said.contains("was given no address"),
        "{said}"
    );
    assert_eq!(files(&machine.at("home")), [""; 0]);
}
