//! WHEP signalling (draft-ietf-wish-whep): one POST of an SDP offer to join, one DELETE to leave.
//!
//! Runs on the probe's thread and blocks it, for at most [`JOIN_TIMEOUT`] and [`LEAVE_TIMEOUT`].
//! Nothing is asked of the server that would change anything there but this one session.

use crate::mediamtx::url::shown;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use std::net::{SocketAddr, ToSocketAddrs};
use std::time::Duration;
use thiserror::Error;
use ureq::Agent;
use ureq::http::{StatusCode, Uri, header};

/// The longest that joining may take, name resolution to answer.
pub const JOIN_TIMEOUT: Duration = Duration::from_secs(3);
/// The longest that leaving may take; the server finds out by itself where it fails.
pub const LEAVE_TIMEOUT: Duration = Duration::from_millis(500);
/// An answer or an error text beyond this size is refused.
const BODY_MAX: u64 = 256 << 10;

/// Why a session could not be joined.
#[derive(Debug, Error)]
pub enum WhepError {
    /// The URL is none that the probe can read from.
    #[error("the probe cannot read {0}: it needs http://HOST:PORT/PATH/whep")]
    Url(String),
    /// The path has no publisher (HTTP 404).
    #[error("the server has no stream on this path yet")]
    NotOnline,
    /// The server wants other credentials (HTTP 401 or 403).
    #[error("the server refuses the probe as a viewer: check the viewer's user and password")]
    Unauthorized,
    /// Another status than 201.
    #[error("the server refuses the probe as a viewer: HTTP {status} {text}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// What the server says.
        text: String,
    },
    /// Nothing answers.
    #[error("no answer from the server's WebRTC port: {0}; check host and port")]
    Unreachable(#[source] Box<ureq::Error>),
}

/// Where a WHEP session is asked for, and as whom.
pub struct Endpoint {
    url: String,
    uri: Uri,
    authorization: Option<String>,
    agent: Agent,
}

/// A session that was joined.
pub struct Joined {
    /// The server's SDP answer.
    pub answer: String,
    /// The session's own URL, to be deleted at the end; none where the server gave none.
    pub session_url: Option<String>,
}

impl Endpoint {
    /// An endpoint at `url`, read as user and password `auth` (HTTP Basic).
    ///
    /// # Errors
    /// [`WhepError::Url`] where it is not an `http` URL with a host.
    pub fn new(url: &str, auth: Option<&(String, String)>) -> Result<Self, WhepError> {
        let uri: Uri = url.parse().map_err(|_| WhepError::Url(shown(url)))?;
        if uri.scheme_str() != Some("http") || uri.host().is_none() {
            return Err(WhepError::Url(shown(url)));
        }
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .proxy(None)
            .user_agent(concat!("pd-console-probe/", env!("CARGO_PKG_VERSION")))
            .build();
        Ok(Self {
            url: url.to_owned(),
            uri,
            authorization: auth.map(|(user, password)| {
                let pair = format!("{user}:{password}");
                format!("Basic {}", BASE64_STANDARD.encode(pair))
            }),
            agent: config.into(),
        })
    }

    /// The server's address as far as its name can be resolved.
    pub fn address(&self) -> Option<SocketAddr> {
        let host = self.uri.host()?.trim_matches(['[', ']']);
        let port = self.uri.port_u16().unwrap_or(80);
        (host, port).to_socket_addrs().ok()?.next()
    }

    /// Asks for a session with the SDP `offer`.
    ///
    /// # Errors
    /// Each but [`WhepError::Url`].
    pub fn join(&self, offer: &str) -> Result<Joined, WhepError> {
        let unreachable = |error| WhepError::Unreachable(Box::new(error));
        let mut request = self
            .agent
            .post(&self.url)
            .header(header::CONTENT_TYPE, "application/sdp");
        if let Some(authorization) = &self.authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        let mut response = request
            .config()
            .timeout_global(Some(JOIN_TIMEOUT))
            .build()
            .send(offer)
            .map_err(unreachable)?;
        let body = response
            .body_mut()
            .with_config()
            .limit(BODY_MAX)
            .read_to_string();
        match response.status() {
            StatusCode::CREATED => Ok(Joined {
                answer: body.map_err(unreachable)?,
                session_url: response
                    .headers()
                    .get(header::LOCATION)
                    .and_then(|location| self.resolve(location.to_str().ok()?)),
            }),
            StatusCode::NOT_FOUND => Err(WhepError::NotOnline),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(WhepError::Unauthorized),
            status => Err(WhepError::Refused {
                status: status.as_u16(),
                text: body.unwrap_or_default().chars().take(200).collect(),
            }),
        }
    }

