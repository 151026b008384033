//! Capture to the eye in a real browser: the figure comes, is later than the arrival at the probe,
//! and certain; a viewer over a slow way to the page has none until the way is better.

use crate::browser::{self, Browser};
use crate::common::console::Plan;
use crate::common::console::VIEWER_KEY;
use crate::common::{alone, free_tcp_port, programs, wait_until};
use crate::{LONG, load};
use rustix::process::Signal;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

/// A way to the page's port on which answers take longer. Ends with its drop.
struct SlowDoor {
    port: u16,
    delay_ms: Arc<AtomicU64>,
    ended: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl SlowDoor {
    fn open(to: u16, delay_ms: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let delay_ms = Arc::new(AtomicU64::new(delay_ms));
        let ended = Arc::new(AtomicBool::new(false));
        let (delay, end) = (delay_ms.clone(), ended.clone());
        let thread = std::thread::spawn(move || {
            for client in listener.incoming() {
                if end.load(Ordering::Relaxed) {
                    return;
                }
                let (Ok(client), Ok(server)) = (client, TcpStream::connect(("127.0.0.1", to)))
                else {
                    continue;
                };
                let (one, two) = (client.try_clone().unwrap(), server.try_clone().unwrap());
                let delay = delay.clone();
                std::thread::spawn(move || copy(one, two, || Duration::ZERO));
                std::thread::spawn(move || {
                    copy(server, client, || {
                        Duration::from_millis(delay.load(Ordering::Relaxed))
                    });
                });
            }
        });
        Self {
            port,
            delay_ms,
            ended,
            thread: Some(thread),
        }
    }
}

impl Drop for SlowDoor {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
        if TcpStream::connect(("127.0.0.1", self.port)).is_ok() {
            let _ = self.thread.take().unwrap().join();
        }
    }
}

fn copy(mut from: TcpStream, mut to: TcpStream, delay: impl Fn() -> Duration) {
    let mut block = [0; 16 << 10];
    from.set_read_timeout(Some(Duration::from_secs(10)))
        .unwrap();
    while let Ok(count @ 1..) = from.read(&mut block) {
        std::thread::sleep(delay());
        if to.write_all(&block[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Write);
}

/// What a page is told of itself.
#[derive(Debug, Default)]
struct Seen {
    p50_ms: Option<f64>,
    unsure_ms: Option<f64>,
    why_not: String,
    own: String,
    /// At the probe, as the page is told.
    arrived_ms: Option<f64>,
}

fn seen(browser: &mut Browser) -> Seen {
    let data = browser.eval(
        "(() => { if (!document.getElementById('own') || typeof show === 'undefined') return {}; const d = document.body.dataset; return { eye: d.eyeMs, unsure: d.unsureMs, why: d.whyNot,
            own: document.getElementById('own').textContent, arrived: show.to_server_ms }; })()",
    );
    let number = |name: &str| data[name].as_str().and_then(|text| text.parse().ok());
    let text = |name: &str| data[name].as_str().unwrap_or_default().to_owned();
    Seen {
        p50_ms: number("eye"),
        unsure_ms: number("unsure"),
        why_not: text("why"),
        own: text("own"),
        arrived_ms: data["arrived"].as_f64(),
    }
}

fn wait(browser: &mut Browser, what: &str, wanted: impl Fn(&Seen) -> bool) -> Seen {
    let mut last = Seen::default();
    let came = wait_until(LONG, || {
        last = seen(browser);
        wanted(&last)
    });
    assert!(came, "not within {LONG:?}: {what}; {last:?}");
    last
}

/// When each picture came out of the decoder, and when it was given to the compositor.
const DECODED: &str = "(() => { window.out = new Map(); window.given = []; \
    const source = new MediaStreamTrackProcessor({ track: video.srcObject.getVideoTracks()[0] }).readable.getReader(); \
    const next = async () => { const { value } = await source.read(); \
        out.set(value.metadata().rtpTimestamp, performance.now()); value.close(); next(); }; next(); \
    const seen = (now, m) => { given.push([m.rtpTimestamp, m.presentationTime]); video.requestVideoFrameCallback(seen); }; \
    video.requestVideoFrameCallback(seen); return true; })()";
