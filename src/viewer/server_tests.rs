use super::*;
use std::io::BufRead;
use std::net::TcpListener;

/// A page's server on a port of the system's choice, whose media server answers `upstream`.
fn server(whep_url: Option<String>) -> Server {
    let shared = Shared {
        status: arc_swap::ArcSwap::from_pointee(PublicStatus {
            live: true,
            viewers: Some(2),
            to_server_ms: None,
        }),
        whep_url: arc_swap::ArcSwap::from_pointee(whep_url),
        rtp_times: arc_swap::ArcSwapOption::empty(),
        eyes: Mutex::default(),
        agent: proxy::agent(),
    };
    Server::start(0, false, KEY, Arc::new(shared)).unwrap()
}

const KEY: &str = "k3y0fwa11s";

/// What comes back for these bytes; their path stands behind the key.
fn asked(server: &Server, request: &str) -> String {
    said(server, &request.replacen(" /", &format!(" /{KEY}/"), 1))
}

/// What comes back for exactly these bytes.
fn said(server: &Server, request: &str) -> String {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, server.port())).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    text
}

fn get(server: &Server, path: &str) -> String {
    asked(
        server,
        &format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"),
    )
}

#[test]
fn the_page_comes_with_a_policy_that_lets_nothing_else_in() {
    let server = server(None);
    let (one, two) = (get(&server, "/"), get(&server, "/"));
    assert!(one.starts_with("HTTP/1.1 200 OK\r\n"), "{one}");
    let nonce = |text: &str| {
        let at = text.find("script-src 'nonce-").unwrap() + 18;
        text[at..at + 32].to_owned()
    };
    assert_ne!(nonce(&one), nonce(&two));
    assert!(one.contains(&format!("<script nonce=\"{}\">", nonce(&one))));
    assert!(!one.contains("NONCE"));
    for header in [
        "default-src 'none'",
        "frame-ancestors 'none'",
        "X-Frame-Options: DENY",
        "nosniff",
    ] {
        assert!(one.contains(header), "{header}");
    }
    let body = one.split("\r\n\r\n").nth(1).unwrap();
    // No resource of another host: the page works where there is no internet.
    for outside in ["https://", "src=\"http", "@import", "url(http"] {
        assert!(!body.contains(outside), "{outside}");
    }
    let head = asked(&server, "HEAD / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    assert!(
        head.starts_with("HTTP/1.1 200") && head.ends_with("\r\n\r\n"),
        "{head}"
    );
    assert!(get(&server, "/status").ends_with(r#"{"live":true,"viewers":2,"to_server_ms":null}"#));
    assert!(get(&server, "/x").starts_with("HTTP/1.1 404 Not Found\r\n"));
    let evil = asked(&server, "GET / HTTP/1.1\r\nHost: evil.example\r\n\r\n");
    assert!(evil.starts_with("HTTP/1.1 421"), "{evil}");
}

#[test]
fn a_wrong_link_is_answered_late_and_shows_nothing() {
    let server = server(None);
    let started = Instant::now();
    let refused = said(&server, "GET /status HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    assert!(started.elapsed() >= WRONG_KEY_WAITS);
    assert!(refused.starts_with("HTTP/1.1 403 "), "{refused}");
    assert!(
        !refused.contains("live") && !refused.contains(KEY),
        "{refused}"
    );
    let request = format!("GET /{KEY} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n");
    let moved = said(&server, &request);
    assert!(moved.starts_with("HTTP/1.1 308 "), "{moved}");
    assert!(
        moved.contains(&format!("\r\nLocation: /{KEY}/\r\n")),
        "{moved}"
    );
}

#[test]
fn whep_is_passed_on_to_the_shows_path_only() {
    let media = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/pd_main/whep", media.local_addr().unwrap());
    let seen = std::thread::spawn(move || {
        let mut requests = Vec::new();
        for response in [
            "HTTP/1.1 201 Created\r\nLocation: /pd_main/whep/s-1\r\nETag: \"*\"\r\nSet-Cookie: a=b\r\nContent-Type: application/sdp\r\nContent-Length: 6\r\nConnection: close\r\n\r\nanswer",
            "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        ] {
            let (stream, _) = media.accept().unwrap();
            let mut reader = io::BufReader::new(stream);
            let (mut head, mut length) = (String::new(), 0);
            loop {
                let mut line = String::new();
                reader.read_line(&mut line).unwrap();
                if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                if line.trim().is_empty() {
                    break;
                }
                head += &line;
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            reader.get_mut().write_all(response.as_bytes()).unwrap();
            requests.push(head + &String::from_utf8(body).unwrap());
        }
        requests
    });
    let server = server(Some(url));
    let post = "POST /whep HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/sdp\r\n\
        Cookie: c=d\r\nAuthorization: Basic x\r\nContent-Length: 5\r\n\r\noffer";
    let answer = asked(&server, post);
    assert!(answer.starts_with("HTTP/1.1 201 Created\r\n"), "{answer}");
    assert!(answer.contains("\r\nLocation: whep/s-1\r\n"), "{answer}");
    assert!(
        answer.ends_with("\r\n\r\nanswer") && !answer.contains("Cookie"),
        "{answer}"
    );
    let bye = asked(
        &server,
        "DELETE /whep/s-1 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    );
    assert!(bye.starts_with("HTTP/1.1 200 OK\r\n"), "{bye}");
    // No password is asked of a viewer.
    let refused = asked(&server, post);
    assert!(refused.starts_with("HTTP/1.1 403"), "{refused}");
    assert!(!refused.contains("Authenticate"), "{refused}");
    let requests = seen.join().unwrap();
    assert!(
        requests[0].starts_with("POST /pd_main/whep HTTP/1.1\r\n"),
        "{}",
        requests[0]
    );
    assert!(requests[0].ends_with("offer"), "{}", requests[0]);
    assert!(
        requests[1].starts_with("DELETE /pd_main/whep/s-1 HTTP/1.1\r\n"),
        "{}",
        requests[1]
    );
    for secret in ["c=d", "Basic x"] {
        assert!(!requests[0].contains(secret), "{}", requests[0]);
    }
}

fn post(server: &Server, headers: &str, body: &str) -> String {
    let length = body.len();
    asked(
        server,
        &format!(
            "POST /eye HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n\
             {headers}Content-Length: {length}\r\n\r\n{body}"
        ),
    )
}

#[test]
fn a_report_is_answered_with_the_show_and_the_page_itself() {
    let server = server(None);
    let report = r#"{"id":"0123456789ab","n":1,"exchange":null,"grain":0.1,"playing":true,
        "hidden":false,"paused":false,"tells":true,"shown":[[77,12.5]],"figures":{"fps":30}}"#;
    let answer = post(&server, "Origin: http://127.0.0.1\r\n", report);
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    let body = answer.split("\r\n\r\n").nth(1).unwrap();
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!((&body["live"], &body["viewers"]), (&true.into(), &2.into()));
    assert_eq!(body["eye"]["why_not"], "no-show");
    assert_eq!(body["eye"]["p50_ms"], serde_json::Value::Null);
    // Again at once: not heard, but answered.
    let answer = post(&server, "", report);
    assert!(answer.ends_with(r#""eye":null}"#), "{answer}");
    assert!(!answer.contains("Set-Cookie"));
    for garbage in ["", "{}", "[[[[", "\u{1F600}", &"9".repeat(8000)] {
        let answer = post(&server, "", garbage);
        assert!(answer.starts_with("HTTP/1.1 400 "), "{garbage}: {answer}");
        assert!(
            garbage.is_empty() || !answer.contains(garbage),
            "it is not repeated"
        );
    }
    let answer = post(&server, "", &"9".repeat(9000));
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    let answer = post(&server, "Origin: http://evil.example\r\n", report);
    assert!(answer.starts_with("HTTP/1.1 403 "), "{answer}");
}

#[test]
fn a_missing_media_server_is_told() {
    let post = "POST /whep HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/sdp\r\nContent-Length: 0\r\n\r\n";
    assert!(asked(&server(None), post).starts_with("HTTP/1.1 404"));
    let gone = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let server = server(Some(format!("http://{gone}/pd_main/whep")));
    assert!(asked(&server, post).starts_with("HTTP/1.1 502"));
}

#[test]
fn slow_and_many_connections_do_not_stop_it() {
    let server = server(None);
    let at = (Ipv4Addr::LOCALHOST, server.port());
    // All places of one address, each with half a request.
    let mut held: Vec<TcpStream> = (0..OF_ONE_PEER)
        .map(|_| {
            let mut stream = TcpStream::connect(at).unwrap();
            stream.write_all(b"GET / HTTP/1.1\r\nHo").unwrap();
            stream
        })
        .collect();
    std::thread::sleep(Duration::from_millis(200));
    let mut refused = TcpStream::connect(at).unwrap();
    refused
        .set_read_timeout(Some(Duration::from_secs(2)))
        .unwrap();
    let mut bytes = [0; 1];
    assert!(matches!(refused.read(&mut bytes), Ok(0) | Err(_)));
    // One that sends a letter a second does not keep its place by that.
    let started = Instant::now();
    let slow = &mut held[0];
    slow.set_read_timeout(Some(Duration::from_millis(500)))
        .unwrap();
    let closed = loop {
        let _ = slow.write_all(b"s");
        match slow.read(&mut bytes) {
            Ok(0) => break true,
            Err(e)
                if !matches!(
                    e.kind(),
                    io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
                ) =>
            {
                break true;
            }
            _ if started.elapsed() > READ_WITHIN * 2 => break false,
            _ => {}
        }
    };
    assert!(closed, "held its place for {:?}", started.elapsed());
    drop(held);
    let until = Instant::now() + Duration::from_secs(10);
    while !get_quietly(&server).starts_with("HTTP/1.1 200") {
        assert!(Instant::now() < until, "the places are not given back");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn get_quietly(server: &Server) -> String {
    let mut text = String::new();
    if let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, server.port())) {
        let request = format!("GET /{KEY}/ HTTP/1.1\r\nHost: localhost\r\n\r\n");
        let _ = stream.write_all(request.as_bytes());
        let _ = stream.read_to_string(&mut text);
    }
    text
}

#[test]
fn its_end_gives_the_port_back_at_once() {
    let server = server(None);
    let port = server.port();
    let started = Instant::now();
    drop(server);
    assert!(started.elapsed() < Duration::from_secs(1));
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
}
