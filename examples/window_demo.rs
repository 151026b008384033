//! The window on an invented show, for work on its look: no ffmpeg, no server, nothing is sent.
//! Every figure is made up; the title says so.
//!
//! `cargo run --example window_demo -- [idle|starting|live|sent|reconnecting|failed] [en|ko] [trouble] [own]
//! [adaptive] [report] [light] [150%]`; F2, F3 and F4 open settings, encoder and check.

#![allow(clippy::unwrap_used)]

#[path = "window_demo/encoding.rs"]
mod encoding;

use pd_console::clock::{self, MonoTime};
use pd_console::publish::WayStatus;
use pd_console::session::ahead::PingStatus;
use pd_console::session::snapshot::{
    AudioLevel, AudioStatus, Confirmation, Drops, EncoderStatus, LatencyFigures, LogLine, Preview,
    Receiver, RouteStatus, Severity, StageFigures, State, TrendPoint,
};
use pd_console::session::{Command, Console, Snapshot};
use pd_console::settings::{Language, Settings, TargetKind, Way};
use pd_console::units::Size;
use pd_console::viewer::ViewerStatus;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

struct Inner {
    settings: Settings,
    state: State,
    since: MonoTime,
    pending: Option<(u32, MonoTime)>,
    preview: bool,
    sent_only: bool,
    trouble: bool,
    /// When a check was asked for; it takes three seconds.
    examined: Option<MonoTime>,
    recorded: bool,
}

struct Demo(Mutex<Inner>);

fn wave(t: f64, period_s: f64) -> f64 {
    (t * std::f64::consts::TAU / period_s).sin()
}

fn stage(p50_ms: f64, spread: f64) -> Option<StageFigures> {
    Some(StageFigures {
        p50_ms,
        p95_ms: p50_ms + spread,
        max_ms: p50_ms + 1.6 * spread,
        frames: 60,
    })
}

fn arrival(t: f64) -> (f64, f64) {
    let p50 = 38.0 + 3.0 * wave(t, 17.0) + 1.5 * wave(t, 2.3);
    let bump = if (t % 23.0) < 2.0 { 24.0 } else { 0.0 };
    (p50 + bump * 0.5, p50 + 9.0 + 3.0 * wave(t, 5.0) + bump)
}

fn trend(t: f64) -> Vec<TrendPoint> {
    let points = (t.min(60.0) * 4.0) as u32;
    (0..points)
        .map(|i| {
            let at_s = (t * 4.0).floor() / 4.0 - f64::from(points - i) / 4.0;
            let (p50_ms, p95_ms) = arrival(at_s);
            TrendPoint {
                at_s,
                p50_ms,
                p95_ms,
            }
        })
        .collect()
}

/// A moving picture: bars, a gradient and a running block.
fn picture(t: f64) -> Preview {
    let size = Size::new(640, 360);
    let number = (t * 15.0) as u64;
    let bars: [[u8; 3]; 7] = [
        [180, 180, 180],
        [180, 180, 16],
        [16, 180, 180],
        [16, 180, 16],
        [180, 16, 180],
        [180, 16, 16],
        [16, 16, 180],
    ];
    let block = (number * 6 % 600) as u32;
    let mut rgba = Vec::with_capacity(4 * size.pixels());
    for y in 0..size.height {
        for x in 0..size.width {
            let [r, g, b] = if (block..block + 40).contains(&x) && (270..310).contains(&y) {
                [235, 235, 235]
            } else if y < 240 {
                bars[(x * 7 / size.width) as usize]
            } else {
                [(x * 255 / size.width) as u8; 3]
            };
            rgba.extend([r, g, b, 255]);
        }
    }
    Preview {
        number,
        size,
        rgba: rgba.into(),
        cost_us: 300,
    }
}

fn lines(failed: Option<&str>) -> Vec<LogLine> {
    let mut all = vec![
        (
            Severity::Info,
            "ffmpeg 7.0.2 with libx264, libopus and libsrt",
        ),
        (
            Severity::Info,
            "MediaMTX 1.20 runs on 127.0.0.1, SRT port 8890",
        ),
        (
            Severity::Info,
            "Screen :0 is captured through MIT-SHM, 1920x1080",
        ),
        (
            Severity::Info,
            "On air: the server says that path pd_main is online",
        ),
        (
            Severity::Info,
            "Bitrate 1000 -> 3000 kb/s, cut over at frame 5412, no viewer lost",
        ),
        (
            Severity::Warning,
            "The sound input gives 47 990 Hz instead of 48 000; the difference is corrected",
        ),
        (
            Severity::Info,
            "한국어 장치 이름: 회의실 마이크, 뷁쀍 (옛 이름)",
        ),
    ];
    if let Some(message) = failed {
        all.push((Severity::Error, message));
    }
    all.into_iter()
        .enumerate()
        .map(|(i, (severity, text))| LogLine {
            number: i as u64,
            time: format!("20:15:{:02}", i * 7),
            severity,
            text: text.into(),
        })
        .collect()
}

