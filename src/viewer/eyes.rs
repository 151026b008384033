//! Those who watch on the page: what each has reported, and what follows from it: capture to the eye.
//!
//! Pure: takes the time, reads no clock. Lives behind a lock that the page's threads take for
//! microseconds a report. Under pressure: a page beyond [`VIEWERS`], or beyond [`OF_ONE_PEER`] of one
//! address, and a report sooner than [`GAP`] after the last are not heard; a page that is silent for
//! [`FORGOTTEN`] is forgotten. A page's figures are its own word: a page that lies spoils its own
//! line, and cannot bring it out of the bounds of [`super::report`].

use super::clock::{Exchange, Offset, ViewerClock};
use super::report::{PageFigures, Report, page_us};
use crate::clock::MonoTime;
use crate::latency::window;
use crate::relay::RtpTimes;
use crate::session::snapshot::{Eye, EyesStatus, StageFigures, WhyNot};
use serde::Serialize;
use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Duration;

/// Pages heard at once.
pub const VIEWERS: usize = 100;
/// Of them from one address.
pub const OF_ONE_PEER: usize = 16;
/// Reports sooner after the last are not heard.
pub const GAP: Duration = Duration::from_millis(80);
/// A page silent for so long is gone.
pub const FORGOTTEN: Duration = Duration::from_secs(5);
/// A page silent for so long has no figure.
const SILENT: Duration = Duration::from_secs(2);
/// A clock less certain than this gives no figure.
pub const UNSURE_MAX: Duration = Duration::from_millis(10);
/// What figures are taken over.
const WINDOW: Duration = Duration::from_secs(3);
/// Pictures for a figure.
const LEAST: usize = 10;
/// Three seconds at 144 fps.
const KEPT: usize = 432;
/// Reported pictures that wait for their clock or for the probe.
const WAITING: usize = 160;
/// They wait for so long.
const WAITS: Duration = Duration::from_secs(3);
/// Nothing is so late.
const LATEST: Duration = Duration::from_secs(10);
/// A display is so far ahead at most.
const AHEAD: Duration = Duration::from_millis(200);

/// Who reports.
#[derive(Clone, Copy, Debug)]
pub struct Sender {
    /// From where.
    pub peer: IpAddr,
    /// Browser and system, see [`super::report::browser`].
    pub browser: (&'static str, &'static str),
}

/// What a page is told of itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct EyeAnswer {
    /// Capture to the eye, median, ms.
    pub p50_ms: Option<f64>,
    /// 95th percentile, ms.
    pub p95_ms: Option<f64>,
    /// The clock's uncertainty, ms.
    pub unsure_ms: Option<f64>,
    /// Why there is no figure.
    pub why_not: Option<WhyNot>,
}

/// All pages.
#[derive(Debug, Default)]
pub struct Eyes {
    pages: Vec<Page>,
}

#[derive(Clone, Copy, Debug)]
struct Shown {
    at: MonoTime,
    to_eye_ms: f64,
    after_arrival_ms: f64,
}

#[derive(Debug)]
struct Page {
    id: String,
    sender: Sender,
    heard_at: MonoTime,
    clock: ViewerClock,
    /// Exchanges that the page will tell the end of: number, question had, answer given.
    open: VecDeque<(u32, MonoTime, MonoTime)>,
    /// RTP timestamp, shown at (page's clock, us), reported at.
    waiting: VecDeque<(u32, i64, MonoTime)>,
    shown: VecDeque<Shown>,
    offset: Option<Offset>,
    to_eye: Option<StageFigures>,
    after_arrival_ms: Option<f64>,
    why_not: Option<WhyNot>,
    figures: PageFigures,
}

impl Eyes {
    /// Takes a report that was `received` and is answered `now`; None where it is not heard.
    /// `times` are the running show's.
    pub fn report(
        &mut self,
        report: &Report,
        sender: Sender,
        received: MonoTime,
        now: MonoTime,
        times: Option<&RtpTimes>,
    ) -> Option<EyeAnswer> {
        self.forget(now);
        let known = self.pages.iter().position(|page| page.id == report.id);
        let index = match known {
            // A name is its page's alone.
            Some(index) if self.pages[index].sender.peer != sender.peer => return None,
            Some(index) if now.since(self.pages[index].heard_at) < GAP => return None,
            Some(index) => index,
            None => {
                let peers = self
                    .pages
                    .iter()
                    .filter(|page| page.sender.peer == sender.peer);
                if self.pages.len() >= VIEWERS || peers.count() >= OF_ONE_PEER {
                    return None;
                }
                self.pages.push(Page::new(report.id.clone(), sender));
                self.pages.len() - 1
            }
        };
        let page = &mut self.pages[index];
        page.take(report, received, now, times);
        Some(page.answer())
    }

    /// Everyone, as it stands.
    pub fn status(&mut self, now: MonoTime) -> EyesStatus {
        self.forget(now);
        let mut all: Vec<Eye> = self.pages.iter().map(|page| page.eye(now)).collect();
        number_alike(&mut all);
        EyesStatus::of(all)
    }

    fn forget(&mut self, now: MonoTime) {
        self.pages
            .retain(|page| now.since(page.heard_at) < FORGOTTEN);
    }
}

/// Two browsers of one kind at one address get numbers.
fn number_alike(all: &mut [Eye]) {
    for index in 0..all.len() {
        let before = all[..index].iter();
        let label = &all[index].label;
        let alike = |eye: &&Eye| {
            eye.label
                .strip_prefix(label.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with(" #"))
        };
        let count = before.filter(alike).count();
        if count > 0 {
            all[index].label += &format!(" #{}", count + 1);
        }
    }
}

