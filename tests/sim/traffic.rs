//! What flows through the world: pump, encoders, publishers, server, viewer; each at its own time, each
//! with the product's code in the middle.

use super::checks::bound;
use super::clock::{Event, ms};
use super::encoder;
use super::outside;
use super::publisher::Phase;
use super::run::Mutation;
use super::world::World;
use pd_console::clock::MonoTime;
use std::time::Duration;

impl World {
    pub(super) fn look_at_connections(&mut self, now: MonoTime) {
        let mut outside = self.outside.lock();
        let publishers = outside.publishers.clone();
        let living = publishers.iter().map(|child| outside::lock(child));
        let living = living.filter(|child| child.phase != Phase::Dead);
        let alive: Vec<u32> = living.map(|child| child.id).collect();
        outside.server.look(now, |id| alive.contains(&id));
        let server = &outside.server;
        // A server that runs says by TCP that it knows nothing of a connection; so does its kernel
        // where it does not run.
        for child in &publishers {
            let mut child = outside::lock(child);
            let connection = server.connection.as_ref();
            let has = connection.is_some_and(|c| c.publisher == Some(child.id));
            child.looks_at_connection((has, server.up, !server.cut), now);
        }
    }

    pub(super) fn pump(&mut self, now: MonoTime) {
        let frames = |world: &Self| {
            let show = world.console.show.as_ref();
            show.map_or(0, |show| show.relay().frames())
        };
        // The pump is asked until it waits; more than a few times would be a storm.
        for turn in 0.. {
            let before = frames(self);
            let clock = self.clock.clone();
            let (slot, preview, journal) = (&self.slot, &self.preview, &self.console.journal);
            let wait = self
                .pump
                .turn(slot, preview, &self.control, journal, now, &|| clock.now());
            let after = frames(self);
            for number in before..after {
                self.checks.paced(number, now);
                self.tally.frames += 1;
            }
            if let Some(wait) = wait {
                self.waits += 1;
                let time = wait
                    .until
                    .since(now)
                    .clamp(Duration::from_micros(50), ms(100));
                self.after(time, Event::Pump(self.waits));
                break;
            }
            // A quarter second is made up for, at 60 fps.
            self.checks
                .at_most("turns of the pump at one moment", turn, 20);
            if turn > 20 {
                break;
            }
        }
        self.wake_encoders(now);
    }

    pub(super) fn wake_encoders(&mut self, now: MonoTime) {
        let ids: Vec<u32> = {
            let outside = self.outside.lock();
            let all = outside.encoders.iter();
            all.map(|child| encoder::lock(child).id).collect()
        };
        for id in ids {
            self.feed(id, now);
        }
    }

    pub(super) fn feed(&mut self, id: u32, now: MonoTime) {
        let Some(child) = self.outside.encoder(id) else {
            return;
        };
        let begun = encoder::lock(&child).feed(now);
        let Some((frame, takes)) = begun else { return };
        let interval = self.interval();
        let late = match self.mutation {
            Mutation::OldFrames => self
                .console
                .show
                .as_ref()
                .map_or(0, |s| s.relay().frames() / 40),
            _ => 0,
        };
        let bound = interval * 3 + ms(30);
        self.checks.begun(frame.saturating_sub(late), bound, now);
        self.after(takes, Event::Written(id));
    }

    /// From one frame of the show to the next, at the slowest of its encoders' rates.
    fn interval(&self) -> Duration {
        let outside = self.outside.lock();
        let all = outside.encoders.iter();
        let slowest = all
            .map(|child| encoder::lock(child).wish.fps.interval())
            .max();
        slowest
            .unwrap_or(ms(100))
            .max(self.console.settings.video.fps.interval())
    }

    pub(super) fn written(&mut self, id: u32, now: MonoTime) {
        let Some(child) = self.outside.encoder(id) else {
            return;
        };
        let mut child = encoder::lock(&child);
        let held = child.held_until;
        if now < held && !child.ended {
            drop(child);
            return self.agenda.put(held, Event::Written(id));
        }
        let out = child.written(now);
        drop(child);
        if let Some(time) = out {
            self.after(time, Event::Out(id));
        }
        self.feed(id, now);
    }

    pub(super) fn encoder_out(&mut self, id: u32, now: MonoTime) {
        let Some(child) = self.outside.encoder(id) else {
            return;
        };
        let held = {
            let mut child = encoder::lock(&child);
            let held = child.held_until;
            if now >= held {
                child.out(now);
            }
            held
        };
        if now < held {
            return self.agenda.put(held, Event::Out(id));
        }
        self.wake_publishers(now);
        self.feed(id, now);
    }

