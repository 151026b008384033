//! Shows on every way, with right and wrong secrets of a kind that is found again in any form, at log level
//! trace; then everything that the console wrote is searched for them.

use crate::common::console::{Console, Ended, Plan};
use crate::common::{
    Killed, alone, ffmpegs, free_tcp_port, free_udp_port, programs, start_mediamtx, wait_until,
};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use pd_console::ffmpeg::capabilities;
use rustix::process::Signal;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

pub const USER: &str = "pd";
/// Unlike any other text, with letters that some encoder writes in another way; MediaMTX takes no space.
pub const PASSWORD: &str = "mark-Pw9;x&yz+8#";
pub const PASSPHRASE: &str = "mark-Ph7 &x=y;8%24#";
const WRONG_PASSWORD: &str = "mark-Wp5;v&wz+6#";
const BACKUP_PASSWORD: &str = "mark-Bp3;t&uz+4#";
const BACKUP_PASSPHRASE: &str = "mark-Bh2 &r=s;5%24#";
pub const REMOTE: &str = "mark-Rc1;p&q z+2#";
pub const VIEWER_KEY: &str = "mark-Vk6-a7b8c9";
/// In an address that was pasted with a login.
pub const IN_ADDRESS: &str = "mark-Ua4n5o";

const ALL: [&str; 8] = [
    PASSWORD,
    PASSPHRASE,
    WRONG_PASSWORD,
    BACKUP_PASSWORD,
    BACKUP_PASSPHRASE,
    REMOTE,
    VIEWER_KEY,
    IN_ADDRESS,
];

/// A secret in the forms in which it could be written: raw, by percent, base64 at each offset, hex; and its
/// most telling part raw, which no escaping of quotes or spaces changes.
fn forms(secret: &str) -> Vec<Vec<u8>> {
    let bytes = secret.as_bytes();
    let hex = |upper: bool| -> String {
        let digits = |b: &u8| {
            if upper {
                format!("{b:02X}")
            } else {
                format!("{b:02x}")
            }
        };
        bytes.iter().map(digits).collect()
    };
    let percent = |keep: fn(&u8) -> bool| -> String {
        let one = |b: &u8| {
            if keep(b) {
                char::from(*b).to_string()
            } else {
                format!("%{b:02X}")
            }
        };
        bytes.iter().map(one).collect()
    };
    let mut all = vec![
        // Nothing in it that an encoder of percent must change.
        secret[..8].to_owned(),
        percent(u8::is_ascii_alphanumeric)[..11].to_owned(),
        percent(|_| false),
        hex(true),
        hex(false),
    ];
    for before in 0..3 {
        let padded = [&b"abc"[..before], bytes].concat();
        let text = BASE64_STANDARD.encode(padded);
        // Without the letters that its neighbours have a part in.
        let inner = &text[(before * 4).div_ceil(3)..text.len() - 4];
        all.push(inner.trim_end_matches('=').to_owned());
    }
    all.into_iter().map(String::into_bytes).collect()
}

/// Where a secret stands in `bytes`.
pub fn found(bytes: &[u8]) -> Option<String> {
    ALL.iter().find_map(|secret| {
        let forms = forms(secret);
        let form = forms
            .iter()
            .find(|form| bytes.windows(form.len()).any(|window| window == **form))?;
        let at = bytes.windows(form.len()).position(|w| w == &form[..])?;
        let around = &bytes[at.saturating_sub(200)..(at + 60).min(bytes.len())];
        Some(format!("{secret} in: {}", String::from_utf8_lossy(around)))
    })
}

/// Every file below a folder, with its bytes.
pub fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            all.extend(files(&path));
        } else if kind.is_file() {
            all.push((path.clone(), fs::read(&path).unwrap()));
        }
    }
    all
}

#[test]
fn the_search_itself_finds_every_form() {
    for secret in ALL {
        let pair = BASE64_STANDARD.encode(format!("{USER}:{secret}"));
        let hex: String = secret.bytes().map(|b| format!("{b:02x}")).collect();
        let percent =
            percent_encoding::utf8_percent_encode(secret, percent_encoding::NON_ALPHANUMERIC);
        for text in [
            secret.to_owned(),
            pair,
            hex,
            percent.to_string(),
            format!("{secret:?}"),
        ] {
            assert!(
                found(format!("xx {text} yy").as_bytes()).is_some(),
                "{secret}: {text}"
            );
        }
    }
    assert_eq!(found(b"mark- Pw, nothing of it"), None);
}