impl Console for Demo {
    fn snapshot(&self) -> Arc<Snapshot> {
        let mut demo = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = clock::now() + Duration::from_secs(4000);
        step(&mut demo, at);
        let t = at.as_micros() as f64 / 1e6;
        let live = matches!(demo.state, State::Live | State::Reconnecting { .. });
        let failed = match &demo.state {
            State::Failed { message } => Some(message.as_str()),
            _ => None,
        };
        let encoding = if live {
            encoding::status(&demo.settings, t, demo.trouble)
        } else {
            EncoderStatus::default()
        };
        let wish = encoding.wish;
        let kbps = wish.map_or(demo.settings.encoder.bitrate_kbps, |wish| wish.bitrate_kbps);
        let kbps = f64::from(kbps);
        let level = |phase: f64| (-16.0 + 10.0 * wave(t + phase, 1.7) * wave(t, 0.43)) as f32;
        let peak = [level(0.0), level(0.3)];
        let own = demo.settings.target.kind == TargetKind::Srt;
        let (p50, p95) = arrival(t);
        let latency = LatencyFigures {
            copied: stage(0.2, 0.1),
            paced: stage(0.3, 0.2),
            converted: stage(0.9, 0.3),
            written: stage(2.1, 1.2),
            own: stage(2.3, 1.3),
            encoded: stage(9.4 + wave(t, 3.0), 3.1),
            sent: stage(10.2 + wave(t, 3.0), 3.3),
            arrived: stage(p50, p95 - p50).filter(|_| !demo.sent_only),
            server: None,
        };
        Arc::new(Snapshot {
            state: demo.state.clone(),
            live_since: live.then_some(demo.since),
            at,
            receiver: live.then(|| {
                if own || demo.sent_only {
                    Receiver::OwnServer {
                        address: "media.studio.example:8890".into(),
                    }
                } else {
                    Receiver::ManagedMediaMtx {
                        viewer_url: "http://127.0.0.1:8889/pd_main".into(),
                    }
                }
            }),
            confirmation: match (live, demo.sent_only) {
                (true, true) => Confirmation::Handshake,
                (true, false) => Confirmation::Online,
                _ => Confirmation::None,
            },
            route: RouteStatus {
                way: live.then_some(Way::SrtPush),
                ways: demo_ways(),
                wished_latency_ms: live.then_some(60),
                ..RouteStatus::default()
            },
            ping: PingStatus::Answered {
                ms: 18.2 + wave(t, 3.0),
                address: ([192, 0, 2, 7], 8890).into(),
                at,
            },
            source: "Invented picture (demo)".into(),
            picture: pd_console::capture::PictureStatus::default(),
            encoder: if live {
                format!("libx264 {kbps:.0} kb/s")
            } else {
                String::new()
            },
            encoding,
            gpus: Some(Arc::new(encoding::gpus(t))),
            network: live.then(|| encoding::network(t)),
            doctor: encoding::doctor(demo.examined, at),
            events: if live {
                encoding::events(t)
            } else {
                Vec::new()
            },
            bitrate_pending_kbps: demo.pending.map(|(kbps, _)| kbps),
            measured_kbps: live.then(|| kbps * (0.985 + 0.01 * wave(t, 4.0))),
            measured_fps: live.then(|| 29.97 + 0.04 * wave(t, 3.0)),
            latency: if live {
                latency
            } else {
                LatencyFigures::default()
            },
            trend: if live { trend(t) } else { Vec::new() },
            passthrough: live.then_some(1.0),
            drops: Drops {
                capture: if live { 12 } else { 0 },
                ..Drops::default()
            },
            frames: if live { (t * 30.0) as u64 } else { 0 },
            viewers: (live && !demo.sent_only).then_some(4),
            viewer: ViewerStatus {
                links: vec!["http://192.168.0.12:8880/".into()],
                lan: true,
                problem: None,
            },
            audio: AudioStatus {
                label: "USB Audio CODEC, analogue stereo".into(),
                level: AudioLevel {
                    peak_dbfs: peak,
                    rms_dbfs: peak.map(|p| p - 8.0),
                    clipped: (t % 13.0) < 1.0,
                },
                problem: demo.trouble.then(|| {
                    "The sound input does not work: it was unplugged. Silence is sent meanwhile; \
                     plug it in or choose another"
                        .into()
                }),
                ..AudioStatus::default()
            },
            log: Arc::new(lines(failed)),
            recording: encoding::recording(live.then_some(t), demo.recorded),
            preview: (live && demo.preview).then(|| picture(t)),
            settings: demo.settings.clone(),
            ..Snapshot::default()
        })
    }

