//! A show's course: from the look at everything over its beginning, losses and a dead server to
//! its end.

use super::{Answer, Worker};
use crate::clock::{self, MonoTime};
use crate::relay::hub::RelayFigures;
use crate::session::failure::{Failure, FailureKind};
use crate::session::link::{Loss, LossKind};
use crate::session::machine::Event;
use crate::session::outlet::Outlet;
use crate::session::passage::Passages;
use crate::session::preflight;
use crate::session::show::{self, Notice, Show};
use crate::session::sleep;
use crate::session::snapshot::{Confirmation, State, TrendKind};
use crate::session::steps::StepKind;
use crate::stop::StopToken;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

/// A source must show its first picture within this time of preflight's end.
const FIRST_PICTURE: Duration = Duration::from_secs(3);

const NO_PICTURE: &str = "the picture source shows nothing. Choose another source";

/// Files that are being written have so long to be ended well when a show ends.
const FILES_END: Duration = Duration::from_millis(1200);

impl Worker {
    pub(super) fn preflight(&mut self) {
        *self
            .shared
            .failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = None;
        *self
            .shared
            .last_show
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = RelayFigures::default();
        self.view.reset();
        // Going live is a wish to try again what was refused or lost.
        if let Some(inputs) = &self.inputs
            && inputs.picture_status().problem.is_some()
        {
            inputs.reopen_picture();
        }
        let stop = StopToken::new();
        self.looking = Some(stop.clone());
        self.failing = None;
        self.board.reset();
        let (settings, secrets) = (self.settings.clone(), self.secrets.clone());
        let (journal, answers, server) = (
            self.journal.clone(),
            self.answers_in.clone(),
            self.server.take(),
        );
        let (board, takes_over) = (self.board.clone(), self.takes_over);
        let started = std::thread::Builder::new()
            .name("pd-preflight".into())
            .spawn(move || {
                let result = {
                    let wish = preflight::Wish {
                        settings: &settings,
                        secrets: &secrets,
                        takes_over,
                    };
                    preflight::run(&wish, server, &journal, &board, &stop)
                };
                // Where nobody wants it any more, what it opened ends here.
                if !stop.is_stopped() {
                    let _ = answers.try_send(Answer::Preflight(result.map(Box::new)));
                }
            });
        if let Err(error) = started {
            self.fail(Failure::new(FailureKind::Internal, error));
        }
    }

    pub(super) fn answer(&mut self, answer: Answer) {
        match answer {
            Answer::File(done) => self.file_done(done),
            Answer::Preflight(result) => {
                let wanted = self.looking.take().is_some_and(|stop| !stop.is_stopped());
                match result {
                    Ok(ready) if wanted => self.ready = Some((ready, clock::now())),
                    Ok(_) => {}
                    Err(_) if !wanted => {}
                    Err(missed) => {
                        self.server = missed.server;
                        self.failing = Some((missed.failure, clock::now()));
                    }
                }
            }
        }
    }

    pub(super) fn begin_if_ready(&mut self, now: MonoTime) {
        let Some((_, since)) = &self.ready else {
            return;
        };
        let Some(inputs) = &self.inputs else { return };
        if inputs.slot.put_count() == 0 {
            let status = inputs.picture_status();
            // The operator chooses in the desktop's dialog: Stop ends the wait.
            if status.asks.is_some() {
                return;
            }
            let problem = status.problem;
            if problem.is_some() || now.since(*since) > FIRST_PICTURE {
                let message = problem.unwrap_or_else(|| NO_PICTURE.into());
                self.no_picture(&message, now);
                if let Some((ready, _)) = self.ready.take()
                    && let preflight::Destination::Managed(server) = ready.destination
                {
                    // Its viewers stay for the next try.
                    self.server = Some(*server);
                }
                self.fail(Failure::new(FailureKind::Source, message));
            }
            return;
        }
        let Some((ready, _)) = self.ready.take() else {
            return;
        };
        let wish = self.tuning.begin(&self.settings);
        self.drops_before = inputs.slot.overwritten();
        let ffmpeg = ready.ffmpeg.clone();
        let secrets = &self.secrets;
        let means = show::Means::of(inputs, &self.journal);
        match Show::start(&self.settings, wish, *ready, secrets, means, now) {
            Ok(show) => {
                self.recorder.begin(
                    &self.settings,
                    show.relay().clone(),
                    inputs.mixer.clone(),
                    ffmpeg,
                    self.journal.clone(),
                );
                self.show = Some(show);
                self.passages = Passages::default();
                self.notices.reset();
                self.board.begin(StepKind::Connection, now);
                self.event(Event::PreflightDone);
            }
            Err(failure) => self.fail(failure),
        }
    }

    fn lost(&mut self, failure: &Failure, kind: LossKind, last_good: Option<MonoTime>) {
        self.board.note(StepKind::Connection, &failure.message);
        let anew = kind == LossKind::Anew;
        if !anew {
            self.remember(failure);
        }
        // Said once and not with every try; of a connection on air that is made anew by its notice.
        let has_notice = anew && self.machine.state() == &State::Live;
        if self.said != failure.message && !has_notice {
            let text = failure.message.clone();
            match anew {
                true => self.journal.warn(text),
                false => self.journal.error(text),
            }
            self.said.clone_from(&failure.message);
        }
        self.event(Event::PublisherLost(Loss {
            cause: failure.message.clone(),
            kind,
            last_good,
        }));
    }

