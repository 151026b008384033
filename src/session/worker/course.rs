//! A show's course: from the look at everything over its beginning, losses and a dead server to
//! its end.

use super::{Answer, Worker};
use crate::clock::{self, MonoTime};
use crate::mediamtx::{ManagedServer, Need, locate};
use crate::relay::hub::RelayFigures;
use crate::session::failure::{Failure, FailureKind};
use crate::session::machine::Event;
use crate::session::preflight;
use crate::session::show::{Notice, Show};
use crate::session::snapshot::State;
use crate::stop::StopToken;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant};

/// A source must show its first picture within this time of preflight's end.
const FIRST_PICTURE: Duration = Duration::from_secs(3);

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
        let (settings, secrets) = (self.settings.clone(), self.secrets.clone());
        let (journal, answers, server) = (
            self.journal.clone(),
            self.answers_in.clone(),
            self.server.take(),
        );
        let started = std::thread::Builder::new()
            .name("pd-preflight".into())
            .spawn(move || {
                let result = preflight::run(&settings, &secrets, server, &journal, &stop);
                // Where nobody wants it any more, what it opened ends here.
                if !stop.is_stopped() {
                    let _ = answers.try_send(Answer::Preflight(Box::new(result)));
                }
            });
        if let Err(error) = started {
            self.fail(Failure::new(FailureKind::Internal, error));
        }
    }

    pub(super) fn answer(&mut self, answer: Answer) {
        let wanted = self.looking.take().is_some_and(|stop| !stop.is_stopped());
        match answer {
            Answer::Preflight(result) => match *result {
                Ok(ready) if wanted => self.ready = Some((ready, clock::now())),
                Ok(_) => {}
                Err(failure) => self.fail(failure),
            },
            Answer::Server(result) => match (*result, &mut self.show) {
                (Ok(server), Some(show)) => {
                    show.outlet_mut().replace_server(server);
                    self.start_publisher();
                }
                (Ok(_), None) => {}
                (Err(error), _) => self.lost(&Failure::new(FailureKind::Server, error), false),
            },
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
                let message = problem.unwrap_or_else(|| {
                    "the picture source shows nothing. Choose another source".into()
                });
                self.ready = None;
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
        match Show::start(&self.settings, wish, ready, inputs, &self.journal) {
            Ok(show) => {
                self.recorder.begin(
                    &self.settings,
                    show.relay().clone(),
                    inputs.mixer.clone(),
                    ffmpeg,
                    self.journal.clone(),
                );
                self.show = Some(show);
                self.event(Event::PreflightDone);
            }
            Err(failure) => self.fail(failure),
        }
    }

    pub(super) fn lost(&mut self, failure: &Failure, hopeless: bool) {
        self.remember(failure);
        self.event(Event::PublisherLost {
            message: failure.message.clone(),
            hopeless,
        });
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
        let (Some(show), Some(inputs)) = (&mut self.show, &self.inputs) else {
            return;
        };
        if show.outlet_mut().dead_server() {
            self.restart_server();
            return;
        }
        if let Err(failure) = show.outlet_mut().start(inputs) {
            self.lost(&failure, false);
        }
    }

    fn restart_server(&mut self) {
        if self.looking.is_some() {
            return;
        }
        self.journal
            .warn("the managed MediaMTX has ended and is started again");
        let stop = StopToken::new();
        self.looking = Some(stop.clone());
        let (answers, log) = (self.answers_in.clone(), self.journal.clone());
        let path = self.settings.mediamtx_path.clone();
        let need = Need::of(&self.settings);
        let started = std::thread::Builder::new()
            .name("pd-server-start".into())
            .spawn(move || {
                let Ok(bin) = locate::locate(path.as_deref()) else {
                    return;
                };
                let on_log =
                    Arc::new(move |severity, line| log.add(severity, format!("MediaMTX: {line}")));
                let result = ManagedServer::start(&bin, &need, &stop, on_log);
                if !stop.is_stopped() {
                    let _ = answers.try_send(Answer::Server(Box::new(result)));
                }
            });
        if let Err(error) = started {
            self.fail(Failure::new(FailureKind::Internal, error));
        }
    }

    pub(super) fn end_all(&mut self) {
        if let Some(stop) = self.looking.take() {
            stop.stop();
        }
        if let Some((ready, _)) = self.ready.take()
            && let preflight::Destination::Managed(server) = ready.destination
        {
            self.server = Some(server);
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
            self.server = show.end(self.inputs.as_ref());
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
            match notice {
                Notice::Confirmed(confirmation) => {
                    let before = self.machine.state().clone();
                    self.event(Event::Confirmed(confirmation));
                    if before != State::Live && self.machine.state() == &State::Live {
                        self.journal.info("LIVE: the receiver has the stream");
                        if let Some(show) = &self.show {
                            show.relay().live(now);
                        }
                    }
                }
                Notice::PublisherLost { failure, hopeless } => self.lost(&failure, hopeless),
                Notice::Fatal(failure) => self.fail(failure),
            }
        }
    }
}
