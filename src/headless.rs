//! A show without a window: `pd-console live`. Prints its progress to stderr, its result to stdout.

mod eyes;

use crate::audio::Format;
use crate::clock;
use crate::latency::passage::Verdict;
use crate::latency::trace::{self, Tracer};
use crate::monitor::load::{Load, LoadMeter};
use crate::record::status::RecordingStatus;
use crate::relay::hub::RelayFigures;
use crate::session::failure::{Failure, FailureKind};
use crate::session::journal::Journal;
use crate::session::machine::Policy;
use crate::session::runtime::Options;
use crate::session::snapshot::{
    AudioInputStatus, BackupStatus, Confirmation, EncoderStatus, EyesStatus, LinkStatus,
    NetworkFigures, ProbeState, ProbeStatus, Receiver, RouteStatus, Snapshot, State,
};
use crate::session::steps::{Step, StepKind};
use crate::session::{Command, Console, Session};
use crate::settings::{Secrets, Settings, set_pair};
use crate::stop::StopToken;
use crate::viewer;
use serde_json::json;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// What is asked for.
pub struct Wish {
    /// Seconds of LIVE; None until interrupted.
    pub seconds: Option<f64>,
    /// Settings to change while live: after so many seconds of LIVE, `name=value`.
    pub at: Vec<(f64, String)>,
    /// Whoever has the path is thrown out.
    pub take_over: bool,
    /// No progress on stderr.
    pub quiet: bool,
    /// One line a frame into this file, see [`trace::header`].
    pub trace: Option<PathBuf>,
}

/// What came of it.
pub struct Outcome {
    settings: Settings,
    receiver: Option<Receiver>,
    confirmation: Confirmation,
    source: String,
    sound: Vec<serde_json::Value>,
    encoder: String,
    encoding: EncoderStatus,
    figures: RelayFigures,
    probe: ProbeStatus,
    load: Load,
    start_ms: f64,
    live_s: f64,
    measured_kbps: Option<f64>,
    reconnects: u32,
    route: RouteStatus,
    network: Option<NetworkFigures>,
    outages: Vec<serde_json::Value>,
    backups: Vec<serde_json::Value>,
    recording: RecordingStatus,
    eyes: EyesStatus,
}

/// Runs the show and returns its outcome; `interrupted` ends it early.
///
/// # Errors
/// Why it could not begin, or why it did not go on to its end.
pub fn run(
    settings: Settings,
    secrets: Secrets,
    wish: &Wish,
    interrupted: &StopToken,
) -> Result<Outcome, Failure> {
    let internal = |e: io::Error| Failure::new(FailureKind::Internal, e);
    let (viewer_key, why) = viewer::key::Keeper::of_user_or_memory();
    let options = Options {
        policy: Policy {
            fail_before_live: true,
        },
        sources_on_demand: true,
        viewer_key,
        ..Options::default()
    };
    let trace = wish.trace.as_deref().map(Trace::create).transpose()?;
    let journal = Journal::new();
    why.into_iter().for_each(|why| journal.warn(why));
    let session =
        Session::start(settings.clone(), secrets, options, journal, None).map_err(internal)?;
    let asked_at = clock::now();
    session.send(match wish.take_over {
        true => Command::TakeOver,
        false => Command::GoLive,
    });
    let mut result = follow(&session, settings, wish, trace, interrupted, asked_at);
    // The files are whole only after the show's end.
    let last = session.quit();
    if let Ok(outcome) = &mut result {
        outcome.recording = last.recording.clone();
    }
    result
}

