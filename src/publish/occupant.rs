//! Who has a path of a server before we go live there, by its API. Blocks for the API's answers: call it on a worker
//! thread.
//!
//! What a dead console of this machine has left is nobody: the server shows an SRT caller that was killed for some
//! seconds more. It is known by the id that the dead run had noted, else by its port, which nobody has any more.

use super::invited;
use super::target::pulled_from;
use crate::crash::facts::is_ours;
use crate::mediamtx::{ApiError, Client};
use std::net::SocketAddr;
use std::time::Duration;

/// Sources that are the server's own listening by UDP; who sends has no connection and no id.
const LISTENS: [&str; 3] = ["mpegtsSource", "udpSource", "rtpSource"];
/// A sender of pictures sends within this time.
const HEARD_WITHIN: Duration = Duration::from_millis(500);

/// A publisher that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Occupant {
    /// Its kind, as the server says, and where it is, where that is known.
    pub who: String,
}

/// Who publishes to `path`; None where nobody does, or only what a dead console of ours has left.
///
/// # Errors
/// The API's.
pub fn occupant(client: &Client, path: &str) -> Result<Option<Occupant>, ApiError> {
    let pulled = client
        .configured_source(path)?
        .as_deref()
        .and_then(pulled_from);
    if let Some(address) = pulled {
        let there = !is_ours(&address.to_string()) && invited::is_there(client, path, address);
        let who = format!("a console at {address}");
        return Ok(there.then_some(Occupant { who }));
    }
    let info = client.path(path)?.unwrap_or_default();
    let Some(kind) = info.source.filter(|_| info.online) else {
        return Ok(None);
    };
    let id = info.source_id.unwrap_or_default();
    if is_ours(&id) {
        return Ok(None);
    }
    if LISTENS.contains(&kind.as_str()) {
        // The server shows its own listening as the publisher for ten seconds after the last packet (v1.20.1):
        // somebody is there where more comes.
        std::thread::sleep(HEARD_WITHIN);
        let later = client.path(path)?.unwrap_or_default();
        if !later.online || later.bytes_received == info.bytes_received {
            return Ok(None);
        }
    }
    let connection = match kind.as_str() {
        "srtConn" => client.srt_connection(&id).ok().flatten(),
        _ => None,
    };
    let address = connection.map(|connection| connection.remote_addr);
    let address = address.filter(|address| !address.is_empty());
    let socket: Option<SocketAddr> = address.as_deref().and_then(|a| a.parse().ok());
    if socket.is_some_and(invited::is_dead_of_this_machine) {
        return Ok(None);
    }
    let who = match address {
        Some(address) => format!("{kind} from {address}"),
        None => kind,
    };
    Ok(Some(Occupant { who }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crash::facts;
    use std::io::{Read, Write};
    use std::net::{TcpListener, UdpSocket};

    /// An API that answers by what is asked for; each answer's status with it.
    fn api(answer: impl Fn(&str) -> (u16, String) + Send + 'static) -> Client {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut request = [0; 4096];
                let count = stream.read(&mut request).unwrap();
                let head = String::from_utf8_lossy(&request[..count]).into_owned();
                let asked = head.split_whitespace().nth(1).unwrap_or_default();
                let (status, body) = answer(asked);
                let length = body.len();
                let _ = write!(
                    stream,
                    "HTTP/1.1 {status} X\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}"
                );
            }
        });
        Client::new(&url, "", "")
    }

    /// A server on which an SRT caller publishes.
    fn server(id: &'static str, online: bool, caller: SocketAddr) -> Client {
        api(move |asked| {
            if asked.contains("/config/") {
                (404, r#"{"error":"path configuration not found"}"#.into())
            } else if asked.contains("srtconns") {
                let body = format!(r#"{{"id":"{id}","remoteAddr":"{caller}","state":"publish"}}"#);
                (200, body)
            } else {
                let source = format!(r#"{{"type":"srtConn","id":"{id}"}}"#);
                let body = format!(r#"{{"name":"pd_a","online":{online},"source":{source}}}"#);
                (200, body)
            }
        })
    }

    /// A show by UDP that was stopped a moment ago is nobody.
    #[test]
    fn a_server_that_listens_has_a_publisher_only_while_it_hears_one() {
        use std::sync::atomic::{AtomicU64, Ordering};
        for (step, there) in [(0, false), (1316, true)] {
            let bytes = AtomicU64::new(5000);
            let client = api(move |asked| {
                if asked.contains("/config/") {
                    return (404, r#"{"error":"path configuration not found"}"#.into());
                }
                let bytes = bytes.fetch_add(step, Ordering::Relaxed);
                let source = r#"{"type":"mpegtsSource","id":""}"#;
                let body = format!(
                    r#"{{"name":"pd_a","online":true,"source":{source},"bytesReceived":{bytes}}}"#
                );
                (200, body)
            });
            assert_eq!(occupant(&client, "pd_a").unwrap().is_some(), there);
        }
    }

    #[test]
    fn a_publisher_that_is_there_is_named_and_a_dead_one_of_ours_is_nobody() {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = socket.local_addr().unwrap();
        let who = occupant(&server("occupant-1", true, address), "pd_a").unwrap();
        let text = format!("srtConn from {address}");
        assert_eq!(who.map(|occupant| occupant.who), Some(text));
        let far = "192.0.2.1:4711".parse().unwrap();
        let there = occupant(&server("occupant-1", true, far), "pd_a").unwrap();
        assert!(there.is_some(), "another machine's");
        // A path that is set, or an always available one: nobody publishes.
        let offline = server("occupant-1", false, address);
        assert_eq!(occupant(&offline, "pd_a").unwrap(), None);
        // Killed: the port is free though the server still shows it.
        drop(socket);
        let dead = server("occupant-1", true, address);
        assert_eq!(occupant(&dead, "pd_a").unwrap(), None);
        // Of a dead run of ours, from behind another address.
        facts::published("occupant-2");
        assert_eq!(
            occupant(&server("occupant-2", true, far), "pd_a").unwrap(),
            None
        );
    }
}
