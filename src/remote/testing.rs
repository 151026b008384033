//! A console for the tests: takes commands at once and shows what they change.

use crate::clock::MonoTime;
use crate::session::snapshot::State;
use crate::session::{Command, Console, Snapshot};
use crate::settings::{AudioInput, AudioSourceKind};
use arc_swap::ArcSwap;
use std::sync::{Arc, Mutex};

#[derive(Default)]
pub struct Fake {
    pub snapshot: ArcSwap<Snapshot>,
    pub sent: Mutex<Vec<Command>>,
}

impl Fake {
    /// Two inputs called alike, idle.
    pub fn new() -> Self {
        let fake = Self::default();
        fake.change(|snapshot| {
            snapshot.settings.audio.inputs = vec![
                AudioInput::of(AudioSourceKind::Tone),
                AudioInput::of(AudioSourceKind::Tone),
            ];
        });
        fake
    }

    pub fn change(&self, change: impl FnOnce(&mut Snapshot)) {
        let mut snapshot = Snapshot::clone(&self.snapshot.load());
        change(&mut snapshot);
        self.snapshot.store(Arc::new(snapshot));
    }

    pub fn sent(&self) -> Vec<Command> {
        std::mem::take(&mut *self.sent.lock().unwrap())
    }
}

impl Console for Fake {
    fn snapshot(&self) -> Arc<Snapshot> {
        self.snapshot.load_full()
    }

    fn send(&self, command: Command) {
        self.send_counted(command);
    }

    fn send_counted(&self, command: Command) -> Option<u64> {
        self.sent.lock().unwrap().push(command.clone());
        self.change(|snapshot| {
            snapshot.commands += 1;
            match command {
                Command::GoLive => {
                    snapshot.state = State::Live;
                    snapshot.live_since = Some(MonoTime::ZERO);
                }
                Command::Stop => snapshot.state = State::Idle,
                Command::SetMuted { muted } => snapshot.settings.audio.muted = muted,
                Command::SetBitrate { kbps } => snapshot.settings.encoder.bitrate_kbps = kbps,
                Command::SetInput {
                    index,
                    gain_db,
                    muted,
                    delay_ms,
                } => {
                    let input = &mut snapshot.settings.audio.inputs[index];
                    (input.gain_db, input.muted, input.delay_ms) = (gain_db, muted, delay_ms);
                }
                _ => {}
            }
        });
        Some(self.snapshot.load().commands)
    }
}
