//! The command line.

pub mod fetch;
pub mod measure;
pub mod pattern;
pub mod profile;
pub mod remote;
pub mod updates;
pub mod viewer;

use crate::capture::{self, choice};
use crate::doctor;
use crate::ffmpeg::capabilities;
use crate::ffmpeg::plan::{self, AudioInput as SoundPipe, EncoderWish};
use crate::headless::{self, Wish};
use crate::mediamtx::{self, Ports};
use crate::publish::Target;
use crate::session::failure::{Failure, FailureKind};
use crate::settings::schema::VideoSettings;
use crate::settings::{
    AudioInput, AudioSourceKind, ScreenPart, Secrets, Settings, TargetKind, VideoSourceKind, load,
    sentences, set_pair,
};
use crate::stop::StopToken;
use crate::units::Region;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::io::IsTerminal;

/// Producer console: sends a return picture of the screen to camera operators and talent through
/// MediaMTX, with a measured latency.
#[derive(Debug, Parser)]
#[command(name = "pd-console", version)]
pub struct Cli {
    /// What to do; the window without it.
    #[command(subcommand)]
    pub command: Option<Task>,
    /// Open a window though one is open with the same settings. Each keeps what is changed in it; the layout of the
    /// second is not kept.
    #[arg(long)]
    pub another: bool,
    /// Log on stderr instead of the log file.
    #[arg(long, global = true)]
    pub log: bool,
}

/// What can be done.
#[derive(Debug, Subcommand)]
pub enum Task {
    /// Go live without a window; ends with a table of latency by stage.
    Live(LiveArgs),
    /// Measure the console on this machine, way by way, bitrate by bitrate, size by size, beside what it
    /// replaces: latency, passthrough, CPU and memory as a table.
    Measure(Box<measure::MeasureArgs>),
    /// Print both ffmpeg commands, secrets masked.
    FfmpegArgs(SettingsArgs),
    /// Look whether everything is there that a show needs: ffmpeg, encoders, what browsers will get,
    /// graphics cards, picture, sound, network, server, clock. Exit code 0 where nothing fails.
    Doctor(DoctorArgs),
    /// Print what of the screen can be captured on this machine now.
    Sources {
        /// As JSON, with the names that `--set video.part=...` takes.
        #[arg(long)]
        json: bool,
    },
    /// The embedded server, MediaMTX.
    #[command(subcommand)]
    Server(fetch::ServerTask),
    /// The program that encodes and sends.
    #[command(subcommand)]
    Ffmpeg(fetch::FfmpegTask),
    /// Profiles: a show's settings under a name.
    #[command(subcommand)]
    Profile(profile::ProfileTask),
    /// Print the link to the viewers' page and its QR code.
    ViewerLink(viewer::ViewerArgs),
    /// Print where the remote control is to be reached, and its password.
    Remote(remote::RemoteArgs),
    /// Show a clock for cameras and for `glass`: digits, a flash, a bar and a code.
    Pattern(pattern::PatternArgs),
    /// Read the codes of `pattern` from this machine's screen: how late each is shown.
    Glass(pattern::GlassArgs),
    /// For the console's own use: ends its children where the system does not.
    #[command(hide = true)]
    GuardChild,
    /// Print what somebody who helps needs to read: versions, settings, last log lines, newest reports of failures.
    /// No secret is in it.
    Diagnostics(SettingsArgs),
    /// Ask whether there is a newer version of the console, and say so; nothing is downloaded.
    Updates,
}

/// What of the screen is captured.
#[derive(Clone, Debug, Args)]
pub struct PictureArgs {
    /// Picture source.
    #[arg(long)]
    pub source: Option<Source>,
    /// Only this monitor, by its name in `pd-console sources`.
    #[arg(long, value_name = "NAME", conflicts_with = "window")]
    pub monitor: Option<String>,
    /// Only this window, by its title or a part of it as `pd-console sources` shows it.
    #[arg(long, value_name = "TITLE")]
    pub window: Option<String>,
    /// Only this rectangle of the source, such as 1280x720+100+50.
    #[arg(long, value_name = "WxH+X+Y")]
    pub region: Option<Region>,
}

