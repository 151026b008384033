//! Versions of what a show runs on, for diagnostics. Blocks for seconds at most: each is asked with a deadline.

use super::guard::within;
use super::server;
use crate::ffmpeg::capabilities;
use crate::mediamtx::locate;
use crate::monitor::gpu;
use crate::settings::Settings;
use crate::stop::StopToken;
use std::time::Duration;

/// A driver that hangs is given up.
const GPU_LIMIT: Duration = Duration::from_secs(4);

/// Name and version of each; why there is none, where that is so.
pub fn look(settings: &Settings) -> Vec<(&'static str, String)> {
    let stop = StopToken::new();
    let ffmpeg = match capabilities::look(settings.ffmpeg_path.as_deref()) {
        Ok(found) => format!(
            "{} at {}",
            found.capabilities.version_text,
            found.path.display()
        ),
        Err(error) => error.to_string(),
    };
    let server = match locate::locate(settings.mediamtx_path.as_deref()) {
        Ok(path) => {
            let version = server::version(&path, &stop).unwrap_or_else(|why| why);
            format!("{version} at {}", path.display())
        }
        Err(error) => error.to_string(),
    };
    let cards = within(GPU_LIMIT, &stop, |_| gpu::read());
    let cards = match cards {
        Ok(cards) if cards.is_empty() => "no card tells of itself".to_owned(),
        Ok(cards) => cards
            .iter()
            .map(|card| card.name.clone())
            .collect::<Vec<_>>()
            .join(", "),
        Err(nothing) => nothing.look().found,
    };
    vec![
        ("ffmpeg", ffmpeg),
        ("MediaMTX", server),
        ("graphics", cards),
    ]
}
