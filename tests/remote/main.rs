//! The remote control by clients that nobody here wrote: `obws` (Rust), and where they are installed
//! `obsws-python`, `simpleobsws` and `obs-websocket-js`; and by a raw WebSocket for what no good client does.
#![cfg(target_os = "linux")]
// Every function here is a test or serves one.
#![allow(clippy::unwrap_used)]

#[path = "../common/mod.rs"]
mod common;

mod foreign;
mod program;
mod raw;
mod show;

use common::free_tcp_port;
use pd_console::session::journal::Journal;
use pd_console::session::runtime::Options;
use pd_console::session::{Console, Session};
use pd_console::settings::{
    AudioInput, AudioSourceKind, Secrets, Settings, VideoSourceKind, secrets::secret,
};
use pd_console::units::Size;

const PASSWORD: &str = "correct horse battery";

/// A session with the remote control on, and its port.
struct Rig {
    session: Session,
    port: u16,
    journal: Journal,
}

impl Rig {
    fn start(change: impl FnOnce(&mut Settings)) -> Self {
        let port = free_tcp_port();
        let mut settings = Settings::default();
        settings.video.source = VideoSourceKind::Pattern;
        settings.video.size = Size::new(320, 180);
        settings.audio.inputs = vec![AudioInput::of(AudioSourceKind::Tone)];
        settings.viewer.on = false;
        settings.remote.on = true;
        settings.remote.port = port;
        change(&mut settings);
        let journal = Journal::new();
        let options = Options {
            sources_on_demand: true,
            ..Options::default()
        };
        let secrets = Secrets {
            remote_password: secret(PASSWORD),
            ..Secrets::default()
        };
        let session = Session::start(settings, secrets, options, journal.clone(), None).unwrap();
        let rig = Self {
            session,
            port,
            journal,
        };
        rig.wait("served", |rig| {
            !rig.session.snapshot().remote.addresses.is_empty()
        });
        rig
    }

    fn wait(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let came = common::wait_until(std::time::Duration::from_secs(20), || is_so(self));
        let snapshot = self.session.snapshot();
        assert!(
            came,
            "{what}: {:?} {:?} {:?}",
            snapshot.state, snapshot.remote, snapshot.log
        );
    }
}
