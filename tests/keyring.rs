//! Secrets in a keyring: without a session (always), and in a real, private gnome-keyring where that
//! is installed (else skipped, and said so). Each case runs in a process of its own, because the
//! session's address comes from the environment, and so that nobody's own keyring is touched.
#![cfg(all(feature = "keyring", target_os = "linux"))]
#![allow(clippy::unwrap_used)]

use pd_console::settings::keyring::{KeyringError, recall, remember};
use pd_console::settings::{Secrets, secrets::secret};
use std::process::{Command, Stdio};

fn case(name: &str) -> Vec<std::ffi::OsString> {
    let program = std::env::current_exe().unwrap().into_os_string();
    [
        program,
        "--exact".into(),
        name.into(),
        "--ignored".into(),
        "--nocapture".into(),
    ]
    .to_vec()
}

fn passes(mut command: Command) {
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}"
    );
}

#[test]
fn without_a_session_there_is_a_message() {
    let case = case("case_without_session");
    let mut command = Command::new(&case[0]);
    command
        .args(&case[1..])
        .env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus");
    passes(command);
}

#[test]
fn a_real_keyring_keeps_and_forgets() {
    for (program, argument) in [
        ("dbus-run-session", "--version"),
        ("gnome-keyring-daemon", "--version"),
    ] {
        if Command::new(program)
            .arg(argument)
            .stdout(Stdio::null())
            .status()
            .is_err()
        {
            println!("SKIPPED: {program} was not found");
            return;
        }
    }
    let home = tempfile::tempdir().unwrap();
    let script =
        "printf pw | gnome-keyring-daemon --unlock --components=secrets >/dev/null && exec \"$@\"";
    let mut command = Command::new("dbus-run-session");
    command
        .args(["--", "sh", "-c", script, "sh"])
        .args(case("case_with_keyring"));
    command
        .env("HOME", home.path())
        .env("XDG_RUNTIME_DIR", home.path());
    command
        .env_remove("XDG_DATA_HOME")
        .env_remove("DBUS_SESSION_BUS_ADDRESS");
    passes(command);
}

#[test]
#[ignore = "run by without_a_session_there_is_a_message"]
fn case_without_session() {
    let error = recall("host.invalid", "me").unwrap_err();
    println!("{error}");
    assert!(
        matches!(error, KeyringError::Unavailable { .. }),
        "{error:?}"
    );
    assert!(remember("host.invalid", "me", &Secrets::default()).is_err());
}

#[test]
#[ignore = "run by a_real_keyring_keeps_and_forgets, in a session of its own"]
fn case_with_keyring() {
    // Run by hand, it must not write into the user's own keyring.
    assert!(
        std::env::var_os("HOME")
            .unwrap()
            .to_string_lossy()
            .contains("/.tmp")
    );
    assert!(recall("a.example", "me").unwrap().password.is_none());
    let secrets = Secrets {
        password: secret("한글 pw & more"),
        passphrase: secret("0123456789"),
    };
    remember("a.example", "me", &secrets).unwrap();
    let kept = recall("a.example", "me").unwrap();
    assert_eq!(
        (kept.password_text(), kept.passphrase_text()),
        ("한글 pw & more", "0123456789")
    );
    // Another user of the same server: its passphrase, not the password.
    let other = recall("a.example", "you").unwrap();
    assert_eq!(
        (other.password_text(), other.passphrase_text()),
        ("", "0123456789")
    );
    remember("a.example", "me", &Secrets::default()).unwrap();
    let gone = recall("a.example", "me").unwrap();
    assert!(gone.password.is_none() && gone.passphrase.is_none());
}