    pub(super) fn wake_publishers(&mut self, now: MonoTime) {
        let ids: Vec<u32> = {
            let outside = self.outside.lock();
            let all = outside.publishers.iter();
            all.map(|child| outside::lock(child).id).collect()
        };
        for id in ids {
            self.send(id, now);
        }
    }

    pub(super) fn publish(&mut self, id: u32, now: MonoTime) {
        if self.outside.publisher(id).is_some() {
            self.send(id, now);
            // Its sound is due each 5 ms; four at a time are enough for a child.
            self.after(ms(20), Event::Publish(id));
        }
    }

    pub(super) fn send(&mut self, id: u32, now: MonoTime) {
        let Some(child) = self.outside.publisher(id) else {
            return;
        };
        let mut child = outside::lock(&child);
        let sent = child.turn(now, &mut self.checks);
        let is_up = child.phase == Phase::Up;
        if self.mutation == Mutation::TimesGoBack && self.tally.arrived == 500 {
            child.begin_anew();
        }
        drop(child);
        if sent.is_empty() || !is_up {
            return;
        }
        let mut outside = self.outside.lock();
        let server = &mut outside.server;
        if !server.is_reachable() {
            return;
        }
        server.heard(id, now);
        let shown = server.shows(id, now);
        drop(outside);
        if let Some(child) = self.outside.publisher(id) {
            outside::lock(&child).sends = true;
        }
        if shown && !self.arriving.0 {
            for picture in sent {
                let at = now + ms(self.dice.u64(15..40));
                let at = self.network.back().map_or(at, |(last, ..)| at.max(*last));
                self.network.push_back((at, picture.hash, picture.pts_ms));
                self.agenda.put(at, Event::Arrive);
            }
        }
        self.checks.at_most(
            "pictures on their way",
            self.network.len(),
            bound::ON_THE_WAY,
        );
    }

    pub(super) fn called(&mut self, id: u32, now: MonoTime) {
        let Some(child) = self.outside.publisher(id) else {
            return;
        };
        let mut child = outside::lock(&child);
        if child.phase != Phase::Calling || child.asked {
            return;
        }
        let mut outside = self.outside.lock();
        let server = &mut outside.server;
        if server.call(id, child.srt, now) {
            self.checks.note(|| format!("publisher {id} is connected"));
            child.phase = Phase::Up;
            drop((child, outside));
            return self.send(id, now);
        }
        let (up, refuses) = (server.up && !server.cut, server.refuses);
        drop(outside);
        match (up, refuses) {
            (true, true) => child.die("Server returned 401 Unauthorized (authorization failed)"),
            (false, _) if now.since(child.started_at) > ms(3_000) => {
                child.die("srt://127.0.0.1:9: Input/output error");
            }
            _ => {
                drop(child);
                self.after(ms(250), Event::Called(id));
            }
        }
    }

    pub(super) fn arrive(&mut self, now: MonoTime) {
        let Some((_, hash, pts_ms)) = self.network.pop_front() else {
            return;
        };
        let probing = self.outside.lock().probing;
        let Some(show) = self.console.show.as_ref().filter(|_| probing) else {
            return;
        };
        let hash = if self.arriving.1 { hash ^ 1 } else { hash };
        show.relay()
            .arrived(hash, Some(pts_ms.wrapping_mul(90)), now);
        self.tally.arrived += 1;
        self.truth.arrived(now);
    }

    pub(super) fn ask(&mut self, now: MonoTime) {
        let (delay, watched) = {
            let mut outside = self.outside.lock();
            outside.asked = false;
            (outside.server.delay(), outside.watching > 0)
        };
        self.questions += 1;
        self.asked_at = now;
        if !watched {
            return self.after(ms(50), Event::Ask);
        }
        // Nobody answers: the client's own limit.
        self.after(delay.unwrap_or(ms(1_000)), Event::Answer(self.questions));
    }

    pub(super) fn answer(&mut self, question: u64, now: MonoTime) {
        if question == self.questions {
            let asked_at = self.asked_at;
            let current = self.outside.current().map(|child| outside::lock(&child).id);
            let mut outside = self.outside.lock();
            let mut report = outside.server.report(asked_at, now);
            if self.mutation == Mutation::FalseReport && self.tally.shows > 1 {
                (report.answered, report.online) = (true, true);
            }
            outside.shown_then = current.filter(|id| outside.server.shows(*id, now));
            outside.report = Some(report);
            drop(outside);
            self.after(ms(250), Event::Ask);
        }
    }
}
