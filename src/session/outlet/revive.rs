//! A managed server that has ended is started again, on the ports that its viewers know.

use super::{Outlet, Revival};
use crate::clock::MonoTime;
use crate::mediamtx::{ManagedServer, locate};
use crate::session::failure::{Failure, FailureKind};
use crate::session::link::LossKind;
use crate::session::preflight::{Destination, server_log};
use crate::session::show::Notice;
use crate::stop::StopToken;
use crossbeam_channel::{TryRecvError, bounded};

impl Outlet {
    pub(super) fn dead_server(&mut self) -> bool {
        match &mut self.destination {
            Destination::Managed(server) => !server.is_running(),
            _ => false,
        }
    }

    /// Starts the managed server again on the ports that its viewers know.
    pub(super) fn revive(&mut self) -> Result<(), Failure> {
        let Destination::Managed(server) = &self.destination else {
            return Ok(());
        };
        let config = server.config().clone();
        let (stop, path) = (StopToken::new(), self.means.settings.mediamtx_path.clone());
        let (answer, result) = bounded(1);
        let (on_log, ends) = (server_log(&self.means.journal), stop.clone());
        std::thread::Builder::new()
            .name("pd-server-start".into())
            .spawn(move || {
                let Ok(bin) = locate::locate(path.as_deref()) else {
                    return;
                };
                let again = ManagedServer::start_again(&bin, config, &ends, &on_log);
                let _ = answer.try_send(again);
            })
            .map_err(|e| Failure::new(FailureKind::Internal, e))?;
        self.revival = Some(Revival { result, stop });
        Ok(())
    }

    pub(super) fn take_revived(&mut self, notices: &mut Vec<Notice>, now: MonoTime) {
        let Some(revival) = &self.revival else { return };
        let failure = match revival.result.try_recv() {
            Err(TryRecvError::Empty) => return,
            Ok(Ok(server)) => {
                self.destination = Destination::Managed(Box::new(server));
                self.look_at_destination(now);
                None
            }
            Ok(Err(error)) => Some(error.to_string()),
            Err(TryRecvError::Disconnected) => Some("the program MediaMTX is gone".into()),
        };
        self.revival = None;
        if let Some(failure) = failure {
            self.wanted = false;
            let failure = Failure::new(FailureKind::Server, failure);
            notices.push(self.lost(failure, LossKind::Broke, now));
        }
    }
}
