//! `pd-console server install` and `pd-console ffmpeg install`: asks, fetches another's program, says where it
//! is. Main thread; blocks for as long as the network takes; progress on stderr.

use crate::fetch::{self, Parcel};
use crate::ffmpeg;
use crate::mediamtx::release;
use crate::session::failure::{Failure, FailureKind};
use crate::session::install::{FFMPEG_URL_ENV, SERVER_URL_ENV};
use crate::stop::StopToken;
use clap::{Args, Subcommand};
use std::io::{IsTerminal, Write};
use std::path::PathBuf;

/// What can be done with the embedded server.
#[derive(Debug, Subcommand)]
pub enum ServerTask {
    /// Fetch MediaMTX for this system, check its SHA-256 and install it for this user. Asks first.
    Install(ServerArgs),
}

/// What can be done with ffmpeg.
#[derive(Debug, Subcommand)]
pub enum FfmpegTask {
    /// Fetch an ffmpeg that has all that a show needs, check its SHA-256 and install it for this user. Asks first.
    Install(FfmpegArgs),
}

/// What both take.
#[derive(Debug, Args)]
pub struct InstallArgs {
    /// The file as fetched by hand, in place of the download; its SHA-256 is checked too.
    #[arg(long, value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Do not ask.
    #[arg(long)]
    pub yes: bool,
}

/// Arguments of `server install`.
#[derive(Debug, Args)]
pub struct ServerArgs {
    /// What both take.
    #[command(flatten)]
    pub all: InstallArgs,
    /// Where the archives are, for tests.
    #[arg(long, hide = true, env = SERVER_URL_ENV, default_value = release::BASE_URL)]
    pub base_url: String,
}

/// Arguments of `ffmpeg install`.
#[derive(Debug, Args)]
pub struct FfmpegArgs {
    /// What both take.
    #[command(flatten)]
    pub all: InstallArgs,
    /// Where the programs are, for tests; else where the manifest says.
    #[arg(long, hide = true, env = FFMPEG_URL_ENV)]
    pub base_url: Option<String>,
}

/// Runs `server install`.
///
/// # Errors
/// Why it was not installed; what was there before still is.
pub fn server(args: &ServerArgs, interrupted: &StopToken) -> Result<(), Failure> {
    let version = release::VERSION;
    let parcel = release::of_this_system().ok_or_else(|| {
        let message = format!(
            "for {} on {} no release with a known SHA-256 is known here. Get MediaMTX {version} from its project and set mediamtx_path",
            std::env::consts::OS,
            std::env::consts::ARCH
        );
        Failure::new(FailureKind::Server, message)
    })?;
    let name = format!("MediaMTX {version} (MIT licence)");
    let kind = FailureKind::Server;
    install(&name, &parcel, &args.all, &args.base_url, kind, interrupted)
}

/// Runs `ffmpeg install`. A file by hand may be the program or the Python wheel that holds it.
///
/// # Errors
/// As [`server`].
pub fn ffmpeg(args: &FfmpegArgs, interrupted: &StopToken) -> Result<(), Failure> {
    let kind = FailureKind::Ffmpeg;
    let (build, url) = ffmpeg::release::of_this_system()
        .ok_or_else(|| Failure::new(kind, ffmpeg::release::NONE_KNOWN))?;
    let is_wheel = |file: &PathBuf| file.extension().is_some_and(|end| end == "whl");
    let parcel = match args.all.file.as_ref().is_some_and(is_wheel) {
        true => build.in_wheel(),
        false => build.parcel(),
    };
    let name = format!(
        "ffmpeg {} ({}; {}), a program of its own",
        build.version, build.origin, build.licence
    );
    let url = args.base_url.as_ref().unwrap_or(&url);
    install(&name, &parcel, &args.all, url, kind, interrupted)
}

fn install(
    name: &str,
    parcel: &Parcel,
    args: &InstallArgs,
    base_url: &str,
    kind: FailureKind,
    interrupted: &StopToken,
) -> Result<(), Failure> {
    let failed = |e: &dyn std::fmt::Display| Failure::new(kind, e);
    let folder = fetch::folder()
        .ok_or_else(|| failed(&"the system names no folder for programs' data of this user"))?;
    let from = args.file.as_ref().map_or_else(
        || format!("{base_url}/{}", parcel.archive),
        |file| file.display().to_string(),
    );
    eprintln!(
        "{name}\n  from     {from}\n  to       {}\n  SHA-256  {}",
        folder.join(parcel.program).display(),
        parcel.sha256
    );
    if !args.yes && !agreed(kind)? {
        return Err(failed(&"not installed: it was not agreed to"));
    }
    let path = match &args.file {
        Some(file) => fetch::from_file(parcel, file, &folder),
        None => {
            let mut shown = Shown::default();
            let progress = &mut |got, all| shown.show(got, all);
            let result = fetch::download(parcel, base_url, &folder, progress, interrupted);
            shown.end();
            result
        }
    };
    let path = path.map_err(|error| failed(&error))?;
    println!("installed: {}", path.display());
    eprintln!("pd-console takes it from there by itself from now on.");
    Ok(())
}

fn agreed(kind: FailureKind) -> Result<bool, Failure> {
    let input = std::io::stdin();
    if !input.is_terminal() {
        return Err(Failure::new(
            kind,
            "not installed: there is no terminal to ask on. Give --yes to agree beforehand",
        ));
    }
    eprint!("Install it? [y/N] ");
    let _ = std::io::stderr().flush();
    let mut answer = String::new();
    input
        .read_line(&mut answer)
        .map_err(|e| Failure::new(FailureKind::Internal, e))?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes" | "ㅛ" | "예"))
}

/// The progress as shown so far: a line that is written over on a terminal, else one for each tenth.
#[derive(Default)]
struct Shown {
    tenth: u64,
    on_line: bool,
}

impl Shown {
    fn show(&mut self, got: u64, all: Option<u64>) {
        let mb = |bytes: u64| bytes as f64 / 1e6;
        let text = match all {
            Some(all) => format!("{:.1} of {:.1} MB", mb(got), mb(all)),
            None => format!("{:.1} MB", mb(got)),
        };
        if std::io::stderr().is_terminal() {
            eprint!("\r\x1b[K  {text}");
            self.on_line = true;
            return;
        }
        let tenth = all.map_or(got >> 22, |all| 10 * got / all.max(1));
        if tenth > self.tenth {
            self.tenth = tenth;
            eprintln!("  {text}");
        }
    }

    fn end(&mut self) {
        if std::mem::take(&mut self.on_line) {
            eprintln!();
        }
    }
}
