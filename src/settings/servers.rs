//! Servers of one's own that were on air: to be taken again without typing. Pure.
//!
//! No secret is in it: a passphrase in a pasted srt:// address is taken out.

use super::schema::{TargetKind, TargetSettings, Way};
use crate::mediamtx::url::shown;
use crate::publish::parse_host_box;
use serde::{Deserialize, Serialize};

/// So many are kept; the oldest goes.
pub const MAX: usize = 8;

/// A server and how it was reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RecentServer {
    /// Host name or address.
    pub host: String,
    /// SRT port.
    pub srt_port: u16,
    /// Path on the server.
    pub path: String,
    /// User, empty for none.
    pub user: String,
    /// The way that was chosen.
    pub way: Way,
    /// RTSP port; 0 is what its API says.
    pub rtsp_port: u16,
    /// UDP port; 0 is none.
    pub udp_port: u16,
    /// SRT latency asked for, ms; 0 is automatic.
    pub latency_ms: u32,
    /// Base address of its API, empty where there is none.
    pub api_url: String,
    /// Base address of its WebRTC listener, empty where there is none.
    pub webrtc_url: String,
}

impl Default for RecentServer {
    fn default() -> Self {
        Self::from_target(&TargetSettings::default())
    }
}

impl RecentServer {
    /// The server of `target`; None where that is no server of one's own.
    pub fn of(target: &TargetSettings) -> Option<Self> {
        let host = parse_host_box(&target.host).ok()?;
        (target.kind == TargetKind::Srt && target.way != Way::File).then(|| Self {
            srt_port: host.port.unwrap_or(target.srt_port),
            host: host.host,
            api_url: shown(&target.api_url),
            webrtc_url: shown(&target.webrtc_url),
            ..Self::from_target(target)
        })
    }

    fn from_target(target: &TargetSettings) -> Self {
        Self {
            host: target.host.clone(),
            srt_port: target.srt_port,
            path: target.path.clone(),
            user: target.user.clone(),
            way: target.way,
            rtsp_port: target.rtsp_port,
            udp_port: target.udp_port,
            latency_ms: target.latency_ms,
            api_url: target.api_url.clone(),
            webrtc_url: target.webrtc_url.clone(),
        }
    }

    /// Makes `target` this server; what belongs to this machine (the file, the address to be called)
    /// stays.
    pub fn put_into(&self, target: &mut TargetSettings) {
        *target = TargetSettings {
            kind: TargetKind::Srt,
            host: self.host.clone(),
            srt_port: self.srt_port,
            path: self.path.clone(),
            user: self.user.clone(),
            way: self.way,
            rtsp_port: self.rtsp_port,
            udp_port: self.udp_port,
            latency_ms: self.latency_ms,
            api_url: self.api_url.clone(),
            webrtc_url: self.webrtc_url.clone(),
            ..target.clone()
        };
    }

    /// For a list: "user@host:port/path".
    pub fn label(&self) -> String {
        let host = if self.host.contains(':') {
            format!("[{}]", self.host)
        } else {
            self.host.clone()
        };
        let at = if self.user.is_empty() { "" } else { "@" };
        format!("{}{at}{host}:{}/{}", self.user, self.srt_port, self.path)
    }
}

/// Puts `server` in front; the same server and path is there once.
pub fn remember(servers: &mut Vec<RecentServer>, server: RecentServer) {
    servers.retain(|known| known.label() != server.label());
    servers.insert(0, server);
    servers.truncate(MAX);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(host: &str) -> TargetSettings {
        TargetSettings {
            kind: TargetKind::Srt,
            host: host.into(),
            user: "anna".into(),
            ..TargetSettings::default()
        }
    }

    #[test]
    fn the_newest_is_first_each_once_and_eight_are_kept() {
        let mut servers = Vec::new();
        for n in 0..10 {
            remember(
                &mut servers,
                RecentServer::of(&target(&format!("s{n}"))).unwrap(),
            );
        }
        let mut again = RecentServer::of(&target("s5")).unwrap();
        again.latency_ms = 200;
        remember(&mut servers, again);
        let hosts: Vec<_> = servers.iter().map(|s| s.host.as_str()).collect();
        assert_eq!(hosts, ["s5", "s9", "s8", "s7", "s6", "s4", "s3", "s2"]);
        assert_eq!(servers[0].latency_ms, 200);
    }

    #[test]
    fn no_secret_of_an_address_is_kept() {
        let mut pasted = target("srt://studio.example:9000?passphrase=0123456789abc&streamid=x");
        pasted.api_url = "http://anna:hunter2@studio.example:9997/?token=hunter3".into();
        let server = RecentServer::of(&pasted).unwrap();
        assert_eq!(
            (server.host.as_str(), server.srt_port),
            ("studio.example", 9000)
        );
        assert_eq!(server.api_url, "http://studio.example:9997/");
        let text = format!("{server:?}");
        assert!(
            !text.contains("0123456789abc") && !text.contains("hunter"),
            "{text}"
        );
    }

    #[test]
    fn only_a_server_of_ones_own_is_remembered() {
        assert_eq!(RecentServer::of(&TargetSettings::default()), None);
        assert_eq!(RecentServer::of(&target("")), None);
        let file = TargetSettings {
            way: Way::File,
            ..target("a")
        };
        assert_eq!(RecentServer::of(&file), None);
    }

    #[test]
    fn taking_one_again_gives_its_target_and_leaves_this_machines() {
        let server = RecentServer::of(&target("fe80::1")).unwrap();
        assert_eq!(server.label(), "anna@[fe80::1]:8890/pd_main");
        let mut other = TargetSettings {
            file: "/here".into(),
            pull_port: 5000,
            ..TargetSettings::default()
        };
        server.put_into(&mut other);
        assert_eq!(RecentServer::of(&other), Some(server));
        assert_eq!((other.file.as_str(), other.pull_port), ("/here", 5000));
    }

    #[test]
    fn addresses_lose_user_and_query_only() {
        for (url, bare) in [
            ("", ""),
            ("http://h:9997", "http://h:9997"),
            ("http://a:b@h:9997/x", "http://h:9997/x"),
            ("http://a:p@ss@h", "http://h"),
            ("http://h/a@b", "http://h/a@b"),
            ("h:1?key=2", "h:1"),
        ] {
            assert_eq!(shown(url), bare, "{url}");
        }
    }
}
