//! Is the stream there, and is it still ours? From the publisher's end, the server's word and the
//! door that is knocked at.

use super::{API_LIMIT, CLOSED_IS_TOLD, Exit, OTHER_PORTS, Outlet, WORD_LIMIT, explain};
use crate::clock::MonoTime;
use crate::ffmpeg::words;
use crate::publish::loopback::LoopbackReceiver;
use crate::session::failure::{Failure, FailureKind};
use crate::session::knock::Answer;
use crate::session::link::LossKind;
use crate::session::show::Notice;
use crate::session::snapshot::Confirmation;
use crate::settings::Way;

impl Outlet {
    pub(super) fn confirmation(&self, now: MonoTime) -> Confirmation {
        let Some(watch) = &self.watch else {
            let arrived = self.arrivals.last();
            let of_this = |r: &LoopbackReceiver| arrived.is_some_and(|at| at > r.started_at());
            return match self.loopback.as_ref().is_some_and(of_this) {
                true => Confirmation::Online,
                false => Confirmation::None,
            };
        };
        let Some(publisher) = self.publisher.as_ref().filter(|p| p.has_sent()) else {
            return Confirmation::None;
        };
        // No server shows a file.
        if self.way() == Some(Way::File) {
            return Confirmation::Handshake;
        }
        let overdue = now.since(self.started_at) > API_LIMIT;
        if watch.has_api() && self.watched.answered && self.watched.begun_at > self.started_at {
            // Another's stream, or what is left of the publisher before, is not ours.
            let source = self.watched.source.as_ref().map(|source| &source.id);
            let is_old = source.is_some() && source == self.before.as_ref();
            return match self.watched.online && !is_old {
                true => Confirmation::Online,
                false => Confirmation::None,
            };
        }
        // An API that does not answer cannot deny; the first answer is waited for a little.
        if watch.has_api() && !overdue {
            return Confirmation::None;
        }
        // Nobody has seen a connection.
        if publisher.is_blind() {
            return Confirmation::None;
        }
        Confirmation::Handshake
    }

    pub(super) fn note_ours(&mut self, now: MonoTime) {
        // The server hands the path over once it has read our tracks, some time after the handshake.
        let surely = self.before_known || now.since(self.started_at) > API_LIMIT;
        if let Some(source) = self.watched.source.as_ref().filter(|_| surely)
            && self.watched.begun_at > self.started_at
            && self.ours.as_ref() != Some(&source.id)
        {
            if self.ours.is_none() && self.before.is_some() {
                self.means.journal.warn(format!(
                    "another publisher was on the path {} and has been replaced by this show",
                    self.means.settings.target.path
                ));
            }
            crate::crash::facts::published(&source.id);
            self.ours = Some(source.id.clone());
        }
    }

    /// Our own receiver has ended before anything came to it: its caller would call for seconds.
    pub(super) fn no_receiver(&mut self, now: MonoTime) -> Option<Notice> {
        let receiver = self.loopback.as_mut()?;
        let lines = receiver.last_words()?;
        let since = receiver.started_at();
        if words::is_port_taken(&lines) {
            return Some(self.robbed(now));
        }
        if self.arrivals.last().is_some_and(|at| at > since) {
            return None;
        }
        let last = lines
            .last()
            .map_or("it ended without a word", String::as_str);
        let text = format!("the receiver on this machine ended: {last}; starting it again");
        let failure = Failure::new(FailureKind::Internal, text);
        Some(self.lost(failure, LossKind::Broke, now))
    }

    /// The port of a listener was free when it was chosen and is another program's now.
    fn robbed(&mut self, now: MonoTime) -> Notice {
        self.robbed += 1;
        let kind = match self.robbed {
            ..=OTHER_PORTS => LossKind::Anew,
            _ => LossKind::Broke,
        };
        let text = "a port was taken by another program before ffmpeg had it; another one is tried";
        let failure = Failure::new(FailureKind::Internal, text);
        self.lost(failure, kind, now)
    }

