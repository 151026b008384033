//! Programme and backup at once: each connects, is lost and comes back by itself, and the backup
//! never disturbs the programme.
#![cfg(all(target_os = "linux", feature = "probe"))]
// Every function here is a test or serves one.
#![allow(clippy::unwrap_used)]

mod common;

use common::console::Plan;
use common::server::OwnServer;
use common::{alone, programs, wait_until};
use rustix::process::Signal;
use std::time::Duration;

const SHOW: &str = "live --defaults --source pattern --audio tone --set video.size=640x360 --json \
    --set backup.on=true ";
const PATH: &str = "pd_e2e";
const LIMIT: Duration = Duration::from_secs(20);

#[test]
fn a_lost_backup_comes_back_and_the_managed_programme_notices_nothing() {
    let _alone = alone();
    let Some((ffmpeg, program)) = programs() else {
        return;
    };
    let mut server = OwnServer::start(&program, "  all_others:\n");
    let words = server.words("backup.target", PATH, server.srt);
    let console = Plan::new(&ffmpeg, &format!("{SHOW}{words}"))
        .env("MEDIAMTX_BIN", &program)
        .start();
    console.wait_live(1);
    let has = " has the stream";
    console.wait_for(&format!("backup: 127.0.0.1:{}{has}", server.srt), 1, LIMIT);
    assert!(server.path(PATH).is_some_and(|path| path.online));
    std::thread::sleep(Duration::from_secs(3));
    server.kill();
    console.wait_for("backup (127.0.0.1:", 1, LIMIT);
    std::thread::sleep(Duration::from_secs(1));
    server.back();
    console.wait_for("has the stream again, after", 1, Duration::from_secs(6));
    std::thread::sleep(Duration::from_secs(3));
    console.signal(Signal::INT);
    let ended = console.end_within(Duration::from_secs(2));
    let left = ended.left_after(Duration::from_millis(100));
    assert!(left.is_empty(), "{left:?}\n{}", ended.stderr);
    let result = ended.json();
    println!("{:#}", result["backups"]);
    assert_eq!(result["outages"].as_array().unwrap().len(), 0, "{result:#}");
    assert_eq!(result["reconnects"], 0);
    assert_eq!(result["drops"]["network"], 0, "{result:#}");
    assert_eq!(result["passthrough"], 1.0, "{result:#}");
    let backup = &result["backups"][0];
    assert_eq!(backup["confirmed_online"], true, "{backup:#}");
    assert_eq!(backup["outages"].as_array().unwrap().len(), 1);
    let p50_ms = backup["arrived"]["p50_ms"].as_f64().unwrap();
    assert!((20.0..1000.0).contains(&p50_ms), "{backup:#}");
}

#[test]
fn a_backup_that_refuses_or_is_not_there_is_a_warning() {
    let _alone = alone();
    let Some((ffmpeg, program)) = programs() else {
        return;
    };
    let server = OwnServer::start(&program, "  all_others:\n");
    let programme = server.words("target", PATH, server.srt);
    let refusing = format!(
        "  all_others:\n    srtPublishPassphrase: {}\n",
        "right passphrase"
    );
    let refusing = OwnServer::start(&program, &refusing);
    let wrong = refusing.words("backup.target", PATH, refusing.srt);
    let nobody = " --set backup.target.host=nope.invalid ".to_owned();
    for (backup, said) in [(wrong, "refuses"), (nobody, "nope.invalid")] {
        let words = format!("{SHOW}{programme}{backup} --seconds 6");
        let console = Plan::new(&ffmpeg, &words)
            .env("PD_CONSOLE_BACKUP_PASSPHRASE", "wrong passphrase")
            .start();
        console.wait_live(1);
        let told = || console.times_of("backup (", said).len() == 1;
        assert!(wait_until(LIMIT, told), "{}", console.stderr());
        let ended = console.end_within(Duration::from_secs(30));
        assert!(ended.status.success(), "{}", ended.stderr);
        assert!(
            !ended.stderr.contains("wrong passphrase"),
            "{}",
            ended.stderr
        );
        let result = ended.json();
        assert_eq!(result["reconnects"], 0, "{result:#}");
        let backup = &result["backups"][0];
        println!("{backup}");
        assert_eq!(backup["has_stream"], false);
        assert!(backup["problem"].as_str().unwrap().contains(said));
        assert_eq!(
            ended.stderr.matches("backup (").count(),
            1,
            "{}",
            ended.stderr
        );
    }
}