impl PictureArgs {
    /// Puts what is named here into `video`.
    ///
    /// # Errors
    /// Where no open window, or more than one, has the title.
    pub fn put_into(&self, video: &mut VideoSettings) -> Result<(), Failure> {
        let bad = |e: &dyn std::fmt::Display| Failure::new(FailureKind::Settings, e);
        if let Some(source) = self.source {
            video.source = source.into();
        }
        if let Some(name) = &self.monitor {
            video.part = ScreenPart::Monitor(name.clone());
        }
        if let Some(title) = &self.window {
            let open = capture::list(video.source).map_err(|e| bad(&e))?;
            video.part = choice::window_titled(title, &open).map_err(|e| bad(&e))?;
        }
        if self.region.is_some() {
            video.region = self.region;
        }
        Ok(())
    }
}

/// Settings of one run.
#[derive(Clone, Debug, Args)]
pub struct SettingsArgs {
    /// A setting for this run, such as `encoder.bitrate_kbps=3000`; may be given several times.
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub set: Vec<String>,
    /// What is captured.
    #[command(flatten)]
    pub picture: PictureArgs,
    /// Sound input: default, system (what this machine plays), tone, beep, silence, or the name of an
    /// input; then, if wished, its gain and delay, as in `system@-6dB` or `USB@3dB@40ms`. May be given
    /// several times: all are mixed.
    #[arg(long, value_name = "INPUT", value_parser = audio_input)]
    pub audio: Vec<AudioInput>,
    /// Bitrate of the picture, kb/s.
    #[arg(long, value_name = "KBPS")]
    pub bitrate: Option<u32>,
    /// Own server's host, or a whole srt:// address. Password and passphrase come from
    /// PD_CONSOLE_PASSWORD and PD_CONSOLE_PASSPHRASE (the backup's from
    /// PD_CONSOLE_BACKUP_PASSWORD and PD_CONSOLE_BACKUP_PASSPHRASE).
    #[arg(long)]
    pub host: Option<String>,
    /// Ignore the user's settings file.
    #[arg(long)]
    pub defaults: bool,
    /// This profile's settings; what else is given here comes on top.
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
}

/// Picture sources by name.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Source {
    /// The screen, by the way that suits this desktop.
    Screen,
    /// Test pattern.
    Pattern,
    /// X11 screen.
    X11,
    /// Wayland screen, through the desktop's portal.
    Portal,
    /// Windows screen.
    Windows,
    /// macOS screen.
    Macos,
    /// Through the `scap` library.
    Scap,
}

impl From<Source> for VideoSourceKind {
    fn from(source: Source) -> Self {
        match source {
            Source::Screen => Self::Screen,
            Source::Pattern => Self::Pattern,
            Source::X11 => Self::X11,
            Source::Portal => Self::Portal,
            Source::Windows => Self::Windows,
            Source::Macos => Self::MacOs,
            Source::Scap => Self::Scap,
        }
    }
}

/// Arguments of `live`.
#[derive(Debug, Args)]
pub struct LiveArgs {
    /// Settings.
    #[command(flatten)]
    pub settings: SettingsArgs,
    /// Seconds of LIVE; without it until Ctrl-C.
    #[arg(long)]
    pub seconds: Option<f64>,
    /// Let Bitfocus Companion and others steer it, as they steer OBS; `pd-console remote` shows address
    /// and password. A show that is ended from there can be started from there again, until Ctrl-C.
    #[arg(long)]
    pub remote: bool,
    /// Take the path over where another publishes on it: that one is thrown out. Without it such a show does not begin
    /// (exit code 10).
    #[arg(long)]
    pub take_over: bool,
    /// Record the show into this folder, from its start on.
    #[arg(long, value_name = "FOLDER")]
    pub record: Option<std::path::PathBuf>,
    /// Move the bitrate while live: SECOND:KBPS, may be given several times.
    #[arg(long, value_name = "SECOND:KBPS", value_parser = bitrate_at)]
    pub bitrate_at: Vec<(f64, u32)>,
    /// Change a setting while live: SECOND:NAME=VALUE, such as 10:video.size=960x540; may be given
    /// several times.
    #[arg(long, value_name = "SECOND:NAME=VALUE", value_parser = change_at)]
    pub at: Vec<(f64, String)>,
    /// One line a frame into this file, as CSV: its number, when it was captured and reached each
    /// stage, in microseconds of the machine's monotonic clock, and the RTP timestamp it came with.
    #[arg(long, value_name = "FILE")]
    pub trace: Option<std::path::PathBuf>,
    /// The result as JSON.
    #[arg(long)]
    pub json: bool,
    /// No log on stderr.
    #[arg(long)]
    pub quiet: bool,
}

