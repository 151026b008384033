//! The bitrate follows the network: through a link that becomes too narrow it goes down within
//! seconds, stays up with its viewers, and climbs when the link is wide again.
#![cfg(all(target_os = "linux", feature = "x11"))]
// Every function here is a test or serves one.
#![allow(clippy::unwrap_used)]

mod common;

use common::console::{Console, Plan};
use common::link::{Link, Terms};
use common::screen::{Xvfb, noise};
use common::{alone, ffmpegs, free_tcp_port, mediamtx, srt_server, wait_until};
use std::time::{Duration, Instant};

const WIDTH: usize = 640;
const HEIGHT: usize = 360;
const CEILING_KBPS: u32 = 3000;
const FLOOR_KBPS: u32 = 400;
/// The bottleneck, sound and headers included.
const NARROW_KBPS: u32 = 1500;
/// From the first trouble to a bitrate that fits: two steps, each with a new encoder, on what may be
/// a busy machine.
const DOWN_LIMIT: Duration = Duration::from_secs(12);

/// The changes so far as the log tells them: from, to, and the whole line.
fn changes(console: &Console) -> Vec<(u32, u32, String)> {
    let log = console.stderr();
    let lines = log.lines().filter_map(|line| {
        let (from, rest) = line.split_once("bitrate ")?.1.split_once(" -> ")?;
        let (to, _) = rest.split_once(" kb/s")?;
        Some((from.parse().ok()?, to.parse().ok()?, line.to_owned()))
    });
    lines.collect()
}

fn in_force(console: &Console) -> u32 {
    changes(console)
        .last()
        .map_or(CEILING_KBPS, |(_, to, _)| *to)
}

#[test]
fn the_bitrate_follows_the_network() {
    let _alone = alone();
    let Some(program) = mediamtx() else { return };
    for ffmpeg in ffmpegs() {
        let Some(screen) = Xvfb::start(&format!("{WIDTH}x{HEIGHT}x24"), &[]) else {
            return;
        };
        println!("with {}", ffmpeg.display());
        let _noise = noise(&screen.display, WIDTH, HEIGHT);
        let api = format!("127.0.0.1:{}", free_tcp_port());
        let config = format!("    overridePublisher: yes\napi: yes\napiAddress: {api}\n");
        let (port, _server) = srt_server(&program, &config);
        let link = Link::start(port);
        let console = Plan::new(
            &ffmpeg,
            &format!(
                "live --defaults --source x11 --audio tone --set target.path=pd_e2e \
                 --host 127.0.0.1 --set target.srt_port={} --set target.api_url=http://{api} \
                 --set video.size={WIDTH}x{HEIGHT} --set video.cursor=false \
                 --bitrate {CEILING_KBPS} --set encoder.adaptive=true \
                 --set encoder.floor_kbps={FLOOR_KBPS} --seconds 75 --json",
                link.port
            ),
        )
        .env("DISPLAY", &screen.display)
        .start();
        console.wait_live(1);
        // A good link is left alone.
        std::thread::sleep(Duration::from_secs(6));
        assert_eq!(changes(&console), [], "{}", console.stderr());

        link.set(Terms::GOOD.rate(NARROW_KBPS));
        let narrow_at = Instant::now();
        let fits = wait_until(DOWN_LIMIT, || in_force(&console) < NARROW_KBPS);
        assert!(fits, "{:?}\n{}", changes(&console), console.stderr());
        let down = changes(&console);
        println!(
            "fits after {:.1} s: {down:#?}",
            narrow_at.elapsed().as_secs_f64()
        );
        for (from, to, line) in &down {
            assert!(to < from && *to >= FLOOR_KBPS, "{line}");
            let has_reason = line.contains("round trip") || line.contains("of the packets");
            assert!(has_reason, "{line}");
        }
        // What was queued is out, and now it fits: nothing more is lost, and it stays.
        std::thread::sleep(Duration::from_secs(3));
        let (_, lost_before) = link.counts();
        std::thread::sleep(Duration::from_secs(5));
        let (_, lost) = link.counts();
        let held = in_force(&console);
        println!(
            "held at {held} kb/s, {} packets lost in 5 s",
            lost - lost_before
        );
        assert!((FLOOR_KBPS..NARROW_KBPS).contains(&held), "{held}");
        assert!(lost - lost_before < 100, "{:?}", changes(&console));

        link.set(Terms::GOOD);
        let wide_at = Instant::now();
        let before = changes(&console).len();
        let climbs = wait_until(Duration::from_secs(40), || {
            changes(&console)[before..]
                .iter()
                .filter(|(from, to, _)| to > from)
                .count()
                >= 2
        });
        let up = changes(&console)[before..].to_vec();
        println!(
            "climbs after {:.1} s: {up:#?}",
            wide_at.elapsed().as_secs_f64()
        );
        assert!(climbs, "{up:?}\n{}", console.stderr());
        for (from, to, line) in &up {
            assert!(*to <= CEILING_KBPS && *to <= from + from / 8, "{line}");
        }
        println!("all: {:#?}", changes(&console));
        let ended = console.end_within(Duration::from_secs(90));
        assert!(ended.status.success(), "{}", ended.stderr);
        let result = ended.json();
        println!(
            "drops {}, reconnects {}",
            result["drops"], result["reconnects"]
        );
        assert_eq!(result["reconnects"], 0, "{result:#}\n{}", ended.stderr);
    }
}
