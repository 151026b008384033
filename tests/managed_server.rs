//! The managed MediaMTX with the real server and the real ffmpeg, on loopback. Skipped, and said so,
//! where one of the two is not found.

use pd_console::mediamtx::{ApiError, Client, ManagedServer, locate};
use pd_console::publish::{Mode, ping, srt_url, stream_id};
use pd_console::stop::StopToken;
use secrecy::ExposeSecret;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

#[test]
fn dump() {
    let bin = locate(None).unwrap();
    let t = Instant::now();
    let mut s = ManagedServer::start(
        &bin,
        &StopToken::new(),
        Arc::new(|sev, l| println!("{sev:?} {l}")),
    )
    .unwrap();
    println!("ready {:?} {} {:?}", t.elapsed(), s.version(), s.ports());
    println!("ping {:?}", ping(s.srt_addr(), Duration::from_secs(1)));
    let id = stream_id(
        Mode::Publish,
        "pd_test",
        s.publish_user(),
        s.password().expose_secret(),
    )
    .unwrap();
    let mut ff = Command::new("ffmpeg")
        .args([
            "-v",
            "error",
            "-nostdin",
            "-re",
            "-f",
            "lavfi",
            "-i",
            "testsrc2=s=320x180:r=30",
            "-f",
            "lavfi",
            "-i",
            "sine",
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-tune",
            "zerolatency",
            "-g",
            "30",
            "-pix_fmt",
            "yuv420p",
            "-c:a",
            "libopus",
            "-f",
            "mpegts",
            "-srt_streamid",
            &id,
            &srt_url(s.srt_addr(), 80),
        ])
        .spawn()
        .unwrap();
    std::thread::sleep(Duration::from_secs(3));
    println!("{:?}", s.client().path("pd_test"));
    println!("{:?}", s.client().srt_connections());
    println!("{:?}", s.client().webrtc_sessions());
    for p in [
        "v3/info",
        "v3/paths/get/pd_test",
        "v3/srtconns/list",
        "v3/webrtcsessions/list",
        "v3/paths/get/nope",
    ] {
        let o = Command::new("curl")
            .args([
                "-s",
                "-w",
                "%{http_code}",
                "-u",
                &format!("{}:{}", s.publish_user(), s.password().expose_secret()),
                &format!("{}/{p}", s.api_url()),
            ])
            .output()
            .unwrap();
        println!("== {p}\n{}", String::from_utf8_lossy(&o.stdout));
    }
    println!(
        "{:?}",
        Client::new(&s.api_url(), "pd_console", "wrong").version()
    );
    println!("{:?}", Client::new(&s.api_url(), "", "").version());
    println!("{:?}", Client::new(&s.webrtc_url(), "", "").version());
    println!("{:?}", Client::new(&s.webrtc_url(), "", "").path("x"));
    println!(
        "{}",
        String::from_utf8_lossy(&Command::new("ss").args(["-lntup"]).output().unwrap().stdout)
            .lines()
            .filter(|l| l.contains("mediamtx"))
            .collect::<Vec<_>>()
            .join("\n")
    );
    let o = Command::new("curl")
        .args(["-s", "-i", &s.viewer_url("pd_test")])
        .output()
        .unwrap();
    println!(
        "{}",
        String::from_utf8_lossy(&o.stdout)
            .chars()
            .take(400)
            .collect::<String>()
    );
    ff.kill().unwrap();
    ff.wait().unwrap();
    let t = Instant::now();
    s.stop();
    println!("stop {:?} {:?}", t.elapsed(), s.poll_exit());
}
