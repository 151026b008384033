//! Where the stream goes, who measures, watches and steers it. Plain values with their shipped ones; bounds are checked in [`super`].

use super::Settings;
use serde::{Deserialize, Serialize};

/// Where the stream goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TargetSettings {
    /// Embedded server or one's own.
    pub kind: TargetKind,
    /// Own server: host name or address, IPv6 with or without brackets.
    pub host: String,
    /// Own server: SRT port.
    pub srt_port: u16,
    /// Which way in is taken.
    pub way: Way,
    /// Own server: RTSP port (TCP); 0 is what its API says, 8554 where that does not answer.
    pub rtsp_port: u16,
    /// Own server: UDP port of a path that takes MPEG-TS; 0 is none.
    pub udp_port: u16,
    /// SRT pull: address of this machine that the server calls; empty is that of the interface
    /// towards the server.
    pub pull_address: String,
    /// SRT pull: UDP port of this machine that the server calls; 0 is any free one.
    pub pull_port: u16,
    /// The file of [`Way::File`], which is written over.
    pub file: String,
    /// Path (stream name) on the server. Embedded servers take `pd_...` only.
    pub path: String,
    /// Own server: user, empty for none. The password is a secret, see `secrets`.
    pub user: String,
    /// SRT receive latency asked for, ms; 0 is three round trips, 20 to 1000. MediaMTX never goes
    /// below 120 on push.
    pub latency_ms: u32,
    /// Own server: base address of its API ("http://host:9997"), empty where not reachable.
    pub api_url: String,
    /// Own server: base address of its WebRTC listener ("http://host:8889"), empty where not
    /// reachable; the latency probe joins there.
    pub webrtc_url: String,
}

impl Default for TargetSettings {
    fn default() -> Self {
        Self {
            kind: TargetKind::default(),
            host: String::new(),
            srt_port: 8890,
            way: Way::default(),
            rtsp_port: 0,
            udp_port: 0,
            pull_address: String::new(),
            pull_port: 0,
            file: String::new(),
            path: "pd_main".into(),
            user: String::new(),
            latency_ms: 0,
            api_url: String::new(),
            webrtc_url: String::new(),
        }
    }
}

/// Ways from the console into a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Way {
    /// The fastest that works: RTSP, WHIP or SRT pull, else SRT push.
    #[default]
    Auto,
    /// The console calls by SRT: crosses any network, MediaMTX holds each picture 120 ms at least.
    SrtPush,
    /// The server calls the console by SRT; it is told through its API to do so.
    SrtPull,
    /// RTSP over TCP: for networks without loss.
    Rtsp,
    /// WHIP (WebRTC); ffmpeg 8 and later.
    Whip,
    /// MPEG-TS over UDP, for tests: nothing that is lost comes again.
    Udp,
    /// Into a file, for tests: MPEG-TS, no viewers.
    File,
}

impl Way {
    /// All that a publisher can be started on, for lists.
    pub const ALL: [Self; 6] = [
        Self::SrtPush,
        Self::SrtPull,
        Self::Rtsp,
        Self::Whip,
        Self::Udp,
        Self::File,
    ];

    /// Its name in the field's words, the same in every language.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "Auto",
            Self::SrtPush => "SRT push",
            Self::SrtPull => "SRT pull",
            Self::Rtsp => "RTSP",
            Self::Whip => "WHIP",
            Self::Udp => "UDP",
            Self::File => "File",
        }
    }
}

/// A second receiver, with a publisher of its own; it never disturbs the first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct BackupSettings {
    /// Whether there is one.
    pub on: bool,
    /// Where; at most one of both can be the embedded server.
    pub target: TargetSettings,
}

impl Default for BackupSettings {
    fn default() -> Self {
        Self {
            on: false,
            target: TargetSettings {
                kind: TargetKind::Srt,
                ..TargetSettings::default()
            },
        }
    }
}

impl Settings {
    /// These settings with the backup in the target's place; None where there is no backup.
    pub fn backup_as_target(&self) -> Option<Self> {
        self.backup.on.then(|| Self {
            target: self.backup.target.clone(),
            ..self.clone()
        })
    }
}

/// Kinds of target.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum TargetKind {
    /// A MediaMTX that the console runs on loopback, or an ffmpeg receiver where there is none.
    #[default]
    Embedded,
    /// A MediaMTX (or other SRT listener) run by someone else.
    Srt,
}

/// The probe: a viewer of the console's own that measures when each picture comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProbeSettings {
    /// Whether it joins. It costs the server one viewer's bandwidth.
    pub on: bool,
    /// Whether the sound is encoded a second time, only for its hashes, so that each Opus packet can
    /// be found again byte for byte. From the publisher's next start on.
    pub sound_proof: bool,
}

impl Default for ProbeSettings {
    fn default() -> Self {
        Self {
            on: true,
            sound_proof: true,
        }
    }
}

impl ProbeSettings {
    /// Whether hashes of the sound are of use.
    pub fn proves_sound(self) -> bool {
        self.on && self.sound_proof
    }
}

/// The viewers' page, which the console serves itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ViewerSettings {
    /// Whether it is served.
    pub on: bool,
    /// Its port, TCP.
    pub port: u16,
    /// Whether everyone on the local network may watch, without a password; else this machine only.
    /// The embedded server's WebRTC port is opened with it.
    pub lan: bool,
}

impl Default for ViewerSettings {
    fn default() -> Self {
        Self {
            on: true,
            port: 8880,
            lan: false,
        }
    }
}

/// Remote control over a WebSocket, as obs-websocket has it. Its password is no setting: see
/// [`crate::remote::password`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RemoteSettings {
    /// Whether it is served.
    pub on: bool,
    /// Its port, TCP.
    pub port: u16,
    /// Whether it is open to the local network; else this machine only. A password is asked for
    /// either way.
    pub lan: bool,
    /// Whether ending a show takes a second press within 3 s.
    pub confirm_stop: bool,
}

impl Default for RemoteSettings {
    fn default() -> Self {
        Self {
            on: false,
            port: 4455,
            lan: false,
            confirm_stop: false,
        }
    }
}
