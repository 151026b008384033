//! The way to one's own server: its name, whether SRT answers there, and how fast.

use super::guard::{Case, Lane, Look};
use super::{Area, Outcome};
use crate::publish::{
    Mode, Pong, SRT_PUSH_FLOOR_MS as SERVER_FLOOR_MS, check_passphrase, first_that_answers,
    parse_host_box, ping, resolve_all, stream_id, wished_latency_ms,
};
use crate::settings::TargetKind;
use std::time::Duration;

/// A resolver may take its time.
const LIMIT: Duration = Duration::from_secs(5);
/// How long an SRT server may take to answer.
const PING_LIMIT: Duration = Duration::from_secs(1);
/// So many round trips; the fastest counts.
const PINGS: usize = 3;
/// Receive latency in round trips below which a packet lost twice comes too late: what the console
/// asks for by itself.
const ROUND_TRIPS: f64 = 3.0;

pub(super) fn check(lane: &Lane) {
    if lane.case.settings.target.kind == TargetKind::Embedded {
        let here = Look::skipped("the embedded server runs on this machine");
        return lane.tell(Area::Network, Duration::ZERO, here);
    }
    lane.look(Area::Network, LIMIT, |case, _| vec![look(case)]);
}

fn look(case: &Case) -> Look {
    let target = &case.settings.target;
    let failed = |message: String, or: &str| Look::of_message(Outcome::Failed, message, or);
    if let Err(error) = check_passphrase(case.secrets.passphrase_text()) {
        return failed(
            error.to_string(),
            "set PD_CONSOLE_PASSPHRASE to one of that length",
        );
    }
    let password = case.secrets.password_text();
    if let Err(error) = stream_id(Mode::Publish, &target.path, &target.user, password) {
        return failed(
            error.to_string(),
            "correct target.path, target.user and the password",
        );
    }
    let host = match parse_host_box(&target.host) {
        Ok(host) => host,
        Err(error) => return failed(error.to_string(), "correct target.host"),
    };
    let port = host.port.unwrap_or(target.srt_port);
    let address = match resolve_all(&host.host, port) {
        Ok(all) => first_that_answers(&all, PING_LIMIT).unwrap_or(all[0]),
        Err(error) => return failed(error.to_string(), "correct target.host"),
    };
    let mut best: Option<Pong> = None;
    for _ in 0..PINGS {
        match ping(address, PING_LIMIT) {
            Ok(pong) if best.is_some_and(|best| best.round_trip_ms <= pong.round_trip_ms) => {}
            Ok(pong) => best = Some(pong),
            // One answer is enough.
            Err(_) if best.is_some() => break,
            Err(error) => {
                return failed(error.to_string(), "check host, port and firewall");
            }
        }
    }
    best.map_or_else(
        || Look::skipped("not pinged"),
        |pong| {
            judge(
                &format!("{}:{port}", host.host),
                &pong,
                wished_latency_ms(target.latency_ms, Some(pong.round_trip_ms)),
            )
        },
    )
}

fn judge(address: &str, pong: &Pong, latency_ms: u32) -> Look {
    let found = format!(
        "SRT answers at {address}, round trip {:.1} ms",
        pong.round_trip_ms
    );
    let in_force = latency_ms.max(SERVER_FLOOR_MS);
    let wanted = (pong.round_trip_ms * ROUND_TRIPS).ceil();
    if wanted <= f64::from(in_force) {
        return Look::ok(found);
    }
    Look::warning(
        format!(
            "{found}: packets lost on the way come again too late for {in_force} ms of latency"
        ),
        format!("set target.latency_ms to {wanted:.0} or more"),
    )
}

#[cfg(test)]
mod tests {
    use super::super::Now;
    use super::*;
    use crate::settings::{Secrets, Settings, secrets::secret};
    use std::net::UdpSocket;

    fn case(host: &str, passphrase: &str) -> Case {
        let mut settings = Settings::default();
        settings.target.kind = TargetKind::Srt;
        settings.target.host = host.into();
        Case {
            settings,
            secrets: Secrets {
                passphrase: secret(passphrase),
                ..Secrets::default()
            },
            now: Now::default(),
        }
    }

    #[test]
    fn latency_of_less_than_three_round_trips_is_told() {
        let pong = |round_trip_ms| Pong {
            round_trip_ms,
            version: 5,
        };
        assert_eq!(judge("h:1", &pong(30.0), 0).outcome, Outcome::Ok);
        let far = judge("h:1", &pong(80.2), 200);
        assert_eq!(far.outcome, Outcome::Warning);
        assert!(far.fix.contains("241"), "{far:?}");
        assert_eq!(judge("h:1", &pong(80.2), 400).outcome, Outcome::Ok);
    }

    #[test]
    fn each_wrong_address_fails_with_a_fix_and_no_secret() {
        let port = UdpSocket::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let pasted = "srt://x/../?passphrase=hunter2hunter2";
        for (host, passphrase) in [
            ("", ""),
            ("me@host", ""),
            ("nope.invalid", ""),
            (&format!("127.0.0.1:{port}"), ""),
            ("127.0.0.1", "short"),
            (pasted, ""),
        ] {
            let look = look(&case(host, passphrase));
            assert_eq!(look.outcome, Outcome::Failed, "{host}: {look:?}");
            assert!(!look.fix.is_empty(), "{host}: {look:?}");
            let all = format!("{} {}", look.found, look.fix);
            assert!(!all.contains("hunter2"), "{all}");
        }
    }
}
