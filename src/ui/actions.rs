//! What the operator did in one frame of the window, and the commands that it makes. The panels
//! return these and change nothing of the session themselves.

use super::dock::plan::Layout;
use super::look::Step;
use super::panels::side::Side;
use super::toasts::Key;
use crate::session::snapshot::Severity;
use crate::session::{Command, Secret};
use crate::settings::{AudioInput, Settings};

/// One thing that the operator did.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// Pressed GO LIVE.
    GoLive,
    /// Pressed GO LIVE while a failure was shown.
    Retry,
    /// Wants the path taken over from whoever has it.
    TakeOver,
    /// Pressed STOP; the window's guard decides whether it counts.
    PressStop,
    /// Pressed CANCEL before the show was on air.
    Cancel,
    /// Moved the bitrate, kb/s.
    Bitrate(u32),
    /// Muted the sound or took it up again.
    Muted(bool),
    /// Moved a sound input's controls: its place in the list, and the input as it stands.
    Input(usize, AudioInput),
    /// Changed settings, all in bounds.
    Apply(Box<Settings>),
    /// Typed a secret.
    Secrets {
        /// The user's password, where typed.
        password: Option<Secret>,
        /// The SRT passphrase, where typed.
        passphrase: Option<Secret>,
    },
    /// Typed a secret of the backup.
    BackupSecrets {
        /// The backup user's password, where typed.
        password: Option<Secret>,
        /// The backup's SRT passphrase, where typed.
        passphrase: Option<Secret>,
    },
    /// Wants the desktop to ask again which screen.
    ChooseScreen,
    /// Wants the fastest way into the server tried again.
    FastestWay,
    /// Pressed the button that connects to the server again; the window's guard decides whether it counts.
    PressReconnect,
    /// Pressed a viewer's button, by the viewer's id; the window's guard decides whether it counts.
    PressKick(String),
    /// Put the preview on or off.
    Preview(bool),
    /// Opened or closed the page that sets the console up.
    ShowWizard(bool),
    /// Asks the session for this, as it is.
    Send(Command),
    /// Read the failure and put it away.
    Dismiss,
    /// Began a recording or ended it.
    Record(bool),
    /// Wants the last seconds in a file.
    SaveReplay,
    /// Holds the meter as it is, or lets it go on.
    Freeze(bool),
    /// Wants another password for the remote control.
    NewRemotePassword,
    /// Copied a password to the clipboard.
    CopySecret(Secret),
    /// Wants the meter in files.
    SaveMeter,
    /// Brought a panel into sight, or put the one opened last away.
    ShowSide(Option<Side>),
    /// Put a panel away.
    CloseSide(Side),
    /// Went over to another layout of the panels.
    Layout(Layout),
    /// Put the layout back to how it was shipped.
    ResetLayout,
    /// Made the window the strip, or the whole window again.
    Strip(bool),
    /// Made everything larger or smaller.
    Scale(Step),
    /// Wants everything looked at that a show needs.
    Examine,
    /// Has read that another encoder took the place of the chosen one: the text of it.
    Noted(String),
    /// Has read a notice or an error that lay over the panels.
    PutAway(Key),
    /// Opened or closed the text of the report that is offered.
    ShowReport(bool),
    /// Has read the reports that are offered.
    PutReportsAway,
    /// Wants them gone from the disk.
    DeleteReports,
    /// Opened or closed the list of keys.
    ShowKeys(bool),
    /// Copied a text to the clipboard.
    Copy(String),
    /// Holds STOP down, in this frame.
    HoldStop,
    /// Moved a sound input's controls elsewhere than in the settings.
    MoveInput(usize, AudioInput),
    /// Set what the settings shall be, by an operation.
    Set(Box<Settings>),
    /// Chose which log lines are shown.
    LogLeast(Severity),
    /// Opened or closed the command palette.
    ShowPalette(bool),
    /// Wants the last change taken back.
    Undo,
    /// Wants the window closed; while on air it asks.
    Close,
    /// Answered "quit" to the question whether to quit while on air.
    Quit,
    /// Answered "stay" to it.
    Stay,
}

impl Action {
    /// The commands to the session; none where the action is the window's own.
    pub fn commands(self) -> Vec<Command> {
        match self {
            Self::GoLive => vec![Command::GoLive],
            Self::Retry => vec![Command::Dismiss, Command::GoLive],
            Self::TakeOver => vec![Command::Dismiss, Command::TakeOver],
            Self::Cancel => vec![Command::Stop],
            Self::Bitrate(kbps) => vec![Command::SetBitrate { kbps }],
            Self::Muted(muted) => vec![Command::SetMuted { muted }],
            Self::Input(index, input) | Self::MoveInput(index, input) => vec![Command::SetInput {
                index,
                gain_db: input.gain_db,
                muted: input.muted,
                delay_ms: input.delay_ms,
            }],
            Self::Apply(settings) | Self::Set(settings) => vec![Command::ApplySettings(settings)],
            Self::Secrets {
                password,
                passphrase,
            } => vec![Command::SetSecrets {
                password,
                passphrase,
            }],
            Self::BackupSecrets {
                password,
                passphrase,
            } => vec![Command::SetBackupSecrets {
                password,
                passphrase,
            }],
            Self::ChooseScreen => vec![Command::ChooseScreen],
            Self::FastestWay => vec![Command::FastestWay],
            Self::Send(command) => vec![command],
            Self::ShowWizard(true) => vec![Command::Examine],
            Self::Dismiss => vec![Command::Dismiss],
            Self::Examine => vec![Command::Examine],
            Self::Record(true) => vec![Command::StartRecording],
            Self::Record(false) => vec![Command::StopRecording],
            Self::SaveReplay => vec![Command::SaveReplay],
            Self::SaveMeter => vec![Command::SaveMeter],
            Self::NewRemotePassword => vec![Command::NewRemotePassword],
            Self::PressStop
            | Self::PressKick(_)
            | Self::PressReconnect
            | Self::Preview(_)
            | Self::Freeze(_)
            | Self::ShowSide(_)
            | Self::CloseSide(_)
            | Self::Layout(_)
            | Self::ResetLayout
            | Self::Strip(_)
            | Self::Scale(_)
            | Self::Noted(_)
            | Self::PutAway(_)
            | Self::ShowReport(_)
            | Self::PutReportsAway
            | Self::DeleteReports
            | Self::ShowKeys(_)
            | Self::ShowWizard(false)
            | Self::CopySecret(_)
            | Self::Copy(_)
            | Self::HoldStop
            | Self::LogLeast(_)
            | Self::ShowPalette(_)
            | Self::Undo
            | Self::Close
            | Self::Quit
            | Self::Stay => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_retry_puts_the_failure_away_first() {
        assert_eq!(
            Action::Retry.commands(),
            [Command::Dismiss, Command::GoLive]
        );
    }

    #[test]
    fn a_press_of_stop_alone_commands_nothing() {
        assert_eq!(Action::PressStop.commands(), []);
        assert_eq!(Action::Cancel.commands(), [Command::Stop]);
    }
}
