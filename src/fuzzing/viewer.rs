//! The viewers' page: requests and reports from browsers of the network.

use super::input::Input;
use crate::clock::MonoTime;
use crate::relay::RtpTimes;
use crate::viewer::eyes::{Eyes, OF_ONE_PEER, Sender, VIEWERS};
use crate::viewer::http::{BODY_MAX, Door, HEAD_MAX, Head, Route, is_session};
use crate::viewer::report::{Report, SHOWN_MAX, browser};
use std::net::{IpAddr, Ipv4Addr};

/// The page's key here; `fuzz/corpus/viewer_http` has it in its paths.
const KEY: &str = "k3y";

/// A head is read when it is whole and not before; who gets in is of this host and this page.
pub fn http(data: &[u8]) {
    let mut input = Input::new(data);
    let door = Door {
        lan: input.flag(),
        names: vec!["console.local".into()],
        key: KEY.into(),
    };
    let bytes = input.rest();
    let (head, length) = match Head::read(bytes) {
        Ok(Some(read)) => read,
        Ok(None) => {
            assert!(bytes.len() < HEAD_MAX);
            return;
        }
        Err(refusal) => {
            assert!((400..500).contains(&refusal.status));
            return;
        }
    };
    assert!(length <= bytes.len().min(HEAD_MAX) && head.length <= BODY_MAX);
    // What comes behind it is the body's and changes nothing; without its end it is not whole.
    let exact = Head::read(&bytes[..length]);
    assert_eq!(
        exact.as_ref().ok().and_then(Option::as_ref),
        Some(&(head.clone(), length))
    );
    assert!(!matches!(Head::read(&bytes[..length - 1]), Ok(Some(_))));
    for text in [&head.method, &head.path, &head.host, &head.content_type] {
        assert!(!text.contains(['\r', '\n', '\0']));
    }
    let Ok(route) = door.judge(&head) else {
        return;
    };
    if let Some(origin) = &head.origin {
        assert_eq!(
            *origin,
            format!("http://{}", head.host),
            "another page's origin"
        );
    }
    if let Some(site) = &head.site {
        let is_page = [format!("/{KEY}"), format!("/{KEY}/")].contains(&head.path);
        assert!(is_page || matches!(site.as_str(), "same-origin" | "none"));
    }
    if !door.lan {
        let host = head.host.to_ascii_lowercase();
        assert!(
            ["localhost", "127.", "[::1]", "::1", "[0", "[::ffff:"]
                .iter()
                .any(|own| host.starts_with(own)),
            "{host}"
        );
    }
    assert!(
        matches!(route, Route::Icon) || head.path[1..].starts_with(KEY),
        "without the key"
    );
    match route {
        Route::Candidates(id) | Route::Leave(id) => assert!(is_session(&id)),
        Route::Join | Route::Report => assert_eq!(head.method, "POST"),
        Route::Page | Route::Slash | Route::Status | Route::Icon => {
            assert!(matches!(head.method.as_str(), "GET" | "HEAD"));
        }
    }
}

/// Reports are within their bounds or refused; whatever pages say, there are so many and their figures
/// are figures.
pub fn report(data: &[u8]) {
    let mut input = Input::new(data);
    let times = RtpTimes::default();
    for n in 0..input.u8() {
        let at = MonoTime::from_micros(10_000_000 + u64::from(n) * 33_333);
        times.add(
            u32::from(n) * 3000,
            at,
            MonoTime::from_micros(at.as_micros() + 20_000),
        );
    }
    let mut eyes = Eyes::default();
    let mut now = 11_000_000_u64;
    for part in input.rest().split(|byte| *byte == b'\n').take(64) {
        now += 90_000;
        let Ok(report) = Report::read(part) else {
            continue;
        };
        assert!(report.shown.len() <= SHOWN_MAX);
        assert!((0.0..=1000.0).contains(&report.grain));
        let figures = report.figures;
        for ms in [
            figures.buffer_ms,
            figures.decode_ms,
            figures.own_ms,
            figures.rtt_ms,
        ] {
            assert!(ms.is_none_or(|ms| (0.0..=60_000.0).contains(&ms)));
        }
        let sender = Sender {
            peer: IpAddr::V4(Ipv4Addr::new(10, 0, 0, (report.n % 8) as u8)),
            browser: browser(&String::from_utf8_lossy(part)),
        };
        let (received, now) = (MonoTime::from_micros(now), MonoTime::from_micros(now + 500));
        if let Some(answer) = eyes.report(&report, sender, received, now, Some(&times)) {
            for ms in [answer.p50_ms, answer.p95_ms, answer.unsure_ms]
                .into_iter()
                .flatten()
            {
                assert!(ms.is_finite() && ms >= 0.0, "{answer:?}");
            }
            assert!(answer.p50_ms <= answer.p95_ms);
            assert!(serde_json::to_string(&answer).is_ok());
        }
        let status = eyes.status(now);
        assert!(status.viewers.len() <= VIEWERS.min(8 * OF_ONE_PEER));
    }
}