fn follow(
    session: &Session,
    settings: Settings,
    wish: &Wish,
    mut trace: Option<Trace>,
    interrupted: &StopToken,
    mut asked_at: clock::MonoTime,
) -> Result<Outcome, Failure> {
    let mut printed = 0;
    let mut told = Vec::new();
    let mut wanted = settings.clone();
    let mut meter: Option<LoadMeter> = None;
    let mut changes = wish.at.clone();
    let mut begun = false;
    let mut reconnects = 0;
    let mut was_reconnecting = false;
    // What was live last, and the show that the remote control ended.
    let mut live: Option<Arc<Snapshot>> = None;
    let mut ended = None;
    loop {
        let stopped = interrupted.sleep(Duration::from_millis(20));
        let snapshot = session.snapshot();
        if !wish.quiet {
            printed = print_log(&snapshot, printed);
            print_steps(&snapshot.preflight, &mut told);
        }
        keep(&mut trace, session, false);
        begun |= !matches!(snapshot.state, State::Idle);
        match &snapshot.state {
            State::Failed { message } => {
                return Err(session
                    .failure()
                    .unwrap_or_else(|| Failure::new(FailureKind::Internal, message)));
            }
            State::Reconnecting { .. } if !was_reconnecting => {
                was_reconnecting = true;
                reconnects += 1;
            }
            State::Idle if live.is_some() => {
                // Ended from afar, and may be started from there again.
                let last = live.take().unwrap_or_default();
                was_reconnecting = false;
                let meter = meter.take();
                ended = Some(outcome(
                    session, &settings, &last, meter, asked_at, reconnects,
                ));
                if wish.seconds.is_some() {
                    return ended.ok_or_else(never_live);
                }
            }
            State::Live => {
                was_reconnecting = false;
                live = Some(snapshot.clone());
                meter.get_or_insert_with(|| LoadMeter::start(&session.pids()));
            }
            _ => {}
        }
        if begun && snapshot.state == State::Idle {
            // A next show is asked for from afar.
            asked_at = clock::now();
        }
        let live_s = snapshot
            .live_since
            .map(|since| snapshot.at.since(since).as_secs_f64())
            .unwrap_or_default();
        let is_due = |(at_s, _): &(f64, String)| snapshot.live_since.is_some() && live_s >= *at_s;
        for (_, pair) in changes.extract_if(.., |change| is_due(change)) {
            set_pair(&mut wanted, &pair).map_err(|e| Failure::new(FailureKind::Settings, e))?;
            session.send(Command::ApplySettings(Box::new(wanted.clone())));
            session.send(Command::SetBitrate {
                kbps: wanted.encoder.bitrate_kbps,
            });
        }
        let done = wish
            .seconds
            .is_some_and(|s| snapshot.live_since.is_some() && live_s >= s);
        if stopped && snapshot.state == State::Idle && ended.is_some() {
            return ended.ok_or_else(never_live);
        }
        if done || (stopped && begun) {
            let lost = session.failure().filter(|_| was_reconnecting);
            let too_early = || snapshot.live_since.is_none().then(never_live);
            if let Some(failure) = lost.or_else(too_early) {
                return Err(failure);
            }
            keep(&mut trace, session, true);
            let outcome = outcome(session, &settings, &snapshot, meter, asked_at, reconnects);
            return Ok(outcome);
        }
    }
}

fn never_live() -> Failure {
    Failure::new(FailureKind::NoReceiver, "ended before the show was live")
}

/// What came of a show, whose last snapshot on air this is.
fn outcome(
    session: &Session,
    settings: &Settings,
    snapshot: &Snapshot,
    meter: Option<LoadMeter>,
    asked_at: clock::MonoTime,
    reconnects: u32,
) -> Outcome {
    let pids = session.pids();
    let since = |since| snapshot.at.since(since).as_secs_f64();
    Outcome {
        settings: settings.clone(),
        receiver: snapshot.receiver.clone(),
        confirmation: snapshot.confirmation,
        source: snapshot.source.clone(),
        sound: snapshot.audio.inputs.iter().map(sound).collect(),
        encoder: snapshot.encoder.clone(),
        encoding: snapshot.encoding.clone(),
        figures: session.figures(),
        probe: snapshot.probe.clone(),
        load: meter.map(|mut meter| meter.load(&pids)).unwrap_or_default(),
        start_ms: snapshot.live_since.map_or(0.0, |at| at.ms_since(asked_at)),
        live_s: snapshot.live_since.map(since).unwrap_or_default(),
        measured_kbps: snapshot.measured_kbps,
        reconnects,
        route: snapshot.route.clone(),
        network: snapshot.network,
        outages: outages(&snapshot.link, snapshot),
        backups: snapshot
            .backups
            .iter()
            .map(|b| backup(b, snapshot))
            .collect(),
        recording: RecordingStatus::default(),
        eyes: snapshot.eyes.clone(),
    }
}

/// A file with one line a frame.
struct Trace {
    file: BufWriter<File>,
    tracer: Tracer,
    zero_us: u64,
}

impl Trace {
    fn create(path: &Path) -> Result<Self, Failure> {
        let failed = |e: io::Error| {
            let text = format!(
                "{}: {e}; give --trace a file that can be written",
                path.display()
            );
            Failure::new(FailureKind::Settings, text)
        };
        let mut file = BufWriter::new(File::create(path).map_err(failed)?);
        writeln!(file, "{}", trace::header()).map_err(failed)?;
        Ok(Self {
            file,
            tracer: Tracer::default(),
            zero_us: trace::zero_us(),
        })
    }

