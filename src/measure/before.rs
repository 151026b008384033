//! What the console is compared with: the two usual paths, on this machine, in this run.
//!
//! Each has a MediaMTX of its own on free loopback ports, for the managed one of a show shows its password
//! to nobody. A viewer (the probe) keeps every access unit until the end, bounded; then the frame
//! numbers are read ([`super::numbers`]). Blocks the command line's thread.

use super::naive::Feeder;
use super::numbers::{self, Came, Found, latencies};
use super::report::Figures;
use super::show::{CostMeter, LEAST, Show, interrupted};
use super::{logged_pattern, pattern};
use crate::capture::pattern::NumberLog;
use crate::clock::{self, MonoTime};
use crate::ffmpeg::launch::Launch;
use crate::ffmpeg::output::SrtOutput;
use crate::ffmpeg::plan::Arguments;
use crate::ffmpeg::{Ffmpeg, Sidecar, before};
use crate::latency::window;
use crate::mediamtx::config::USER;
use crate::mediamtx::{ManagedServer, Need};
use crate::probe::{self, h264::Unit};
use crate::publish::{audio_pipe, srt_url};
use crate::relay::{ArrivalCounters, ArrivalEvent};
use crate::session::failure::{Failure, FailureKind};
use crate::settings::secrets::secret;
use crate::settings::{Secrets, Settings, TargetKind, Way};
use crate::stop::{StopToken, ends_by};
use crossbeam_channel::{Receiver, bounded};
use secrecy::ExposeSecret;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Path that the console publishes on.
const IN: &str = "pd_before";
/// Path that the transcoder publishes on.
const OUT: &str = "pd_before_again";
/// The usual SRT latency of guides, ms.
const SRT_LATENCY_MS: u32 = 120;
/// ffmpeg looks at its inputs for up to 5 s each by default before it does anything.
const START_LIMIT: Duration = Duration::from_secs(30);
/// From the first picture on: what was held back at the start has come by then.
const SETTLE: Duration = Duration::from_secs(2);
/// For the last frames to arrive.
const GRACE: Duration = Duration::from_secs(1);

/// What is needed of this machine.
#[derive(Clone, Copy)]
pub struct Ground<'a> {
    /// ffmpeg.
    pub ffmpeg: &'a Ffmpeg,
    /// MediaMTX.
    pub mediamtx: &'a Path,
    /// The pattern without grain.
    pub plain: bool,
    /// How long is measured.
    pub time: Duration,
    /// The operator's interruption.
    pub stop: &'a StopToken,
}

fn internal(error: impl std::fmt::Display) -> Failure {
    Failure::new(FailureKind::Internal, error)
}