    fn send(&self, command: Command) {
        eprintln!("{command:?}");
        let mut demo = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let now = clock::now() + Duration::from_secs(4000);
        match command {
            Command::GoLive => (demo.state, demo.since) = (State::Preflight, now),
            Command::Stop => (demo.state, demo.since) = (State::Stopping, now),
            Command::Dismiss => demo.state = State::Idle,
            Command::SetBitrate { kbps } => demo.pending = Some((kbps, now)),
            Command::SetMuted { muted } => demo.settings.audio.muted = muted,
            Command::ApplySettings(settings) => demo.settings = *settings,
            Command::SetPreview { on } => demo.preview = on,
            Command::Examine => demo.examined = Some(now),
            Command::StartRecording => demo.recorded = true,
            Command::StopRecording => demo.recorded = false,
            // The rest has no effect that shows here.
            _ => {}
        }
    }

    fn inputs(&self) -> Vec<String> {
        vec!["USB Audio CODEC".into(), "회의실 마이크".into()]
    }
}

fn demo_ways() -> Vec<WayStatus> {
    let status = |way, floor_ms, why_not: &str| WayStatus {
        way,
        floor_ms,
        why_not: (!why_not.is_empty()).then(|| why_not.to_owned()),
        not_automatic: None,
    };
    vec![
        status(Way::SrtPush, Some(120), ""),
        status(
            Way::SrtPull,
            Some(60),
            "the server is told through its API to call: its API is off",
        ),
        status(Way::Rtsp, Some(0), ""),
        status(
            Way::Whip,
            Some(0),
            "ffmpeg 5.1 has no WHIP muxer (8.0 and later have it)",
        ),
    ]
}

fn step(demo: &mut Inner, now: MonoTime) {
    let (state, since) = (demo.state.clone(), demo.since);
    let gone = now.since(since);
    let next = match state {
        State::Preflight if gone > Duration::from_millis(800) => Some(State::Starting),
        State::Starting if gone > Duration::from_secs(2) => Some(State::Live),
        State::Stopping if gone > Duration::from_secs(1) => Some(State::Idle),
        _ => None,
    };
    if let Some(next) = next {
        (demo.state, demo.since) = (next, now);
    }
    if let Some((kbps, at)) = demo.pending
        && now.since(at) > Duration::from_millis(900)
    {
        demo.settings.encoder.bitrate_kbps = kbps;
        demo.pending = None;
    }
}

fn main() -> eframe::Result {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let has = |word: &str| arguments.iter().any(|a| a == word);
    let state = if has("live") || has("sent") {
        State::Live
    } else if has("starting") {
        State::Preflight
    } else if has("reconnecting") {
        State::Reconnecting { attempt: 3 }
    } else if has("failed") {
        State::Failed {
            message: "Nothing answers at media.studio.example:8890. Check the host and the port, \
                      and whether the server runs; then try again."
                .into(),
        }
    } else {
        State::Idle
    };
    let mut settings = Settings::default();
    if has("own") {
        settings.target.kind = TargetKind::Srt;
        settings.target.host = "media studio".into();
    }
    settings.encoder.adaptive = has("adaptive");
    if has("light") {
        settings.window.theme = pd_console::settings::Theme::Light;
    }
    if let Some(percent) = arguments.iter().find_map(|a| a.strip_suffix('%')) {
        settings.window.scale_percent = percent.parse().unwrap_or(100);
    }
    if has("ko") {
        settings.language = Language::Korean;
    } else if has("en") {
        settings.language = Language::English;
    }
    let demo = Demo(Mutex::new(Inner {
        settings,
        state,
        since: MonoTime::from_micros(253_000_000),
        pending: None,
        preview: true,
        sent_only: has("sent"),
        trouble: has("trouble"),
        examined: has("report").then_some(MonoTime::ZERO),
        recorded: true,
    }));
    pd_console::ui::run(Arc::new(demo))
}
