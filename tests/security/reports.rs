//! Reports and diagnostics of a whole run, in which threads failed and which was killed at last: none of its secrets is
//! in them, whoever asks for them and however they come out.

use super::secrets::{IN_ADDRESS, PASSPHRASE, PASSWORD, REMOTE, USER, VIEWER_KEY, files, found};
use crate::common::home::{Home, Provoked};
use crate::common::stream::Listener;
use crate::common::{alone, ffmpegs, free_tcp_port, wait_until};
use rustix::process::Signal;
use std::time::Duration;

const LIMIT: Duration = Duration::from_secs(30);

#[test]
fn no_secret_of_a_whole_run_is_in_its_reports_and_diagnostics() {
    let _alone = alone();
    let Some(ffmpeg) = ffmpegs().into_iter().next() else {
        return;
    };
    let listener = Listener::start(PASSPHRASE);
    let home = Home::new();
    let provoked = Provoked::of(&home);
    let (remote, page, nobody) = (free_tcp_port(), free_tcp_port(), free_tcp_port());
    // Addresses with logins as they are pasted: kept in the settings, which a report has.
    let words = format!(
        "live --defaults --source pattern --audio tone --set video.size=320x180 --set video.fps=10 --bitrate 300 \
         --remote --set remote.port={remote} --set viewer.port={page} --set target.kind=Srt \
         --set target.host=127.0.0.1 --set target.srt_port={} --set target.way=SrtPush --set target.path=pd_e2e \
         --set target.user={USER} --set target.api_url=http://{USER}:{IN_ADDRESS}@127.0.0.1:{nobody} \
         --set target.webrtc_url=http://{USER}:{IN_ADDRESS}@127.0.0.1:{nobody}",
        listener.port
    );
    let secrets = [
        ("PD_CONSOLE_PASSWORD", PASSWORD),
        ("PD_CONSOLE_PASSPHRASE", PASSPHRASE),
        ("PD_CONSOLE_REMOTE_PASSWORD", REMOTE),
        ("PD_CONSOLE_VIEWER_KEY", VIEWER_KEY),
    ];
    let plan = |words: &str, tells: bool| {
        let mut plan = home
            .plan(&ffmpeg, words)
            .env("PD_CONSOLE_LOG", "trace")
            .env("PD_CONSOLE_PROVOKE", &provoked.file)
            .env("XDG_STATE_HOME", home.path());
        for (name, value) in secrets.iter().filter(|_| tells) {
            plan = plan.env(name, value);
        }
        plan
    };
    let console = plan(&words, true).start();
    console.wait_live(1);
    for thread in ["pd-session", "pd-pump", "pd-pub-video"] {
        provoked.now(thread, "panic");
    }
    let reports = || home.reports().len();
    assert!(wait_until(LIMIT, || reports() == 3), "{}", console.stderr());
    // What the session does then is on the disk some 0.2 s later.
    std::thread::sleep(Duration::from_secs(1));
    console.signal(Signal::KILL);
    console.end_within(Duration::from_secs(3));
    // The next start makes a report of it, and knows none of the secrets any more.
    let next = "live --defaults --set encoder.bitrate_kbps=1";
    plan(next, false).run(LIMIT);
    assert_eq!(reports(), 4);
    // By whoever helps, with the operator's environment and without.
    for tells in [true, false] {
        let told = plan("diagnostics", tells).run(LIMIT);
        assert!(told.status.success(), "{}", told.stderr);
        for part in ["pd_e2e", "kind: panic", "[log]", "provoked in pd-pub-video"] {
            assert!(told.stdout.contains(part), "{part}: {}", told.stdout);
        }
        for text in [&told.stdout, &told.stderr] {
            assert_eq!(found(text.as_bytes()), None);
        }
    }
    for (path, bytes) in files(home.path()) {
        if let Some(secret) = found(&bytes) {
            panic!("{} has {secret}", path.display());
        }
    }
}