impl Page {
    fn new(id: String, sender: Sender) -> Self {
        Self {
            id,
            sender,
            heard_at: MonoTime::ZERO,
            clock: ViewerClock::default(),
            open: VecDeque::new(),
            waiting: VecDeque::new(),
            shown: VecDeque::new(),
            offset: None,
            to_eye: None,
            after_arrival_ms: None,
            why_not: Some(WhyNot::Joining),
            figures: PageFigures::default(),
        }
    }

    fn take(
        &mut self,
        report: &Report,
        received: MonoTime,
        now: MonoTime,
        times: Option<&RtpTimes>,
    ) {
        self.heard_at = now;
        self.figures = report.figures;
        if let Some((number, asked, heard)) = report.exchange
            && let Some(index) = self.open.iter().position(|(n, ..)| *n == number)
            && let Some((_, received, answered)) = self.open.remove(index)
        {
            self.clock.add(Exchange {
                asked_us: page_us(asked),
                received,
                answered,
                heard_us: page_us(heard),
                grain_us: page_us(report.grain),
            });
        }
        if self.open.len() == 4 {
            self.open.pop_front();
        }
        self.open.push_back((report.n, received, now));
        self.offset = self.clock.offset(now);
        for (rtp_time, at) in &report.shown {
            if self.waiting.len() == WAITING {
                self.waiting.pop_front();
            }
            self.waiting.push_back((*rtp_time, page_us(*at), now));
        }
        if let (Some(offset), Some(times)) = (self.certain(), times) {
            self.match_up(offset, times, now);
        }
        self.waiting.retain(|(.., since)| now.since(*since) < WAITS);
        self.shown.retain(|shown| now.since(shown.at) < WINDOW);
        let enough = self.shown.len() >= LEAST;
        let mut after: Vec<f64> = self
            .shown
            .iter()
            .map(|shown| shown.after_arrival_ms)
            .collect();
        let mut to_eye: Vec<f64> = self.shown.iter().map(|shown| shown.to_eye_ms).collect();
        self.why_not = self.why_not(report, times, now, enough);
        let is_known = enough && self.why_not.is_none();
        self.to_eye = window::figures(&mut to_eye).filter(|_| is_known);
        let after = window::figures(&mut after).filter(|_| is_known);
        self.after_arrival_ms = after.map(|figures| figures.p50_ms);
    }

    fn certain(&self) -> Option<Offset> {
        let most = i64::try_from(UNSURE_MAX.as_micros()).unwrap_or(i64::MAX);
        self.offset.filter(|offset| offset.unsure_us <= most)
    }

    /// Finds the captures of the pictures that wait.
    fn match_up(&mut self, offset: Offset, times: &RtpTimes, now: MonoTime) {
        let shown = &mut self.shown;
        self.waiting.retain(|(rtp_time, at_us, _)| {
            let Some(seen) = times.find(*rtp_time, now) else {
                return true;
            };
            let Some(at) = offset.console_time(*at_us) else {
                return false;
            };
            // A page that says what cannot be is not heard.
            if at < seen.captured_at || at.since(seen.captured_at) > LATEST || at > now + AHEAD {
                return false;
            }
            if shown.len() == KEPT {
                shown.pop_front();
            }
            let us = |at: MonoTime| at.as_micros() as f64 / 1000.0;
            shown.push_back(Shown {
                at,
                to_eye_ms: at.ms_since(seen.captured_at),
                after_arrival_ms: us(at) - us(seen.arrived_at),
            });
            false
        });
    }

    fn why_not(
        &self,
        report: &Report,
        times: Option<&RtpTimes>,
        now: MonoTime,
        enough: bool,
    ) -> Option<WhyNot> {
        let Some(times) = times else {
            return Some(WhyNot::NoShow);
        };
        Some(match () {
            () if report.hidden => WhyNot::Hidden,
            () if !report.playing => WhyNot::NotPlaying,
            () if report.paused => WhyNot::Paused,
            () if !report.tells => WhyNot::Browser,
            () if self.offset.is_none() => WhyNot::Joining,
            () if self.certain().is_none() => WhyNot::Clock,
            () if !times.is_fed(now, SILENT) => WhyNot::NoProbe,
            () if enough => return None,
            () if self.waiting.len() >= LEAST => WhyNot::NoMatch,
            () => WhyNot::Joining,
        })
    }

    fn unsure_ms(&self) -> Option<f64> {
        self.offset.map(|offset| offset.unsure_us as f64 / 1000.0)
    }

    fn answer(&self) -> EyeAnswer {
        EyeAnswer {
            p50_ms: self.to_eye.map(|figures| figures.p50_ms),
            p95_ms: self.to_eye.map(|figures| figures.p95_ms),
            unsure_ms: self.unsure_ms(),
            why_not: self.why_not,
        }
    }

    fn eye(&self, now: MonoTime) -> Eye {
        let silent = now.since(self.heard_at) >= SILENT;
        let (name, system) = self.sender.browser;
        let browser = match (name, system) {
            ("", "") => String::new(),
            (name, "") | ("", name) => format!(" {name}"),
            (name, system) => format!(" {name}, {system}"),
        };
        Eye {
            label: format!("{}{browser}", self.sender.peer),
            to_eye: self.to_eye.filter(|_| !silent),
            unsure_ms: self.unsure_ms(),
            after_arrival_ms: self.after_arrival_ms.filter(|_| !silent),
            page: self.figures,
            why_not: if silent {
                Some(WhyNot::Silent)
            } else {
                self.why_not
            },
        }
    }
}

#[cfg(test)]
#[path = "eyes_tests.rs"]
mod tests;
