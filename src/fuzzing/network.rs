//! Addresses and handshakes: what an operator pastes, what a server answers.

use super::input::Input;
use crate::mediamtx::{Offers, url};
use crate::publish::host_box::parse_host_box;
use crate::publish::srt_ping::{PACKET_BYTES, induction_request, parse_answer};
use crate::publish::streamid::{
    MAX_STREAM_ID_BYTES, Mode, parse_stream_id, path_problem, stream_id,
};
use crate::publish::target::{Target, pull_source, pulled_from, wished_latency_ms};
use crate::settings::{Secrets, TargetSettings, Way};
use percent_encoding::percent_decode_str;
use std::net::{IpAddr, SocketAddr};

/// An SRT answer is taken only where it is one, and an answer made of a request is taken.
pub fn srt_ping(data: &[u8]) {
    let word = |at: usize| {
        let bytes = data.get(at * 4..at * 4 + 4)?;
        Some(u32::from_be_bytes(bytes.try_into().ok()?))
    };
    match parse_answer(data) {
        Some(answer) => {
            assert!(data.len() >= PACKET_BYTES);
            assert_eq!(word(0), Some(0x8000_0000));
            assert_eq!(word(9), Some(1));
            assert_eq!(word(3), Some(answer.to_socket_id));
            assert_eq!(word(4), Some(answer.version));
            assert!(answer.version < 5 || data[22..24] == [0x4a, 0x17]);
            // Cut short it is none.
            assert_eq!(parse_answer(&data[..PACKET_BYTES - 1]), None);
        }
        None => {
            let mut input = Input::new(data);
            let (id, time, version) = (input.u32(), input.u32(), input.u32());
            let mut answer = induction_request(id, time);
            answer[12..16].copy_from_slice(&id.to_be_bytes());
            answer[16..20].copy_from_slice(&version.to_be_bytes());
            answer[22..24].copy_from_slice(&[0x4a, 0x17]);
            let read = parse_answer(&answer).expect("an answer");
            assert_eq!((read.to_socket_id, read.version), (id, version));
        }
    }
}

/// A stream id is read back as it was made, byte for byte, or is not made.
pub fn streamid(data: &[u8]) {
    let mut input = Input::new(data);
    if input.flag() {
        let text = input.rest_text();
        if let Some(parts) = parse_stream_id(&text)
            && let Ok(id) = stream_id(parts.mode, &parts.path, &parts.user, &parts.password)
        {
            let again = parse_stream_id(&id).expect("our own stream id");
            // A user without password and the other way round have the same form.
            assert_eq!(again, parts, "{text:?} as {id:?}");
        }
        let _ = path_problem(&text);
        return;
    }
    let mode = if input.flag() {
        Mode::Publish
    } else {
        Mode::Read
    };
    let (path, user, password) = (input.text(), input.text(), input.text());
    if let Ok(id) = stream_id(mode, &path, &user, &password) {
        assert!(id.len() <= MAX_STREAM_ID_BYTES);
        assert!(!id.contains(char::is_control));
        let parts = parse_stream_id(&id).expect("our own stream id");
        assert_eq!(
            (parts.mode, parts.path, parts.user, parts.password),
            (mode, path, user, password),
            "{id:?}"
        );
    }
}

