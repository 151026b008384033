//! The managed server's configuration: loopback only, passthrough paths `pd_...`, one generated
//! user. Pure but for [`ManagedConfig::generate`], which asks the system for random bytes and ports.

use super::ports::Ports;
use secrecy::{ExposeSecret, SecretString};
use std::io;

/// The managed server's user for publishing and the API.
pub const USER: &str = "pd_console";

/// What a managed server is run with.
#[derive(Clone, Debug)]
pub struct ManagedConfig {
    /// Where it listens, on 127.0.0.1.
    pub ports: Ports,
    /// Password of [`USER`], new for each start.
    pub password: SecretString,
}

impl ManagedConfig {
    /// Free ports and a new password of 128 random bits.
    ///
    /// # Errors
    /// Where the system gives no port or no random bytes.
    pub fn generate() -> io::Result<Self> {
        let mut bytes = [0_u8; 16];
        getrandom::fill(&mut bytes).map_err(io::Error::other)?;
        // Hex: within the letters that MediaMTX takes in a password.
        let password: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Self {
            ports: Ports::choose()?,
            password: password.into(),
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
webrtcLocalUDPAddress: "127.0.0.1:{ice}"
webrtcLocalTCPAddress: "127.0.0.1:{ice}"
webrtcIPsFromInterfaces: false
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

paths:
  "~^pd_.*":
    source: publisher
"#
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listener_is_on_loopback_or_off() {
        let ports = Ports {
            srt: 1001,
            rtsp: 1005,
            webrtc: 1002,
            api: 1003,
            ice: 1004,
        };
        let config = ManagedConfig {
            ports,
            password: "0123abcd".to_owned().into(),
        };
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
            ManagedConfig::generate()
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
