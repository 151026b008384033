//! What an operator types or pastes into the host box, taken apart. Pure.

use percent_encoding::percent_decode_str;

/// A host box taken apart.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct HostBox {
    /// Name or address, IPv6 without brackets (a zone such as `%eth0` stays).
    pub host: String,
    /// Port, where one was given.
    pub port: Option<u16>,
    /// Stream id of a pasted URL; see [`super::parse_stream_id`].
    pub stream_id: Option<String>,
    /// Passphrase of a pasted URL.
    pub passphrase: Option<String>,
    /// Latency of a pasted URL, ms.
    pub latency_ms: Option<u32>,
    /// For the operator: what was not taken, or how a value was understood.
    pub notes: Vec<String>,
}

impl std::fmt::Debug for HostBox {
    /// Without the secrets that a pasted URL may carry.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HostBox")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("latency_ms", &self.latency_ms)
            .field("notes", &self.notes)
            .finish_non_exhaustive()
    }
}

/// Why a host box cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HostError {
    /// Nothing in it.
    #[error("no host: enter the server's name or address, such as 192.0.2.7 or media.example.com")]
    Empty,
    /// Another protocol.
    #[error(
        "{scheme}:// is no SRT address: enter the host alone, or an address that begins with srt://"
    )]
    Scheme {
        /// The protocol given.
        scheme: String,
    },
    /// Not a port.
    #[error("port {port} is not possible: it must be from 1 to 65535 (MediaMTX listens on 8890)")]
    Port {
        /// What was given.
        port: String,
    },
    /// Not a host.
    #[error("`{host}` is no host name or address: {why}")]
    Host {
        /// What was given.
        host: String,
        /// What is wrong.
        why: &'static str,
    },
}

/// Takes `text` apart: a name, an IPv4 or IPv6 address (with or without brackets, zone, port), or a
/// pasted `srt://host:port?streamid=...&latency=...&passphrase=...`; blanks around it do not count.
///
/// # Errors
/// What cannot be a host, with the reason.
pub fn parse_host_box(text: &str) -> Result<HostBox, HostError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(HostError::Empty);
    }
    let (scheme, rest) = match text.split_once("://") {
        Some((scheme, rest)) => (Some(scheme), rest),
        None => (None, text),
    };
    if let Some(scheme) = scheme.filter(|scheme| !scheme.eq_ignore_ascii_case("srt")) {
        return Err(HostError::Scheme {
            scheme: bare(scheme).into(),
        });
    }
    let (authority, query) = match rest.split_once('?') {
        Some((authority, query)) => (authority, query),
        None => (rest, ""),
    };
    let authority = match authority.split_once('/') {
        Some((authority, path)) if path.is_empty() || scheme.is_some() => authority,
        // What stands before an @ is told of below.
        Some((host, _)) if host.contains('@') => host,
        Some(_) => {
            return Err(HostError::Host {
                host: bare(authority).into(),
                why: "a slash cannot be part of it; the path has a field of its own",
            });
        }
        None => authority,
    };
    if authority.contains('@') {
        return Err(HostError::Host {
            host: bare(authority).into(),
            why: "user and password have fields of their own, they cannot stand before an @",
        });
    }
    let (host, port) = split_port(authority)?;
    let mut parsed = HostBox {
        host: check_host(host)?,
        port,
        ..HostBox::default()
    };
    if scheme.is_some() {
        take_query(query, &mut parsed);
    } else if !query.is_empty() {
        return Err(HostError::Host {
            host: parsed.host,
            why: "put srt:// in front to have the whole address taken apart",
        });
    }
    Ok(parsed)
}

/// `text` without what stands before an @: it may be a password.
fn bare(text: &str) -> &str {
    text.rsplit_once('@').map_or(text, |(_, after)| after)
}

/// `[v6]:port`, `name:port`, or a bare IPv6 address, whose colons are no port's.
fn split_port(authority: &str) -> Result<(&str, Option<u16>), HostError> {
    let authority = authority.trim();
    let host_error = |why| HostError::Host {
        host: authority.into(),
        why,
    };
    let (host, port) = if let Some(rest) = authority.strip_prefix('[') {
        let (host, after) = rest
            .split_once(']')
            .ok_or_else(|| host_error("the closing bracket ] is missing"))?;
        match after.strip_prefix(':') {
            Some(port) => (host, Some(port)),
            None if after.is_empty() => (host, None),
            None => return Err(host_error("only :port may follow the bracket")),
        }
    } else if authority.matches(':').count() > 1 {
        (authority, None)
    } else {
        match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        }
    };
    match port {
        None => Ok((host, None)),
        Some(text) => match text.parse::<u16>() {
            Ok(port) if port > 0 => Ok((host, Some(port))),
            _ => Err(HostError::Port {
                port: if text.is_empty() {
                    "(empty)".into()
                } else {
                    text.into()
                },
            }),
        },
    }
}

fn check_host(host: &str) -> Result<String, HostError> {
    let error = |why| {
        Err(HostError::Host {
            host: host.into(),
            why,
        })
    };
    if host.is_empty() {
        return Err(HostError::Empty);
    }
    if host.contains(':') {
        let address = host.split_once('%').map_or(host, |(address, _)| address);
        if address.parse::<std::net::Ipv6Addr>().is_err() {
            return error(
                "with more than one colon it must be an IPv6 address, such as fe80::1%eth0",
            );
        }
    }
    if host
        .chars()
        .any(|c| c.is_whitespace() || c.is_control() || "/?#[]\"'<>\\".contains(c))
    {
        return error("it has characters that no host has");
    }
    Ok(host.to_owned())
}

