//! A headless Chromium with one page, driven over the DevTools protocol.

use crate::common::{Killed, wait_until};
use serde_json::{Value, json};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;
use tungstenite::stream::MaybeTlsStream;
use tungstenite::{Message, WebSocket};

/// A browser with a page; dropping it ends it.
pub struct Browser {
    socket: WebSocket<MaybeTlsStream<TcpStream>>,
    next: u64,
    _process: Killed,
    _folder: tempfile::TempDir,
}

/// Its program; None, with a word, where there is none.
pub fn program() -> Option<&'static str> {
    let names = ["chromium", "chromium-browser", "google-chrome"];
    let found = names
        .into_iter()
        .find(|name| Command::new(name).arg("--version").output().is_ok());
    if found.is_none() {
        println!("SKIPPED: no Chromium was found in PATH");
    }
    found
}

impl Browser {
    /// Starts it without a screen and opens `url` in it.
    pub fn open(program: &str, url: &str) -> Self {
        let mut command = Command::new(program);
        command.args(["--headless=new", "--window-size=960,540"]);
        Self::start(command, url)
    }

    /// The same with further arguments.
    #[allow(dead_code)]
    pub fn open_with(program: &str, url: &str, args: &[&str]) -> Self {
        let mut command = Command::new(program);
        command
            .args(["--headless=new", "--window-size=960,540"])
            .args(args);
        Self::start(command, url)
    }

    /// Starts it on an X server, over the whole screen of `size`, and opens `url` in it.
    #[allow(dead_code)]
    pub fn open_on(program: &str, url: &str, display: &str, size: [u32; 2]) -> Self {
        let mut command = Command::new(program);
        command
            .args(["--kiosk", "--window-position=0,0"])
            .arg(format!("--window-size={},{}", size[0], size[1]))
            .env("DISPLAY", display)
            .env_remove("WAYLAND_DISPLAY");
        Self::start(command, url)
    }

    fn start(mut command: Command, url: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let process = command
            .args(["--no-sandbox", "--disable-gpu", "--mute-audio"])
            .args([
                "--no-first-run",
                "--disable-extensions",
                "--disable-background-networking",
            ])
            .args(["--disable-dev-shm-usage", "--lang=en-US"])
            .arg("--remote-debugging-port=0")
            .arg(format!("--user-data-dir={}", folder.path().display()))
            .arg("about:blank")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let process = Killed(process.unwrap());
        let file = folder.path().join("DevToolsActivePort");
        let mut port = String::new();
        assert!(
            wait_until(Duration::from_secs(30), || {
                port = std::fs::read_to_string(&file).unwrap_or_default();
                port.contains('\n')
            }),
            "Chromium does not open its DevTools"
        );
        let port = port.lines().next().unwrap().to_owned();
        let pages = format!("http://127.0.0.1:{port}/json/list");
        let mut address = None;
        assert!(
            wait_until(Duration::from_secs(10), || {
                let text = ureq::get(&pages)
                    .call()
                    .unwrap()
                    .into_body()
                    .read_to_string();
                let pages: Value = serde_json::from_str(&text.unwrap()).unwrap();
                let pages = pages.as_array().unwrap();
                let page = pages.iter().find(|page| page["type"] == "page");
                address = page.and_then(|p| p["webSocketDebuggerUrl"].as_str().map(str::to_owned));
                address.is_some()
            }),
            "Chromium has no page"
        );
        let (socket, _) = tungstenite::connect(address.unwrap()).unwrap();
        let mut browser = Self {
            socket,
            next: 0,
            _process: process,
            _folder: folder,
        };
        browser.call("Page.navigate", json!({ "url": url }));
        browser
    }

    /// Calls a method; its result.
    pub fn call(&mut self, method: &str, params: Value) -> Value {
        self.next += 1;
        let id = self.next;
        let request = json!({ "id": id, "method": method, "params": params });
        self.socket
            .send(Message::text(request.to_string()))
            .unwrap();
        loop {
            let Message::Text(text) = self.socket.read().unwrap() else {
                continue;
            };
            let answer: Value = serde_json::from_str(&text).unwrap();
            if answer["id"] == id {
                assert!(answer.get("error").is_none(), "{method}: {answer}");
                return answer["result"].clone();
            }
        }
    }

    /// What an expression gives in the page.
    pub fn eval(&mut self, expression: &str) -> Value {
        let params =
            json!({ "expression": expression, "returnByValue": true, "userGesture": true });
        let answer = self.call("Runtime.evaluate", params);
        assert!(
            answer.get("exceptionDetails").is_none(),
            "{expression}: {answer}"
        );
        answer["result"]["value"].clone()
    }

    /// The page's figures and where it stands.
    pub fn page(&mut self) -> Page {
        let page = self.eval(
            "(() => { if (!document.getElementById('note')) return {}; const d = document.body.dataset, n = (x) => x === undefined ? 0 : Number(x); return {
                state: d.state || '', note: document.getElementById('note').innerText.trim(),
                frames: n(d.frames), connections: n(d.connections), freezes: n(d.freezes),
                delay: n(d.delayMs), buffer: n(d.bufferMs), decode: n(d.decodeMs), rtt: n(d.rttMs),
                width: document.getElementById('video').videoWidth, now: performance.now() } })()",
        );
        let number = |name: &str| page[name].as_f64().unwrap_or_default();
        Page {
            state: page["state"].as_str().unwrap_or_default().to_owned(),
            note: page["note"].as_str().unwrap_or_default().to_owned(),
            frames: number("frames"),
            connections: number("connections"),
            freezes: number("freezes"),
            delay_ms: number("delay"),
            parts_ms: [number("buffer"), number("decode"), number("rtt")],
            width: number("width") as u32,
        }
    }

    /// Waits until the page is as wanted; how it is then.
    pub fn wait(&mut self, limit: Duration, what: &str, wanted: impl Fn(&Page) -> bool) -> Page {
        let mut page = Page::default();
        let came = wait_until(limit, || {
            page = self.page();
            wanted(&page)
        });
        assert!(came, "not within {limit:?}: {what}; {page:?}");
        page
    }
}

/// How the page stands.
#[derive(Clone, Debug, Default)]
pub struct Page {
    pub state: String,
    pub note: String,
    pub frames: f64,
    pub connections: f64,
    pub freezes: f64,
    pub delay_ms: f64,
    /// Jitter buffer, decoding, round trip.
    pub parts_ms: [f64; 3],
    pub width: u32,
}

impl Page {
    pub fn plays(&self, width: u32) -> bool {
        self.state == "playing" && self.width == width
    }
}
