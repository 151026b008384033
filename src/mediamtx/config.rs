//! The managed server's configuration: loopback only, passthrough paths `pd_...`, one generated
//! user. Opened to the local network, its WebRTC media port alone is: pages and signalling come
//! through the console's own viewer page. Pure but for [`ManagedConfig::generate`], which asks the
//! system for random bytes and ports.

use super::ports::Ports;
use crate::settings::{Settings, Way};
use secrecy::{ExposeSecret, SecretString};
use std::io;

/// The managed server's user for publishing and the API.
pub const USER: &str = "pd_console";

/// What a show needs of a managed server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Need {
    /// The show's path: always available, so that its viewers stay through a publisher's death. Other
    /// `pd_...` paths can be published too, but close with their publisher.
    pub path: String,
    /// Whether the local network may watch.
    pub lan: bool,
    /// Whether the publisher sends sound before picture, as ffmpeg's WHIP does. An always available
    /// path compares track by track and refuses the other order ("wants to publish [Opus H264], but
    /// stream expects [H264 Opus]", MediaMTX 1.20.1).
    pub sound_first: bool,
}

impl Need {
    /// What these settings need.
    pub fn of(settings: &Settings) -> Self {
        let way = settings.target.way;
        // The server's own connection (see `Client::pull_path`) takes the place of the path's entry.
        let called = matches!(way, Way::SrtPull | Way::Udp);
        Self {
            path: if called {
                String::new()
            } else {
                settings.target.path.clone()
            },
            lan: settings.viewer.on && settings.viewer.lan,
            sound_first: way == Way::Whip,
        }
    }

    /// Whether the path can stand in the configuration as it is.
    fn has_plain_path(&self) -> bool {
        let plain = |c: char| c.is_ascii_alphanumeric() || "_-./~".contains(c);
        self.path.starts_with("pd_") && self.path.chars().all(plain) && !self.path.ends_with('/')
    }
}

/// What a managed server is run with.
#[derive(Clone, Debug)]
pub struct ManagedConfig {
    /// Where it listens, on 127.0.0.1.
    pub ports: Ports,
    /// What for.
    pub need: Need,
    /// Password of [`USER`], new for each start.
    pub password: SecretString,
}

impl ManagedConfig {
    /// Free ports and a new password of 128 random bits.
    ///
    /// # Errors
    /// Where the system gives no port or no random bytes.
    pub fn generate(need: &Need) -> io::Result<Self> {
        Ok(Self {
            ports: Ports::choose()?,
            need: need.clone(),
            // Hex: within the letters that MediaMTX takes in a password.
            password: new_password()?,
        })
    }

    /// The server's `mediamtx.yml`. Holds the password: write it into a private file only.
    ///
    /// Keys as of MediaMTX 1.20; every listener that is not used is switched off, because an unknown
    /// default would open it.
    pub fn yaml(&self) -> String {
        let Ports {
            srt,
            rtsp,
            webrtc,
            api,
            ice,
        } = self.ports;
        let password = self.password.expose_secret();
        // Bound to all interfaces only where the network may watch; who watches still has to come
        // through the console's page, which asks for a session on loopback.
        let media = if self.need.lan { "" } else { "127.0.0.1" };
        let interfaces = self.need.lan;
        let tracks = if self.need.sound_first {
            ["Opus", "H264"]
        } else {
            ["H264", "Opus"]
        };
        let always = if self.need.has_plain_path() {
            format!(
                r#"
  "{}":
    source: publisher
    alwaysAvailable: true
    alwaysAvailableTracks:
      - codec: {}
      - codec: {}
"#,
                self.need.path, tracks[0], tracks[1]
            )
        } else {
            "\n".to_owned()
        };
        format!(
            r#"# Written by pd-console for the server that it runs. Removed when that ends.
logLevel: info
logDestinations: [stdout]

rtmp: false
hls: false
moq: false
metrics: false
pprof: false
playback: false

srt: true
srtAddress: "127.0.0.1:{srt}"

rtsp: true
rtspTransports: [tcp]
rtspEncryption: "no"
rtspAddress: "127.0.0.1:{rtsp}"

api: true
apiAddress: "127.0.0.1:{api}"
# No web page may call it: pages of any site run in browsers on this machine.
apiAllowOrigins: []

webrtc: true
webrtcAddress: "127.0.0.1:{webrtc}"
webrtcAllowOrigins: []
webrtcLocalUDPAddress: "{media}:{ice}"
webrtcLocalTCPAddress: "{media}:{ice}"
webrtcIPsFromInterfaces: {interfaces}
webrtcAdditionalHosts: ["127.0.0.1"]
webrtcICEServers2: []

authMethod: internal
authInternalUsers:
  - user: "{USER}"
    pass: "{password}"
    ips: ["127.0.0.1", "::1"]
    permissions:
      - action: publish
        path: "~^pd_"
      - action: read
        path: "~^pd_"
      - action: api
  - user: any
    pass: ""
    ips: ["127.0.0.1", "::1"]
    permissions:
      - action: read
        path: "~^pd_"

paths:{always}  "~^pd_.*":
    source: publisher
"#
        )
    }
}