    /// What is through; with `all` the rest, as it is.
    fn write(&mut self, session: &Session, all: bool) -> io::Result<()> {
        for row in session.trace(&mut self.tracer, all) {
            writeln!(self.file, "{}", row.line(self.zero_us))?;
        }
        if all { self.file.flush() } else { Ok(()) }
    }
}

/// Writes what is through; a full disk ends the trace and not the show.
fn keep(trace: &mut Option<Trace>, session: &Session, all: bool) {
    if let Some(Err(error)) = trace.as_mut().map(|trace| trace.write(session, all)) {
        eprintln!("the trace ends here, the show goes on: {error}");
        *trace = None;
    }
}

/// A sound input as it stood at the end.
fn sound(input: &AudioInputStatus) -> serde_json::Value {
    let format = input.format.as_ref();
    json!({
        "label": input.label,
        "problem": input.problem,
        "host": format.map(|f| f.host),
        "rate_hz": format.map(|f| f.rate_hz),
        "channels": format.map(|f| f.channels),
        "buffer_frames": format.map(|f| f.buffer_frames),
        "buffer_ms": format.map(Format::buffer_ms),
        "late_ms": format.map(|f| f.late_ms),
    })
}

/// The times without the receiver, s since the show was live first; the last may last still.
fn outages(link: &LinkStatus, snapshot: &Snapshot) -> Vec<serde_json::Value> {
    let since = snapshot.live_since.unwrap_or(snapshot.at);
    let at_s = |at: clock::MonoTime| at.since(since).as_secs_f64();
    let all = link.outages.iter().chain(&link.outage);
    all.map(|outage| {
        json!({
            "from_s": at_s(outage.from),
            "to_s": outage.to.map(at_s),
            "away_s": outage.seconds(snapshot.at),
            "tries": outage.tries,
            "cause": outage.cause,
        })
    })
    .collect()
}

/// A backup as it stood at the end.
fn backup(backup: &BackupStatus, snapshot: &Snapshot) -> serde_json::Value {
    json!({
        "address": backup.address,
        "confirmed_online": backup.confirmation == Confirmation::Online,
        "has_stream": backup.confirmation != Confirmation::None,
        "problem": (!backup.link.cause.is_empty()).then_some(&backup.link.cause),
        "outages": outages(&backup.link, snapshot),
        "rtt_ms": backup.network.and_then(|network| network.rtt_ms),
        "arrived": backup.arrived,
        "drops": backup.drops,
    })
}

/// What the look before the show has come to since it was last told.
fn print_steps(steps: &[Step], told: &mut Vec<StepKind>) {
    for step in steps {
        if !step.state.is_over() || told.contains(&step.kind) {
            continue;
        }
        told.push(step.kind);
        let took = step.took_ms.map(|ms| format!(" ({ms} ms)"));
        eprintln!(
            "check {:<10} {}{}{}{}",
            step.kind.name(),
            step.state.name(),
            if step.text.is_empty() { "" } else { ": " },
            step.text,
            took.unwrap_or_default()
        );
    }
}

fn print_log(snapshot: &Snapshot, printed: u64) -> u64 {
    let mut next = printed;
    for line in snapshot.log.iter().filter(|line| line.number >= printed) {
        eprintln!("{} {}", line.time, line.text);
        next = line.number + 1;
    }
    next
}

impl Outcome {
    /// The receiver in words.
    fn receiver_text(&self) -> String {
        let confirmed = match self.confirmation {
            Confirmation::Online => "confirmed online",
            Confirmation::Handshake => "handshake accepted",
            Confirmation::None => "not confirmed",
        };
        match &self.receiver {
            Some(Receiver::OwnServer { address }) => format!("own server {address}, {confirmed}"),
            Some(Receiver::ManagedMediaMtx { viewer_url }) => {
                format!("managed MediaMTX, viewers at {viewer_url}, {confirmed}")
            }
            Some(Receiver::Loopback) => {
                format!("ffmpeg receiver on loopback (measures only, no viewers), {confirmed}")
            }
            None => "none".into(),
        }
    }

    /// The SRT latency in force, and whether the server raised it; empty where it is not told.
    fn latency_text(&self) -> String {
        let in_force = self.network.and_then(|network| network.latency_ms);
        match (in_force, self.route.wished_latency_ms) {
            (Some(in_force), Some(wished)) if in_force > u64::from(wished) => {
                format!(", latency {in_force} ms (asked for {wished}: the server raised it)")
            }
            (Some(in_force), _) => format!(", latency {in_force} ms"),
            (None, _) => String::new(),
        }
    }