const HELD_MS: &str = "(() => { const all = given.filter((g) => out.has(g[0])) \
    .map((g) => g[1] - out.get(g[0])).sort((a, b) => a - b); return all[Math.floor(all.length * 0.75)]; })()";

/// Waited for, since the two are taken over different seconds.
fn is_later_than_arrival(seen: &Seen) -> bool {
    let both = seen.p50_ms.zip(seen.arrived_ms);
    both.is_some_and(|(eye, arrived)| eye > arrived)
}

fn is_right(seen: &Seen) {
    let (eye, unsure) = (seen.p50_ms.unwrap(), seen.unsure_ms.unwrap());
    assert!(unsure > 0.0, "{seen:?}");
    if load() < 6.0 {
        assert!(unsure < 5.0 && eye < 200.0, "{seen:?}");
    } else {
        println!("not judged at a load of {}: {seen:?}", load());
    }
}

#[test]
fn capture_to_the_eye_is_known_of_each_viewer_whose_clock_is_certain() {
    let _alone = alone();
    let (Some(chromium), Some((ffmpeg, server))) = (browser::program(), programs()) else {
        return;
    };
    let port = free_tcp_port();
    let words = format!(
        "live --defaults --source pattern --audio tone --json --set viewer.port={port} \
         --set video.size=640x360 --bitrate 1500 --set encoder.family=Libx264"
    );
    let console = Plan::new(&ffmpeg, &words)
        .env("MEDIAMTX_BIN", &server)
        .start();
    console.wait_live(1);
    let door = SlowDoor::open(port, 60);
    let mut near = Browser::open(chromium, &format!("http://127.0.0.1:{port}/{VIEWER_KEY}/"));
    let first = wait(&mut near, "a figure", is_later_than_arrival);
    println!("near: {first:?}");
    is_right(&first);
    assert!(first.why_not.is_empty(), "{first:?}");
    // The page says so itself; both languages have the unit.
    wait(&mut near, "the figure on the page", |seen| {
        seen.own.starts_with("Capture to this screen") && seen.own.contains('±')
    });

    // No picture is held back once it is decoded: it is given to the screen's next refresh.
    near.eval(DECODED);
    std::thread::sleep(Duration::from_secs(3));
    let held = near.eval(HELD_MS);
    println!("held back for {held} ms after decoding (upper quartile)");
    assert!(held.as_f64().unwrap() < 5.0, "{held}");

    // Pictures come as fast, but when is not known well enough.
    let mut far = Browser::open(
        chromium,
        &format!("http://127.0.0.1:{}/{VIEWER_KEY}/", door.port),
    );
    far.wait(LONG, "it plays", |page| page.plays(640));
    let uncertain = wait(&mut far, "the reason", |seen| seen.why_not == "clock");
    println!("far: {uncertain:?}");
    assert_eq!(uncertain.p50_ms, None);
    assert!(uncertain.unsure_ms.unwrap() > 10.0, "{uncertain:?}");
    assert!(!uncertain.own.contains('±'), "{uncertain:?}");
    // The way gets better: so does the clock.
    door.delay_ms.store(0, Ordering::Relaxed);
    let second = wait(&mut far, "a figure", is_later_than_arrival);
    println!("far, on a good way: {second:?}");
    is_right(&second);

    // What is not shown has no figure.
    far.eval("Object.defineProperty(document, 'hidden', { get: () => true }), 1");
    wait(&mut far, "hidden", |seen| {
        seen.why_not == "hidden" && seen.p50_ms.is_none()
    });

    // The page knows it before the console's next snapshot does.
    std::thread::sleep(Duration::from_millis(500));
    console.signal(Signal::INT);
    let ended = console.end_within(Duration::from_secs(15));
    let result = ended.json();
    let all = result["viewers_seen"].as_array().unwrap();
    assert_eq!(all.len(), 2, "{all:?}");
    let hidden = all.iter().position(|eye| eye["why_not"] == "hidden");
    let hidden = hidden.unwrap_or_else(|| panic!("{all:#?}"));
    let (hidden, shown) = (&all[hidden], &all[1 - hidden]);
    for eye in all {
        let label = eye["viewer"].as_str().unwrap();
        assert!(label.starts_with("127.0.0.1 Chrome, Linux"), "{label}");
    }
    assert_ne!(hidden["viewer"], shown["viewer"]);
    assert!(hidden["to_the_eye"].is_null(), "{hidden}");
    assert!(
        shown["to_the_eye"]["p50_ms"].as_f64().unwrap() > 0.0,
        "{shown}"
    );
    // The very pictures that the probe had, each later at the eye.
    assert!(shown["after_arrival_ms"].as_f64().unwrap() > 0.0, "{shown}");
    assert!(shown["decode_ms"].as_f64().unwrap() > 0.0, "{shown}");
    assert_eq!(shown["worst"], true, "{shown}");
    // The show is over: so are its figures.
    let after = wait(&mut near, "no figure", |seen| seen.p50_ms.is_none());
    assert!(!after.own.contains('±'), "{after:?}");
}

