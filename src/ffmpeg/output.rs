//! Where a publisher sends, one form a way: the muxer, its own cures, its address, what of it is secret.
//!
//! Pure. An output holds secrets in the clear, since ffmpeg needs them; its `Debug` does not show them, and
//! what ffmpeg says of its own arguments is masked by [`super::plan::Arguments::mask`].

use super::plan::Arguments;
use crate::mediamtx::url;
use std::fmt;

/// RTP payload, bytes, that fits a path of 1280 bytes with SRTP, UDP and IPv6 around it, so that
/// MediaMTX hands packets on to WebRTC readers as they are.
const RTP_BYTES: &str = "1200";

/// SRT as a caller.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct SrtOutput {
    /// `srt://ADDRESS:PORT?...`, an address and not a name: ffmpeg 7.0.2's static build dies on
    /// names. Never holds a secret.
    pub url: String,
    /// Stream id, empty for none. As an option its bytes arrive unchanged on every version; in the
    /// URL `&` cuts it.
    pub stream_id: String,
    /// The same with its password masked.
    pub stream_id_shown: String,
    /// Passphrase, empty for none.
    pub passphrase: String,
}

impl fmt::Debug for SrtOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SrtOutput({} {})", self.url, self.stream_id_shown)
    }
}

/// Where the publisher sends, and how.
#[derive(Clone, PartialEq, Eq)]
pub enum Output {
    /// The console calls an SRT listener.
    SrtPush(SrtOutput),
    /// An SRT caller is waited for, one that knows the passphrase.
    SrtPull {
        /// `srt://ADDRESS:PORT?mode=listener...`, without a secret.
        url: String,
        /// Generated, never empty: nobody else on the network can take the stream.
        passphrase: String,
    },
    /// RTSP over TCP.
    Rtsp {
        /// Address with user and password.
        url: String,
        /// The same with the password masked.
        shown: String,
    },
    /// WHIP.
    Whip {
        /// The endpoint; a login in it is not shown.
        url: String,
        /// What stands behind "Bearer", empty for nothing.
        bearer: String,
    },
    /// MPEG-TS in UDP datagrams.
    Udp {
        /// `udp://ADDRESS:PORT?...`.
        url: String,
    },
    /// An MPEG-TS file, written over.
    File {
        /// Its path.
        path: String,
    },
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (way, shown) = match self {
            Self::SrtPush(srt) => return write!(f, "{srt:?}"),
            Self::SrtPull { url, .. } => ("SrtPull", url),
            Self::Rtsp { shown, .. } => ("Rtsp", shown),
            Self::Whip { url, .. } => ("Whip", &url::shown(url)),
            Self::Udp { url } => ("Udp", url),
            Self::File { path } => ("File", path),
        };
        write!(f, "{way}({shown})")
    }
}

impl Output {
    /// The end of a publisher's arguments: muxer, options, address.
    pub(super) fn add_to(&self, args: &mut Arguments) {
        match self {
            Self::SrtPush(srt) => {
                transport_stream(args);
                if !srt.stream_id.is_empty() {
                    args.add_secret("-srt_streamid", &srt.stream_id, &srt.stream_id_shown);
                }
                if !srt.passphrase.is_empty() {
                    args.add_secret("-passphrase", &srt.passphrase, "***");
                }
                args.add([&srt.url]);
            }
            Self::SrtPull { url, passphrase } => {
                transport_stream(args);
                args.add_secret("-passphrase", passphrase, "***");
                args.add([url]);
            }
            Self::Rtsp { url, shown } => {
                args.add(["-f", "rtsp", "-rtsp_transport", "tcp"]);
                args.add(["-pkt_size", RTP_BYTES]);
                at_once(args);
                args.add_masked(url, shown);
            }
            Self::Whip { url, bearer } => {
                args.add(["-f", "whip", "-pkt_size", RTP_BYTES]);
                at_once(args);
                if !bearer.is_empty() {
                    args.add_secret("-authorization", bearer, "***");
                }
                // It may have been pasted with a login.
                args.add_masked(url, &url::shown(url));
            }
            Self::Udp { url } => {
                transport_stream(args);
                args.add([url]);
            }
            Self::File { path } => {
                args.add(["-y"]);
                transport_stream(args);
                // A name that begins as an option or with a scheme is a name all the same.
                args.add([format!("file:{path}")]);
            }
        }
    }
}

fn transport_stream(args: &mut Arguments) {
    args.add(["-f", "mpegts"]);
    // The PES length: without it the server waits for the next picture, one frame.
    args.add(["-omit_video_pes_length", "0"]);
    // One Opus packet a PES: the default gathers up to 120 ms.
    args.add(["-pes_payload_size", "0"]);
    at_once(args);
}

/// What the muxers have in common: hold nothing back.
fn at_once(args: &mut Arguments) {
    args.add(["-muxdelay", "0", "-muxpreload", "0"]);
    // Not 0, which means "wait without limit".
    args.add(["-max_interleave_delta", "1", "-flush_packets", "1"]);
}

#[cfg(test)]
#[path = "output_tests.rs"]
mod tests;
