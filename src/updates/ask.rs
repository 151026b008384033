//! The one question: a GET without anything in it but a plain User-Agent. Blocks for ten seconds at most.

use super::release::{Release, parse};
use super::{Feed, is_loopback};
use std::io::Read;
use std::time::Duration;
use ureq::http::HeaderMap;

const CONNECT_WITHIN: Duration = Duration::from_secs(5);
const ALL_WITHIN: Duration = Duration::from_secs(10);
/// GitHub's answer has its release's notes and files in it.
const ANSWER_MAX: u64 = 256 << 10;
const REDIRECTS: u32 = 3;

/// What the feed tells; None where that is a draft or a trial version. A proxy comes from the environment, as with every
/// program (`HTTPS_PROXY`).
///
/// # Errors
/// Why there is no answer, or none that can be read, in words.
pub fn ask(feed: &Feed) -> Result<Option<Release>, String> {
    let here = is_loopback(&feed.host);
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .tls_config(crate::tls::config())
        // Also what it redirects to.
        .https_only(!here)
        .max_redirects(if here { 0 } else { REDIRECTS })
        .timeout_connect(Some(CONNECT_WITHIN))
        .timeout_global(Some(ALL_WITHIN))
        .http_status_as_error(false)
        .user_agent("pd-console")
        .build()
        .into();
    let mut response = agent.get(&feed.url).call().map_err(|e| no_answer(&e))?;
    match response.status().as_u16() {
        200 => {}
        // GitHub's word where a project has no release yet.
        status @ 404 => {
            return Err(format!(
                "the address for updates has no release (status {status})"
            ));
        }
        status if is_too_many(status, response.headers()) => {
            return Err(format!(
                "the server has been asked too often from this network (status {status}). Ask again in an hour"
            ));
        }
        status => return Err(format!("the server answers with status {status}")),
    }
    let mut bytes = Vec::new();
    let mut body = response.body_mut().as_reader().take(ANSWER_MAX + 1);
    body.read_to_end(&mut bytes).map_err(|e| e.to_string())?;
    if bytes.len() as u64 > ANSWER_MAX {
        return Err("the answer is too long".into());
    }
    parse(&bytes, feed)
}

/// Whether the server wants fewer questions: GitHub says so with 403 or 429, and counts all of an address, which may be a
/// whole company's (docs.github.com, REST API, "Rate limits").
fn is_too_many(status: u16, headers: &HeaderMap) -> bool {
    let none_left = headers
        .get("x-ratelimit-remaining")
        .is_some_and(|left| left == "0");
    status == 429 || status == 403 && (none_left || headers.contains_key("retry-after"))
}

fn no_answer(error: &ureq::Error) -> String {
    let text = error.to_string();
    if text.contains("certificate") {
        return format!(
            "the server is not trusted: {text}. Behind a proxy that reads along, its certificate must be among the system's; else somebody stands in between"
        );
    }
    text
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;
    use std::sync::{Arc, Mutex};

    /// A server that answers everything with `answer`, and what it was asked.
    pub(crate) fn server(answer: impl Into<Vec<u8>>) -> (Feed, Arc<Mutex<Vec<String>>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/latest", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (heard, answer) = (asked.clone(), answer.into());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut head = String::new();
                let mut lines = BufReader::new(stream.try_clone().unwrap());
                while lines.read_line(&mut head).is_ok_and(|n| n > 2) {}
                heard.lock().unwrap().push(head);
                let _ = stream.write_all(&answer);
            }
        });
        (Feed::at(&url).unwrap(), asked)
    }

    pub(crate) fn answer(status: &str, body: &str) -> String {
        let length = body.len();
        format!("HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}")
    }

    #[test]
    fn it_is_a_plain_get_and_the_answer_is_read() {
        let (feed, asked) = server(answer("200 OK", r#"{"version": "9.9.9"}"#));
        assert_eq!(ask(&feed).unwrap().unwrap().version, "9.9.9");
        let asked = asked.lock().unwrap();
        let mut lines: Vec<String> = asked[0].trim().lines().map(str::to_lowercase).collect();
        assert_eq!(lines.remove(0), "get /latest http/1.1");
        lines.retain(|line| !line.starts_with("host: 127.0.0.1:") && line != "accept: */*");
        assert_eq!(lines, ["user-agent: pd-console"], "nothing else is sent");
    }

    #[test]
    fn what_is_no_answer_is_an_error() {
        let long = "x".repeat((ANSWER_MAX + 1) as usize);
        for (answer, word) in [
            (answer("404 Not Found", "{}"), "404"),
            (answer("200 OK", "<html>"), "not understood"),
            (answer("200 OK", &long), "too long"),
            (
                "HTTP/1.1 302 Found\r\nLocation: http://192.0.2.1/\r\nContent-Length: 0\r\n\r\n"
                    .into(),
                "",
            ),
            ("nonsense\r\n\r\n".into(), ""),
        ] {
            let (feed, _) = server(answer.clone());
            let error = ask(&feed).unwrap_err();
            assert!(error.contains(word), "{word}: {error}");
        }
        let nobody = Feed::at("http://127.0.0.1:9/x").unwrap();
        assert!(ask(&nobody).is_err());
    }
}
