//! The way of the page's WHEP requests (draft-ietf-wish-whep) to the media server: only to the show's
//! own endpoint, only what WHEP needs, only what WHEP answers. Runs on the asking connection's
//! thread, which it blocks for [`LIMIT`] at most.

use super::http::{Head, Refusal, Route, is_session};
use super::server::Answer;
use std::time::Duration;
use ureq::Agent;
use ureq::http::{Method, Request, header};

/// Longest wait for the media server.
pub const LIMIT: Duration = Duration::from_secs(5);
/// A longer answer is not passed on, bytes.
const ANSWER_MAX: u64 = 256 << 10;

/// A client for [`pass`].
pub(super) fn agent() -> Agent {
    Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .tls_config(crate::tls::config())
        .timeout_global(Some(LIMIT))
        .user_agent(concat!("pd-console-viewer/", env!("CARGO_PKG_VERSION")))
        .build()
        .into()
}

/// Passes a request on to the endpoint `whep_url` and its answer back.
pub(super) fn pass(
    agent: &Agent,
    whep_url: &str,
    route: &Route,
    head: &Head,
    body: &[u8],
) -> Answer {
    let (method, url) = match route {
        Route::Join => (Method::POST, whep_url.to_owned()),
        Route::Candidates(id) => (Method::PATCH, format!("{whep_url}/{id}")),
        Route::Leave(id) => (Method::DELETE, format!("{whep_url}/{id}")),
        Route::Page | Route::Slash | Route::Status | Route::Icon | Route::Report => {
            return Answer::refusal(Refusal {
                status: 404,
                why: "there is no such page",
            });
        }
    };
    let away = |why| Answer::refusal(Refusal { status: 502, why });
    let mut request = Request::builder().method(method).uri(url);
    if !head.content_type.is_empty() {
        request = request.header(header::CONTENT_TYPE, &head.content_type);
    }
    if let Some(tag) = &head.if_match {
        request = request.header(header::IF_MATCH, tag);
    }
    let Ok(request) = request.body(body) else {
        return away("the media server's address cannot be used");
    };
    let Ok(mut response) = agent.run(request) else {
        return away("the media server does not answer");
    };
    let text = |name: header::HeaderName| {
        let value = response.headers().get(name)?;
        value.to_str().ok().map(str::to_owned)
    };
    let (kind, tag) = (text(header::CONTENT_TYPE), text(header::ETAG));
    let session = text(header::LOCATION).and_then(|at| session_of(&at));
    let status = match response.status().as_u16() {
        // A browser would ask the viewer for a password that is not theirs to know.
        401 => 403,
        status @ (200..=299 | 400..=599) => status,
        _ => return away("the media server answers what is no WHEP"),
    };
    let Ok(body) = response
        .body_mut()
        .with_config()
        .limit(ANSWER_MAX)
        .read_to_vec()
    else {
        return away("the media server's answer broke off");
    };
    let mut answer = Answer::new(status, kind.as_deref().unwrap_or_default(), body);
    answer.headers.extend(tag.map(|tag| ("ETag", tag)));
    answer
        .headers
        // Against the request's own address, which has the key.
        .extend(session.map(|id| ("Location", format!("whep/{id}"))));
    answer
}

/// The session's name out of the server's `Location`.
fn session_of(location: &str) -> Option<String> {
    let path = location.split(['?', '#']).next()?;
    let id = path.rsplit('/').next()?;
    is_session(id).then(|| id.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_sessions_name_is_taken_from_the_server() {
        let id = "b7f1-77";
        for location in [
            "/pd_main/whep/b7f1-77",
            "http://h:1/x/whep/b7f1-77?a=/b",
            "b7f1-77",
        ] {
            assert_eq!(session_of(location).as_deref(), Some(id), "{location}");
        }
        for location in ["", "/", "/x/%2e%2e", "/x/a b"] {
            assert_eq!(session_of(location), None, "{location}");
        }
    }
}
