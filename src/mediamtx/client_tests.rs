use super::*;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Instant;

/// Answers one request with `answer`, gives back what was asked.
fn serve(answer: &'static str) -> (String, std::thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        let mut buffer = [0; 1024];
        while !request.ends_with(b"\r\n\r\n") {
            let length = stream.read(&mut buffer).unwrap();
            request.extend_from_slice(&buffer[..length]);
        }
        stream.write_all(answer.as_bytes()).unwrap();
        String::from_utf8(request).unwrap()
    });
    (url, asked)
}

fn path_with(answer: &'static str) -> Result<Option<PathInfo>, ApiError> {
    Client::new(&serve(answer).0, "", "").path("a")
}

#[test]
fn one_connection_is_asked_for_by_its_id() {
    let (url, asked) = serve(
        "HTTP/1.1 200 OK\r\nContent-Length: 47\r\n\r\n{\"id\": \"a/b\", \"packetsReceived\": 7, \"msRTT\": 3}",
    );
    let client = Client::new(&url, "", "");
    let connection = client.srt_connection("a/b").unwrap().unwrap();
    assert_eq!(
        (connection.packets_received, connection.rtt_ms),
        (Some(7), Some(3.0))
    );
    let request = asked.join().unwrap();
    assert!(
        request.starts_with("GET /v3/srtconns/get/a%2Fb HTTP/1.1\r\n"),
        "{request}"
    );
}

#[test]
fn login_and_path_are_sent_encoded() {
    let (url, asked) = serve("HTTP/1.1 200 OK\r\nContent-Length: 16\r\n\r\n{\"online\": true}");
    let info = Client::new(&url, "me", "pä:ss")
        .path("pd_a/b c%")
        .unwrap()
        .unwrap();
    assert!(info.online);
    let request = asked.join().unwrap();
    assert!(
        request.starts_with("GET /v3/paths/get/pd_a/b%20c%25 HTTP/1.1\r\n"),
        "{request}"
    );
    // base64 of "me:pä:ss" in UTF-8.
    assert!(request.contains("Basic bWU6cMOkOnNz"), "{request}");
}

#[test]
fn answers_are_told_apart() {
    let not_there = "HTTP/1.1 404 Not Found\r\nContent-Length: 44\r\n\r\n{\"status\":\"error\",\"error\":\"path not found\"} ";
    assert_eq!(path_with(not_there), Ok(None));
    for not_mediamtx in [
        "HTTP/1.1 404 Not Found\r\nContent-Length: 18\r\n\r\n404 page not found",
        "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>",
        "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
    ] {
        assert!(
            matches!(path_with(not_mediamtx), Err(ApiError::NotFound { .. })),
            "{not_mediamtx}"
        );
    }
    let refused = path_with("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n").unwrap_err();
    assert!(refused.to_string().contains("password"), "{refused}");
    let failed = path_with(
        "HTTP/1.1 500 Internal Server Error\r\nContent-Length: 16\r\n\r\n{\"error\":\"boom\"}",
    );
    assert!(
        matches!(failed, Err(ApiError::Other { status: 500, message, .. }) if message == "boom")
    );
}

#[test]
fn nothing_listening_is_told_at_once() {
    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let started = Instant::now();
    let error = Client::new(&free.to_string(), "u", "secret-password")
        .path("a")
        .unwrap_err();
    assert!(
        matches!(&error, ApiError::Unreachable { url, .. } if *url == format!("http://{free}")),
        "{error}"
    );
    assert!(started.elapsed() < CONNECT_TIMEOUT);
    assert!(!format!("{error} {error:?}").contains("secret-password"));
}

#[test]
fn silence_ends_after_the_limit() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let client = Client::new(&listener.local_addr().unwrap().to_string(), "", "");
    let started = Instant::now();
    let error = client.path("a").unwrap_err();
    assert!(
        matches!(
            error,
            ApiError::Slow {
                waited_ms: 2000,
                ..
            }
        ),
        "{error}"
    );
    let took = started.elapsed();
    assert!(
        took >= TIMEOUT && took < TIMEOUT + Duration::from_secs(1),
        "{took:?}"
    );
}

/// Answers with `begin` and then drips a byte each 20 ms, as long as anybody listens.
fn drip(begin: &'static str, byte: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut left = stream.write_all(begin.as_bytes());
        while left.is_ok() {
            std::thread::sleep(Duration::from_millis(20));
            left = stream.write_all(byte);
        }
    });
    url
}