/// `PD_EYES_SECONDS` and `PD_EYES_WORDS` (more words of `live`) shape it; WHIP needs an ffmpeg of version
/// 8 or later in `PD_TEST_FFMPEGS`.
#[cfg(feature = "x11")]
#[test]
#[ignore = "prints figures; they depend on the machine"]
fn figures_to_the_eye() {
    use crate::common::screen::Xvfb;
    let _alone = alone();
    let (Some(chromium), Some((ffmpeg, server))) = (browser::program(), programs()) else {
        return;
    };
    let Some(screen) = Xvfb::start("1280x720x24", &[]) else {
        return;
    };
    let words = std::env::var("PD_EYES_WORDS").unwrap_or_default();
    let seconds = std::env::var("PD_EYES_SECONDS").unwrap_or_default();
    let seconds: u64 = seconds.parse().unwrap_or(20);
    let muxers = std::process::Command::new(&ffmpeg).arg("-muxers").output();
    let has_whip = String::from_utf8_lossy(&muxers.unwrap().stdout).contains(" whip ");
    for (way, fps) in [("Rtsp", 30), ("Whip", 30), ("Rtsp", 60)] {
        if way == "Whip" && !has_whip {
            println!("no WHIP: this ffmpeg has none");
            continue;
        }
        let port = free_tcp_port();
        let words = format!(
            "live --defaults --source pattern --audio tone --json --set viewer.port={port} \
             --set video.size=1280x720 --set video.fps={fps} --bitrate 3000 \
             --set encoder.family=Libx264 --set target.way={way} {words}"
        );
        let console = Plan::new(&ffmpeg, &words)
            .env("MEDIAMTX_BIN", &server)
            .start();
        console.wait_live(1);
        let url = format!("http://127.0.0.1:{port}/{VIEWER_KEY}/");
        let mut page = Browser::open_on(chromium, &url, &screen.display, [1280, 720]);
        wait(&mut page, "a figure", is_later_than_arrival);
        // The jitter buffer shrinks over the browser's first seconds.
        std::thread::sleep(Duration::from_secs(6));
        page.eval("window.all = []; setInterval(() => { const d = document.body.dataset; if (d.eyeMs) window.all.push( \
            [d.eyeMs, d.eyeP95Ms, d.unsureMs, d.afterReceiptMs, d.bufferMs, d.decodeMs, show.to_server_ms].map(Number)); }, 500), 1");
        std::thread::sleep(Duration::from_secs(seconds));
        let medians = page.eval(
            "Array.from({ length: 7 }, (_, i) => window.all.map((row) => row[i]).sort((a, b) => a - b)[window.all.length >> 1])",
        );
        console.signal(Signal::INT);
        let result = console.end_within(Duration::from_secs(15)).json();
        let of = |index: usize| medians[index].as_f64().unwrap_or(f64::NAN);
        println!(
            "{} {fps} fps: to the eye {:.1} p50, {:.1} p95 (± {:.1}); arrived {:.0}; last packet to display {:.1}, \
             of it jitter buffer {:.1}, decoding {:.1}; load {}",
            result["way"],
            of(0),
            of(1),
            of(2),
            of(6),
            of(3),
            of(4),
            of(5),
            load()
        );
    }
}