/// Arguments of `doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Settings.
    #[command(flatten)]
    pub settings: SettingsArgs,
    /// The report as JSON.
    #[arg(long)]
    pub json: bool,
}

fn bitrate_at(text: &str) -> Result<(f64, u32), String> {
    let (at, kbps) = text
        .split_once(':')
        .ok_or("give SECOND:KBPS, such as 10:1000")?;
    let kbps = kbps.parse().map_err(|e| format!("{kbps}: {e}"))?;
    let range = crate::units::BITRATE_MIN_KBPS..=crate::units::BITRATE_MAX_KBPS;
    if !range.contains(&kbps) {
        return Err(format!(
            "{kbps} kb/s: it must be from {} to {}",
            range.start(),
            range.end()
        ));
    }
    Ok((at.parse().map_err(|e| format!("{at}: {e}"))?, kbps))
}

fn change_at(text: &str) -> Result<(f64, String), String> {
    let (at, pair) = text
        .split_once(':')
        .ok_or("give SECOND:NAME=VALUE, such as 10:video.size=960x540")?;
    set_pair(&mut Settings::default(), pair).map_err(|e| e.to_string())?;
    Ok((at.parse().map_err(|e| format!("{at}: {e}"))?, pair.into()))
}

/// An input of the mix as the command line names it. A name may itself have an `@` in it.
fn audio_input(text: &str) -> Result<AudioInput, String> {
    let mut name = text;
    let mut input = AudioInput::default();
    while let Some((rest, last)) = name.rsplit_once('@') {
        if let Some(gain_db) = last.strip_suffix("dB").and_then(|n| n.parse().ok()) {
            input.gain_db = gain_db;
        } else if let Some(delay_ms) = last.strip_suffix("ms").and_then(|n| n.parse().ok()) {
            input.delay_ms = delay_ms;
        } else {
            break;
        }
        name = rest;
    }
    input.source = match name {
        "" => return Err("give the input's name, such as default, system or tone".into()),
        "default" => AudioSourceKind::DefaultInput,
        "system" => AudioSourceKind::SystemSound,
        "tone" => AudioSourceKind::Tone,
        "beep" => AudioSourceKind::Beep(0),
        "silence" => AudioSourceKind::Silence,
        name => match name.strip_prefix("beep:").and_then(|ppm| ppm.parse().ok()) {
            Some(ppm) => AudioSourceKind::Beep(ppm),
            None => AudioSourceKind::Input(name.to_owned()),
        },
    };
    Ok(input)
}

impl SettingsArgs {
    /// The user's settings with this run's changes; notes about the file go to stderr.
    ///
    /// # Errors
    /// An unknown setting, or a value that it cannot have.
    pub fn settings(&self) -> Result<Settings, Failure> {
        let bad = |e: &dyn std::fmt::Display| Failure::new(FailureKind::Settings, e);
        let mut settings = if self.defaults {
            Settings::default()
        } else {
            let loaded = load();
            loaded
                .notes
                .iter()
                .for_each(|note| eprintln!("settings: {note}"));
            loaded.settings
        };
        if let Some(name) = &self.profile {
            settings = profile::over(&settings, name)?;
        }
        self.picture.put_into(&mut settings.video)?;
        if !self.audio.is_empty() {
            settings.audio.inputs = self.audio.clone();
        }
        if let Some(kbps) = self.bitrate {
            settings.encoder.bitrate_kbps = kbps;
        }
        if let Some(host) = &self.host {
            settings.target.kind = TargetKind::Srt;
            settings.target.host = host.clone();
        }
        for pair in &self.set {
            set_pair(&mut settings, pair).map_err(|e| bad(&e))?;
        }
        settings.check().map_err(|all| bad(&sentences(&all)))?;
        Ok(settings)
    }
}

