use super::*;
use proptest::prelude::*;

fn head(text: &str) -> Result<Head, u16> {
    match Head::read(text.as_bytes()) {
        Ok(Some((head, length))) => {
            assert_eq!(length, text.len());
            Ok(head)
        }
        Ok(None) => panic!("not whole: {text:?}"),
        Err(refusal) => Err(refusal.status),
    }
}

fn asked(line: &str, headers: &str, lan: bool) -> Result<Route, u16> {
    let door = Door {
        lan,
        names: vec!["studio".into(), "studio.local".into()],
        key: KEY.into(),
    };
    // The paths below stand behind the key.
    let line = line.replacen(" /", &format!(" /{KEY}/"), 1);
    let head = head(&format!("{line} HTTP/1.1\r\n{headers}\r\n"))?;
    door.judge(&head).map_err(|refusal| refusal.status)
}

const KEY: &str = "k3y0fwa11s";
const HERE: &str = "Host: 127.0.0.1:8880\r\n";

#[test]
fn each_route_is_found_and_nothing_else() {
    let ask = |line: &str| asked(line, HERE, false);
    assert_eq!(ask("GET /"), Ok(Route::Page));
    assert_eq!(ask("HEAD /?from=qr"), Ok(Route::Page));
    assert_eq!(ask("GET /status"), Ok(Route::Status));
    let sdp = format!("{HERE}Content-Type: application/sdp; charset=utf-8\r\n");
    assert_eq!(asked("POST /whep", &sdp, false), Ok(Route::Join));
    let id = "0f-9_Z";
    let fragment = format!("{HERE}content-type: application/trickle-ice-sdpfrag\r\n");
    assert_eq!(
        asked(&format!("PATCH /whep/{id}"), &fragment, false),
        Ok(Route::Candidates(id.into()))
    );
    assert_eq!(
        ask(&format!("DELETE /whep/{id}")),
        Ok(Route::Leave(id.into()))
    );
    for missing in [
        "GET /whep/../status",
        "DELETE /whep/../../v3/config/paths",
        "DELETE /whep/%2e%2e",
        "DELETE /whep/",
        "GET /etc/passwd",
        "GET /../settings.ron",
        "GET //status",
        "GET /page.html",
        "GET /favicon.ico",
    ] {
        assert_eq!(ask(missing), Err(404), "{missing}");
    }
    for wrong in [
        "POST /",
        "DELETE /whep",
        "GET /whep",
        "GET /whep/a",
        "PUT /status",
    ] {
        assert_eq!(ask(wrong), Err(405), "{wrong}");
    }
    // A plain form of another page can send these.
    for kind in ["text/plain", "application/x-www-form-urlencoded"] {
        let headers = format!("{HERE}Content-Type: {kind}\r\n");
        assert_eq!(asked("POST /whep", &headers, false), Err(415), "{kind}");
    }
    assert_eq!(ask("POST /whep"), Err(415));
}

#[test]
fn without_the_whole_link_nothing_is_shown() {
    let door = Door {
        key: KEY.into(),
        ..Door::default()
    };
    let with = |door: &Door, line: &str| {
        let sdp = "Content-Type: application/sdp\r\n";
        let head = head(&format!("{line} HTTP/1.1\r\n{HERE}{sdp}\r\n"))?;
        door.judge(&head).map_err(|refusal| refusal.status)
    };
    let ask = |line: &str| with(&door, line);
    assert_eq!(ask(&format!("GET /{KEY}/")), Ok(Route::Page));
    assert_eq!(ask(&format!("GET /{KEY}")), Ok(Route::Slash));
    // Browsers ask for it by themselves, without the key.
    assert_eq!(ask("GET /favicon.ico"), Ok(Route::Icon));
    let longer = format!("GET /{KEY}x/status");
    let shorter = format!("GET /{}/status", &KEY[1..]);
    let upper = format!("GET /{}/status", KEY.to_uppercase());
    let doubled = format!("GET //{KEY}/status");
    for line in [
        "GET /",
        "GET //",
        "GET /status",
        "POST /whep",
        "POST /eye",
        "DELETE /whep/s-1",
        "OPTIONS *",
        &longer,
        &shorter,
        &upper,
        &doubled,
    ] {
        assert_eq!(ask(line), Err(403), "{line}");
    }
    // A door without a key is shut, not open.
    for line in ["GET /", "GET //", "GET //status", "POST //whep"] {
        assert_eq!(with(&Door::default(), line), Err(403), "{line}");
    }
}

