//! Encode time of each ffmpeg: a bare ffmpeg as the usual guide writes it beside the console's own
//! encoder, by turns in the same run, with moving pictures at the show's rate.
//!
//! `cargo bench --bench encode`; some forms only: `-- 720p30 1080p60`. `PD_TEST_FFMPEGS` (separated as
//! PATH is) names the ffmpegs, else the one of PATH. `ENCODE_SECONDS` of each turn (6), `ENCODE_ROUNDS`
//! (2). Time is from just before a picture's first byte is written (bare) or the picture is offered to
//! the encoder (ours) until its whole FLV tag is out. The console's conversion to I420 comes before
//! that and is a column of its own; the bare ffmpeg converts within its time.

use pd_console::capture::convert::Converter;
use pd_console::capture::{Frame, FrameSlot, VideoSource, pattern::PatternSource};
use pd_console::clock::{self, MonoTime};
use pd_console::ffmpeg::launch::Launch;
use pd_console::ffmpeg::plan::EncoderWish;
use pd_console::ffmpeg::{Ffmpeg, capabilities};
use pd_console::relay::AccessUnit;
use pd_console::relay::cutover::EncoderId;
use pd_console::relay::encoder::{Encoder, EncoderSink, RawFrame};
use pd_console::relay::flv::{FlvEvent, FlvReader};
use pd_console::settings::{Fit, PipeFormat, Settings};
use pd_console::stop::StopToken;
use pd_console::units::{Fps, Size};
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A form of the show.
struct Form {
    name: &'static str,
    size: Size,
    fps: u32,
    kbps: u32,
}

const FORMS: [Form; 3] = [
    Form {
        name: "720p30",
        size: Size::new(1280, 720),
        fps: 30,
        kbps: 3000,
    },
    Form {
        name: "1080p30",
        size: Size::new(1920, 1080),
        fps: 30,
        kbps: 6000,
    },
    Form {
        name: "1080p60",
        size: Size::new(1920, 1080),
        fps: 60,
        kbps: 6000,
    },
];

/// Pictures that are shown again and again.
const LOOP: usize = 30;
/// The moving part: so many pixels a picture, one period a loop.
const STEP: u32 = 4;
const PERIOD: u32 = STEP * LOOP as u32;

/// The test pattern, its lower half replaced by text-like specks that scroll sideways: an encoder has
/// to search, and to spend its bits.
fn pictures(size: Size) -> Vec<Frame> {
    let (slot, stop) = (FrameSlot::new(), StopToken::new());
    let (on_slot, on_stop) = (slot.clone(), stop.clone());
    let source = std::thread::spawn(move || {
        PatternSource::new(size, Fps::whole(60)).run(&on_slot, &on_stop)
    });
    let mut frames: Vec<Frame> = Vec::new();
    while frames.len() < LOOP {
        slot.wait(Duration::from_secs(1));
        frames.extend(slot.take());
    }
    stop.stop();
    let _ = source.join();
    let specks = |x: u32, y: u32| {
        let mut h = (x / 2).wrapping_mul(0x9E37_79B1) ^ (y / 2).wrapping_mul(0x85EB_CA77);
        h = (h ^ (h >> 15)).wrapping_mul(0xC2B2_AE3D);
        // Lines of text with space between them.
        y % 24 < 16 && (h ^ (h >> 13)) & 7 < 3
    };
    for (number, frame) in frames.iter_mut().enumerate() {
        let mut bytes = frame.data.to_vec();
        for y in size.height / 2..size.height {
            for x in 0..size.width {
                let dark = specks((x + number as u32 * STEP) % PERIOD, y);
                let at = y as usize * frame.stride + x as usize * 4;
                bytes[at..at + 3].fill(if dark { 30 } else { 225 });
            }
        }
        frame.data = bytes.into();
    }
    frames
}

/// What one turn, or several together, gave. Times in ms.
#[derive(Default)]
struct Figures {
    encode_ms: Vec<f64>,
    convert_ms: Vec<f64>,
    /// Pictures that were due and never given to the encoder, or given and not encoded.
    left_out: usize,
    due: usize,
    bytes: u64,
    seconds: f64,
    /// Load of the machine by others, % of one core, a turn.
    others: Vec<f64>,
}

