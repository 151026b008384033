//! MediaMTX's API over HTTP. Blocks for [`CONNECT_TIMEOUT`] and [`TIMEOUT`] at most: call it on a
//! worker thread, never on the window's.

use super::types::{self, Offers, PathInfo, Reader, SrtConnection, WebRtcSession};
use super::url;
use base64::Engine;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use std::time::Duration;

/// Longest wait for a connection.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
/// Longest wait for a whole answer.
pub const TIMEOUT: Duration = Duration::from_secs(2);
/// Longest wait for [`Client::version`]: the server holds back "wrong password" for up to 4 s.
pub const LOGIN_TIMEOUT: Duration = Duration::from_secs(5);
/// A larger answer is not read.
const MAX_ANSWER_BYTES: u64 = 8 << 20;
/// Why the API gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApiError {
    /// Not an address that can be called.
    #[error(
        "the API address {url} cannot be used: {why}. It should look like http://127.0.0.1:9997"
    )]
    Address {
        /// The address.
        url: String,
        /// What is wrong.
        why: String,
    },
    /// No connection.
    #[error(
        "MediaMTX's API at {url} cannot be reached: {why}. Check that the server runs with `api: true` (it is off by default) and that the address is right."
    )]
    Unreachable {
        /// The address.
        url: String,
        /// The system's reason.
        why: String,
    },
    /// Connected, but no answer in time.
    #[error(
        "MediaMTX's API at {url} did not answer in {waited_ms} ms. The server is overloaded, or the password is wrong (it holds that answer back for up to 4 s)."
    )]
    Slow {
        /// The address.
        url: String,
        /// How long was waited, ms.
        waited_ms: u64,
    },
    /// Wrong user or password, or the user lacks the action `api`.
    #[error(
        "MediaMTX's API at {url} refuses the login. Check user and password, and that this user has the action `api` in the server's authInternalUsers."
    )]
    Unauthorised {
        /// The address.
        url: String,
    },
    /// Nothing there under this name.
    #[error(
        "{url} has no {what}: SRT or WebRTC is switched off there, or it is not MediaMTX's API (version 1.0 or later)."
    )]
    NotFound {
        /// The address.
        url: String,
        /// What was asked for.
        what: String,
    },
    /// Another answer.
    #[error("MediaMTX's API at {url} answered {status}: {message}. Look into the server's log.")]
    Other {
        /// The address.
        url: String,
        /// HTTP status.
        status: u16,
        /// The server's reason.
        message: String,
    },
}

/// A server's API. Cheap to clone; clones share connections.
#[derive(Clone)]
pub struct Client {
    agent: ureq::Agent,
    base_url: String,
    /// For anyone's eyes: an address may have been pasted with a login.
    shown_url: String,
    authorization: Option<SecretString>,
}

impl Client {
    /// A client for the API at `base_url` ("http://host:9997", the scheme may be left out); an empty
    /// user logs in as nobody.
    pub fn new(base_url: &str, user: &str, password: &str) -> Self {
        let config = ureq::Agent::config_builder()
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_global(Some(TIMEOUT))
            .http_status_as_error(false)
            // A redirect or a proxy would see the password.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .proxy(None)
            .max_idle_age(Duration::from_secs(5))
            .build();
        let base = base_url.trim().trim_end_matches('/');
        let base_url = if base.contains("://") {
            base.to_owned()
        } else {
            format!("http://{base}")
        };
        let authorization = (!user.is_empty()).then(|| {
            let pair = format!("{user}:{password}");
            SecretString::from(format!(
                "Basic {}",
                base64::prelude::BASE64_STANDARD.encode(pair)
            ))
        });
        Self {
            agent: config.new_agent(),
            shown_url: url::shown(&base_url),
            base_url,
            authorization,
        }
    }