    /// The publisher has ended, and the server has been asked why.
    pub(super) fn ended(&mut self, now: MonoTime) -> Option<Notice> {
        if self.exit.is_none() {
            let publisher = self.publisher.as_mut()?;
            if !publisher.has_ended() {
                return None;
            }
            let lines = publisher.words();
            if words::is_port_taken(&lines) {
                return Some(self.robbed(now));
            }
            let was_sending = publisher.has_sent();
            let way = self.way().unwrap_or(Way::SrtPush);
            let no_user = self.means.settings.target.user.is_empty();
            let (failure, kind) = explain::exit(&lines, was_sending, no_user, way, self.answer);
            let at = now;
            self.exit = Some(Exit { at, failure, kind });
            if kind == LossKind::Broke
                && let Some(watch) = self.watch.as_ref().filter(|_| self.watched.answered)
            {
                watch.ask_now();
                return None;
            }
        }
        let exit = self.exit.as_ref()?;
        let asked = exit.kind == LossKind::Broke && self.watched.answered;
        let heard = self.watched.begun_at >= exit.at;
        if asked && !heard && now.since(exit.at) < WORD_LIMIT {
            return None;
        }
        let taken = if asked && heard {
            self.taken(now)
        } else {
            None
        };
        let exit = self.exit.take()?;
        Some(taken.unwrap_or_else(|| self.lost(exit.failure, exit.kind, now)))
    }

    /// The receiver is known to be gone though the publisher has not noticed: SRT does after 5 s.
    pub(super) fn server_gone(&mut self, now: MonoTime) -> Option<Notice> {
        if self.dead_server() {
            let text = "the managed MediaMTX has ended and is started again";
            let failure = Failure::new(FailureKind::Server, text);
            return Some(self.lost(failure, LossKind::Restart, now));
        }
        let api_says = self.watched.answered && self.watched.online;
        if self.was_open && self.answer == Answer::Closed && !api_says {
            let text = "the receiver is gone: its port is closed; calling again until it is back";
            let failure = Failure::new(FailureKind::NoReceiver, text);
            return Some(self.lost(failure, LossKind::Broke, now));
        }
        // ffmpeg itself would call on for long.
        let waited = now.since(self.started_at) > CLOSED_IS_TOLD;
        let calls = self.publisher.as_ref().is_some_and(|p| !p.has_sent());
        if calls && waited && self.answer == Answer::Closed && self.way() == Some(Way::SrtPush) {
            return Some(self.lost(explain::nobody(Way::SrtPush), LossKind::Broke, now));
        }
        None
    }

    /// Another publisher has the path.
    pub(super) fn taken(&mut self, now: MonoTime) -> Option<Notice> {
        let source = self.watched.source.as_ref()?;
        // Before our own id is known only a publisher that has ended tells: it was not let in.
        let known = self.ours.is_some() || self.exit.is_some();
        let was_there = self.before.as_ref() == Some(&source.id);
        let theirs = match &self.ours {
            Some(ours) => *ours != source.id && (self.online_at.is_some() || was_there),
            None => was_there,
        };
        let newer = self.watched.begun_at > self.started_at && self.watched.online;
        if !(known && theirs && newer) {
            return None;
        }
        let path = &self.means.settings.target.path;
        let text = explain::taken(path, source);
        let failure = Failure::new(FailureKind::Refused, text);
        Some(self.lost(failure, LossKind::Taken, now))
    }

    /// A loss: the next way's turn, or the connection's to try this one again.
    pub(super) fn lost(&mut self, failure: Failure, kind: LossKind, now: MonoTime) -> Notice {
        let of_the_way = matches!(kind, LossKind::Broke | LossKind::Refused);
        let kind = if of_the_way && self.leaves_way(&failure.message, now) {
            LossKind::NextWay
        } else {
            kind
        };
        Notice::PublisherLost {
            failure,
            kind,
            last_good: self.online_at,
        }
    }
}