    pub(super) fn fail(&mut self, failure: Failure) {
        self.remember(&failure);
        self.journal.error(failure.message.clone());
        if self.machine.state() == &State::Preflight {
            self.event(Event::PreflightFailed(failure.message));
        } else {
            self.event(Event::Fatal(failure.message));
        }
    }

    fn remember(&self, failure: &Failure) {
        *self
            .shared
            .failure
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Some(failure.clone());
    }

    pub(super) fn start_publisher(&mut self) {
        let Some(show) = &mut self.show else { return };
        if let Err(failure) = show.outlet_mut().start(clock::now()) {
            self.lost(&failure, LossKind::Broke, None);
        }
    }

    /// The operator wants another connection: by the fastest way again, or the same anew.
    pub(super) fn other_connection(
        &mut self,
        make: impl FnOnce(&mut Outlet, MonoTime) -> Option<Notice>,
    ) {
        let live = self.machine.state() == &State::Live;
        let now = clock::now();
        let show = self.show.as_mut().filter(|_| live);
        if let Some(notice) = show.and_then(|show| make(show.outlet_mut(), now)) {
            self.notice(notice, now);
        }
    }

    /// Disconnects a viewer, on a thread of its own: the server may take its time.
    pub(super) fn kick(&mut self, id: &str) {
        let Some(show) = &self.show else { return };
        let outlet = show.outlet();
        let readers = outlet.readers();
        let reader = readers.iter().find(|reader| reader.id == id).cloned();
        let (Some(reader), Some(client)) = (reader, outlet.client().cloned()) else {
            self.journal.warn("that viewer is not connected any more");
            return;
        };
        let journal = self.journal.clone();
        let kick = move || {
            let who = &reader.remote_addr;
            match client.kick(&reader.kind, &reader.id) {
                Ok(true) => journal.info(format!("the viewer at {who} was disconnected")),
                Ok(false) => journal.warn(format!("the viewer at {who} had gone already")),
                Err(error) => journal.warn(format!("the viewer at {who} stays: {error}")),
            }
        };
        let started = std::thread::Builder::new()
            .name("pd-kick".into())
            .spawn(kick);
        if let Err(error) = started {
            self.journal
                .error(format!("no thread to disconnect the viewer: {error}"));
        }
    }

    /// After a suspend (B27) every connection is dead, whatever its publisher believes.
    pub(super) fn look_for_sleep(&mut self, now: MonoTime) {
        let Some(slept) = self.sleep.turn(now, sleep::since_boot()) else {
            return;
        };
        let Some(show) = &mut self.show else { return };
        let text = format!(
            "the machine or the console stood still for {:.0} s; connecting again",
            slept.as_secs_f64()
        );
        let failure = Failure::new(FailureKind::NoReceiver, text);
        show.restart_backups(&failure, now);
        if self.machine.live_since().is_some() {
            self.lost(&failure, LossKind::Anew, Some(now - slept));
        }
    }

    pub(super) fn end_all(&mut self) {
        if let Some(stop) = self.looking.take() {
            stop.stop();
        }
        self.failing = None;
        if let Some((ready, _)) = self.ready.take()
            && let preflight::Destination::Managed(server) = ready.destination
        {
            self.server = Some(*server);
        }
        if let Some(show) = self.show.take() {
            let figures = show.relay().figures(clock::now(), self.capture_drops());
            *self
                .shared
                .last_show
                .lock()
                .unwrap_or_else(PoisonError::into_inner) = figures;
            // In parallel with the rest: the files' ends are asked for first.
            let files_by = Instant::now() + FILES_END;
            self.recorder.close();
            self.server = show.end(self.inputs.as_ref().map(|inputs| &inputs.control));
            self.recorder.end_by(files_by);
            self.journal.info("the show has ended");
        }
    }

    pub(super) fn poll_show(&mut self, now: MonoTime) {
        let notices = self
            .show
            .as_mut()
            .map(|show| show.poll(now))
            .unwrap_or_default();
        for notice in notices {
            self.notice(notice, now);
        }
    }

    fn notice(&mut self, notice: Notice, now: MonoTime) {
        match notice {
            Notice::Confirmed(confirmation) => self.confirmed(confirmation, now),
            Notice::PublisherLost {
                failure,
                kind,
                last_good,
            } => self.lost(&failure, kind, last_good),
            Notice::Started => self.event(Event::PublisherStarted),
            Notice::Knocked(answers) => self.event(Event::Knocked(answers)),
            Notice::PathFree => self.event(Event::PathFree),
            Notice::Fatal(failure) => self.fail(failure),
        }
    }

    fn confirmed(&mut self, confirmation: Confirmation, now: MonoTime) {
        let before = self.machine.state().clone();
        self.event(Event::Confirmed(confirmation));
        if before == State::Live || self.machine.state() != &State::Live {
            return;
        }
        self.said.clear();
        self.journal.info("LIVE: the receiver has the stream");
        self.arrived(now);
        self.remember_server();
        if let Some(show) = &self.show {
            show.relay().live(now + self.options.settle);
        }
        if matches!(before, State::Reconnecting { .. })
            && let Some(outage) = self.machine.link().outages().back()
        {
            let away = format!("was away {:.1} s", outage.seconds(now));
            let tries = outage.tries;
            self.journal
                .info(format!("{away}, {tries} tries: {}", outage.cause));
            self.view.mark((now, TrendKind::Reconnected, away));
        }
    }
}