    /// What came through untouched, in words.
    fn proof_text(&self) -> String {
        let (figures, sound) = (&self.figures, &self.figures.sound);
        if figures.verdict == Verdict::Recoded {
            return "nothing: the server encodes the picture again".into();
        }
        let Some(share) = figures.passthrough else {
            return "not measured".into();
        };
        let of = |(same, other): (u64, u64)| same + other;
        // Never rounded up to the whole.
        let percent = |share: f64| (share * 10_000.0).floor() / 100.0;
        let mut text = format!(
            "{:.2} % of {} frames byte-identical",
            percent(share),
            of(figures.arrivals)
        );
        let opus = of(sound.arrivals);
        text += &match (sound.verdict, sound.passthrough) {
            (Verdict::Recoded, _) => "; the server encodes the sound again, or loses it".into(),
            (_, None) => "; Opus not measured".into(),
            (_, Some(all)) if all == 1.0 && share == 1.0 => {
                format!("; Opus likewise ({opus} packets)")
            }
            (_, Some(part)) => format!("; Opus {:.2} % of {opus} packets", percent(part)),
        };
        text
    }

    /// The probe in words.
    fn probe_text(&self) -> String {
        let mut text = match &self.probe.state {
            ProbeState::Idle => "-".into(),
            ProbeState::Off => "off".into(),
            ProbeState::NoAddress => "no WebRTC address of the server is known".into(),
            ProbeState::Joining(why) => match why {
                Some(why) => format!("out: {why}"),
                None => "joining".into(),
            },
            ProbeState::Joined => "in the stream".to_owned(),
        };
        if let Some(percent) = self.probe.cpu_percent {
            let _ = write!(text, ", {percent:.1} % of one core");
        }
        for (count, what) in [
            (self.probe.damaged, "pictures came damaged"),
            (self.probe.unread, "reports lost by the ledger's thread"),
        ] {
            if count > 0 {
                let _ = write!(text, ", {count} {what}");
            }
        }
        text
    }

    /// For people.
    pub fn table(&self) -> String {
        let mut out = String::new();
        // Writing into a String cannot fail.
        let _ = writeln!(out, "source    {}", self.source);
        let _ = writeln!(out, "encoder   {}", self.encoder);
        let _ = writeln!(out, "receiver  {}", self.receiver_text());
        if let Some(way) = self.route.way {
            let _ = writeln!(out, "way       {}{}", way.name(), self.latency_text());
        }
        if let Some(why) = &self.route.fallback {
            let _ = writeln!(out, "          faster ways failed: {why}");
        }
        let _ = writeln!(
            out,
            "LIVE after {:.2} s, for {:.1} s; {} frames; reconnects {}",
            self.start_ms / 1000.0,
            self.live_s,
            self.figures.frames,
            self.reconnects
        );
        let _ = writeln!(
            out,
            "\nlatency since capture, ms      p50      p95      max   frames"
        );
        for (name, figures) in self.figures.totals.stages() {
            match figures {
                Some(f) => {
                    let _ = writeln!(
                        out,
                        "  {name:<24} {:>8.1} {:>8.1} {:>8.1} {:>8}",
                        f.p50_ms, f.p95_ms, f.max_ms, f.frames
                    );
                }
                None => {
                    let _ = writeln!(out, "  {name:<24}     not measured");
                }
            }
        }
        if let Some(f) = self.figures.totals.own {
            let _ = writeln!(
                out,
                "  {:<24} {:>8.1} {:>8.1} {:>8.1} {:>8}",
                "of it the console's own", f.p50_ms, f.p95_ms, f.max_ms, f.frames
            );
        }
        if let Some(line) = eyes::line(&self.eyes) {
            let _ = writeln!(out, "  viewers                  {line}");
        }
        for outage in &self.outages {
            let _ = writeln!(
                out,
                "  away {:.1} s at {:.1} s: {}",
                outage["away_s"].as_f64().unwrap_or_default(),
                outage["from_s"].as_f64().unwrap_or_default(),
                outage["cause"].as_str().unwrap_or_default()
            );
        }
        for backup in &self.backups {
            let state = match (
                backup["confirmed_online"].as_bool(),
                backup["problem"].as_str(),
            ) {
                (Some(true), _) => "confirmed online",
                (_, Some(problem)) => problem,
                (_, None) => "not there yet",
            };
            let address = backup["address"].as_str().unwrap_or_default();
            let _ = writeln!(
                out,
                "backup    {address}, {state}, drops {}",
                backup["drops"]
            );
        }
        let encode = &self.figures.encode;
        if let Some(f) = encode.total {
            let keys = encode.key_frames.unwrap_or_default();
            let _ = writeln!(
                out,
                "\nencoding  {:.1} / {:.1} / {:.1} ms p50 / p95 / max; {} of {} frames later than one frame's time; largest key frame {:.1} kB",
                f.p50_ms,
                f.p95_ms,
                f.max_ms,
                encode.late,
                encode.frames,
                keys.max as f64 / 1000.0
            );
        }
        let drops = &self.figures.drops;
        let _ = writeln!(
            out,
            "\ndrops     capture {}, encoder {}, network {}, lost on the way {}",
            drops.capture, drops.encoder, drops.network, drops.lost
        );
        let _ = writeln!(out, "passed    {}", self.proof_text());
        let _ = writeln!(out, "probe     {}", self.probe_text());
        if let Some(kbps) = self.measured_kbps {
            let _ = writeln!(
                out,
                "bitrate   {kbps:.0} kb/s measured, {} kb/s wanted at the start",
                self.settings.encoder.bitrate_kbps
            );
        }
        for part in &self.recording.parts {
            let (seconds, megabytes) = (part.seconds, part.bytes as f64 / 1e6);
            let file = part.file.display();
            let _ = writeln!(out, "recorded  {file}: {seconds:.1} s, {megabytes:.1} MB");
        }
        if let Some(problem) = &self.recording.problem {
            let _ = writeln!(out, "recorded  not all: {problem}");
        }
        let load = self
            .load
            .iter()
            .map(|(role, percent)| format!("{role} {percent:.1}"));
        let _ = writeln!(
            out,
            "CPU       {} (% of one core)",
            load.collect::<Vec<_>>().join(", ")
        );
        out
    }

