use super::testing::Fake;
use super::*;
use crate::settings::secrets::secret;
use std::net::TcpListener;

fn remote() -> Remote {
    let secrets = Secrets {
        remote_password: secret("a test's password"),
        ..Secrets::default()
    };
    Remote::new(Arc::new(Fake::new()), &secrets)
}

#[test]
fn a_taken_port_is_told_once_and_taken_when_it_is_free() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let settings = RemoteSettings {
        on: true,
        port: taken.local_addr().unwrap().port(),
        ..RemoteSettings::default()
    };
    let (journal, mut remote) = (Journal::new(), remote());
    let mut now = MonoTime::from_micros(1);
    for _ in 0..3 {
        remote.follow(&settings, now, &journal);
        let problem = remote.status().problem.unwrap();
        assert!(problem.contains("another program has it"), "{problem}");
        assert!(remote.status().addresses.is_empty());
        now = now + RETRY;
    }
    drop(taken);
    remote.follow(&settings, now, &journal);
    let status = remote.status();
    assert_eq!(
        status.addresses,
        [format!("ws://127.0.0.1:{}", settings.port)]
    );
    assert_eq!(status.problem, None);
    assert_eq!(status.password, Some(Secret::new("a test's password")));
    let lines = journal.lines();
    let said = |text: &str| lines.iter().filter(|line| line.text.contains(text)).count();
    assert_eq!(
        (said("cannot have port"), said("this machine only")),
        (1, 1)
    );
    assert_eq!(said("a test's password"), 0);
    // Asking for a second press does not disturb anyone.
    let asks = RemoteSettings {
        confirm_stop: true,
        ..settings.clone()
    };
    remote.follow(&asks, now, &journal);
    assert!(remote.server.is_some());
    // Off: the port is given back.
    let off = RemoteSettings {
        on: false,
        ..settings.clone()
    };
    remote.follow(&off, now, &journal);
    assert_eq!(remote.status(), RemoteStatus::default());
    TcpListener::bind(("127.0.0.1", settings.port)).unwrap();
}

#[test]
fn off_asks_for_no_password() {
    let mut remote = remote();
    remote.keeper = Err("no folder".into());
    let journal = Journal::new();
    let now = MonoTime::from_micros(1);
    remote.follow(&RemoteSettings::default(), now, &journal);
    assert_eq!(journal.lines().len(), 0);
    let on = RemoteSettings {
        on: true,
        ..RemoteSettings::default()
    };
    remote.follow(&on, now, &journal);
    assert!(remote.status().problem.unwrap().contains("no folder"));
    assert!(remote.server.is_none(), "never without a password");
}