    /// Leaves a session. A failure is left to the server's own time-out.
    pub fn leave(&self, session_url: &str) {
        let mut request = self.agent.delete(session_url);
        if let Some(authorization) = &self.authorization {
            request = request.header(header::AUTHORIZATION, authorization);
        }
        let left = request
            .config()
            .timeout_global(Some(LEAVE_TIMEOUT))
            .build()
            .call();
        if let Err(error) = left {
            tracing::debug!("WHEP session not deleted: {error}");
        }
    }

    /// `location` as a URL on the same server; none where it leads elsewhere, for the password
    /// must not.
    fn resolve(&self, location: &str) -> Option<String> {
        let authority = self.uri.authority()?;
        let base = format!("http://{authority}");
        if let Some(rest) = location.strip_prefix(&base) {
            return rest.starts_with('/').then(|| location.to_owned());
        }
        if location.contains("://") || location.starts_with("//") {
            return None;
        }
        if location.starts_with('/') {
            return Some(base + location);
        }
        let (folder, _) = self.uri.path().rsplit_once('/')?;
        Some(format!("{base}{folder}/{location}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader, Read, Write};
    use std::net::TcpListener;

    /// Answers one request with `response`; the join handle gives what was asked.
    fn server(response: &'static str) -> (String, std::thread::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/pd_1/whep", listener.local_addr().unwrap());
        let asked = std::thread::spawn(move || {
            let (stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream);
            let mut asked = String::new();
            let mut length = 0;
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                if line.trim().is_empty() {
                    break;
                }
                asked += &line;
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            reader.get_mut().write_all(response.as_bytes()).unwrap();
            asked + &String::from_utf8(body).unwrap()
        });
        (url, asked)
    }

    #[test]
    fn joins_with_offer_and_password() {
        let (url, asked) = server(
            "HTTP/1.1 201 Created\r\nLocation: /pd_1/whep/7\r\nContent-Length: 3\r\n\r\nv=0",
        );
        let auth = ("me".to_owned(), "päss".to_owned());
        let endpoint = Endpoint::new(&url, Some(&auth)).unwrap();
        let joined = endpoint.join("offer").unwrap();
        assert_eq!(joined.answer, "v=0");
        assert_eq!(joined.session_url, Some(format!("{url}/7")));
        let asked = asked.join().unwrap();
        assert!(asked.starts_with("POST /pd_1/whep HTTP/1.1"), "{asked}");
        assert!(asked.ends_with("offer"));
        assert!(
            asked
                .to_lowercase()
                .contains("content-type: application/sdp")
        );
        assert!(asked.contains("Basic bWU6cMOkc3M="), "{asked}");
    }

    #[test]
    fn each_refusal_says_what_it_is() {
        let join = |response| {
            let (url, asked) = server(response);
            let error = Endpoint::new(&url, None).unwrap().join("x").err().unwrap();
            asked.join().unwrap();
            error
        };
        let empty = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
        assert!(matches!(join(empty), WhepError::NotOnline));
        let empty = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n";
        assert!(matches!(join(empty), WhepError::Unauthorized));
        let busy = join("HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nfull");
        assert!(busy.to_string().ends_with("HTTP 503 full"), "{busy}");
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/x/whep", listener.local_addr().unwrap());
        drop(listener);
        let none = Endpoint::new(&url, None).unwrap().join("x").err().unwrap();
        assert!(matches!(none, WhepError::Unreachable(_)), "{none}");
    }

    #[test]
    fn urls_that_it_cannot_read() {
        for url in [
            "https://host/x/whep",
            "host/x",
            "",
            "http:///x",
            "srt://host:1",
        ] {
            assert!(
                matches!(Endpoint::new(url, None), Err(WhepError::Url(_))),
                "{url}"
            );
        }
        let endpoint = Endpoint::new("http://[::1]:8889/x/whep", None).unwrap();
        assert_eq!(endpoint.address(), Some("[::1]:8889".parse().unwrap()));
    }

    #[test]
    fn the_session_stays_on_the_same_server() {
        let endpoint = Endpoint::new("http://host:8889/a/whep", None).unwrap();
        let resolve = |location| endpoint.resolve(location);
        assert_eq!(resolve("/a/whep/7").unwrap(), "http://host:8889/a/whep/7");
        assert_eq!(resolve("whep/7").unwrap(), "http://host:8889/a/whep/7");
        assert_eq!(resolve("http://host:8889/s").unwrap(), "http://host:8889/s");
        assert_eq!(resolve("http://evil:8889/s"), None);
        assert_eq!(resolve("http://host:8889.evil/s"), None);
        assert_eq!(resolve("//evil/s"), None);
    }
}
