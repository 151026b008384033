//! What a browser may ask of the viewer page's server: heads of requests, read and judged.
//!
//! Pure. A request that is not understood to the last letter is refused: nobody but the page itself
//! asks, and it asks for five things only. There are no files behind the paths.

use super::report::REPORT_MAX;
use crate::remote::auth::is_same;
use std::net::IpAddr;

/// Longest head of a request, bytes.
pub const HEAD_MAX: usize = 16 << 10;
/// Longest body of a request, bytes: an SDP offer has 2 to 10 kB.
pub const BODY_MAX: usize = 64 << 10;
const HEADERS_MAX: usize = 64;

/// A request that is not answered with what it asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// In words, for whoever reads the answer.
    pub why: &'static str,
}

const fn refuse<T>(status: u16, why: &'static str) -> Result<T, Refusal> {
    Err(Refusal { status, why })
}

/// A request's head.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// Method, as sent.
    pub method: String,
    /// Path without its query.
    pub path: String,
    /// `Host`.
    pub host: String,
    /// `Origin`, where sent.
    pub origin: Option<String>,
    /// `Sec-Fetch-Site`, where sent.
    pub site: Option<String>,
    /// `Content-Type` without its parameters, in small letters.
    pub content_type: String,
    /// `User-Agent`, its first 400 bytes or so; empty where not sent.
    pub agent: String,
    /// `If-Match`, where sent.
    pub if_match: Option<String>,
    /// Bytes of the body that follows.
    pub length: usize,
}

impl Head {
    /// Reads a head from the bytes so far: the head and its length, or None while it is not whole.
    ///
    /// # Errors
    /// What is no HTTP, too long, or ambiguous.
    pub fn read(bytes: &[u8]) -> Result<Option<(Self, usize)>, Refusal> {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS_MAX];
        let mut request = httparse::Request::new(&mut headers);
        let length = match request.parse(bytes) {
            Ok(httparse::Status::Complete(length)) if length <= HEAD_MAX => length,
            Ok(httparse::Status::Partial) if bytes.len() < HEAD_MAX => return Ok(None),
            Ok(_) | Err(httparse::Error::TooManyHeaders) => {
                return refuse(431, "the request's head is too long");
            }
            Err(_) => return refuse(400, "this is no HTTP request"),
        };
        let target = request.path.unwrap_or_default();
        let mut head = Self {
            method: request.method.unwrap_or_default().to_owned(),
            path: target.split('?').next().unwrap_or_default().to_owned(),
            ..Self::default()
        };
        let (mut host, mut length_seen) = (None, false);
        for header in request.headers.iter() {
            let Ok(value) = std::str::from_utf8(header.value) else {
                return refuse(400, "a header is not text");
            };
            let value = value.trim().to_owned();
            match header.name.to_ascii_lowercase().as_str() {
                "host" if host.is_some() => return refuse(400, "two Host headers"),
                "host" => host = Some(value),
                "origin" => head.origin = Some(value),
                "sec-fetch-site" => head.site = Some(value),
                "user-agent" => head.agent = value.chars().take(400).collect(),
                "if-match" => head.if_match = Some(value),
                "content-type" => {
                    let kind = value.split(';').next().unwrap_or_default();
                    head.content_type = kind.trim().to_ascii_lowercase();
                }
                "content-length" => {
                    // A second one, or a sign in it, is the way of request smuggling.
                    let plain = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
                    if length_seen || !plain {
                        return refuse(400, "the length is not clear");
                    }
                    length_seen = true;
                    head.length = match value.parse() {
                        Ok(length) if length <= BODY_MAX => length,
                        _ => return refuse(413, "the request is too long"),
                    };
                }
                "transfer-encoding" => return refuse(411, "a Content-Length is needed"),
                _ => {}
            }
        }
        match host {
            Some(host) => head.host = host,
            None => return refuse(400, "no Host header"),
        }
        Ok(Some((head, length)))
    }
}

/// Who may come in.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Door {
    /// Whether the local network may.
    pub lan: bool,
    /// Names of this machine, in small letters.
    pub names: Vec<String>,
    /// What the path begins with: whoever does not know it is not let in.
    pub key: String,
}

/// What is said to who does not have the whole link.
pub const NO_KEY: &str = "This page opens by its whole link only, as the PD console shows it (key F7, QR code). \
     PD 콘솔이 보여 주는 전체 링크(F7 키, QR 코드)로만 열립니다.";

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Route {
    /// The page.
    Page,
    /// The page, by its link without the slash at its end: the page's own requests would lead elsewhere.
    Slash,
    /// How the show stands.
    Status,
    /// No icon: browsers ask for one by themselves.
    Icon,
    /// A viewer's report of itself, see [`super::report`].
    Report,
    /// To watch: the body is an SDP offer.
    Join,
    /// More ICE candidates for a session.
    Candidates(String),
    /// The end of a session.
    Leave(String),
}

