//! The list itself: one line an operation. Ids are for ever: keys, scripts and buttons of a Stream Deck
//! hang on them. A further operation is one more line here, and the compiler then asks for what it does
//! (`act.rs`, or the window's `ui/commands`) and for its title.

use super::Refusal;
use super::argument::Takes;
use crate::units::{BITRATE_MAX_KBPS, BITRATE_MIN_KBPS};

/// What belongs together in a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// On air or not.
    Show,
    /// What is captured.
    Picture,
    /// Bitrate and encoder.
    Quality,
    /// The sound.
    Sound,
    /// Recording and replay.
    Recording,
    /// The latency meter.
    Meter,
    /// Server and network.
    Network,
    /// Who watches.
    Viewers,
    /// Settings and secrets.
    Settings,
    /// The window itself.
    Window,
}

impl Group {
    /// All, in the order of a list.
    pub const ALL: [Self; 10] = [
        Self::Show,
        Self::Picture,
        Self::Quality,
        Self::Sound,
        Self::Recording,
        Self::Meter,
        Self::Network,
        Self::Viewers,
        Self::Settings,
        Self::Window,
    ];
}

/// Who carries an operation out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The session, with or without a window: see [`super::commands`].
    Session,
    /// The window only.
    Window,
}

macro_rules! operations {
    ($($(#[doc = $what:literal])+ $name:ident = $id:literal, $group:ident, $owner:ident, $takes:expr;)*) => {
        /// One thing that an operator can do.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Op {
            $($(#[doc = $what])+ $name,)*
        }

        impl Op {
            /// All, in the order of a list.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The name that stays, in kebab-case.
            pub const fn id(self) -> &'static str {
                match self { $(Self::$name => $id,)* }
            }

            /// What it belongs to.
            pub const fn group(self) -> Group {
                match self { $(Self::$name => Group::$group,)* }
            }

            /// Who carries it out.
            pub const fn owner(self) -> Owner {
                match self { $(Self::$name => Owner::$owner,)* }
            }

            /// What it needs to be told.
            pub const fn takes(self) -> Takes {
                match self { $(Self::$name => $takes,)* }
            }

            /// What it does, in English, for scripts and documents; the window has titles of its own.
            pub fn what(self) -> &'static str {
                match self { $(Self::$name => concat!($($what),+).trim(),)* }
            }
        }
    };
}

const BITRATE: Takes = Takes::Number {
    unit: "kb/s",
    from: BITRATE_MIN_KBPS as f64,
    to: BITRATE_MAX_KBPS as f64,
};
const GAIN: Takes = Takes::InputAndNumber {
    unit: "dB",
    from: crate::audio::mixer::GAIN_OFF_DB as f64,
    to: crate::audio::mixer::GAIN_MAX_DB as f64,
};
const DELAY: Takes = Takes::InputAndNumber {
    unit: "ms",
    from: 0.0,
    to: crate::audio::mixer::DELAY_MAX_MS as f64,
};
const SCALE: Takes = Takes::Number {
    unit: "%",
    from: crate::settings::SCALE_MIN_PERCENT as f64,
    to: crate::settings::SCALE_MAX_PERCENT as f64,
};
const fn text(what: &'static str, example: &'static str) -> Takes {
    Takes::Text { what, example }
}

operations! {
    /// Begin the show with the current settings; after a failure, try again.
    GoLive = "go-live", Show, Session, Takes::Nothing;
    /// Begin the show though another publishes on its path: that one is thrown out.
    TakeOver = "take-over", Show, Session, Takes::Nothing;
    /// End the show, or its beginning. The window asks again while on air; a program is not asked.
    Stop = "stop", Show, Session, Takes::Nothing;
    /// Put the failure away without trying again.
    Dismiss = "dismiss", Show, Session, Takes::Nothing;
    /// Look whether everything is there that a show needs.
    Check = "check", Show, Session, Takes::Nothing;
    /// Leave the program. Refused while a show runs; the window asks instead.
    Quit = "quit", Show, Session, Takes::Nothing;

    /// Have the desktop ask again which screen is captured (Wayland).
    ChooseScreen = "choose-screen", Picture, Session, Takes::Nothing;
    /// Capture another source: Screen, X11, Portal, Windows, MacOs, Scap or Pattern.
    SourceSet = "source-set", Picture, Session, text("a kind of source", "pattern");
    /// Draw the pointer on the captured screen, or leave it out.
    CursorToggle = "cursor-toggle", Picture, Session, Takes::Nothing;
    /// Show the captured picture in the window, or not; the stream never depends on it.
    PreviewToggle = "preview-toggle", Picture, Session, Takes::Nothing;

    /// Set the bitrate of the picture; with the adaptive bitrate on, its ceiling.
    BitrateSet = "bitrate-set", Quality, Session, BITRATE;
    /// The next higher bitrate of the ladder.
    BitrateUp = "bitrate-up", Quality, Session, Takes::Nothing;
    /// The next lower bitrate of the ladder.
    BitrateDown = "bitrate-down", Quality, Session, Takes::Nothing;
    /// Let the bitrate follow the network, or hold it.
    AdaptiveToggle = "adaptive-toggle", Quality, Session, Takes::Nothing;
    /// At low bitrates send fewer frames and a smaller picture, or not.
    LowerPictureToggle = "lower-picture-toggle", Quality, Session, Takes::Nothing;
    /// Set the size of the encoded picture.
    SizeSet = "size-set", Quality, Session, text("a size in pixels", "1280x720");
    /// Set the frames a second.
    FpsSet = "fps-set", Quality, Session, text("frames a second, whole or as a fraction", "30");
    /// Choose the encoder: auto, Nvenc, Qsv, Amf, VideoToolbox, Vaapi, MediaFoundation, Libx264, Libopenh264.
    EncoderSet = "encoder-set", Quality, Session, text("an encoder, or auto", "auto");
    /// Choose what the encoder weighs more: Fastest, Balanced or Sharpest.
    SpeedSet = "speed-set", Quality, Session, text("Fastest, Balanced or Sharpest", "balanced");

    /// Send silence instead of the sound, or the sound again.
    MuteToggle = "mute-toggle", Sound, Session, Takes::Nothing;
    /// Send silence instead of the sound.
    Mute = "mute", Sound, Session, Takes::Nothing;
    /// Send the sound again.
    Unmute = "unmute", Sound, Session, Takes::Nothing;
    /// Leave one input out of the mix, or take it up again.
    InputMuteToggle = "input-mute-toggle", Sound, Session, Takes::Input;
    /// Leave one input out of the mix.
    InputMute = "input-mute", Sound, Session, Takes::Input;
    /// Take one input up into the mix again.
    InputUnmute = "input-unmute", Sound, Session, Takes::Input;
    /// Set an input's gain.
    InputGain = "input-gain", Sound, Session, GAIN;
    /// An input 1 dB louder.
    InputGainUp = "input-gain-up", Sound, Session, Takes::Input;
    /// An input 1 dB softer.
    InputGainDown = "input-gain-down", Sound, Session, Takes::Input;
    /// Set how much later an input is heard.
    InputDelay = "input-delay", Sound, Session, DELAY;

    /// Begin a recording of the show, or end it.
    RecordToggle = "record-toggle", Recording, Session, Takes::Nothing;
    /// Begin a recording of the show.
    RecordStart = "record-start", Recording, Session, Takes::Nothing;
    /// End the recording; the show goes on.
    RecordStop = "record-stop", Recording, Session, Takes::Nothing;
    /// Save the last seconds of the show to a file.
    ReplaySave = "replay-save", Recording, Session, Takes::Nothing;
    /// Record each show from its start, or not.
    RecordAutoToggle = "record-auto-toggle", Recording, Session, Takes::Nothing;

    /// Hold the latency meter as it is, or let it go on.
    MeterHold = "meter-hold", Meter, Window, Takes::Nothing;
    /// Save what the latency meter holds: frames as CSV, figures as JSON.
    MeterSave = "meter-save", Meter, Session, Takes::Nothing;
    /// Measure at the far end (the console joins as a viewer), or not.
    ProbeToggle = "probe-toggle", Meter, Session, Takes::Nothing;

    /// Try the fastest way into the server again. Viewers are disconnected for it.
    FastestWay = "fastest-way", Network, Session, Takes::Nothing;
    /// End the connection to the server and make another. Viewers are disconnected for it.
    Reconnect = "reconnect", Network, Session, Takes::Nothing;
    /// Send to the backup receiver too with the next show, or not.
    BackupToggle = "backup-toggle", Network, Session, Takes::Nothing;

    /// Disconnect a viewer, by its id or address; it may come back by itself.
    KickViewer = "kick-viewer", Viewers, Session, text("a viewer's id or address", "192.168.0.7:51234");
    /// Serve the viewers' page, or not.
    ViewerPageToggle = "viewer-page-toggle", Viewers, Session, Takes::Nothing;
    /// Copy the viewers' link.
    ViewerLinkCopy = "viewer-link-copy", Viewers, Window, Takes::Nothing;

    /// Set any setting by its name.
    SettingSet = "setting-set", Settings, Session, text("name=value", "encoder.gop_seconds=0.5");
    /// Put one setting back to its default, by its name.
    SettingReset = "setting-reset", Settings, Session, text("a setting's name", "encoder.gop_seconds");
    /// Keep the settings of the show as a profile, over one that has the name.
    ProfileSave = "profile-save", Settings, Session, text("a profile's name", "Late show");
    /// Put a profile's settings in force; on air all that can change without losing a viewer.
    ProfileUse = "profile-use", Settings, Session, text("a profile's name", "Late show");
    /// Give a profile another name.
    ProfileRename = "profile-rename", Settings, Session, text("old name=new name", "Late show=Night show");
    /// Delete a profile.
    ProfileDelete = "profile-delete", Settings, Session, text("a profile's name", "Late show");
    /// Undo what was last done with profiles.
    ProfileUndo = "profile-undo", Settings, Session, Takes::Nothing;
    /// Write the settings into a file for others, without secrets and what only this machine understands.
    ProfileExport = "profile-export", Settings, Session, text("a file's path", "/media/usb/late show.ron");
    /// Add the profile in a file that somebody shared.
    ProfileImport = "profile-import", Settings, Session, text("a file's path", "/media/usb/late show.ron");
    /// Read the profiles' folder anew, after somebody changed it.
    ProfilesLook = "profiles-look", Settings, Session, Takes::Nothing;
    /// End the setting up: the settings file is written and the next start does not ask again.
    SetUp = "set-up", Settings, Session, Takes::Nothing;
    /// Fetch MediaMTX, the embedded server, and install it for this user.
    ServerInstall = "server-install", Network, Session, Takes::Nothing;
    /// Stop that download.
    ServerInstallStop = "server-install-stop", Network, Session, Takes::Nothing;
    /// Fetch ffmpeg, the program that encodes and sends, and install it for this user.
    FfmpegInstall = "ffmpeg-install", Settings, Session, Takes::Nothing;
    /// Stop that download.
    FfmpegInstallStop = "ffmpeg-install-stop", Settings, Session, Takes::Nothing;
    /// Take a recent server as the target, by its host or as the list has it.
    ServerUse = "server-use", Network, Session, text("a recent server", "studio.example");
    /// Forget the recent servers.
    ServersForget = "servers-forget", Network, Session, Takes::Nothing;
    /// Choose the language: Auto, English or Korean.
    LanguageSet = "language-set", Settings, Session, text("Auto, English or Korean", "english");
    /// Serve the remote control, or not.
    RemoteToggle = "remote-toggle", Settings, Session, Takes::Nothing;
    /// Make another password for the remote control; who is connected needs it to come back.
    RemotePasswordNew = "remote-password-new", Settings, Session, Takes::Nothing;
    /// The password of the server's user, for the next show. Empty removes it.
    PasswordSet = "password-set", Settings, Session, Takes::Secret { what: "a password" };
    /// The SRT passphrase, for the next show. Empty removes it.
    PassphraseSet = "passphrase-set", Settings, Session, Takes::Secret { what: "10 to 79 bytes" };
    /// The password of the backup's user, for the next show. Empty removes it.
    BackupPasswordSet = "backup-password-set", Settings, Session, Takes::Secret { what: "a password" };
    /// The backup's SRT passphrase, for the next show. Empty removes it.
    BackupPassphraseSet = "backup-passphrase-set", Settings, Session, Takes::Secret { what: "10 to 79 bytes" };

    /// Open or close the settings.
    PanelSettings = "panel-settings", Window, Window, Takes::Nothing;
    /// Open or close the encoder.
    PanelEncoder = "panel-encoder", Window, Window, Takes::Nothing;
    /// Open or close the check.
    PanelCheck = "panel-check", Window, Window, Takes::Nothing;
    /// Open or close the network.
    PanelNetwork = "panel-network", Window, Window, Takes::Nothing;
    /// Open or close the page of the viewers' link.
    PanelViewers = "panel-viewers", Window, Window, Takes::Nothing;
    /// Open or close the captured picture.
    PanelPreview = "panel-preview", Window, Window, Takes::Nothing;
    /// Open or close the latency meter.
    PanelLatency = "panel-latency", Window, Window, Takes::Nothing;
    /// Open or close the log.
    PanelLog = "panel-log", Window, Window, Takes::Nothing;
    /// Open or close what is captured.
    PanelSource = "panel-source", Window, Window, Takes::Nothing;
    /// Open or close the sound inputs.
    PanelAudio = "panel-audio", Window, Window, Takes::Nothing;
    /// Open or close where the stream goes.
    PanelServer = "panel-server", Window, Window, Takes::Nothing;
    /// Open or close the graphics cards.
    PanelGpu = "panel-gpu", Window, Window, Takes::Nothing;
    /// Put the panel away that was opened last.
    PanelClose = "panel-close", Window, Window, Takes::Nothing;
    /// Go over to another layout of the panels: show, setup or compact.
    LayoutSet = "layout-set", Window, Window, text("show, setup or compact", "compact");
    /// Put the layout back to how it was shipped.
    LayoutReset = "layout-reset", Window, Window, Takes::Nothing;
    /// Make the window the strip in front of others, or the whole window again.
    StripToggle = "strip-toggle", Window, Window, Takes::Nothing;
    /// Choose the look of the window: Dark, Light or System.
    LookSet = "look-set", Window, Session, text("Dark, Light or System", "light");
    /// Set the size of everything in the window.
    ScaleSet = "scale-set", Window, Session, SCALE;
    /// Everything in the window one step larger.
    ScaleUp = "scale-up", Window, Window, Takes::Nothing;
    /// Everything in the window one step smaller.
    ScaleDown = "scale-down", Window, Window, Takes::Nothing;
    /// Everything in the window in the system's size.
    ScaleReset = "scale-reset", Window, Window, Takes::Nothing;
    /// Open the page that sets the console up; not while a show runs.
    Wizard = "wizard", Window, Window, Takes::Nothing;
    /// Open or close the command palette.
    Palette = "palette", Window, Window, Takes::Nothing;
    /// Open or close the list of keys.
    Keys = "keys", Window, Window, Takes::Nothing;
    /// Take the last change of bitrate, mute or an input back.
    Undo = "undo", Window, Window, Takes::Nothing;
    /// Show log lines of this severity and above.
    LogFilter = "log-filter", Window, Window, text("info, warning or error", "warning");
    /// Copy the log as it is shown.
    LogCopy = "log-copy", Window, Window, Takes::Nothing;
    /// Copy the encoder's options.
    EncoderOptionsCopy = "encoder-options-copy", Window, Window, Takes::Nothing;
    /// Copy the check's report.
    CheckCopy = "check-copy", Window, Window, Takes::Nothing;
    /// Copy what somebody who helps needs to read: versions, settings, state and log, without secrets.
    DiagnosticsCopy = "diagnostics-copy", Window, Window, Takes::Nothing;
    /// Show the report of the failure before this start, or hide it.
    ReportShow = "report-show", Window, Window, Takes::Nothing;
    /// Copy the report of the failure before this start.
    ReportCopy = "report-copy", Window, Window, Takes::Nothing;
    /// Delete the reports of failures before this start.
    ReportDelete = "report-delete", Window, Window, Takes::Nothing;
    /// Put the reports of failures before this start away; they stay on the disk.
    ReportNoted = "report-noted", Window, Window, Takes::Nothing;
    /// Copy the address of the newer version's page.
    UpdateCopy = "update-copy", Window, Window, Takes::Nothing;
    /// Put the notice of the newer version away: that one is not told of again.
    UpdateNoted = "update-noted", Settings, Session, Takes::Nothing;
    /// Put the note away that another encoder took over.
    FallbackNoted = "fallback-noted", Window, Window, Takes::Nothing;
}

impl Op {
    /// The operation of this id.
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|op| op.id() == id)
    }

    /// The operation of this id.
    ///
    /// # Errors
    /// [`Refusal::Unknown`], with one that is spelt like it.
    pub fn named(id: &str) -> Result<Self, Refusal> {
        Self::from_id(id).ok_or_else(|| {
            let alike = |op: &Self| strsim::jaro_winkler(op.id(), id);
            let near = Self::ALL
                .iter()
                .max_by(|a, b| alike(a).total_cmp(&alike(b)));
            Refusal::Unknown {
                id: id.to_owned(),
                near: near.filter(|op| alike(op) > 0.85).map(|op| op.id()),
            }
        })
    }

    /// Whether a held key goes on doing it: only what moves something by steps.
    pub const fn repeats(self) -> bool {
        matches!(
            self,
            Self::BitrateUp | Self::BitrateDown | Self::InputGainUp | Self::InputGainDown
        )
    }

    /// Whether a slip would hurt on air, so that the window asks again first.
    pub const fn is_grave(self) -> bool {
        matches!(
            self,
            Self::Stop
                | Self::Quit
                | Self::KickViewer
                | Self::FastestWay
                | Self::Reconnect
                | Self::TakeOver
        )
    }
}