/// A server with every way, the user `pd`, and a passphrase on the path `pd_phrase`.
struct Server {
    srt: u16,
    rtsp: u16,
    webrtc: u16,
    api: u16,
    _process: (Killed, tempfile::TempDir),
}

impl Server {
    fn start(program: &Path, password: &str, passphrase: &str) -> Self {
        let (srt, ice) = (free_udp_port(), free_udp_port());
        let (rtsp, webrtc, api) = (free_tcp_port(), free_tcp_port(), free_tcp_port());
        let config = format!(
            "logLevel: warn\nrtmp: no\nhls: no\nsrtAddress: 127.0.0.1:{srt}\nrtspTransports: [tcp]\n\
             rtspAddress: 127.0.0.1:{rtsp}\nwebrtcAddress: 127.0.0.1:{webrtc}\n\
             webrtcLocalUDPAddress: 127.0.0.1:{ice}\nwebrtcIPsFromInterfaces: no\n\
             webrtcAdditionalHosts: [127.0.0.1]\nwebrtcICEServers2: []\napi: yes\n\
             apiAddress: 127.0.0.1:{api}\nauthInternalUsers:\n  - user: {USER}\n    pass: '{password}'\n\
             \x20   permissions:\n      - action: publish\n      - action: api\n  - user: any\n    permissions:\n\
             \x20     - action: read\npaths:\n  pd_phrase:\n    srtPublishPassphrase: '{passphrase}'\n  all_others:\n"
        );
        let process = start_mediamtx(program, &config);
        Self {
            srt,
            rtsp,
            webrtc,
            api,
            _process: process,
        }
    }

    /// The console's words for it.
    fn words(&self, target: &str, path: &str, way: &str) -> String {
        format!(
            "--set {target}.kind=Srt --set {target}.host=127.0.0.1 --set {target}.srt_port={} \
             --set {target}.rtsp_port={} --set {target}.webrtc_url=http://127.0.0.1:{} \
             --set {target}.api_url=http://127.0.0.1:{} --set {target}.path={path} \
             --set {target}.user={USER} --set {target}.way={way} ",
            self.srt, self.rtsp, self.webrtc, self.api
        )
    }
}

const SHOW: &str = "live --defaults --source pattern --audio tone --set video.size=320x180 \
    --set video.fps=10 --set encoder.family=Libx264 --bitrate 300 ";

/// A console with a home of its own.
struct Home {
    name: &'static str,
    console: Console,
    folder: tempfile::TempDir,
    goes_live: bool,
}

impl Home {
    fn start(
        name: &'static str,
        ffmpeg: &Path,
        words: &str,
        secrets: &[(&str, &str)],
        goes_live: bool,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let at = |place: &str| folder.path().join(place);
        fs::create_dir(at("run")).unwrap();
        let recordings = at("recordings");
        fs::create_dir(&recordings).unwrap();
        let words = format!("{SHOW}{words} --record {}", recordings.display());
        let mut plan = Plan::new(ffmpeg, &words)
            .env("PD_CONSOLE_LOG", "trace")
            .env("HOME", folder.path())
            .env("PD_CONSOLE_CONFIG_DIR", at("config"))
            .env("XDG_STATE_HOME", at("state"))
            .env("XDG_DATA_HOME", at("data"))
            .env("XDG_CACHE_HOME", at("cache"))
            .env("XDG_CONFIG_HOME", at("xdg-config"))
            .env("XDG_RUNTIME_DIR", at("run"))
            .env("TMPDIR", at("run"))
            // ffmpeg would write its arguments there.
            .env(
                "FFREPORT",
                format!("file={}:level=48", at("report.log").display()),
            )
            .env("PD_CONSOLE_VIEWER_KEY", VIEWER_KEY)
            .env("PD_CONSOLE_REMOTE_PASSWORD", REMOTE);
        for (name, value) in secrets {
            plan = plan.env(name, value);
        }
        Self {
            name,
            console: plan.start(),
            folder,
            goes_live,
        }
    }

