//! What the way of a 1080p picture from the system's buffer into the encoder costs, step by step and
//! as a whole, beside the naive way in the same run.
//!
//! `cargo bench --bench pipeline`; one group: `cargo bench --bench pipeline -- cpu`. `FFMPEG_BIN`
//! names another ffmpeg. The group `cpu` gives CPU time (console and ffmpeg together), not time by
//! the clock; the others give time.

use criterion::{BenchmarkId, Criterion, criterion_group, criterion_main};
use pd_console::capture::convert::{Converter, bytes_of};
use pd_console::capture::copy::{Copier, Lent, PixelFormat};
use pd_console::capture::{Frame, FrameSlot, VideoSource, pattern::PatternSource};
use pd_console::clock::MonoTime;
use pd_console::ffmpeg::plan::{self, EncoderWish};
use pd_console::ffmpeg::{Capabilities, Version};
use pd_console::settings::{Fit, PipeFormat, Settings};
use pd_console::stop::StopToken;
use pd_console::units::{Fps, Size};
use std::hint::black_box;
use std::io::Write;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

const FULL: Size = Size::new(1920, 1080);
const HD: Size = Size::new(1280, 720);

/// Successive pictures of the test pattern.
fn pictures(count: usize) -> Vec<Frame> {
    let (slot, stop) = (FrameSlot::new(), StopToken::new());
    let (on_slot, on_stop) = (slot.clone(), stop.clone());
    let source = std::thread::spawn(move || {
        PatternSource::new(FULL, Fps::whole(60)).run(&on_slot, &on_stop)
    });
    let mut frames = Vec::new();
    while frames.len() < count {
        slot.wait(Duration::from_secs(1));
        frames.extend(slot.take());
    }
    stop.stop();
    let _ = source.join();
    frames
}

fn copy(c: &mut Criterion) {
    let mut group = c.benchmark_group("copy 1080p");
    let stride = 1920 * 4 + 64;
    let bytes = vec![0x55; stride * 1080];
    let lent = |format| Lent {
        bytes: &bytes,
        stride,
        size: FULL,
        format,
    };
    group.bench_function("naive: new memory for each picture", |b| {
        b.iter(|| {
            let rows = bytes.chunks(stride).flat_map(|row| &row[..1920 * 4]);
            black_box(rows.copied().collect::<Vec<u8>>())
        });
    });
    for format in [PixelFormat::Bgrx, PixelFormat::Rgbx] {
        let mut copier = Copier::new(None);
        group.bench_function(BenchmarkId::from_parameter(format!("{format:?}")), |b| {
            b.iter(|| copier.copy(&lent(format), MonoTime::ZERO));
        });
    }
    group.finish();
}

fn convert(c: &mut Criterion) {
    let frame = pictures(1).remove(0);
    let mut group = c.benchmark_group("convert 1080p");
    for (name, out, format) in [
        ("to I420", FULL, PipeFormat::I420),
        ("to I420 720p", HD, PipeFormat::I420),
        ("BGRA to 720p", HD, PipeFormat::Bgra),
        ("BGRA as it is", FULL, PipeFormat::Bgra),
    ] {
        let mut converter = Converter::new(out, Fit::Letterbox, format);
        let mut bytes = Vec::new();
        group.bench_function(name, |b| b.iter(|| converter.convert(&frame, &mut bytes)));
    }
    group.finish();
}

/// A child that reads and throws away.
fn sink() -> (Child, ChildStdin) {
    let mut child = Command::new("sh")
        .args(["-c", "cat >/dev/null"])
        .stdin(Stdio::piped())
        .spawn()
        .expect("sh");
    let stdin = child.stdin.take().expect("a pipe");
    (child, stdin)
}

