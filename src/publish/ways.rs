//! Which ways into a server are open, what latency each has at least, and in which order the automatic
//! choice tries them. Pure.

use super::target::{Target, wished_latency_ms};
use crate::ffmpeg::Capabilities;
use crate::mediamtx::Offers;
use crate::settings::Way;

/// MediaMTX never agrees on less SRT receive latency on push (ARCHITECTURE.md, "Where the time went").
pub const SRT_PUSH_FLOOR_MS: u32 = 120;
/// A longer round trip is no local network any more, ms: there TCP stands still with each loss.
const LOCAL_MS: f64 = 10.0;

/// One way, as the operator reads it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WayStatus {
    /// Which.
    pub way: Way,
    /// What it adds at least, ms; None where nobody watches.
    pub floor_ms: Option<u32>,
    /// Why it cannot be taken here.
    pub why_not: Option<String>,
    /// Why the automatic choice leaves it out, though it may work.
    pub not_automatic: Option<String>,
}

/// What is known of the place before a show.
pub struct Place<'a> {
    /// The server's addresses.
    pub target: &'a Target,
    /// The ffmpeg that publishes.
    pub found: &'a Capabilities,
    /// What the server's API tells; its words where it does not.
    pub offers: Result<&'a Offers, &'a str>,
    /// The path's own configuration on the server is another's, so that pull cannot set one.
    pub path_is_set: bool,
    /// Whether the bitrate follows the server's figures of SRT push.
    pub adaptive: bool,
    /// Round trip to the server, ms.
    pub ping_ms: Option<f64>,
}

/// Each way in the order of [`Way::ALL`].
pub fn ways(place: &Place<'_>) -> Vec<WayStatus> {
    Way::ALL
        .into_iter()
        .map(|way| WayStatus {
            way,
            floor_ms: floor_ms(way, place),
            why_not: why_not(way, place),
            not_automatic: not_automatic(way, place),
        })
        .collect()
}

/// What `way` adds at least, ms.
fn floor_ms(way: Way, place: &Place<'_>) -> Option<u32> {
    let wished = wished_latency_ms(place.target.latency_ms, place.ping_ms);
    match way {
        Way::Auto | Way::SrtPush => Some(wished.max(SRT_PUSH_FLOOR_MS)),
        Way::SrtPull => Some(wished),
        Way::Rtsp | Way::Whip | Way::Udp => Some(0),
        Way::File => None,
    }
}

fn why_not(way: Way, place: &Place<'_>) -> Option<String> {
    let lacks = |muxer: &str, what: &str| {
        (!place.found.muxers.contains(muxer))
            .then(|| format!("ffmpeg {} has no {what}", place.found.version_text))
    };
    let off = |is_on: fn(&Offers) -> bool, name: &str| match place.offers {
        Ok(offers) if !is_on(offers) => Some(format!("the server's {name} is switched off")),
        _ => None,
    };
    let own = |way| match place.target.output(way, place.ping_ms) {
        Err(error) => Some(error.to_string()),
        Ok(_) => None,
    };
    match way {
        Way::Auto | Way::SrtPush => off(|o| o.srt, "SRT").or_else(|| own(way)),
        Way::SrtPull => match place.offers {
            Err(why) => Some(format!("the server is told through its API to call: {why}")),
            Ok(_) if place.path_is_set => Some(format!(
                "the server's configuration has the path {} itself, so that it cannot be told to pull it",
                place.target.path
            )),
            Ok(_) => own(way),
        },
        Way::Rtsp => lacks("rtsp", "RTSP muxer")
            .or_else(|| off(|o| o.rtsp_port.is_some(), "RTSP over TCP"))
            .or_else(|| own(way)),
        Way::Whip => lacks("whip", "WHIP muxer (8.0 and later have it)")
            .or_else(|| off(|o| o.webrtc, "WebRTC"))
            .or_else(|| own(way)),
        Way::Udp | Way::File => own(way),
    }
}

fn not_automatic(way: Way, place: &Place<'_>) -> Option<String> {
    let text = match (way, place.offers) {
        (Way::Auto | Way::SrtPush, _) => return None,
        (Way::Udp | Way::File, _) => "it is for tests",
        (_, Err(why)) => return Some(format!("what the server offers is not known: {why}")),
        _ if place.adaptive => {
            "the bitrate follows the network by figures that the server gives of SRT push only"
        }
        (Way::Rtsp | Way::Whip, _) if place.target.is_encrypted() => {
            "a passphrase is set, and this way does not encrypt by it"
        }
        (Way::Rtsp, _) if place.ping_ms.is_some_and(|ms| ms > LOCAL_MS) => {
            "the server is not in the local network: RTSP over TCP stands still with each loss"
        }
        _ => return None,
    };
    Some(text.to_owned())
}

/// Which ways are tried one after another: `wished` alone, or the automatic choice's by their floor with
/// SRT push at the end.
pub fn order(wished: Way, ways: &[WayStatus]) -> Vec<Way> {
    if wished != Way::Auto {
        return vec![wished];
    }
    let mut open: Vec<_> = ways
        .iter()
        .filter(|w| w.way != Way::SrtPush && w.why_not.is_none() && w.not_automatic.is_none())
        .collect();
    // Equal floors stand in the order of what was measured: RTSP, WHIP (ARCHITECTURE.md).
    open.sort_by_key(|w| (w.floor_ms, w.way != Way::Rtsp));
    let mut order: Vec<_> = open.into_iter().map(|w| w.way).collect();
    order.push(Way::SrtPush);
    order
}

#[cfg(test)]
#[path = "ways_tests.rs"]
mod tests;