impl Figures {
    fn join(&mut self, other: Self) {
        self.encode_ms.extend(other.encode_ms);
        self.convert_ms.extend(other.convert_ms);
        self.left_out += other.left_out;
        self.due += other.due;
        self.bytes += other.bytes;
        self.seconds += other.seconds;
        self.others.extend(other.others);
    }
}

fn percentile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = (sorted.len() as f64 * share) as usize;
    sorted
        .get(at.min(sorted.len().saturating_sub(1)))
        .copied()
        .unwrap_or(f64::NAN)
}

/// CPU time: of the whole machine and of one process, ms; proc(5), ticks of 10 ms.
fn cpu_ms(pid: Option<u32>) -> f64 {
    let (path, fields) = match pid {
        Some(pid) => (format!("/proc/{pid}/stat"), 11..13),
        // user, nice, system; then irq and softirq, small.
        None => ("/proc/stat".into(), 0..3),
    };
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let line = text.lines().next().unwrap_or_default();
    let line = line.rsplit(')').next().unwrap_or_default();
    let ticks = line
        .trim_start_matches("cpu")
        .split_whitespace()
        .skip(fields.start)
        .take(fields.len());
    ticks
        .filter_map(|t| t.parse::<f64>().ok())
        .map(|t| t * 10.0)
        .sum()
}

/// What others take of the machine while a turn runs.
struct Others {
    began: Instant,
    machine_ms: f64,
    ours_ms: f64,
    pids: [u32; 2],
}

impl Others {
    fn start(child: u32) -> Self {
        let pids = [std::process::id(), child];
        Self {
            began: Instant::now(),
            machine_ms: cpu_ms(None),
            ours_ms: pids.iter().map(|pid| cpu_ms(Some(*pid))).sum(),
            pids,
        }
    }

    /// % of one core.
    fn percent(&self) -> f64 {
        let ours: f64 = self.pids.iter().map(|pid| cpu_ms(Some(*pid))).sum();
        let others = (cpu_ms(None) - self.machine_ms) - (ours - self.ours_ms);
        others / self.began.elapsed().as_secs_f64() / 10.0
    }
}

/// Gives `each` the numbers of the pictures that are due, in step; those that it was too slow for are
/// skipped, as a live source does. Their count.
fn in_step(fps: u32, seconds: f64, mut each: impl FnMut(usize)) -> (usize, usize) {
    let began = Instant::now();
    let (count, mut number, mut skipped) = ((seconds * f64::from(fps)) as usize, 0, 0);
    while number < count {
        let due = Duration::from_secs_f64(number as f64 / f64::from(fps));
        std::thread::sleep(due.saturating_sub(began.elapsed()));
        each(number);
        let now = (began.elapsed().as_secs_f64() * f64::from(fps)) as usize;
        let next = (number + 1).max(now);
        skipped += next - number - 1;
        number = next;
    }
    (count, skipped)
}