    /// For programs. Latencies in ms, rates in kb/s, load in percent of one core.
    pub fn json(&self) -> serde_json::Value {
        json!({
            "source": self.source,
            "sound": self.sound,
            "encoder": self.encoder,
            "encoder_why": self.encoding.why,
            "encoder_fallback": self.encoding.fallback,
            "encode": self.figures.encode.total.map(|f| json!({
                "p50_ms": f.p50_ms, "p95_ms": f.p95_ms, "max_ms": f.max_ms, "frames": f.frames,
                "late": self.figures.encode.late,
            })),
            "key_frame_max_bytes": self.figures.encode.key_frames.map(|keys| keys.max),
            "receiver": self.receiver_text(),
            "way": self.route.way.map(|way| format!("{way:?}")),
            "way_fallback": self.route.fallback,
            "ways": self.route.ways.iter().map(|w| json!({
                "way": format!("{:?}", w.way), "floor_ms": w.floor_ms,
                "why_not": w.why_not, "not_automatic": w.not_automatic,
            })).collect::<Vec<_>>(),
            "srt_latency_ms": {
                "asked": self.route.wished_latency_ms,
                "in_force": self.network.and_then(|network| network.latency_ms),
                "held_beyond": self.route.held_beyond_ms,
            },
            "confirmed_online": self.confirmation == Confirmation::Online,
            "start_to_live_ms": self.start_ms,
            "live_s": self.live_s,
            "frames": self.figures.frames,
            "reconnects": self.reconnects,
            "outages": self.outages,
            "backups": self.backups,
            "latency": self.figures.totals.json(),
            "drops": self.figures.drops,
            "passthrough": self.figures.passthrough,
            "arrivals": { "matched": self.figures.arrivals.0, "unmatched": self.figures.arrivals.1 },
            "verdict": self.figures.verdict,
            "sound_passthrough": self.figures.sound.passthrough,
            "sound_arrivals": {
                "matched": self.figures.sound.arrivals.0,
                "unmatched": self.figures.sound.arrivals.1,
            },
            "sound_verdict": self.figures.sound.verdict,
            "sound_arrived": self.figures.sound.arrived,
            "proof": self.proof_text(),
            "probe": {
                "state": self.probe_text(),
                "cpu_percent": self.probe.cpu_percent,
                "damaged": self.probe.damaged,
                "unread": self.probe.unread,
            },
            "measured_kbps": self.measured_kbps,
            "cpu_percent": self.load,
            "recording": self.recording_json(),
            "viewers_seen": eyes::json(&self.eyes),
        })
    }

    /// None where nothing was recorded.
    fn recording_json(&self) -> serde_json::Value {
        let recording = &self.recording;
        if recording.parts.is_empty() && recording.problem.is_none() {
            return serde_json::Value::Null;
        }
        let files = recording
            .parts
            .iter()
            .map(|part| json!({ "file": part.file, "seconds": part.seconds, "bytes": part.bytes }));
        json!({
            "files": files.collect::<Vec<_>>(),
            "lost": recording.lost,
            "problem": recording.problem,
        })
    }
}