fn changes(args: &LiveArgs) -> Vec<(f64, String)> {
    let bitrate = |(at, kbps): &(f64, u32)| (*at, format!("encoder.bitrate_kbps={kbps}"));
    let mut all: Vec<_> = args.bitrate_at.iter().map(bitrate).collect();
    all.extend(args.at.iter().cloned());
    all.sort_by(|a, b| a.0.total_cmp(&b.0));
    all
}

/// `live`: runs the show and prints what came of it.
///
/// # Errors
/// Why it could not begin or go on.
pub fn live(args: &LiveArgs, interrupted: &StopToken) -> Result<(), Failure> {
    let mut settings = args.settings.settings()?;
    settings.remote.on |= args.remote;
    if let Some(folder) = &args.record {
        settings.recording.auto = true;
        let folder =
            std::path::absolute(folder).map_err(|e| Failure::new(FailureKind::Settings, e))?;
        settings.recording.folder = Some(folder);
    }
    let wish = Wish {
        seconds: args.seconds,
        at: changes(args),
        quiet: args.quiet,
        take_over: args.take_over,
        trace: args.trace.clone(),
    };
    let outcome = headless::run(settings, Secrets::from_env(), &wish, interrupted)?;
    if args.json {
        println!("{:#}", outcome.json());
    } else {
        print!("{}", outcome.table());
    }
    Ok(())
}

/// `doctor`: looks at everything and prints the report.
///
/// # Errors
/// Where a check failed: the first one's area decides the kind, as a show would end with it.
pub fn doctor(args: &DoctorArgs, interrupted: &StopToken) -> Result<(), Failure> {
    let settings = args.settings.settings()?;
    let (secrets, now) = (Secrets::from_env(), doctor::Now::default());
    let progress = std::io::stderr().is_terminal();
    // One line that is written over: the report itself follows.
    let show = |text: &str| {
        if progress {
            eprint!("\r\x1b[K{text}");
        }
    };
    let mut count = 0;
    show("looking ...");
    let report = doctor::examine(&settings, &secrets, &now, interrupted, &mut |line| {
        count += 1;
        show(&format!("looking ... {count} lines, last: {}", line.area));
    });
    show("");
    if args.json {
        println!("{:#}", doctor::text::json(&report));
    } else {
        print!("{}", doctor::text::table(&report));
    }
    if interrupted.is_stopped() {
        let ended = "ended before everything was looked at";
        return Err(Failure::new(FailureKind::Internal, ended));
    }
    let failed = |line: &&doctor::Line| line.outcome == doctor::Outcome::Failed;
    let Some(first) = report.lines.iter().find(failed) else {
        return Ok(());
    };
    let kind = match first.area {
        doctor::Area::Ffmpeg | doctor::Area::Encoder | doctor::Area::Webrtc => FailureKind::Ffmpeg,
        doctor::Area::Capture | doctor::Area::Audio => FailureKind::Source,
        doctor::Area::Network => FailureKind::NoReceiver,
        doctor::Area::Server => FailureKind::Server,
        doctor::Area::Gpu | doctor::Area::Clock | doctor::Area::Files => FailureKind::Internal,
    };
    let count = report.lines.iter().filter(failed).count();
    let message = format!("{count} of the checks failed, the first is {}", first.area);
    Err(Failure::new(kind, message))
}

/// `sources`: monitors and windows, one a line or as JSON.
///
/// # Errors
/// The system's.
pub fn sources(json: bool) -> Result<String, Failure> {
    let choices = crate::capture::list(VideoSourceKind::Screen)
        .map_err(|e| Failure::new(FailureKind::Settings, e))?;
    if json {
        return Ok(format!("{:#}\n", serde_json::json!(choices)));
    }
    Ok(choices
        .iter()
        .map(|choice| format!("{}\n", choice.label))
        .collect())
}