    /// The server's version, such as "v1.20.0". Waits up to [`LOGIN_TIMEOUT`], so that a wrong
    /// password is told as such.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub fn version(&self) -> Result<String, ApiError> {
        self.version_within(LOGIN_TIMEOUT)
    }

    /// When the server's program began, as it writes it, which tells one run of it from the next; None where it
    /// does not tell (v1.20.1 does, `defs.APIInfo`).
    ///
    /// # Errors
    /// See [`ApiError`].
    pub fn started(&self) -> Result<Option<String>, ApiError> {
        let answer = self.get("/v3/info", "MediaMTX API", TIMEOUT)?;
        let started = answer.as_ref().and_then(|json| json.get("started"));
        Ok(started.and_then(Value::as_str).map(str::to_owned))
    }

    /// As [`Client::version`], with another limit.
    pub(super) fn version_within(&self, limit: Duration) -> Result<String, ApiError> {
        match self.get("/v3/info", "version", limit) {
            Ok(Some(json)) => Ok(json
                .get("version")
                .and_then(Value::as_str)
                .unwrap_or("unknown")
                .into()),
            // Older servers have no such page, but have this one.
            Ok(None) | Err(ApiError::NotFound { .. }) => self
                .get("/v3/config/global/get", "MediaMTX API", limit)?
                .map(|_| "unknown".to_owned())
                .ok_or_else(|| self.not_found("MediaMTX API")),
            Err(error) => Err(error),
        }
    }

    /// The path `name`; None where the server does not have it (nobody publishes there).
    ///
    /// # Errors
    /// See [`ApiError`].
    pub fn path(&self, name: &str) -> Result<Option<PathInfo>, ApiError> {
        let page = format!("/v3/paths/get/{}", url::path(name));
        let answer = self.get(&page, "MediaMTX API", TIMEOUT)?;
        Ok(answer.map(|json| PathInfo::from_json(&json)))
    }

    /// The server's SRT connections (up to 1000).
    ///
    /// # Errors
    /// See [`ApiError`]; [`ApiError::NotFound`] where SRT is off.
    pub fn srt_connections(&self) -> Result<Vec<SrtConnection>, ApiError> {
        let what = "list of SRT connections";
        let answer = self.get("/v3/srtconns/list?itemsPerPage=1000", what, TIMEOUT)?;
        let json = answer.ok_or_else(|| self.not_found(what))?;
        Ok(types::items(&json, SrtConnection::from_json))
    }

    /// The SRT connection with this id, as in [`PathInfo::source_id`]; None where the server does
    /// not have it (any more).
    ///
    /// # Errors
    /// See [`ApiError`]; [`ApiError::NotFound`] where SRT is off.
    pub fn srt_connection(&self, id: &str) -> Result<Option<SrtConnection>, ApiError> {
        let id = url::part(id);
        let page = format!("/v3/srtconns/get/{id}");
        let answer = self.get(&page, "list of SRT connections", TIMEOUT)?;
        Ok(answer.map(|json| SrtConnection::from_json(&json)))
    }

    /// The server's WebRTC sessions (up to 1000).
    ///
    /// # Errors
    /// See [`ApiError`]; [`ApiError::NotFound`] where WebRTC is off.
    pub fn webrtc_sessions(&self) -> Result<Vec<WebRtcSession>, ApiError> {
        let what = "list of WebRTC sessions";
        let answer = self.get("/v3/webrtcsessions/list?itemsPerPage=1000", what, TIMEOUT)?;
        let json = answer.ok_or_else(|| self.not_found(what))?;
        Ok(types::items(&json, WebRtcSession::from_json))
    }

    /// What the server offers.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub fn offers(&self) -> Result<Offers, ApiError> {
        let what = "MediaMTX API";
        let answer = self.get("/v3/config/global/get", what, LOGIN_TIMEOUT)?;
        let json = answer.ok_or_else(|| self.not_found(what))?;
        Ok(Offers::from_json(&json))
    }

    /// The sources of the paths that the configuration has by name (up to 1000), patterns included.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub fn configured_sources(&self) -> Result<Vec<(String, String)>, ApiError> {
        let what = "list of configured paths";
        let page = "/v3/config/paths/list?itemsPerPage=1000";
        let json = self
            .get(page, what, TIMEOUT)?
            .ok_or_else(|| self.not_found(what))?;
        Ok(types::items(&json, types::name_and_source))
    }

    /// The source of the path `name` where the configuration has it by name; None where it does not.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub fn configured_source(&self, name: &str) -> Result<Option<String>, ApiError> {
        let page = format!("/v3/config/paths/get/{}", url::path(name));
        let answer = self.get(&page, "MediaMTX API", TIMEOUT)?;
        Ok(answer.map(|json| types::name_and_source(&json).1))
    }

    /// Has the server pull the path `name` from `source`, in the place of what it was told before.
    ///
    /// # Errors
    /// See [`ApiError`]; [`ApiError::Other`] where the server does not take the source.
    pub fn pull_path(&self, name: &str, source: &str) -> Result<(), ApiError> {
        self.remove_path(name)?;
        let page = format!("/v3/config/paths/add/{}", url::path(name));
        let body = serde_json::json!({ "source": source }).to_string();
        let request = self.authorized(self.agent.post(self.url_of(&page)?));
        let request = request.config().timeout_global(Some(TIMEOUT)).build();
        let answer = request
            .content_type("application/json")
            .send(body.as_bytes());
        self.read(answer, "MediaMTX API", TIMEOUT)?
            .map(drop)
            .ok_or_else(|| self.not_found("page that adds a path"))
    }

    /// Takes the path `name` out of the server's configuration; whether it was there.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub fn remove_path(&self, name: &str) -> Result<bool, ApiError> {
        let page = format!("/v3/config/paths/delete/{}", url::path(name));
        let request = self.authorized(self.agent.delete(self.url_of(&page)?));
        let request = request.config().timeout_global(Some(TIMEOUT)).build();
        let answer = self.read(request.call(), "MediaMTX API", TIMEOUT)?;
        Ok(answer.is_some())
    }

    /// Those of `kind` (as in [`PathInfo::readers`]) that the server has, on every path (up to 1000);
    /// none of a kind that the console does not know.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub fn readers(&self, kind: &str) -> Result<Vec<Reader>, ApiError> {
        let Some(list) = types::list_of(kind) else {
            return Ok(Vec::new());
        };
        let page = format!("/v3/{list}/list?itemsPerPage=1000");
        let answer = self.get(&page, "list of readers", TIMEOUT)?;
        let json = answer.ok_or_else(|| self.not_found("list of readers"))?;
        Ok(types::items(&json, |json| Reader::from_json(kind, json)))
    }

    /// Disconnects the reader of `kind` with this id; whether it was there.
    ///
    /// # Errors
    /// See [`ApiError`].
    pub fn kick(&self, kind: &str, id: &str) -> Result<bool, ApiError> {
        let list =
            types::list_of(kind).ok_or_else(|| self.not_found("way to end such a reader"))?;
        let id = url::part(id);
        let page = format!("/v3/{list}/kick/{id}");
        let request = self.authorized(self.agent.post(self.url_of(&page)?));
        let request = request.config().timeout_global(Some(TIMEOUT)).build();
        let answer = self.read(request.send_empty(), "MediaMTX API", TIMEOUT)?;
        Ok(answer.is_some())
    }

    fn not_found(&self, what: &str) -> ApiError {
        ApiError::NotFound {
            url: self.shown_url.clone(),
            what: what.into(),
        }
    }

    /// A page, which holds `what`, as JSON; None where MediaMTX says that it has no such thing.
    fn get(&self, page: &str, what: &str, limit: Duration) -> Result<Option<Value>, ApiError> {
        let request = self.authorized(self.agent.get(self.url_of(page)?));
        let request = request.config().timeout_global(Some(limit)).build();
        self.read(request.call(), what, limit)
    }

    fn url_of(&self, page: &str) -> Result<String, ApiError> {
        if !self.base_url.starts_with("http://") {
            // This build has no TLS; said before anything is sent.
            return Err(ApiError::Address {
                url: self.shown_url.clone(),
                why: "only http:// is supported".into(),
            });
        }
        Ok(format!("{}{page}", self.base_url))
    }

    fn authorized<B>(&self, request: ureq::RequestBuilder<B>) -> ureq::RequestBuilder<B> {
        match &self.authorization {
            Some(authorization) => request.header("Authorization", authorization.expose_secret()),
            None => request,
        }
    }

    /// An answer as JSON; None where MediaMTX says that it has no such thing.
    fn read(
        &self,
        answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
        what: &str,
        limit: Duration,
    ) -> Result<Option<Value>, ApiError> {
        let url = self.shown_url.clone();
        let mut response = answer.map_err(|error| self.failure(error, limit))?;
        let status = response.status().as_u16();
        let body = response
            .body_mut()
            .with_config()
            .limit(MAX_ANSWER_BYTES)
            .read_to_vec();
        let body = body.map_err(|error| self.failure(error, limit))?;
        let json: Option<Value> = serde_json::from_slice(&body).ok();
        match (status, json) {
            (200, Some(json)) if json.is_object() => Ok(Some(json)),
            // A redirect comes from the WebRTC port or a web server.
            (200 | 300..=399, _) => Err(self.not_found(what)),
            (401 | 403, _) => Err(ApiError::Unauthorised { url }),
            (404, Some(json)) if json.get("error").is_some() => Ok(None),
            // Without MediaMTX's JSON: a page that is switched off, or some other server.
            (404, _) => Err(self.not_found(what)),
            (status, json) => {
                let message = json
                    .as_ref()
                    .and_then(|json| json.get("error")?.as_str())
                    .unwrap_or("no reason given")
                    .chars()
                    .take(200)
                    .collect();
                Err(ApiError::Other {
                    url,
                    status,
                    message,
                })
            }
        }
    }

    fn failure(&self, error: ureq::Error, limit: Duration) -> ApiError {
        let url = self.shown_url.clone();
        match error {
            ureq::Error::Timeout(ureq::Timeout::Connect | ureq::Timeout::Resolve) => {
                ApiError::Unreachable {
                    url,
                    why: "no answer within 1 s".into(),
                }
            }
            ureq::Error::Timeout(_) => ApiError::Slow {
                url,
                waited_ms: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX),
            },
            ureq::Error::HostNotFound => ApiError::Unreachable {
                url,
                why: "name not found".into(),
            },
            error @ (ureq::Error::BadUri(_) | ureq::Error::Http(_)) => ApiError::Address {
                url,
                why: error.to_string().replace(&self.base_url, &self.shown_url),
            },
            error => ApiError::Unreachable {
                url,
                why: error.to_string(),
            },
        }
    }
}

#[cfg(test)]
#[path = "client_tests.rs"]
mod tests;
