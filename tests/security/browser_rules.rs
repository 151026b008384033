//! Another site's page, open in a browser on this machine, tries the viewers' page and the remote control:
//! what the browser itself lets through decides, so it is a real one.

#[path = "../viewer_page/browser.rs"]
#[allow(dead_code)]
mod browser;

use crate::common::console::{Plan, VIEWER_KEY};
use crate::common::{alone, free_tcp_port, wait_until};
use browser::Browser;
use pd_console::ffmpeg::capabilities;
use rustix::process::Signal;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

/// A site with one empty page, on every host that leads here; serves until the test's end.
fn site() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let _ = stream.read(&mut [0; 4096]);
            let page = "<!doctype html><title>evil</title><p>evil";
            let _ = write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{page}",
                page.len()
            );
        }
    });
    port
}

/// What becomes of these in the page, each a promise; in the order of their names.
fn outcomes(browser: &mut Browser, tries: &[(&str, String)]) -> Vec<(String, String)> {
    browser.eval("window.said = {}, 1");
    for (name, promise) in tries {
        browser.eval(&format!(
            "({promise}).then((r) => said['{name}'] = String(r), (e) => said['{name}'] = 'refused: ' + e), 1"
        ));
    }
    let count = tries.len() as u64;
    let all = wait_until(Duration::from_secs(15), || {
        browser.eval("Object.keys(said).length").as_u64() == Some(count)
    });
    let said = browser.eval("said");
    assert!(all, "{said}");
    let said = said.as_object().unwrap().clone();
    said.into_iter()
        .map(|(k, v)| (k, v.as_str().unwrap_or_default().to_owned()))
        .collect()
}

fn socket(url: &str) -> String {
    format!(
        "new Promise((yes, no) => {{ const s = new WebSocket('{url}', 'obswebsocket.json'); \
         s.onopen = () => yes('open'); s.onerror = s.onclose = () => no('closed'); }})"
    )
}

#[test]
fn a_page_of_another_site_gets_neither_the_show_nor_the_remote_control() {
    let _alone = alone();
    let (Some(chromium), Ok(ffmpeg)) = (browser::program(), capabilities::look(None)) else {
        return;
    };
    let (page, remote, evil) = (free_tcp_port(), free_tcp_port(), site());
    let words = format!(
        "live --defaults --source pattern --audio tone --set video.size=320x180 --set viewer.port={page} \
         --remote --set remote.port={remote} --set encoder.family=Libx264"
    );
    let console = Plan::new(&ffmpeg.path, &words).start();
    let served = |port| TcpStream::connect(("127.0.0.1", port)).is_ok();
    assert!(
        wait_until(Duration::from_secs(20), || served(page) && served(remote)),
        "{}",
        console.stderr()
    );
    let own = format!("http://127.0.0.1:{page}/{VIEWER_KEY}/");
    let to_here = "--host-resolver-rules=MAP evil.example 127.0.0.1";
    let mut browser = Browser::open_with(chromium, &own, &[to_here]);
    let is_there = |browser: &mut Browser, title: &str| {
        let there = wait_until(Duration::from_secs(15), || {
            browser.eval("document.title") == title
        });
        assert!(
            there,
            "{}",
            browser.eval("document.documentElement.outerHTML")
        );
    };

    // The page itself is let in: what is refused below is so for its origin.
    is_there(&mut browser, "Return picture");
    let good = [
        ("status", "fetch('status').then((r) => r.status)".to_owned()),
        // Its policy lets the page connect to its own origin only: not even to our remote control.
        ("remote", socket(&format!("ws://127.0.0.1:{remote}"))),
    ];
    let said = outcomes(&mut browser, &good);
    assert_eq!(said[1], ("status".into(), "200".into()));
    assert!(said[0].1.starts_with("refused"), "{said:?}");

    let url = format!("http://evil.example:{evil}/");
    browser.call("Page.navigate", serde_json::json!({ "url": url }));
    is_there(&mut browser, "evil");
    let post = |url: &str, kind: &str, mode: &str| {
        format!(
            "fetch('{url}', {{ method: 'POST', mode: '{mode}', body: 'v=0', headers: {{ 'Content-Type': '{kind}' }} }}) \
             .then((r) => r.type === 'opaque' ? Promise.reject('opaque') : r.status)"
        )
    };
    let bad = [
        (
            "status",
            format!("fetch('{own}status').then((r) => r.text())"),
        ),
        (
            "whep",
            post(&format!("{own}whep"), "application/sdp", "cors"),
        ),
        (
            "plain whep",
            post(&format!("{own}whep"), "text/plain", "no-cors"),
        ),
        (
            "eye",
            post(&format!("{own}eye"), "application/json", "cors"),
        ),
        (
            "rebound",
            format!(
                "fetch('http://evil.example:{page}/{VIEWER_KEY}/status').then((r) => r.text())"
            ),
        ),
        ("socket", socket(&format!("ws://127.0.0.1:{remote}"))),
        (
            "rebound socket",
            socket(&format!("ws://evil.example:{remote}")),
        ),
    ];
    let said = outcomes(&mut browser, &bad);
    assert_eq!(said.len(), bad.len());
    for (name, outcome) in &said {
        assert!(outcome.starts_with("refused"), "{name}: {outcome}");
    }
    // The name by which a foreign name server could make that site's page this page's own origin.
    let rebound = format!("http://evil.example:{page}/{VIEWER_KEY}/");
    browser.call("Page.navigate", serde_json::json!({ "url": rebound }));
    let refused = wait_until(Duration::from_secs(15), || {
        let text = browser.eval("document.body.innerText");
        text.as_str()
            .is_some_and(|text| text.contains("not served under that name"))
    });
    assert!(
        refused,
        "{}",
        browser.eval("document.documentElement.outerHTML")
    );
    console.signal(Signal::INT);
    console.end_within(Duration::from_secs(15));
}