/// A host box gives a host that can be asked for, and the same again from what it gave.
pub fn host_box(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let parsed = match parse_host_box(&text) {
        Ok(parsed) => parsed,
        Err(error) => {
            let said = error.to_string();
            // What stands before an @ may be a password.
            if let Some((before, after)) = text.trim().split_once('@')
                && !after.contains(before)
                && before.len() > 8
                // A backtick is the message's own quotation mark.
                && !before.contains(['/', ':', '?', '`'])
            {
                assert!(!said.contains(before), "{said}");
            }
            return;
        }
    };
    assert!(!parsed.host.is_empty());
    assert!(
        !parsed
            .host
            .contains(|c: char| c.is_whitespace() || c.is_control() || "@/?#[]".contains(c))
    );
    assert_ne!(parsed.port, Some(0));
    let host = if parsed.host.contains(':') {
        format!("[{}]", parsed.host)
    } else {
        parsed.host.clone()
    };
    let port = parsed
        .port
        .map_or_else(String::new, |port| format!(":{port}"));
    for again in [format!("{host}{port}"), format!("srt://{host}{port}")] {
        let again = parse_host_box(&again).expect("what it gave");
        assert_eq!((&again.host, again.port), (&parsed.host, parsed.port));
        assert!(again.notes.is_empty());
    }
    let shown = format!("{parsed:?}");
    for secret in [&parsed.passphrase, &parsed.stream_id]
        .into_iter()
        .flatten()
    {
        let elsewhere = parsed.host.contains(secret.as_str())
            || parsed
                .notes
                .iter()
                .any(|note| note.contains(secret.as_str()));
        assert!(secret.len() < 10 || elsewhere || !shown.contains(secret.as_str()));
    }
}

fn decoded(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// Every way's address holds exactly what was set and no secret where it is shown.
pub fn target_urls(data: &[u8]) {
    let mut input = Input::new(data);
    let srt = SocketAddr::new(IpAddr::from([127, 0, input.u8(), input.u8()]), input.u16());
    let ping_ms = [
        None,
        Some(f64::from(input.u16()) / 10.0),
        Some(1e9),
        Some(-1.0),
    ][input.below(4)];
    let set = TargetSettings {
        path: input.text(),
        user: input.text(),
        latency_ms: u32::from(input.u16()),
        udp_port: input.u16(),
        rtsp_port: input.u16(),
        webrtc_url: input.text(),
        file: input.text(),
        pull_address: "127.0.0.1".into(),
        ..TargetSettings::default()
    };
    let (password, passphrase) = (input.text(), input.text());
    let secrets = Secrets {
        password: crate::settings::secrets::secret(&password),
        passphrase: crate::settings::secrets::secret(&passphrase),
        ..Secrets::default()
    };
    for text in [&set.path, &set.user, &password] {
        let part = url::part(text);
        assert!(
            part.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-._~%".contains(&b))
        );
        assert_eq!(decoded(&part), *text);
        let path = url::path(text);
        assert_eq!(decoded(&path), *text);
        assert_eq!(path.matches('/').count(), text.matches('/').count());
    }
    let offers = Offers::all();
    let target = Target::at(srt, &set, &secrets, input.flag().then_some(&offers));
    let wished = wished_latency_ms(set.latency_ms, ping_ms);
    assert!(set.latency_ms != 0 || (20..=1000).contains(&wished));
    for way in [
        Way::Auto,
        Way::SrtPush,
        Way::Rtsp,
        Way::Whip,
        Way::Udp,
        Way::File,
    ] {
        let Ok(output) = target.output(way, ping_ms) else {
            continue;
        };
        let shown = format!("{output:?}");
        // A secret of some length is in no shown text, unless a part that is shown has the same letters.
        let open = format!(
            "{srt}{}{}{}{}",
            set.path, set.user, set.webrtc_url, set.file
        );
        let open = format!(
            "{open}{}{}{}",
            url::part(&open),
            output_words(),
            target.whip_url
        );
        for secret in [&password, &passphrase] {
            if secret.len() > 5 && !open.contains(secret.as_str()) && !secret.contains('*') {
                assert!(!shown.contains(secret.as_str()), "{shown}");
            }
        }
    }
    let source = pull_source(srt, wished, "0123456789abcdef");
    assert_eq!(pulled_from(&source), Some(srt));
    let _ = pulled_from(&set.path);
}

/// What the shown form of an output has of its own.
const fn output_words() -> &'static str {
    "SrtOutput( SrtPull Rtsp(rtsp:// Whip(http:// Udp(udp:// File( publish: ?mode=caller&transtype=live&latency=&pkt_size=1316) ?pkt_size= #!::m=publish,r=,u=,s= /whip)"
}
