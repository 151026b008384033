//! Which way in a show takes, and when it takes the next: the fastest that works, SRT push at the end.
//!
//! Pure; the session's thread asks it. It never climbs back by itself: a way that failed is tried again with
//! the next show, or when the operator asks ([`Route::again`]).

use crate::clock::MonoTime;
use crate::publish::{WayStatus, order};
use crate::settings::Way;
use std::time::Duration;

/// A way on which the server has not shown the stream within this time does not work here. Starting
/// ffmpeg takes 0.3 to 0.6 s, the first IDR up to 1 s, a server that calls (SRT pull) a little more.
const PATIENCE: Duration = Duration::from_secs(6);
/// So many losses in a row on a way that has worked, while the server answers, and it is left.
const LOSSES: u32 = 3;
/// Online for so long, a way works: losses before are forgotten.
const STEADY: Duration = Duration::from_secs(5);

/// A step from one way to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The way that failed.
    pub from: Way,
    /// The next.
    pub to: Way,
    /// Why.
    pub why: String,
}

/// The ways of a show, and the one in force.
#[derive(Clone, Debug)]
pub struct Route {
    ways: Vec<WayStatus>,
    order: Vec<Way>,
    at: usize,
    started_at: Option<MonoTime>,
    online_since: Option<MonoTime>,
    /// The way in force has been online in this show.
    worked: bool,
    losses: u32,
    steps: Vec<Step>,
}

impl Route {
    /// The ways for what the operator wished.
    pub fn new(wished: Way, ways: Vec<WayStatus>) -> Self {
        Self {
            order: order(wished, &ways),
            ways,
            at: 0,
            started_at: None,
            online_since: None,
            worked: false,
            losses: 0,
            steps: Vec::new(),
        }
    }

    /// The way in force.
    pub fn way(&self) -> Way {
        self.order[self.at]
    }

    /// All ways, as they were found before the show; those that failed in it say so.
    pub fn ways(&self) -> Vec<WayStatus> {
        let mut ways = self.ways.clone();
        for step in &self.steps {
            if let Some(status) = ways.iter_mut().find(|w| w.way == step.from) {
                status.not_automatic = Some(step.why.clone());
            }
        }
        ways
    }

    /// Whether the way in force has brought the stream to the receiver in this show.
    pub fn has_worked(&self) -> bool {
        self.worked
    }

    /// Why it is not the fastest, where a faster one failed.
    pub fn fallback(&self) -> Option<String> {
        let failed: Vec<_> = self
            .steps
            .iter()
            .map(|step| format!("{}: {}", step.from.name(), step.why))
            .collect();
        (!failed.is_empty()).then(|| failed.join("; "))
    }

    /// A publisher was started on the way in force.
    pub fn started(&mut self, now: MonoTime) {
        self.started_at = Some(now);
        self.online_since = None;
    }

    /// The receiver has the stream.
    pub fn online(&mut self, now: MonoTime) {
        self.worked = true;
        let since = *self.online_since.get_or_insert(now);
        if now.since(since) >= STEADY {
            self.losses = 0;
        }
    }

    /// The publisher was lost; the step to the next way, where it is to be taken. `answers` is whether the
    /// server itself is there: a server that is gone is no fault of the way.
    pub fn lost(&mut self, why: &str, answers: bool) -> Option<Step> {
        self.online_since = None;
        if self.worked {
            self.losses += u32::from(answers);
            if self.losses < LOSSES {
                return None;
            }
        }
        self.step(why)
    }

    /// The step to the next way where this one has not come online in time.
    pub fn overdue(&mut self, now: MonoTime) -> Option<Step> {
        let late = self
            .started_at
            .is_some_and(|at| now.since(at) > PATIENCE && self.online_since.is_none());
        if !late || self.worked {
            return None;
        }
        let seconds = PATIENCE.as_secs();
        self.step(&format!(
            "the server did not show the stream within {seconds} s"
        ))
    }

    /// Begins anew with the fastest; false where it is in force.
    pub fn again(&mut self) -> bool {
        if self.at == 0 {
            return false;
        }
        *self = Self {
            ways: std::mem::take(&mut self.ways),
            order: std::mem::take(&mut self.order),
            ..Self::new(Way::Auto, Vec::new())
        };
        true
    }

    fn step(&mut self, why: &str) -> Option<Step> {
        let to = *self.order.get(self.at + 1)?;
        let step = Step {
            from: self.way(),
            to,
            why: why.to_owned(),
        };
        self.at += 1;
        self.worked = false;
        self.losses = 0;
        self.started_at = None;
        self.steps.push(step.clone());
        Some(step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(seconds: u64) -> MonoTime {
        MonoTime::from_micros(1_000_000 * (100 + seconds))
    }

    fn ways() -> Vec<WayStatus> {
        [(Way::SrtPush, 120), (Way::SrtPull, 20), (Way::Rtsp, 0)]
            .map(|(way, floor)| WayStatus {
                way,
                floor_ms: Some(floor),
                why_not: None,
                not_automatic: None,
            })
            .into()
    }

    #[test]
    fn what_never_came_online_is_left_at_once() {
        let mut route = Route::new(Way::Auto, ways());
        assert_eq!((route.way(), route.fallback()), (Way::Rtsp, None));
        route.started(s(0));
        let step = route.lost("connection refused", true).unwrap();
        assert_eq!((step.from, step.to), (Way::Rtsp, Way::SrtPull));
        // Whether the server answers does not matter: it did when the ways were looked at.
        route.started(s(1));
        assert_eq!(route.overdue(s(7)), None);
        assert_eq!(route.overdue(s(8)).unwrap().to, Way::SrtPush);
        assert_eq!(route.way(), Way::SrtPush);
        let why = route.fallback().unwrap();
        assert!(
            why.contains("RTSP: connection refused; SRT pull: the server"),
            "{why}"
        );
        let rtsp = route
            .ways()
            .into_iter()
            .find(|w| w.way == Way::Rtsp)
            .unwrap();
        assert_eq!(rtsp.not_automatic.as_deref(), Some("connection refused"));
    }

    #[test]
    fn the_last_way_and_a_way_by_name_are_never_left() {
        let mut route = Route::new(Way::Rtsp, ways());
        route.started(s(0));
        assert_eq!(route.lost("refused", true), None);
        assert_eq!(route.overdue(s(60)), None);
        assert_eq!(route.way(), Way::Rtsp);
    }

    #[test]
    fn what_worked_is_left_after_three_losses_in_a_row_while_the_server_answers() {
        let mut route = Route::new(Way::Auto, ways());
        route.started(s(0));
        route.online(s(1));
        route.online(s(7));
        for _ in 0..9 {
            assert_eq!(route.lost("the server is gone", false), None);
        }
        for at in [20, 30] {
            route.started(s(at));
            route.online(s(at + 1));
            assert_eq!(route.lost("broke", true), None);
        }
        // It held for a while: the count begins anew.
        route.online(s(40));
        route.online(s(45));
        for _ in 0..2 {
            assert_eq!(route.lost("broke", true), None);
        }
        assert_eq!(route.lost("broke", true).unwrap().to, Way::SrtPull);
    }

    #[test]
    fn only_the_operator_brings_the_faster_back() {
        let mut route = Route::new(Way::Auto, ways());
        assert!(!route.again());
        route.lost("refused", true);
        route.started(s(0));
        route.online(s(1));
        route.online(s(600));
        assert_eq!(route.way(), Way::SrtPull);
        assert!(route.again());
        assert_eq!((route.way(), route.fallback()), (Way::Rtsp, None));
        assert_eq!(route.ways(), ways());
    }
}
