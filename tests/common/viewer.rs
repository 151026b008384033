//! A viewer that is nobody's probe: it joins by WHEP, joins again once a second after a loss as
//! players do, and writes down when each picture came and when it was thrown out.

use pd_console::clock::{self, MonoTime};
use pd_console::probe::{self, ProbeEvent};
use pd_console::relay::ArrivalCounters;
use pd_console::stop::StopToken;
use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What a viewer saw of an outage.
#[derive(Clone, Copy, Debug)]
pub struct View {
    /// It stayed connected.
    pub kept: bool,
    /// From the last picture of the show before to the first after.
    pub black: Duration,
    /// When that first picture came.
    pub back: MonoTime,
}

#[derive(Default)]
struct Seen {
    pictures: Vec<(MonoTime, u64)>,
    thrown_out: Vec<MonoTime>,
    /// Hashes of the server's own pictures of an empty path.
    slate: HashSet<u64>,
}

/// A running viewer.
pub struct Viewer {
    seen: Arc<Mutex<Seen>>,
    stop: StopToken,
}

impl Viewer {
    /// Joins `url`, now or as soon as there is something.
    pub fn start(url: String) -> Self {
        let (events, inbox) = crossbeam_channel::bounded(4096);
        let stop = StopToken::new();
        let counters = Arc::new(ArrivalCounters::default());
        probe::spawn(url, None, events, counters, stop.clone()).unwrap();
        let seen: Arc<Mutex<Seen>> = Arc::default();
        let into = seen.clone();
        std::thread::spawn(move || {
            for event in inbox {
                let mut seen = into.lock().unwrap();
                match event {
                    ProbeEvent::Video(arrival) => seen.pictures.push((arrival.at, arrival.hash)),
                    ProbeEvent::Lost(_) => seen.thrown_out.push(clock::now()),
                    _ => {}
                }
            }
        });
        Self { seen, stop }
    }

    /// Everything that came until now was the server's own: no picture of the show.
    pub fn until_now_is_slate(&self) {
        let mut seen = self.seen.lock().unwrap();
        let hashes: Vec<u64> = seen.pictures.drain(..).map(|(_, hash)| hash).collect();
        seen.slate.extend(hashes);
    }

    /// When the show's pictures came, oldest first.
    pub fn pictures(&self) -> Vec<MonoTime> {
        let seen = self.seen.lock().unwrap();
        let shows = seen.pictures.iter().filter(|p| !seen.slate.contains(&p.1));
        shows.map(|(at, _)| *at).collect()
    }

    /// Waits for so many pictures of the show after `from`.
    pub fn wait_pictures(&self, from: MonoTime, count: usize, limit: Duration) {
        let enough = || self.pictures().iter().filter(|at| **at > from).count() >= count;
        assert!(super::wait_until(limit, enough), "no pictures in {limit:?}");
    }

    /// What it saw of the outage that began at `from`: the longest time without a picture since.
    pub fn view(&self, from: MonoTime) -> View {
        let pictures = self.pictures();
        let first = pictures.partition_point(|at| *at < from).saturating_sub(1);
        let pairs = pictures[first..].windows(2);
        let gap = pairs.max_by_key(|pair| pair[1].since(pair[0])).unwrap();
        let (begin, back) = (gap[0], gap[1]);
        let seen = self.seen.lock().unwrap();
        let kept = !seen.thrown_out.iter().any(|at| *at > from && *at < back);
        View {
            kept,
            black: back.since(begin),
            back,
        }
    }
}

impl Drop for Viewer {
    fn drop(&mut self) {
        self.stop.stop();
    }
}
