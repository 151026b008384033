//! `pattern`: a clock on the screen. `glass`: reads such clocks back. Both on the main thread.

use super::PictureArgs;
use crate::glass::{meter, reader};
use crate::session::failure::{Failure, FailureKind};
use crate::settings::schema::VideoSettings;
use crate::stop::StopToken;
use crate::units::Size;
use clap::Args;

/// Arguments of `pattern`.
#[derive(Debug, Args)]
pub struct PatternArgs {
    /// Fill the screen; F changes it later.
    #[arg(long)]
    pub fullscreen: bool,
    /// Pictures a second at most; where the display is slower, its own rate.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub fps: u32,
    /// Size of the window, in pixels at a scale of 100 %.
    #[arg(long, value_name = "WxH", value_parser = size)]
    pub size: Option<Size>,
    /// End after this; without it by Esc or Q.
    #[arg(long, value_name = "S", value_parser = seconds)]
    pub seconds: Option<f64>,
}

/// Arguments of `glass`.
#[derive(Debug, Args)]
pub struct GlassArgs {
    /// Read for so long.
    #[arg(long, value_name = "S", default_value = "10", value_parser = seconds)]
    pub seconds: f64,
    /// What is read; the whole screen by the way that suits this desktop unless named.
    #[command(flatten)]
    pub picture: PictureArgs,
    /// The result as JSON.
    #[arg(long)]
    pub json: bool,
}

fn size(text: &str) -> Result<Size, String> {
    let parse = || {
        let (width, height) = text.split_once('x')?;
        Some(Size::new(width.parse().ok()?, height.parse().ok()?))
    };
    parse()
        .filter(|size| (160..=16_384).contains(&size.width) && (90..=16_384).contains(&size.height))
        .ok_or_else(|| format!("`{text}` is no size from 160x90 up; give it as 1280x720"))
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|e| format!("{text}: {e}"))?;
    if !(0.1..=86_400.0).contains(&seconds) {
        return Err(format!("{text}: it must be from 0.1 to 86400 seconds"));
    }
    Ok(seconds)
}

/// `glass`: reads the screen and says how late each code on it is shown.
///
/// # Errors
/// Where the screen cannot be captured, or has no code on it.
pub fn glass(args: &GlassArgs, interrupted: &StopToken) -> Result<String, Failure> {
    let mut video = VideoSettings {
        // The pointer over a code is no part of it.
        cursor: false,
        ..VideoSettings::default()
    };
    args.picture.put_into(&mut video)?;
    let reading = reader::read(&video, args.seconds, interrupted)
        .map_err(|e| Failure::new(FailureKind::Source, e))?;
    if args.json {
        let blocks: Vec<_> = reading
            .blocks
            .iter()
            .map(meter::BlockFigures::json)
            .collect();
        let json = serde_json::json!({
            "version": 1,
            "source": reading.source,
            "seconds": (reading.seconds * 100.0).round() / 100.0,
            "blocks": blocks,
        });
        return Ok(format!("{json:#}\n"));
    }
    Ok(format!(
        "{}, {:.1} s\n\n{}",
        reading.source,
        reading.seconds,
        meter::table(&reading.blocks)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Task};
    use clap::Parser;

    #[test]
    fn sizes_and_times_are_read_and_bounded() {
        let words = "pd-console pattern --fullscreen --fps 30 --size 1920x1080 --seconds 2.5";
        let cli = Cli::try_parse_from(words.split(' ')).unwrap();
        let Some(Task::Pattern(args)) = cli.command else {
            panic!("{cli:?}");
        };
        assert_eq!(args.size, Some(Size::new(1920, 1080)));
        assert_eq!(
            (args.fullscreen, args.fps, args.seconds),
            (true, 30, Some(2.5))
        );
        for bad in ["", "1280", "1280x", "10x10", "1280x720x3", "99999x99999"] {
            assert!(size(bad).is_err(), "{bad}");
        }
        for bad in ["", "x", "0", "-1", "NaN", "inf"] {
            assert!(seconds(bad).is_err(), "{bad}");
        }
        let wrong = "pd-console pattern --fps 0";
        assert!(Cli::try_parse_from(wrong.split(' ')).is_err());
    }
}