fn new_password() -> std::io::Result<SecretString> {
    let password = crate::hex::random()?;
    crate::crash::masks::hide(&password);
    Ok(password.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(path: &str, lan: bool) -> ManagedConfig {
        ManagedConfig {
            ports: Ports {
                srt: 1001,
                rtsp: 1005,
                webrtc: 1002,
                api: 1003,
                ice: 1004,
            },
            need: Need {
                path: path.into(),
                lan,
                sound_first: false,
            },
            password: "0123abcd".to_owned().into(),
        }
    }

    #[test]
    fn opened_to_the_network_only_the_media_port_is() {
        let (closed, open) = (
            config("pd_main", false).yaml(),
            config("pd_main", true).yaml(),
        );
        let changed: Vec<_> = closed
            .lines()
            .zip(open.lines())
            .filter(|(a, b)| a != b)
            .collect();
        assert_eq!(
            changed.iter().map(|(_, open)| *open).collect::<Vec<_>>(),
            [
                "webrtcLocalUDPAddress: \":1004\"",
                "webrtcLocalTCPAddress: \":1004\"",
                "webrtcIPsFromInterfaces: true",
            ]
        );
        assert!(closed.contains("webrtcIPsFromInterfaces: false"));
        let mut settings = Settings::default();
        settings.viewer.lan = true;
        assert!(Need::of(&settings).lan);
        settings.viewer.on = false;
        assert!(
            !Need::of(&settings).lan,
            "nobody can come in without the page"
        );
    }

    #[test]
    fn a_path_cannot_write_into_the_configuration() {
        for path in [
            "pd_a\"\n  all_others:",
            "pd_a:",
            "other",
            "",
            "pd_ä",
            "pd_/",
        ] {
            let yaml = config(path, false).yaml();
            assert!(yaml.contains("\npaths:\n  \"~^pd_.*\":\n"), "{yaml}");
        }
    }

    #[test]
    fn every_listener_is_on_loopback_or_off() {
        let config = config("pd_main", false);
        let yaml = config.yaml();
        insta::assert_snapshot!(yaml);
        for line in yaml.lines().filter(|line| line.contains("Address:")) {
            assert!(line.contains(": \"127.0.0.1:10"), "{line}");
        }
        for off in ["rtmp", "hls", "moq", "metrics", "pprof", "playback"] {
            assert!(yaml.contains(&format!("\n{off}: false\n")), "{off}");
        }
        assert!(!format!("{config:?}").contains("0123abcd"));
    }

    #[test]
    fn each_password_is_new_and_safe_to_quote() {
        let password = || {
            ManagedConfig::generate(&Need::default())
                .unwrap()
                .password
                .expose_secret()
                .to_owned()
        };
        let (one, two) = (password(), password());
        assert_ne!(one, two);
        assert!(
            one.len() == 32 && one.bytes().all(|b| b.is_ascii_hexdigit()),
            "{}",
            one.len()
        );
    }
}