fn take_query(query: &str, parsed: &mut HostBox) {
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (key, raw) = pair.split_once('=').unwrap_or((pair, ""));
        let value = percent_decode_str(raw).decode_utf8_lossy().into_owned();
        match key {
            "streamid" | "srt_streamid" => parsed.stream_id = Some(value),
            "passphrase" => parsed.passphrase = Some(value),
            "latency" | "rcvlatency" => take_latency(&value, parsed),
            // What the console sets itself.
            "mode" if value == "caller" => {}
            "transtype" | "pkt_size" | "pbkeylen" => {}
            _ => parsed
                .notes
                .push(format!("`{key}` of the pasted address is not used")),
        }
    }
}

/// ffmpeg and OBS write microseconds into URLs, srt-live-transmit and MediaMTX milliseconds.
fn take_latency(value: &str, parsed: &mut HostBox) {
    match value.parse::<u32>() {
        Ok(us) if us > super::srt_url::MAX_LATENCY_MS => {
            parsed.latency_ms = Some(us / 1000);
            parsed.notes.push(format!(
                "latency={us} is taken as microseconds: {} ms",
                us / 1000
            ));
        }
        Ok(ms) => parsed.latency_ms = Some(ms),
        Err(_) => parsed
            .notes
            .push(format!("latency={value} is no number and is not used")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host_port(text: &str) -> (String, Option<u16>) {
        let parsed = parse_host_box(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        (parsed.host, parsed.port)
    }

    #[test]
    fn a_password_in_a_box_that_is_refused_is_not_repeated() {
        for text in [
            "me:hunter2@host",
            "me:hunter2@host/path",
            "me:hunter2@host/",
            "srt://me:hunter2@host:8890?latency=20",
            "srt://me:hunter2@host/path",
            "me:hunter2@rtsp://host",
        ] {
            let error = parse_host_box(text).unwrap_err().to_string();
            assert!(!error.contains("hunter2"), "{text}: {error}");
        }
    }

    #[test]
    fn hosts_of_the_b20_list() {
        for (text, host, port) in [
            ("::1", "::1", None),
            ("[::1]", "::1", None),
            ("[::1]:9000", "::1", Some(9000)),
            ("fe80::1%eth0", "fe80::1%eth0", None),
            ("[fe80::1%eth0]:8890", "fe80::1%eth0", Some(8890)),
            ("nope.invalid", "nope.invalid", None),
            (" example.com ", "example.com", None),
            ("example.com:8890", "example.com", Some(8890)),
            ("srt://host:8890/", "host", Some(8890)),
            ("SRT://[::1]:8890", "::1", Some(8890)),
            ("192.0.2.7", "192.0.2.7", None),
            ("방송.example", "방송.example", None),
        ] {
            assert_eq!(host_port(text), (host.to_owned(), port), "{text}");
        }
    }

    #[test]
    fn ports_out_of_range_are_refused() {
        for text in [
            "h:0",
            "h:65536",
            "h:",
            "h:x",
            "[::1]:0",
            "srt://h:99999?streamid=x",
        ] {
            let error = parse_host_box(text).unwrap_err();
            assert!(matches!(error, HostError::Port { .. }), "{text}: {error}");
        }
        assert_eq!(host_port("h:65535").1, Some(65535));
    }

    #[test]
    fn what_is_no_host_is_refused_with_a_reason() {
        assert_eq!(parse_host_box("  "), Err(HostError::Empty));
        assert_eq!(parse_host_box("srt://:8890"), Err(HostError::Empty));
        for (text, why) in [
            ("rtmp://host/live", "srt://"),
            ("http://host:9997", "srt://"),
            ("a b", "characters"),
            ("[::1", "bracket"),
            ("[::1]x", "bracket"),
            ("a:b:c", "IPv6"),
            ("user:pw@host", "fields of their own"),
            ("me@host", "fields of their own"),
            ("host/path", "slash"),
            ("host?streamid=x", "srt://"),
        ] {
            let error = parse_host_box(text).unwrap_err().to_string();
            assert!(error.contains(why), "{text}: {error}");
            assert!(!error.contains("pw"), "{error}");
        }
    }

    #[test]
    fn a_pasted_url_is_taken_apart() {
        let parsed = parse_host_box(
            "srt://[2001:db8::7]:9999?mode=caller&streamid=publish%3Apd_a%3Ame%3Ax%26y&latency=200000&passphrase=0123456789&maxbw=1",
        )
        .unwrap();
        assert_eq!(
            (parsed.host.as_str(), parsed.port),
            ("2001:db8::7", Some(9999))
        );
        assert_eq!(parsed.stream_id.as_deref(), Some("publish:pd_a:me:x&y"));
        assert_eq!(parsed.passphrase.as_deref(), Some("0123456789"));
        let debug = format!("{parsed:?}");
        assert!(
            !debug.contains("0123456789") && !debug.contains("x&y"),
            "{debug}"
        );
        assert_eq!(parsed.latency_ms, Some(200));
        assert_eq!(parsed.notes.len(), 2, "{:?}", parsed.notes);
        assert_eq!(
            parse_host_box("srt://h:1?latency=80").unwrap().latency_ms,
            Some(80)
        );
    }

    proptest::proptest! {
        #[test]
        fn never_panics_and_never_returns_brackets(text in "\\PC{0,60}") {
            if let Ok(parsed) = parse_host_box(&text) {
                proptest::prop_assert!(!parsed.host.contains(['[', ']', '/', ' ']));
                proptest::prop_assert!(!parsed.host.is_empty());
            }
        }
    }
}