    /// Whether no child shows a secret in the list of processes.
    fn shows_nothing(&self) -> bool {
        self.console.marked().iter().all(|(pid, _)| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            found(&line).is_none()
        })
    }

    /// Whether a child has an argument of asterisks: one was covered. (ffmpeg has other arguments than ours to
    /// show where the way has no secret.)
    fn has_covered(&self) -> bool {
        self.console.marked().iter().any(|(pid, _)| {
            let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            line.split(|b| *b == 0)
                .any(|argument| argument.len() > 8 && argument.iter().all(|b| *b == b'*'))
        })
    }

    /// Whether a process that it started itself shows a secret now: a look of some 50 us.
    fn shows_now(&self) -> bool {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.console.id())).unwrap();
        tasks.flatten().any(|task| {
            let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
            children.split_whitespace().any(|child| {
                let line = fs::read(format!("/proc/{child}/cmdline")).unwrap_or_default();
                line.windows(8)
                    .any(|w| ALL.iter().any(|secret| w == &secret.as_bytes()[..8]))
            })
        })
    }

    /// Ends it and looks at all that it wrote; its words.
    fn end(self) -> String {
        self.console.signal(Signal::INT);
        let ended: Ended = self.console.end_within(Duration::from_secs(30));
        let name = self.name;
        for (what, text) in [("stdout", &ended.stdout), ("stderr", &ended.stderr)] {
            if let Some(secret) = found(text.as_bytes()) {
                panic!("{name}: {what} has {secret}");
            }
        }
        let files = files(self.folder.path());
        let log = files
            .iter()
            .find(|(path, _)| path.to_string_lossy().ends_with(".log"));
        let (_, text) = log.unwrap_or_else(|| panic!("{name}: no log"));
        let text = String::from_utf8_lossy(text);
        assert!(
            text.contains("TRACE") || text.contains("DEBUG"),
            "{name}: {text}"
        );
        // Other libraries would write what they send, in forms that are no text.
        for line in text.lines() {
            let mut words = line.split_whitespace().skip(1);
            if let (Some("TRACE" | "DEBUG"), Some(who)) = (words.next(), words.next()) {
                assert!(who.starts_with("pd_console"), "{name}: {line}");
            }
        }
        for (path, bytes) in &files {
            if let Some(secret) = found(bytes) {
                panic!("{name}: {} has {secret}", path.display());
            }
        }
        println!("{name}: {} files, {} bytes of log", files.len(), text.len());
        ended.stderr
    }
}