#[test]
fn reports_are_small_and_of_this_page_only() {
    let json = format!("{HERE}Content-Type: application/json\r\n");
    let own = format!("{json}Origin: http://127.0.0.1:8880\r\nSec-Fetch-Site: same-origin\r\n");
    assert_eq!(asked("POST /eye?7", &own, false), Ok(Route::Report));
    for (headers, status) in [
        (format!("{json}Origin: http://evil.example\r\n"), 403),
        (format!("{json}Origin: null\r\n"), 403),
        (format!("{json}Sec-Fetch-Site: cross-site\r\n"), 403),
        (format!("{HERE}Content-Type: text/plain\r\n"), 415),
        (HERE.to_owned(), 415),
        (
            "Host: evil.example\r\nContent-Type: application/json\r\n".to_owned(),
            421,
        ),
        (format!("{json}Content-Length: {}\r\n", REPORT_MAX + 1), 413),
    ] {
        assert_eq!(
            asked("POST /eye", &headers, false),
            Err(status),
            "{headers}"
        );
    }
    for wrong in ["GET /eye", "PUT /eye", "DELETE /eye"] {
        assert_eq!(asked(wrong, &json, false), Err(405), "{wrong}");
    }
    assert_eq!(asked("POST /eye/x", &json, false), Err(404));
    let named = head(&format!(
        "GET / HTTP/1.1\r\n{HERE}User-Agent: {}\r\n\r\n",
        "é".repeat(500)
    ));
    assert_eq!(named.unwrap().agent.chars().count(), 400);
}

#[test]
fn dns_rebinding_does_not_come_in() {
    let from = |host: &str, lan| asked("GET /", &format!("Host: {host}\r\n"), lan);
    for good in [
        "127.0.0.1:8880",
        "localhost:8880",
        "LOCALHOST",
        "[::1]:8880",
    ] {
        assert_eq!(from(good, false), Ok(Route::Page), "{good}");
        assert_eq!(from(good, true), Ok(Route::Page), "{good}");
    }
    for network in [
        "192.168.0.7:8880",
        "[fe80::1]:8880",
        "studio:8880",
        "Studio.local",
    ] {
        assert_eq!(from(network, false), Err(421), "{network}");
        assert_eq!(from(network, true), Ok(Route::Page), "{network}");
    }
    for evil in [
        "evil.example:8880",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "studio.local.evil.example",
        "",
        "[",
        "127.0.0.1@evil.example",
    ] {
        assert_eq!(from(evil, true), Err(421), "{evil}");
    }
}

#[test]
fn other_sites_cannot_use_the_way_to_the_server() {
    let post = |headers: &str| {
        let headers = format!("{HERE}Content-Type: application/sdp\r\n{headers}");
        asked("POST /whep", &headers, false)
    };
    assert_eq!(post("Origin: http://127.0.0.1:8880\r\n"), Ok(Route::Join));
    for origin in [
        "http://evil.example",
        "https://127.0.0.1:8880",
        "http://127.0.0.1:9999",
        "http://127.0.0.1:8880.evil.example",
        "null",
    ] {
        assert_eq!(post(&format!("Origin: {origin}\r\n")), Err(403), "{origin}");
    }
    for site in ["cross-site", "same-site"] {
        let header = format!("Sec-Fetch-Site: {site}\r\n");
        assert_eq!(post(&header), Err(403), "{site}");
        let headers = format!("{HERE}{header}");
        assert_eq!(asked("GET /status", &headers, false), Err(403));
        // A link in a chat may lead here.
        assert_eq!(asked("GET /", &headers, false), Ok(Route::Page));
    }
    assert_eq!(post("Sec-Fetch-Site: same-origin\r\n"), Ok(Route::Join));
}

#[test]
fn ambiguous_and_endless_requests_are_refused() {
    let with =
        |headers: &str| head(&format!("POST /whep HTTP/1.1\r\n{headers}\r\n")).map(|h| h.length);
    assert_eq!(with(&format!("{HERE}Content-Length: 12\r\n")), Ok(12));
    assert_eq!(with(""), Err(400));
    assert_eq!(with(&format!("{HERE}{HERE}")), Err(400));
    for length in ["12\r\nContent-Length: 12", "+1", "-1", "0x10", ""] {
        let headers = format!("{HERE}Content-Length: {length}\r\n");
        assert_eq!(with(&headers), Err(400), "{length:?}");
    }
    for length in ["65537", "99999999999999999999999"] {
        let headers = format!("{HERE}Content-Length: {length}\r\n");
        assert_eq!(with(&headers), Err(413), "{length}");
    }
    assert_eq!(
        with(&format!("{HERE}Transfer-Encoding: chunked\r\n")),
        Err(411)
    );
    let many = "X: y\r\n".repeat(HEADERS_MAX + 1);
    assert_eq!(with(&format!("{HERE}{many}")), Err(431));
    let long = "x".repeat(HEAD_MAX);
    assert_eq!(with(&format!("{HERE}X: {long}\r\n")), Err(431));
    assert_eq!(
        Head::read(&vec![b'G'; HEAD_MAX]).map_err(|r| r.status),
        Err(431)
    );
    assert_eq!(head("\x16\x03\x01 TLS\r\n\r\n"), Err(400));
    assert_eq!(Head::read(b"GET / HTT"), Ok(None));
}

proptest! {
    #[test]
    fn nothing_that_is_sent_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let _ = Head::read(&bytes);
    }

    #[test]
    fn whatever_path_is_asked_for_only_the_known_ones_lead_on(path in "/[a-z./%A-Z0-9_-]{0,40}") {
        if let Ok(Route::Leave(id)) = asked(&format!("DELETE {path}"), HERE, false) {
            prop_assert!(is_session(&id));
            // `asked` puts the key and a slash in front.
            let whole = ["/whep/", id.as_str()].concat();
            prop_assert!(path == whole || path[1..] == whole[1..], "{path}");
        }
    }
}
