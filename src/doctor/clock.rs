//! The clock: pictures are paced and latency is measured by it.

use super::Area;
use super::guard::{Lane, Look};
use std::path::Path;
use std::time::{Duration, Instant};

const LIMIT: Duration = Duration::from_secs(3);
/// How long the clock is read for.
const READ_FOR: Duration = Duration::from_millis(20);
/// Latency is told in tenths of a millisecond.
const COARSE: Duration = Duration::from_millis(1);
/// So many sleeps of a millisecond are measured.
const SLEEPS: usize = 100;
/// Waking later than this, the pacer misses its time by more than a third of a frame at 60 fps.
const LATE: Duration = Duration::from_millis(6);

pub(super) fn check(lane: &Lane) {
    lane.look(Area::Clock, LIMIT, |_, stop| {
        vec![
            monotonic(&readings(READ_FOR)),
            timer(overshoots(|| stop.is_stopped())),
            synchronised(Path::new("/")),
        ]
    });
}

fn readings(time: Duration) -> Vec<Instant> {
    let began = Instant::now();
    let mut all = vec![began];
    while began.elapsed() < time && all.len() < 1 << 20 {
        all.push(Instant::now());
    }
    all
}

/// Whether it goes forward only, and in how fine steps.
fn monotonic(readings: &[Instant]) -> Look {
    let back = readings.windows(2).any(|pair| pair[1] < pair[0]);
    if back {
        return Look::failed(
            "the monotonic clock goes backwards",
            "update the system's kernel or firmware, or the virtual machine's host",
        );
    }
    let steps = readings
        .windows(2)
        .map(|pair| pair[1].saturating_duration_since(pair[0]))
        .filter(|step| !step.is_zero());
    match steps.min() {
        Some(step) if step <= COARSE => {
            Look::ok(format!("monotonic clock: steps of {step:?}, never back"))
        }
        step => Look::warning(
            match step {
                Some(step) => format!("the monotonic clock steps by {step:?}"),
                None => format!("the monotonic clock stood still for {READ_FOR:?}"),
            },
            "latency figures are no finer than that; choose another clock source of the system",
        ),
    }
}

/// By how much each sleep of a millisecond was too long.
fn overshoots(is_stopped: impl Fn() -> bool) -> Vec<Duration> {
    let nap = Duration::from_millis(1);
    (0..SLEEPS)
        .take_while(|_| !is_stopped())
        .map(|_| {
            let began = Instant::now();
            std::thread::sleep(nap);
            began.elapsed().saturating_sub(nap)
        })
        .collect()
}

fn timer(mut late: Vec<Duration>) -> Look {
    late.sort();
    let (Some(max), Some(p50), Some(p95)) = (
        late.last().copied(),
        late.get(late.len() / 2).copied(),
        late.get(late.len() * 95 / 100).copied(),
    ) else {
        return Look::skipped("the timer was not looked at");
    };
    let ms = |time: Duration| time.as_secs_f64() * 1000.0;
    let found = format!(
        "timer: a sleep of 1 ms is {:.2} ms too long (p95 {:.2}, max {:.2})",
        ms(p50),
        ms(p95),
        ms(max)
    );
    if p95 > LATE {
        Look::warning(
            found,
            "pictures will be paced unevenly: end what loads this machine, switch power saving off",
        )
    } else {
        Look::ok(found)
    }
}

/// Whether the system's time of day follows a time server. No latency figure depends on it; the
/// times in logs, and clocks in the picture, do. systemd-timesyncd leaves a mark
/// (systemd-timesyncd.service(8), FILES); other services have none that every user may read.
fn synchronised(root: &Path) -> Look {
    let folder = root.join("run/systemd/timesync");
    if folder.join("synchronized").exists() {
        Look::ok("time of day: follows a time server (systemd-timesyncd)")
    } else if folder.exists() {
        Look::warning(
            "time of day: systemd-timesyncd runs and has not reached a time server",
            "check this machine's network and `timedatectl`; only times in logs depend on it",
        )
    } else {
        Look::skipped("time of day: whether it follows a time server is not told here")
    }
}

#[cfg(test)]
mod tests {
    use super::super::Outcome;
    use super::*;

    #[test]
    fn a_clock_that_jumps_back_or_stands_still_is_told() {
        let at = Instant::now();
        let us = |n: u64| at + Duration::from_micros(n);
        let of = |readings: &[Instant]| monotonic(readings).outcome;
        assert_eq!(of(&[us(0), us(0), us(1), us(9)]), Outcome::Ok);
        assert_eq!(of(&[us(0), us(5), us(4)]), Outcome::Failed);
        assert_eq!(of(&[us(0), us(15_600), us(31_200)]), Outcome::Warning);
        assert_eq!(of(&[us(0), us(0)]), Outcome::Warning);
        assert_eq!(monotonic(&readings(READ_FOR)).outcome, Outcome::Ok);
    }

    #[test]
    fn a_timer_that_wakes_late_is_told() {
        let ms = Duration::from_millis;
        let mut late = vec![ms(0); 100];
        late[7] = ms(40);
        let good = timer(late.clone());
        assert_eq!(good.outcome, Outcome::Ok);
        assert!(good.found.contains("max 40.00"), "{}", good.found);
        late[..20].fill(ms(15));
        let bad = timer(late);
        assert_eq!(bad.outcome, Outcome::Warning);
        assert!(bad.found.contains("p95 15.00"), "{}", bad.found);
        assert_eq!(timer(Vec::new()).outcome, Outcome::Skipped);
        assert!(overshoots(|| true).is_empty());
    }

    #[test]
    fn the_marks_of_timesyncd_are_read() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(synchronised(root.path()).outcome, Outcome::Skipped);
        let folder = root.path().join("run/systemd/timesync");
        std::fs::create_dir_all(&folder).unwrap();
        assert_eq!(synchronised(root.path()).outcome, Outcome::Warning);
        std::fs::write(folder.join("synchronized"), "").unwrap();
        assert_eq!(synchronised(root.path()).outcome, Outcome::Ok);
    }
}