impl Ground<'_> {
    fn server(&self) -> Result<ManagedServer, Failure> {
        let log = Arc::new(|_, line| tracing::debug!("MediaMTX: {line}"));
        ManagedServer::start(self.mediamtx, &Need::default(), self.stop, log)
            .map_err(|e| Failure::new(FailureKind::Server, e))
    }

    /// Waits until `path` can be watched.
    fn online(
        &self,
        server: &ManagedServer,
        path: &str,
        child: &mut Sidecar,
    ) -> Result<(), Failure> {
        let until = Instant::now() + START_LIMIT;
        loop {
            let info = server.client().path(path).ok().flatten();
            if info.is_some_and(|info| info.online) {
                return Ok(());
            }
            still_runs(child)?;
            if Instant::now() > until {
                let words = child.tail().lines().join(" | ");
                let seconds = START_LIMIT.as_secs();
                return Err(Failure::new(
                    FailureKind::NoReceiver,
                    format!(
                        "nothing was published within {seconds} s. ffmpeg's last words: {words}"
                    ),
                ));
            }
            if self.stop.sleep(Duration::from_millis(50)) {
                return Err(interrupted());
            }
        }
    }

    fn child(&self, name: &str, args: &Arguments) -> Result<Sidecar, Failure> {
        let on_line = Box::new(|_: &str| ());
        Sidecar::start(
            name,
            &self.ffmpeg.path,
            args,
            Launch::default(),
            |_| Ok(()),
            on_line,
        )
        .map_err(|e| Failure::new(FailureKind::Ffmpeg, e))
    }

    /// Measures what comes out of `server`'s `path`. `still` says whether all is well, waiting so long.
    fn watch(
        &self,
        server: &ManagedServer,
        path: &str,
        settings: &Settings,
        log: &NumberLog,
        children: &[(&'static str, u32)],
        mut still: impl FnMut(Duration) -> Result<(), Failure>,
    ) -> Result<Figures, Failure> {
        let span = self.time + SETTLE + GRACE + START_LIMIT;
        let most = settings.video.fps.frames_in(span.as_secs_f64()) as usize;
        let viewer = Viewer::join(server.whep_url(path), most)?;
        viewer.first(self.stop, &mut still)?;
        still(SETTLE)?;
        let meter = CostMeter::start(children);
        let from = clock::now();
        still(self.time)?;
        let to = clock::now();
        let cost = meter.cost(children);
        if self.stop.is_stopped() && to.since(from) < LEAST {
            return Err(interrupted());
        }
        std::thread::sleep(GRACE);
        let came = viewer.leave()?;
        let seen =
            numbers::read(self.ffmpeg, settings.video.size.even(), &came).map_err(internal)?;
        let found = latencies(&log.made(), &seen, (from, to));
        Ok(figures(found, &came, (from, to), cost))
    }
}

fn figures(
    mut found: Found,
    came: &[Came],
    (from, to): (MonoTime, MonoTime),
    cost: super::show::Cost,
) -> Figures {
    let seconds = to.since(from).as_secs_f64();
    let within = came.iter().filter(|unit| unit.at > from && unit.at <= to);
    let bytes: usize = within.flat_map(|unit| &unit.nal_units).map(Vec::len).sum();
    Figures {
        seconds,
        total: window::figures(&mut found.ms),
        missing: Some(found.missing),
        kbps: Some(bytes as f64 * 8.0 / 1000.0 / seconds.max(0.001)),
        cost,
        ..Figures::default()
    }
}

/// The console publishes by SRT push; an ffmpeg beside the server encodes again for the viewers.
///
/// # Errors
/// Why it could not be measured.
pub fn transcoded(ground: Ground<'_>, settings: &Settings) -> Result<Figures, Failure> {
    let server = ground.server()?;
    let mut settings = settings.clone();
    settings.target.kind = TargetKind::Srt;
    settings.target.way = Way::SrtPush;
    settings.target.host = "127.0.0.1".into();
    settings.target.srt_port = server.srt_addr().port();
    settings.target.rtsp_port = server.rtsp_addr().port();
    settings.target.path = IN.into();
    settings.target.user = USER.into();
    settings.target.latency_ms = SRT_LATENCY_MS;
    settings.target.api_url = server.api_url();
    settings.target.webrtc_url = server.webrtc_url();
    let password = server.password().expose_secret();
    let secrets = Secrets {
        password: secret(password),
        ..Secrets::default()
    };
    let (log, open) = logged_pattern(ground.plain);
    let show = Show::start(&settings, &secrets, Some(open), ground.stop)?;
    let rtsp = server.rtsp_addr();
    let to = |password: &str| format!("rtsp://{USER}:{password}@{rtsp}/{OUT}");
    let args = before::transcoder(
        &format!("rtsp://{rtsp}/{IN}"),
        &to(password),
        &to("***"),
        settings.encoder.bitrate_kbps,
        settings.video.fps,
    );
    let mut transcoder = ground.child("transcoder", &args)?;
    ground.online(&server, OUT, &mut transcoder)?;
    let mut children = show.session().pids();
    children.push(("transcoder", transcoder.pid()));
    children.push(("server", server.pid()));
    let result = ground.watch(&server, OUT, &settings, &log, &children, |time| {
        still_runs(&mut transcoder)?;
        show.watch(time, ground.stop).map(drop)
    });
    transcoder.end(Duration::from_millis(300));
    show.end();
    result
}

/// One ffmpeg takes raw picture and sound and publishes by SRT push.
///
/// # Errors
/// Why it could not be measured.
pub fn naive(ground: Ground<'_>, settings: &Settings) -> Result<Figures, Failure> {
    let server = ground.server()?;
    let password = server.password().expose_secret();
    let id = |password: &str| format!("publish:{IN}:{USER}:{password}");
    let to = SrtOutput {
        url: srt_url(server.srt_addr(), SRT_LATENCY_MS),
        stream_id: id(password),
        stream_id_shown: id("***"),
        passphrase: String::new(),
    };
    let sound = audio_pipe::open().map_err(internal)?;
    let size = settings.video.size.even();
    let (fps, kbps) = (settings.video.fps, settings.encoder.bitrate_kbps);
    let args = before::naive(&sound.input, size, fps, kbps, &to);
    let (end, prepare) = (sound.end, sound.prepare);
    let mut child = Sidecar::start(
        "naive",
        &ground.ffmpeg.path,
        &args,
        Launch::default(),
        |command| prepare.hand_over(command),
        Box::new(|_| ()),
    )
    .map_err(|e| Failure::new(FailureKind::Ffmpeg, e))?;
    let stdin = child
        .take_stdin()
        .ok_or_else(|| internal("ffmpeg has no standard input"))?;
    let log = NumberLog::default();
    let source = pattern(size, fps, ground.plain).logging(log.clone());
    let feeder = Feeder::start(source, stdin, (end, child.pid())).map_err(internal)?;
    ground.online(&server, IN, &mut child)?;
    let children = [("encoder", child.pid()), ("server", server.pid())];
    let result = ground.watch(&server, IN, settings, &log, &children, |time| {
        let until = Instant::now() + time;
        loop {
            still_runs(&mut child)?;
            let rest = until.saturating_duration_since(Instant::now());
            if rest.is_zero() || ground.stop.sleep(rest.min(Duration::from_millis(50))) {
                return Ok(());
            }
        }
    });
    feeder.stop();
    child.end(Duration::from_millis(300));
    result
}

fn still_runs(child: &mut Sidecar) -> Result<(), Failure> {
    child.poll_exit().map_or(Ok(()), |status| {
        let words = child.tail().lines().join(" | ");
        let text = format!("ffmpeg ended ({status}). Its last words: {words}");
        Err(Failure::new(FailureKind::Ffmpeg, text))
    })
}

/// A viewer that keeps what comes.
pub struct Viewer {
    units: Receiver<Unit>,
    events: Receiver<ArrivalEvent>,
    most: usize,
    stop: StopToken,
    thread: JoinHandle<()>,
}

impl Viewer {
    /// Joins; keeps `most` access units at most.
    ///
    /// # Errors
    /// Where the system gives no thread.
    pub fn join(whep_url: String, most: usize) -> Result<Self, Failure> {
        let (keep, units) = bounded(most);
        let (out, events) = bounded(64);
        let stop = StopToken::new();
        let counters = Arc::new(ArrivalCounters::default());
        let thread =
            probe::spawn_with_units(whep_url, None, out, Some(keep), counters, stop.clone())
                .map_err(internal)?;
        Ok(Self {
            units,
            events,
            most,
            stop,
            thread,
        })
    }

    /// Waits for the first access unit.
    fn first(
        &self,
        stop: &StopToken,
        still: &mut impl FnMut(Duration) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let until = Instant::now() + START_LIMIT;
        let mut why = String::from("the viewer got no picture");
        while self.units.is_empty() {
            for event in self.events.try_iter() {
                if let ArrivalEvent::Lost(reason) = event {
                    why = reason;
                }
            }
            if stop.is_stopped() {
                return Err(interrupted());
            }
            if Instant::now() > until {
                return Err(Failure::new(FailureKind::NoReceiver, why));
            }
            still(Duration::from_millis(50))?;
        }
        Ok(())
    }

    /// Leaves; all that came, in order.
    ///
    /// # Errors
    /// Where more came than it keeps.
    pub fn leave(self) -> Result<Vec<Came>, Failure> {
        self.stop.stop();
        ends_by(&self.thread, Instant::now() + Duration::from_secs(2));
        let came: Vec<_> = self
            .units
            .try_iter()
            .map(|unit| Came {
                nal_units: unit.nal_units,
                at: unit.at,
            })
            .collect();
        if came.len() >= self.most {
            return Err(internal("more pictures came than were made"));
        }
        Ok(came)
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        self.stop.stop();
    }
}
