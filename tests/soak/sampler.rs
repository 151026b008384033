//! Looks at the console every few seconds and keeps each look, as a line of a CSV file too.
//!
//! One thread, `Sampler`, with a connection to the remote control of its own. A look that comes to
//! nothing (the console is frozen) is left out.

use super::receiver::Look;
use super::remote::{Remote, Status};
use super::usage::{Usage, in_words};
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// From one look to the next.
pub const EVERY: Duration = Duration::from_secs(5);

/// One look.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Since the soak began, s.
    pub at_s: f64,
    /// Of the machine, one minute's.
    pub load: f64,
    /// The fault that was under way; empty at rest.
    pub fault: &'static str,
    /// Since the last fault was over and recovered from, s; 0 under a fault.
    pub calm_s: f64,
    /// What the console has.
    pub usage: Usage,
    /// What it says.
    pub status: Status,
    /// For how long the server's SRT receiver holds what comes, ms.
    pub held_ms: Option<f64>,
}

impl Sample {
    /// Sound minus picture as they arrive at a viewer, ms.
    pub fn av_ms(&self) -> Option<f64> {
        Some(self.status.sound_ms? - self.status.arrived_ms?)
    }
}

/// What the driver is at, for whoever looks.
#[derive(Clone, Copy)]
struct At {
    fault: &'static str,
    calm_since: Option<Instant>,
}

struct Shared {
    samples: Mutex<Vec<Sample>>,
    at: Mutex<At>,
    stop: Mutex<bool>,
}

/// Runs until it is asked for its samples.
pub struct Sampler {
    shared: Arc<Shared>,
    thread: JoinHandle<()>,
}

impl Sampler {
    /// Of the console with this process id and port of the remote control, and its receiver; times count from `from`.
    pub fn start((pid, port): (u32, u16), receiver: Look, csv: &Path, from: Instant) -> Self {
        let shared = Arc::new(Shared {
            samples: Mutex::default(),
            at: Mutex::new(At {
                fault: "",
                calm_since: Some(from),
            }),
            stop: Mutex::new(false),
        });
        let file = File::create(csv).unwrap();
        let other = shared.clone();
        let thread = std::thread::spawn(move || look((pid, port), &receiver, file, from, &other));
        Self { shared, thread }
    }

    /// A fault begins; "" is the return to rest.
    pub fn at(&self, fault: &'static str) {
        let calm_since = fault.is_empty().then(Instant::now);
        *self.shared.at.lock().unwrap() = At { fault, calm_since };
    }

    /// What it has seen; it ends.
    pub fn end(self) -> Vec<Sample> {
        *self.shared.stop.lock().unwrap() = true;
        self.thread.join().unwrap();
        std::mem::take(&mut self.shared.samples.lock().unwrap())
    }
}

const HEAD: &str = "s,load,fault,calm_s,state,rss_kib,pss_kib,anonymous_kib,cpu_s,threads,handles,\
                    children,zombies,held_ms,arrived_ms,sound_ms,av_ms,frames,fps,kbps,replay_s,\
                    drops_capture,drops_encoder,drops_network,drops_lost,thread_names,handle_kinds";

fn look((pid, port): (u32, u16), receiver: &Look, mut file: File, from: Instant, shared: &Shared) {
    let mut remote = Remote::new(port);
    writeln!(file, "{HEAD}").unwrap();
    let mut due = from;
    loop {
        while Instant::now() < due {
            if *shared.stop.lock().unwrap() {
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        due += EVERY;
        let at = *shared.at.lock().unwrap();
        let calm_s = at
            .calm_since
            .map_or(0.0, |since| since.elapsed().as_secs_f64());
        let (Ok(mut status), Some(usage)) = (remote.status(), Usage::of(pid)) else {
            continue;
        };
        status.arrived_ms = receiver.arrived_ms(&status);
        let sample = Sample {
            at_s: from.elapsed().as_secs_f64(),
            load: load(),
            fault: at.fault,
            calm_s,
            usage,
            status,
            held_ms: receiver.held_ms(),
        };
        writeln!(file, "{}", line(&sample)).unwrap();
        shared.samples.lock().unwrap().push(sample);
    }
}

fn load() -> f64 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let first = text.split(' ').next().and_then(|first| first.parse().ok());
    first.unwrap_or_default()
}

fn line(sample: &Sample) -> String {
    let (usage, status) = (&sample.usage, &sample.status);
    let ms = |figure: Option<f64>| figure.map_or(String::new(), |ms| format!("{ms:.1}"));
    let sum = |counts: &super::usage::Counts| counts.values().sum::<usize>().to_string();
    let mut fields = vec![
        format!("{:.1}", sample.at_s),
        format!("{:.2}", sample.load),
        sample.fault.to_owned(),
        format!("{:.1}", sample.calm_s),
        status.state.clone(),
        usage.rss_kib.to_string(),
        usage.pss_kib.to_string(),
        usage.anonymous_kib.to_string(),
        format!("{:.2}", usage.cpu_s),
        sum(&usage.threads),
        sum(&usage.handles),
        in_words(&usage.children),
        usage.zombies.to_string(),
        ms(sample.held_ms),
        ms(status.arrived_ms),
        ms(status.sound_ms),
        ms(sample.av_ms()),
        status.frames.to_string(),
        ms(status.fps),
        ms(status.measured_kbps),
        ms(Some(status.replay_s)),
    ];
    fields.extend(status.drops.map(|count| count.to_string()));
    fields.push(in_words(&usage.threads));
    fields.push(in_words(&usage.handles));
    fields.join(",")
}