/// `diagnostics`: the text.
///
/// # Errors
/// Settings that cannot be used.
pub fn diagnostics(args: &SettingsArgs) -> Result<String, Failure> {
    Ok(crate::crash::diagnostics::of_this_machine(
        &args.settings()?,
    ))
}

/// `ffmpeg-args`: both commands as lines that a shell takes, secrets masked.
///
/// # Errors
/// Settings that cannot be used, or no usable ffmpeg.
pub fn ffmpeg_args(args: &SettingsArgs) -> Result<String, Failure> {
    let settings = args.settings()?;
    let secrets = Secrets::from_env();
    let ffmpeg = capabilities::look(settings.ffmpeg_path.as_deref())
        .map_err(|e| Failure::new(FailureKind::Ffmpeg, e))?;
    let target = &settings.target;
    let bad = |e: &dyn std::fmt::Display| Failure::new(FailureKind::Settings, e);
    let target = match target.kind {
        TargetKind::Embedded => {
            let on = |port| (std::net::Ipv4Addr::LOCALHOST, port).into();
            let Ports {
                srt, rtsp, webrtc, ..
            } = Ports::DEFAULT;
            let pages = format!("http://{}", on(webrtc));
            let (user, password) = (mediamtx::config::USER, "generated".into());
            Target::on_loopback(target, (on(srt), on(rtsp)), &pages, user, password)
        }
        TargetKind::Srt => {
            // Nothing is asked: this only prints.
            Target::resolve(target, &secrets, None, |all| all.first().copied())
                .map_err(|e| bad(&e))?
        }
    };
    let output = target
        .output(settings.target.way, None)
        .map_err(|e| bad(&e))?;
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let program = ffmpeg.path.display().to_string();
    let encoder = plan::encoder(&EncoderWish::of(&settings), &ffmpeg.capabilities, cores);
    let (sound, sound_way) = if cfg!(unix) {
        (SoundPipe::Pipe(3), "on pipe 3")
    } else {
        let way = "from a loopback port that is chosen at each start";
        (SoundPipe::LoopbackTcp(0), way)
    };
    let publisher = plan::publisher(
        &sound,
        settings.audio.bitrate_kbps,
        &output,
        settings.probe.proves_sound() && ffmpeg.capabilities.has_framehash(),
    );
    Ok(format!(
        "# encoder (raw I420 on stdin, FLV on stdout)\n{}\n\n# publisher (FLV on stdin, WAV {sound_way})\n{}\n",
        encoder.command_line(&program),
        publisher.command_line(&program)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_is_sound() {
        use clap::CommandFactory;
        Cli::command().debug_assert();
    }

    #[test]
    fn inputs_are_named_with_gain_and_delay() {
        let of = |text| audio_input(text).unwrap();
        assert_eq!(of("tone"), AudioInput::of(AudioSourceKind::Tone));
        let named = |name: &str| AudioInput::of(AudioSourceKind::Input(name.into()));
        assert_eq!(of("mic@studio"), named("mic@studio"));
        let full = of("system@-6.5dB@40ms");
        assert_eq!(full.source, AudioSourceKind::SystemSound);
        assert_eq!((full.gain_db, full.delay_ms), (-6.5, 40));
        assert_eq!(of("beep:-200").source, AudioSourceKind::Beep(-200));
        assert!(audio_input("@3dB").is_err());
        let words = [
            "pd-console",
            "live",
            "--audio",
            "default",
            "--audio",
            "tone@13dB",
        ];
        let cli = Cli::try_parse_from(words).unwrap();
        let Some(Task::Live(mut live)) = cli.command else {
            panic!("{cli:?}");
        };
        live.settings.defaults = true;
        let error = live.settings.settings().unwrap_err();
        assert!(error.message.contains("13"), "{}", error.message);
        live.settings.audio[1].gain_db = -3.0;
        assert_eq!(live.settings.settings().unwrap().audio.inputs.len(), 2);
    }

    #[test]
    fn a_bitrate_plan_is_read_and_bounded() {
        assert_eq!(bitrate_at("4.5:1000"), Ok((4.5, 1000)));
        assert!(bitrate_at("4:99").is_err());
        assert!(bitrate_at("4").is_err());
    }
}
