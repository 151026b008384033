//! `pd-console server install`: asks, fetches MediaMTX, says where it is. Progress on stderr.

use crate::mediamtx::install::{self, InstallError};
use crate::mediamtx::release::{BASE_URL, Release, VERSION};
use crate::session::failure::{Failure, FailureKind};
use crate::stop::StopToken;
use clap::{Args, Subcommand};
use std::io::{IsTerminal, Write};
use std::path::PathBuf;

/// What can be done with the embedded server.
#[derive(Debug, Subcommand)]
pub enum ServerTask {
    /// Fetch MediaMTX for this system, check its SHA-256 and install it for this user. Asks first.
    Install(InstallArgs),
}

/// Arguments of `server install`.
#[derive(Debug, Args)]
pub struct InstallArgs {
    /// The archive as fetched by hand, in place of the download; its SHA-256 is checked too.
    #[arg(long, value_name = "ARCHIVE")]
    pub file: Option<PathBuf>,
    /// Do not ask.
    #[arg(long)]
    pub yes: bool,
    /// Where the archives are, for tests.
    #[arg(long, hide = true, env = "PD_CONSOLE_MEDIAMTX_URL", default_value = BASE_URL)]
    pub base_url: String,
}

/// Runs `server install`.
///
/// # Errors
/// Why it was not installed; what was there before still is.
pub fn install(args: &InstallArgs, interrupted: &StopToken) -> Result<(), Failure> {
    let server = |e: &dyn std::fmt::Display| Failure::new(FailureKind::Server, e);
    let release = Release::of_this_system().ok_or_else(|| {
        server(&format!(
            "for {} on {} no release with a known SHA-256 is known here. Get MediaMTX {VERSION} from its project and set mediamtx_path",
            std::env::consts::OS,
            std::env::consts::ARCH
        ))
    })?;
    let folder = install::folder()
        .ok_or_else(|| server(&"the system names no folder for programs' data of this user"))?;
    let from = args.file.as_ref().map_or_else(
        || format!("{}/{}", args.base_url, release.archive),
        |file| file.display().to_string(),
    );
    eprintln!(
        "MediaMTX {VERSION} (MIT licence)\n  from     {from}\n  to       {}\n  SHA-256  {}",
        folder.join(release.program).display(),
        release.sha256
    );
    if !args.yes && !agreed()? {
        return Err(server(&"not installed: it was not agreed to"));
    }
    let path = match &args.file {
        Some(file) => install::from_file(&release, file, &folder),
        None => {
            let mut shown = Shown::default();
            let progress = &mut |got, all| shown.show(got, all);
            let result =
                install::download(&release, &args.base_url, &folder, progress, interrupted);
            shown.end();
            result
        }
    };
    let path = path.map_err(|error: InstallError| server(&error))?;
    println!("installed: {}", path.display());
    eprintln!("pd-console takes it from there by itself from now on.");
    Ok(())
}

fn agreed() -> Result<bool, Failure> {
    let input = std::io::stdin();
    if !input.is_terminal() {
        return Err(Failure::new(
            FailureKind::Server,
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