/// B18: an answer that never ends: the limit is for the whole of it.
#[test]
fn b18_an_answer_in_drops_ends_at_the_limit() {
    for (begin, byte) in [
        (
            "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n{\"online\":",
            &b" "[..],
        ),
        ("HTTP/1.1 200 OK\r\nX-Slow: ", &b"a"[..]),
        (
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
            &b"1\r\n \r\n"[..],
        ),
    ] {
        let client = Client::new(&drip(begin, byte), "", "");
        let started = Instant::now();
        let error = client.path("a").unwrap_err();
        let took = started.elapsed();
        assert!(matches!(error, ApiError::Slow { .. }), "{error}");
        assert!(took < TIMEOUT + Duration::from_secs(1), "{took:?}");
    }
}

/// B18: what is no answer of an API is an error in words, never a panic and never "online".
#[test]
fn b18_garbage_is_an_error_in_words() {
    for garbage in [
        "",
        "\r\n",
        "SSH-2.0-OpenSSH_9.2\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnull",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]",
        "HTTP/1.1 200 OK\r\nContent-Length: 18\r\n\r\n{\"online\": \"maybe\"}",
        "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"online\": true}",
        "HTTP/1.1 999 What\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 6\r\n\r\n\u{1}\u{2}\u{3}\u{4}\u{5}\u{6}",
    ] {
        match path_with(garbage) {
            Ok(None) => {}
            Ok(Some(info)) => assert!(!info.online, "{garbage}"),
            Err(error) => assert!(error.to_string().len() < 600, "{error}"),
        }
    }
}

#[test]
fn impossible_addresses_are_named() {
    for url in ["https://127.0.0.1:1", "ftp://127.0.0.1", "http://a b", ""] {
        let error = Client::new(url, "", "").path("a").unwrap_err();
        assert!(
            matches!(error, ApiError::Address { .. }),
            "{url}: {error:?}"
        );
    }
}

#[test]
fn a_path_is_added_in_the_place_of_the_old_and_readers_are_kicked() {
    const ANSWERS: &[&str] = &[
        "HTTP/1.1 404 Not Found\r\nContent-Length: 26\r\n\r\n{\"error\":\"path not found\"}",
        "HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{\"status\":\"ok\"}",
        "HTTP/1.1 200 OK\r\nContent-Length: 15\r\n\r\n{\"status\":\"ok\"}",
    ];
    let (url, asked) = serve_all(ANSWERS);
    let client = Client::new(&url, "me", "pw");
    client
        .pull_path("pd_a/b c", "srt://192.0.2.1:9000?latency=20")
        .unwrap();
    assert_eq!(client.kick("webRTCSession", "a/b"), Ok(true));
    let asked = asked.join().unwrap();
    let lines: Vec<_> = asked.iter().map(|r| r.lines().next().unwrap()).collect();
    assert_eq!(
        lines,
        [
            "DELETE /v3/config/paths/delete/pd_a/b%20c HTTP/1.1",
            "POST /v3/config/paths/add/pd_a/b%20c HTTP/1.1",
            "POST /v3/webrtcsessions/kick/a%2Fb HTTP/1.1",
        ]
    );
    assert!(asked[1].ends_with(r#"{"source":"srt://192.0.2.1:9000?latency=20"}"#));
    assert!(asked.iter().all(|r| r.contains("Basic ")));
    // The server's own readers cannot be ended.
    assert!(client.kick("hidden", "x").is_err());
}

/// Answers one request after another, each on a connection of its own; gives back what was asked.
fn serve_all(answers: &'static [&'static str]) -> (String, std::thread::JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = std::thread::spawn(move || {
        let one = |answer: &&str| {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            let mut buffer = [0; 1024];
            while !is_whole(&request) {
                let length = stream.read(&mut buffer).unwrap();
                request.extend_from_slice(&buffer[..length]);
            }
            let closing = answer.replacen("\r\n", "\r\nConnection: close\r\n", 1);
            stream.write_all(closing.as_bytes()).unwrap();
            String::from_utf8(request).unwrap()
        };
        answers.iter().map(one).collect()
    });
    (url, asked)
}

fn is_whole(request: &[u8]) -> bool {
    let text = String::from_utf8_lossy(request);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head.lines().find_map(|l| {
        l.to_ascii_lowercase()
            .strip_prefix("content-length: ")?
            .parse()
            .ok()
    });
    body.len() >= length.unwrap_or(0)
}

/// As pasted from a browser's address bar.
#[test]
fn a_login_in_the_address_is_in_no_error() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = nobody.local_addr().unwrap();
    drop(nobody);
    for url in [
        format!("http://anna:hunter2@{address}/?token=hunter2"),
        "https://anna:hunter2@127.0.0.1".to_owned(),
        "http://anna:hunter2@127.0.0.1:99999".to_owned(),
        "http://anna:hunter2@ ".to_owned(),
    ] {
        let error = Client::new(&url, "", "").version().unwrap_err();
        let said = format!("{error} {error:?}");
        assert!(!said.contains("hunter2"), "{said}");
    }
}