/// A bare ffmpeg: BGRA in, the guide's options for libx264. Its `-fflags nobuffer` is left out (it
/// drops the first picture of a raw pipe), and `-flush_packets` is 1, or its tags would wait in a
/// buffer and no time would be the encoder's.
fn bare(ffmpeg: &Ffmpeg, form: &Form, frames: &[Frame], seconds: f64) -> Figures {
    let (fps, kbps) = (form.fps.to_string(), form.kbps);
    let rate = format!("{kbps}k");
    let mut command = Command::new(&ffmpeg.path);
    command
        .args(["-hide_banner", "-loglevel", "error", "-f", "rawvideo"])
        .args(["-pix_fmt", "bgra", "-video_size", &form.size.to_string()])
        .args(["-framerate", &fps, "-i", "pipe:0", "-an"])
        .args([
            "-c:v",
            "libx264",
            "-preset",
            "ultrafast",
            "-tune",
            "zerolatency",
        ])
        .args([
            "-profile:v",
            "baseline",
            "-level",
            "3.1",
            "-pix_fmt",
            "yuv420p",
        ])
        .args([
            "-g",
            &fps,
            "-keyint_min",
            &fps,
            "-sc_threshold",
            "0",
            "-bf",
            "0",
        ])
        .args(["-b_strategy", "0", "-b:v", &rate, "-maxrate", &rate])
        .args([
            "-bufsize",
            &format!("{}k", kbps / 2),
            "-flags",
            "+low_delay",
        ])
        .args([
            "-x264-params",
            "nal-hrd=cbr:force-cfr=1",
            "-strict",
            "experimental",
        ])
        .args(["-flush_packets", "1", "-f", "flv", "pipe:1"]);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("ffmpeg starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    let mut stdout = child.stdout.take().expect("a pipe");
    let out_began = Arc::new(AtomicBool::new(false));
    let (began, fps) = (out_began.clone(), f64::from(form.fps));
    let reader = std::thread::spawn(move || {
        let (mut flv, mut buffer, mut out) = (FlvReader::new(), vec![0; 1 << 18], Vec::new());
        while let Ok(read @ 1..) = stdout.read(&mut buffer) {
            let at = Instant::now();
            let read = flv.push(&buffer[..read], |event| {
                if let FlvEvent::Picture { pts_ms, avcc, .. } = event {
                    began.store(true, Ordering::Relaxed);
                    let index = (f64::from(pts_ms) * fps / 1000.0).round() as usize;
                    out.push((index, at, avcc.len()));
                }
            });
            read.expect("FLV");
        }
        out
    });
    let mut written: Vec<Instant> = Vec::new();
    // It starts with the first pictures; what it holds back while it looks at them is no encode time.
    let until = Instant::now() + Duration::from_secs(15);
    while !out_began.load(Ordering::Relaxed) && Instant::now() < until {
        in_step(form.fps, 1.0 / fps, |_| {
            written.push(Instant::now());
            let frame = &frames[written.len() % LOOP];
            stdin.write_all(&frame.data).expect("a reader");
        });
    }
    let mut write = |number: usize| {
        written.push(Instant::now());
        stdin
            .write_all(&frames[number % LOOP].data)
            .expect("a reader");
    };
    in_step(form.fps, 1.0, &mut write);
    let others = Others::start(child.id());
    let (due, skipped) = in_step(form.fps, seconds, &mut write);
    let first = written.len() - (due - skipped);
    std::thread::sleep(Duration::from_millis(300));
    let percent = others.percent();
    drop(stdin);
    let out = reader.join().expect("the reader");
    let _ = child.wait();
    let counted: Vec<_> = out.iter().filter(|(index, ..)| *index >= first).collect();
    Figures {
        encode_ms: counted
            .iter()
            .filter_map(|(index, at, _)| Some(ms(at.duration_since(*written.get(*index)?))))
            .collect(),
        convert_ms: Vec::new(),
        left_out: skipped + (written.len() - first).saturating_sub(counted.len()),
        due,
        bytes: counted.iter().map(|(.., bytes)| *bytes as u64).sum(),
        seconds,
        others: vec![percent],
    }
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// Hears the console's encoder.
#[derive(Default)]
struct Ear {
    ready: AtomicBool,
    dropped: AtomicUsize,
    units: Mutex<Vec<(u64, f64, usize)>>,
}

impl EncoderSink for Ear {
    fn ready(&self, _: EncoderId) {
        self.ready.store(true, Ordering::Release);
    }
    fn written(&self, _: EncoderId, _: u64, _: MonoTime) {}
    fn dropped(&self, _: EncoderId, _: u64) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }
    fn unit(&self, _: EncoderId, unit: AccessUnit) {
        let ms = ms(unit.encoded_at.since(unit.captured_at));
        let mut units = self.units.lock().expect("no panic");
        units.push((unit.frame, ms, unit.data.len()));
    }
    fn gone(&self, _: EncoderId, why: String) {
        assert!(why.is_empty(), "the encoder ended: {why}");
    }
}

/// The console's encoder with the console's arguments.
fn ours(ffmpeg: &Ffmpeg, form: &Form, frames: &[Frame], seconds: f64) -> Figures {
    let mut settings = Settings::default();
    settings.video.size = form.size;
    settings.video.fps = Fps::whole(form.fps);
    settings.encoder.bitrate_kbps = form.kbps;
    let ear = Arc::new(Ear::default());
    let launch = Launch::of(&settings.performance);
    let wish = EncoderWish::of(&settings);
    let mut encoder = Encoder::start(1, ffmpeg, wish, launch, ear.clone()).expect("it starts");
    while !ear.ready.load(Ordering::Acquire) {
        std::thread::sleep(Duration::from_millis(5));
    }
    let door = encoder.door();
    let mut converter = Converter::new(form.size, Fit::Letterbox, PipeFormat::I420);
    let (mut frame, mut convert_ms, mut replaced) = (0_u64, Vec::new(), 0);
    let mut write = |number: usize| {
        let (began, mut data) = (Instant::now(), Vec::new());
        converter
            .convert(&frames[number % LOOP], &mut data)
            .expect("a whole picture");
        convert_ms.push(ms(began.elapsed()));
        replaced += usize::from(
            door.offer(RawFrame {
                frame,
                captured_at: clock::now(),
                data: Arc::new(data),
            })
            .is_some(),
        );
        frame += 1;
    };
    in_step(form.fps, 1.0, &mut write);
    let others = Others::start(encoder.pid());
    let (due, skipped) = in_step(form.fps, seconds, &mut write);
    let first = frame - (due - skipped) as u64;
    std::thread::sleep(Duration::from_millis(300));
    let percent = others.percent();
    encoder.end(Duration::from_millis(500));
    let units = ear.units.lock().expect("no panic");
    let counted: Vec<_> = units
        .iter()
        .filter(|(number, ..)| *number >= first)
        .collect();
    Figures {
        encode_ms: counted.iter().map(|(_, ms, _)| *ms).collect(),
        left_out: skipped + (frame - first) as usize - counted.len(),
        convert_ms: convert_ms.split_off(first as usize),
        due,
        bytes: counted.iter().map(|(.., bytes)| *bytes as u64).sum(),
        seconds,
        others: vec![percent],
    }
}

fn number(name: &str, otherwise: f64) -> f64 {
    let text = std::env::var(name).unwrap_or_default();
    text.parse().unwrap_or(otherwise)
}

fn line(name: &str, form: &Form, who: &str, figures: &Figures) {
    let of = |share| percentile(&figures.encode_ms, share);
    let frame_ms = 1000.0 / f64::from(form.fps);
    let late = figures.encode_ms.iter().filter(|v| **v > frame_ms).count();
    let convert = if figures.convert_ms.is_empty() {
        "within".into()
    } else {
        format!("{:.1}", percentile(&figures.convert_ms, 0.5))
    };
    let kbps = figures.bytes as f64 * 8.0 / 1000.0 / figures.seconds;
    println!(
        "| {name} | {} | {who} | {:.1} | {:.1} | {:.1} | {late} of {} | {} of {} | {convert} | {kbps:.0} | {:.0} |",
        form.name,
        of(0.5),
        of(0.95),
        of(1.0),
        figures.encode_ms.len(),
        figures.left_out,
        figures.due,
        percentile(&figures.others, 0.5)
    );
}

fn main() {
    let wanted: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| !a.starts_with('-'))
        .collect();
    let programs: Vec<PathBuf> = match std::env::var_os("PD_TEST_FFMPEGS") {
        Some(list) if !list.is_empty() => std::env::split_paths(&list).collect(),
        _ => vec!["ffmpeg".into()],
    };
    let (seconds, rounds) = (number("ENCODE_SECONDS", 6.0), number("ENCODE_ROUNDS", 2.0));
    println!(
        "| ffmpeg | form | encoder | p50, ms | p95 | max | later than a frame | left out | conversion, ms | kb/s | CPU of others, % of a core |"
    );
    println!("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |");
    for form in FORMS {
        if !wanted.is_empty() && !wanted.iter().any(|w| w == form.name) {
            continue;
        }
        let frames = pictures(form.size);
        for program in &programs {
            let ffmpeg = match capabilities::look(Some(program)) {
                Ok(ffmpeg) => ffmpeg,
                Err(error) => {
                    eprintln!("SKIPPED: {error}");
                    continue;
                }
            };
            let [mut theirs, mut own] = [Figures::default(), Figures::default()];
            for round in 0..rounds as usize {
                // By turns, and the first of a round changes: a busy moment hits both.
                for turn in 0..2 {
                    if (round + turn) % 2 == 0 {
                        theirs.join(bare(&ffmpeg, &form, &frames, seconds));
                    } else {
                        own.join(ours(&ffmpeg, &form, &frames, seconds));
                    }
                }
            }
            let name = ffmpeg.capabilities.version.to_string();
            line(&name, &form, "bare", &theirs);
            line(&name, &form, "ours", &own);
        }
    }
}