#[test]
fn no_secret_is_in_anything_that_is_written_shown_or_started() {
    let _alone = alone();
    let Some((ffmpeg, program)) = programs() else {
        return;
    };
    let server = Server::start(&program, PASSWORD, PASSPHRASE);
    let backup = Server::start(&program, BACKUP_PASSWORD, BACKUP_PASSPHRASE);
    let right = [("PD_CONSOLE_PASSWORD", PASSWORD)];
    let phrase = [
        ("PD_CONSOLE_PASSWORD", PASSWORD),
        ("PD_CONSOLE_PASSPHRASE", PASSPHRASE),
        ("PD_CONSOLE_BACKUP_PASSWORD", BACKUP_PASSWORD),
        ("PD_CONSOLE_BACKUP_PASSPHRASE", BACKUP_PASSPHRASE),
    ];
    let wrong = [("PD_CONSOLE_PASSWORD", WRONG_PASSWORD)];
    let with_backup = format!(
        "{}--set backup.on=true {}",
        server.words("target", "pd_phrase", "SrtPush"),
        backup.words("backup.target", "pd_phrase", "SrtPush")
    );
    let remote = format!("--remote --set remote.port={} ", free_tcp_port());
    let page = format!("--set viewer.port={} ", free_tcp_port());
    let ways = |way: &str| server.words("target", &format!("pd_{way}"), way);
    let mut homes = vec![
        Home::start(
            "SRT push, passphrase, backup",
            &ffmpeg,
            &with_backup,
            &phrase,
            true,
        ),
        Home::start("RTSP", &ffmpeg, &(ways("Rtsp") + &page), &right, true),
        Home::start(
            "SRT pull",
            &ffmpeg,
            &(ways("SrtPull") + &remote),
            &right,
            true,
        ),
    ];
    let mut refusals = 0;
    let mut check = |homes: &mut Vec<Home>| {
        for home in homes.drain(..) {
            if home.goes_live {
                home.console.wait_live(1);
                let hidden = wait_until(Duration::from_secs(5), || home.shows_nothing());
                assert!(hidden, "{}: {:?}", home.name, home.console.marked());
                assert!(
                    home.has_covered(),
                    "{}: {:?}",
                    home.name,
                    home.console.marked()
                );
            } else {
                // Refused, it ends by itself; a busy machine takes its time to that.
                wait_until(Duration::from_secs(20), || home.console.has_ended());
            }
            refusals += usize::from(home.end().contains("refuse"));
        }
    };
    check(&mut homes);
    let whip = ffmpegs().into_iter().find(|ffmpeg| {
        capabilities::look(Some(ffmpeg)).is_ok_and(|f| f.capabilities.muxers.contains("whip"))
    });
    let login = format!("http://{USER}:{IN_ADDRESS}@127.0.0.1");
    let pasted = |way: &str| {
        format!(
            "{} --set target.api_url={login}:{} --set target.webrtc_url={login}:{} \
             --set target.host=srt://127.0.0.1:{}?streamid=publish:a:b:{IN_ADDRESS}&passphrase={IN_ADDRESS} ",
            ways(way),
            server.api,
            server.webrtc,
            server.srt
        )
    };
    homes.extend([
        Home::start("wrong by SRT", &ffmpeg, &ways("SrtPush"), &wrong, false),
        Home::start("wrong by RTSP", &ffmpeg, &ways("Rtsp"), &wrong, false),
        Home::start(
            "logins in addresses",
            &ffmpeg,
            &pasted("SrtPush"),
            &wrong,
            false,
        ),
        Home::start("loopback", &ffmpeg, "", &right, true),
    ]);
    match whip {
        Some(whip) => {
            homes.push(Home::start("WHIP", &whip, &ways("Whip"), &right, true));
            let logins = pasted("Whip");
            homes.push(Home::start(
                "WHIP, logins in addresses",
                &whip,
                &logins,
                &wrong,
                false,
            ));
        }
        None => println!("SKIPPED WHIP: no ffmpeg of PD_TEST_FFMPEGS has it"),
    }
    check(&mut homes);
    assert!(
        refusals > 0,
        "no wrong secret was refused: nothing was tried"
    );
}

/// For how long a child's secrets can be read in the list of processes, by way and version: from its first
/// sight to the last look that showed one.
#[test]
#[ignore = "figures for SECURITY.md"]
fn figures_of_how_long_arguments_can_be_read() {
    let _alone = alone();
    let Some((_, program)) = programs() else {
        return;
    };
    let server = Server::start(&program, PASSWORD, PASSPHRASE);
    let secrets = [
        ("PD_CONSOLE_PASSWORD", PASSWORD),
        ("PD_CONSOLE_PASSPHRASE", PASSPHRASE),
    ];
    for ffmpeg in ffmpegs() {
        let found_of = capabilities::look(Some(&ffmpeg)).unwrap().capabilities;
        for (way, path) in [
            ("SrtPush", "pd_phrase"),
            ("Rtsp", "pd_rtsp"),
            ("Whip", "pd_whip"),
        ] {
            if way == "Whip" && !found_of.muxers.contains("whip") {
                continue;
            }
            let words = server.words("target", path, way);
            let home = Home::start("figures", &ffmpeg, &words, &secrets, true);
            let (mut first, mut last, mut looks) = (None, None, 0);
            let until = Instant::now() + Duration::from_secs(8);
            while Instant::now() < until
                && last.is_none_or(|at: Instant| at.elapsed().as_secs() < 2)
            {
                let now = Instant::now();
                if home.shows_now() {
                    first.get_or_insert(now);
                    last = Some(now);
                }
                looks += 1;
            }
            let open = first.zip(last).map(|(first, last)| last - first);
            let load = fs::read_to_string("/proc/loadavg").unwrap();
            println!(
                "{} {way}: {open:?} of {looks} looks, load {load}",
                found_of.version_text
            );
            home.end();
        }
    }
}
