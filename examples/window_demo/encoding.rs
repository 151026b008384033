//! Invented encoder, graphics cards, network and check. Every figure is made up.

use super::{stage, wave};
use pd_console::clock::MonoTime;
use pd_console::doctor::{Area, Line, Outcome, Report};
use pd_console::ffmpeg::plan::EncoderWish;
use pd_console::monitor::gpu::Gpu;
use pd_console::record::status::{Phase, RecordingStatus, ReplayStatus};
use pd_console::session::snapshot::{
    AdaptiveStatus, DoctorStatus, EncoderStatus, KeyFrameSizes, NetworkFigures, TrendEvent,
    TrendKind,
};
use pd_console::settings::{EncoderFamily, Settings};
use pd_console::units::{Fps, Size};
use std::sync::Arc;
use std::time::Duration;

/// While a show runs, for so long.
pub fn recording(show_s: Option<f64>, recorded: bool) -> RecordingStatus {
    let Some(seconds) = show_s else {
        return RecordingStatus::default();
    };
    let on = RecordingStatus {
        phase: Phase::On,
        file: Some("/videos/pd_main 2026-11-28 14-03-22.mkv".into()),
        seconds,
        bytes: (seconds * 390_000.0) as u64,
        ..RecordingStatus::default()
    };
    RecordingStatus {
        replay: ReplayStatus {
            kept_seconds: seconds.min(30.0),
            ..ReplayStatus::default()
        },
        ..if recorded {
            on
        } else {
            RecordingStatus::default()
        }
    }
}

pub fn status(settings: &Settings, t: f64, trouble: bool) -> EncoderStatus {
    let mut wish = EncoderWish::of(settings);
    let chosen = settings.encoder.family;
    let (name, why) = match chosen {
        Some(_) => ("libx264", "chosen in the settings; passed its test"),
        None => (
            "libx264",
            "automatic: h264_nvenc has no driver here, h264_vaapi no device; libx264 passed its test",
        ),
    };
    let adaptive = settings.encoder.adaptive.then(|| AdaptiveStatus {
        kbps: settings.encoder.bitrate_kbps / 2,
        bounds_kbps: (settings.encoder.floor_kbps, settings.encoder.bitrate_kbps),
        reason: "4 % of the packets were lost".into(),
    });
    if let Some(adaptive) = &adaptive {
        wish.bitrate_kbps = adaptive.kbps;
    }
    if trouble {
        wish.fps = Fps::whole(15);
        wish.size = Size::new(960, 540);
    }
    let changing_to = trouble.then(|| EncoderWish {
        family: EncoderFamily::Nvenc,
        ..EncoderWish::of(settings)
    });
    EncoderStatus {
        wish: Some(wish),
        name: name.into(),
        options: "-c:v libx264 -preset superfast -tune zerolatency -profile:v baseline \
                  -sc_threshold 0 -forced-idr 1 -threads 2"
            .into(),
        why: why.into(),
        lost: None,
        fallback: trouble.then(|| {
            "h264_nvenc was chosen and failed while live: no capable devices found. Install the \
             NVIDIA driver 570 or newer, or choose another encoder. libx264 has its place."
                .into()
        }),
        changing_to,
        encode: stage(
            if trouble { 24.0 } else { 6.4 } + wave(t, 3.0),
            if trouble { 50.0 } else { 4.1 },
        ),
        late: if trouble { 211 } else { 3 },
        key_frames: Some(KeyFrameSizes {
            last: 38_400 + (2000.0 * wave(t, 7.0)) as usize,
            max: if trouble { 71_300 } else { 52_100 },
        }),
        lowered: trouble
            .then(|| "below 600 kb/s 960x540 at 15 fps are sent instead of 1280x720 at 30".into()),
        adaptive,
    }
}

pub fn gpus(t: f64) -> Vec<Gpu> {
    vec![
        Gpu {
            name: "NVIDIA GeForce RTX 4060".into(),
            driver: Some("nvidia 575.64".into()),
            load_percent: Some((31.0 + 5.0 * wave(t, 9.0)) as f32),
            memory_bytes: Some((2_254_857_830, 8 << 30)),
            temperature_c: Some(58.0),
            encoder_percent: Some(12.0),
            encoder_sessions: Some(1),
        },
        Gpu {
            name: "Intel UHD Graphics 770".into(),
            driver: Some("i915".into()),
            ..Gpu::default()
        },
    ]
}

pub fn network(t: f64) -> NetworkFigures {
    NetworkFigures {
        rtt_ms: Some(12.4 + wave(t, 6.0)),
        latency_ms: Some(120),
        lost: 181,
        retransmitted: 181,
        given_up: 0,
        received: Some(90_412),
        buffer_ms: None,
    }
}

pub fn events(t: f64) -> Vec<TrendEvent> {
    let base = t - t % 40.0;
    let event = |before_s: f64, kind, text: &str| TrendEvent {
        at_s: base - before_s,
        kind,
        text: text.into(),
    };
    vec![
        event(17.0, TrendKind::Wished, "1280x720 -> 1920x1080"),
        event(
            11.0,
            TrendKind::Failover,
            "h264_nvenc -> libx264: no capable devices found",
        ),
        event(5.0, TrendKind::Reconnected, "away for 2 s"),
        event(
            0.0,
            TrendKind::Adapted,
            "3000 -> 1500 kb/s: 4 % of the packets were lost",
        ),
    ]
}

pub fn doctor(examined: Option<MonoTime>, now: MonoTime) -> DoctorStatus {
    let Some(at) = examined else {
        return DoctorStatus::default();
    };
    if now.since(at) < Duration::from_secs(3) {
        return DoctorStatus {
            running: true,
            so_far: None,
            report: None,
        };
    }
    let line = |area, outcome, found: &str, fix: &str| Line {
        area,
        outcome,
        found: found.into(),
        fix: fix.into(),
        took_ms: 84,
    };
    use Outcome::{Failed, Ok, Skipped, Warning};
    let lines = vec![
        line(
            Area::Ffmpeg,
            Ok,
            "ffmpeg 7.0.2 at /usr/bin/ffmpeg, with SRT and Opus",
            "",
        ),
        line(
            Area::Encoder,
            Failed,
            "h264_nvenc: no capable devices found",
            "Install the NVIDIA driver 570 or newer, or choose another encoder",
        ),
        line(
            Area::Encoder,
            Ok,
            "libx264: 10 frames in 84 ms, one key frame, level 3.1",
            "",
        ),
        line(
            Area::Webrtc,
            Ok,
            "Constrained baseline, no B-frames; Opus 48 kHz stereo",
            "",
        ),
        line(Area::Gpu, Skipped, "No tool of the driver's was found", ""),
        line(
            Area::Capture,
            Ok,
            "X11 screen :0, 1920x1080, a picture in 4 ms",
            "",
        ),
        line(
            Area::Audio,
            Warning,
            "The default input has a buffer of 42 ms",
            "Choose a buffer of 512 frames in the system's sound settings",
        ),
        line(
            Area::Network,
            Ok,
            "SRT handshake with 127.0.0.1:8890 in 1.2 ms",
            "",
        ),
        line(
            Area::Server,
            Ok,
            "MediaMTX 1.20.0, path pd_main is free",
            "",
        ),
        line(Area::Clock, Ok, "Steady; 3 ms off the server's", ""),
    ];
    DoctorStatus {
        running: false,
        so_far: None,
        report: Some(Arc::new(Report { lines })),
    }
}