fn pipe(c: &mut Criterion) {
    let mut group = c.benchmark_group("pipe 1080p");
    for format in [PipeFormat::I420, PipeFormat::Bgra] {
        let bytes = vec![0x55; bytes_of(FULL, format)];
        for kib in [64_usize, 1024] {
            let (mut child, mut stdin) = sink();
            #[cfg(target_os = "linux")]
            rustix::pipe::fcntl_setpipe_size(&stdin, kib * 1024).expect("a pipe of that size");
            group.bench_function(format!("{format:?}, {kib} KiB"), |b| {
                b.iter(|| stdin.write_all(&bytes).expect("a reader"));
            });
            drop(stdin);
            let _ = child.wait();
        }
    }
    group.finish();
}

/// CPU time so far of a process, proc(5) fields 14 and 15 in ticks of 10 ms.
fn cpu_time(pid: &str) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields: Vec<_> = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace()
        .collect();
    let ticks = |at: usize| {
        fields
            .get(at)
            .and_then(|text| text.parse::<u64>().ok())
            .unwrap_or(0)
    };
    Duration::from_millis((ticks(11) + ticks(12)) * 10)
}

/// Encodes `frames` pictures with the console's own arguments; CPU time of both processes.
fn encode(frames: &[Frame], count: u64, fps: u32, format: PipeFormat) -> Duration {
    let mut settings = Settings::default();
    settings.video.size = FULL;
    settings.video.fps = Fps::whole(fps);
    settings.video.pipe = format;
    settings.encoder.bitrate_kbps = 6000;
    let wish = EncoderWish::of(&settings);
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let found = Capabilities::of_version(Version { major: 5, minor: 1 });
    let arguments = plan::encoder(&wish, &found, cores);
    let program = std::env::var("FFMPEG_BIN").unwrap_or_else(|_| "ffmpeg".into());
    let mut child = Command::new(program)
        .args(arguments.real())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("ffmpeg");
    let mut stdin = child.stdin.take().expect("a pipe");
    #[cfg(target_os = "linux")]
    rustix::pipe::fcntl_setpipe_size(&stdin, 1 << 20).expect("a pipe of 1 MiB");
    let (mut converter, mut bytes) = (Converter::new(FULL, Fit::Letterbox, format), Vec::new());
    let mut write = |number: u64| {
        let frame = &frames[number as usize % frames.len()];
        converter
            .convert(frame, &mut bytes)
            .expect("a whole picture");
        stdin.write_all(&bytes).expect("a reader");
    };
    let pid = child.id().to_string();
    // Start-up is no cost of a picture.
    (0..10).for_each(&mut write);
    std::thread::sleep(Duration::from_millis(300));
    let before = cpu_time("self") + cpu_time(&pid);
    let began = Instant::now();
    for number in 0..count {
        write(number);
        // In step, as a show does: encoders behave otherwise when they are driven.
        let due = began + Duration::from_secs_f64(number as f64 / f64::from(fps));
        std::thread::sleep(due.saturating_duration_since(Instant::now()));
    }
    std::thread::sleep(Duration::from_millis(100));
    let spent = cpu_time("self") + cpu_time(&pid) - before;
    drop(stdin);
    let _ = child.wait();
    spent
}

fn cpu(c: &mut Criterion) {
    let frames = pictures(60);
    for fps in [30, 60] {
        let mut group = c.benchmark_group(format!("cpu a picture, 1080p{fps}"));
        group.sample_size(10);
        group.sampling_mode(criterion::SamplingMode::Flat);
        group.warm_up_time(Duration::from_millis(1));
        group.measurement_time(Duration::from_secs(20));
        for (name, format) in [
            ("I420, converted in the console", PipeFormat::I420),
            ("BGRA, converted by ffmpeg", PipeFormat::Bgra),
        ] {
            group.bench_function(name, |b| {
                b.iter_custom(|iterations| {
                    // So many pictures that ticks of 10 ms do not matter.
                    let count = u64::from(fps) * 2;
                    let spent = encode(&frames, count, fps, format);
                    spent.mul_f64(iterations as f64 / count as f64)
                });
            });
        }
        group.finish();
    }
}

criterion_group!(benches, copy, convert, pipe, cpu);
criterion_main!(benches);
