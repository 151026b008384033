//! What the played look before a show finds: an ffmpeg with two encoders, a server with two ways in.

use pd_console::ffmpeg::choose::{Candidate, Ranking};
use pd_console::ffmpeg::probe::Figures;
use pd_console::ffmpeg::{Capabilities, Ffmpeg, Version};
use pd_console::publish::{Target, WayStatus};
use pd_console::session::knock::Door;
use pd_console::session::lineup::Lineup;
use pd_console::session::preflight::{Destination, Entry, Ready};
use pd_console::settings::{EncoderFamily, Secrets, Settings, Way};
use std::net::SocketAddr;

/// What preflight finds.
pub fn ready(settings: &Settings) -> Ready {
    let candidate = |family| Candidate {
        family,
        variant: 0,
        figures: Figures::default(),
    };
    let ranking = Ranking {
        candidates: [EncoderFamily::Nvenc, EncoderFamily::Libx264]
            .map(candidate)
            .into(),
        refused: Vec::new(),
    };
    let at = SocketAddr::from(([127, 0, 0, 1], 9));
    let way = |way| WayStatus {
        way,
        floor_ms: Some(0),
        why_not: None,
        not_automatic: None,
    };
    let target = Target::at(at, &settings.target, &Secrets::default(), None);
    Ready {
        ffmpeg: Ffmpeg {
            path: "ffmpeg".into(),
            capabilities: Capabilities::of_version(Version { major: 7, minor: 0 }),
        },
        lineup: Lineup::new(ranking, settings.encoder.family),
        destination: Destination::Own {
            entry: Box::new(Entry {
                target,
                claim: None,
                ways: [Way::SrtPush, Way::Rtsp].map(way).into(),
                ping_ms: Some(1.0),
                client: None,
                claim: None,
            }),
            address: at.to_string(),
            whep_url: Some("http://127.0.0.1:9/pd/whep".into()),
            door: Some(Door::Srt(at)),
        },
    }
}