impl Door {
    /// What a request asks for.
    ///
    /// # Errors
    /// Where it is not let in, or there is no such thing.
    pub fn judge(&self, head: &Head) -> Result<Route, Refusal> {
        // A name that someone else's DNS points here (DNS rebinding) would make their page this
        // page's origin.
        if !self.is_our_host(&head.host) {
            return refuse(421, "this page is not served under that name");
        }
        let own = head
            .origin
            .as_deref()
            .is_none_or(|origin| origin == format!("http://{}", head.host));
        let site = head.site.as_deref().unwrap_or("same-origin");
        if !own || (!self.is_page(&head.path) && !matches!(site, "same-origin" | "none")) {
            return refuse(403, "other sites may not use this page");
        }
        let is_read = matches!(head.method.as_str(), "GET" | "HEAD");
        if head.path == "/favicon.ico" && is_read {
            return Ok(Route::Icon);
        }
        let inner = match self.behind_key(&head.path) {
            Some("") if is_read => return Ok(Route::Slash),
            Some(inner) if !inner.is_empty() => inner,
            _ => return refuse(403, NO_KEY),
        };
        match inner {
            "/" if is_read => Ok(Route::Page),
            "/status" if is_read => Ok(Route::Status),
            "/whep" if head.method == "POST" => {
                // Which a plain form cannot send.
                kind(head, "application/sdp").map(|()| Route::Join)
            }
            "/eye" if head.method == "POST" => {
                // Which a form of another page cannot send, nor a script of one without being asked.
                kind(head, "application/json")?;
                if head.length > REPORT_MAX {
                    return refuse(413, "the report is too long");
                }
                Ok(Route::Report)
            }
            "/" | "/status" | "/eye" | "/whep" => refuse(405, "not this way"),
            path => match path.strip_prefix("/whep/").filter(|id| is_session(id)) {
                Some(id) if head.method == "PATCH" => {
                    kind(head, "application/trickle-ice-sdpfrag")?;
                    Ok(Route::Candidates(id.to_owned()))
                }
                Some(id) if head.method == "DELETE" => Ok(Route::Leave(id.to_owned())),
                Some(_) => refuse(405, "not this way"),
                None => refuse(404, "there is no such page"),
            },
        }
    }

    /// Whether this is the page itself, to which a link in a chat may lead.
    fn is_page(&self, path: &str) -> bool {
        matches!(self.behind_key(path), Some("" | "/"))
    }

    /// The path without the key that it begins with; None where it does not. Takes as long for every
    /// wrong key.
    fn behind_key<'a>(&self, path: &'a str) -> Option<&'a str> {
        let rest = path.strip_prefix('/')?;
        let key = rest.split('/').next().unwrap_or_default();
        (!self.key.is_empty() && is_same(key, &self.key)).then(|| &rest[key.len()..])
    }

    fn is_our_host(&self, host: &str) -> bool {
        let is_loopback = name_of(host)
            .parse::<IpAddr>()
            .is_ok_and(|address| address.is_loopback());
        is_our_name(host, &self.names)
            && (self.lan || is_loopback || name_of(host).eq_ignore_ascii_case("localhost"))
    }
}

/// Whether a `Host` is an address, which no name server can bend, or one of this machine's `names` (in small
/// letters).
pub fn is_our_name(host: &str, names: &[String]) -> bool {
    let name = name_of(host).to_ascii_lowercase();
    name == "localhost" || name.parse::<IpAddr>().is_ok() || names.contains(&name)
}

fn kind(head: &Head, wanted: &'static str) -> Result<(), Refusal> {
    if head.content_type == wanted {
        return Ok(());
    }
    refuse(415, "this is not what is taken here")
}

/// The host without its port and brackets.
fn name_of(host: &str) -> &str {
    if let Some(rest) = host.strip_prefix('[') {
        return rest.split(']').next().unwrap_or_default();
    }
    host.split(':').next().unwrap_or_default()
}

/// Whether this can be the name of a session, and cannot be anything else in a path.
pub fn is_session(id: &str) -> bool {
    (1..=128).contains(&id.len())
        && id
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

#[cfg(test)]
#[path = "http_tests.rs"]
mod tests;
