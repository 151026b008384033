//! Man pages and shell completions of the packages, made from the real command line. Its own process, run by
//! `packaging/stage.sh` after a build; an example, so that nothing of it is in the program.
//!
//!     cargo run --example package_files -- FOLDER DAY
//!
//! writes `FOLDER/man/*.1` (one page a task) and `FOLDER/completions/{bash,zsh,fish}/*`. `DAY`, such as 2026-11-28, is
//! the pages' date: the same source and day give the same bytes.

use clap::{Command, CommandFactory};
use clap_complete::Shell;
use clap_mangen::{Man, roff};
use pd_console::cli::Cli;
use pd_console::session::failure::FailureKind;
use std::error::Error;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

const PROGRAM: &str = "pd-console";

fn main() -> Result<(), Box<dyn Error>> {
    let mut words = std::env::args().skip(1);
    let folder = PathBuf::from(words.next().ok_or("give a folder and a day")?);
    let day = words.next().ok_or("give a day, such as 2026-11-28")?;
    man_pages(&folder.join("man"), &day)?;
    completions(&folder.join("completions"))
}

fn completions(folder: &Path) -> Result<(), Box<dyn Error>> {
    for (name, shell) in [
        ("bash", Shell::Bash),
        ("zsh", Shell::Zsh),
        ("fish", Shell::Fish),
    ] {
        let folder = folder.join(name);
        fs::create_dir_all(&folder)?;
        let file = clap_complete::generate_to(shell, &mut shown(), PROGRAM, &folder)?;
        // clap_complete 4.6.11 takes the hyphen in a program's own name for a task's, at one of two places, and bash then
        // completes nothing behind a task; packaging/try-deb.sh completes one.
        if shell == Shell::Bash {
            let script = fs::read_to_string(&file)?;
            fs::write(file, script.replace("pd__subcmd__console", "pd__console"))?;
        }
    }
    Ok(())
}

/// The command line without what is for the console's own use: completions would offer hidden tasks.
fn shown() -> Command {
    let all = Cli::command();
    let mut shown = Command::new(PROGRAM);
    shown = shown.version(env!("CARGO_PKG_VERSION"));
    if let Some(about) = all.get_about() {
        shown = shown.about(about.clone());
    }
    if let Some(about) = all.get_long_about() {
        shown = shown.long_about(about.clone());
    }
    shown = shown.args(all.get_arguments().cloned());
    shown.subcommands(all.get_subcommands().filter(|s| !s.is_hide_set()).cloned())
}

fn man_pages(folder: &Path, day: &str) -> Result<(), Box<dyn Error>> {
    fs::create_dir_all(folder)?;
    let mut command = shown().disable_help_subcommand(true);
    command.build();
    page_and_below(&command, day, folder)
}

fn page_and_below(command: &Command, day: &str, folder: &Path) -> Result<(), Box<dyn Error>> {
    let below = || command.get_subcommands().filter(|s| !s.is_hide_set());
    for command in below() {
        page_and_below(command, day, folder)?;
    }
    let name = command.get_display_name().unwrap_or(command.get_name());
    let is_whole = name == PROGRAM;
    let man = Man::new(command.clone())
        .title(name.to_uppercase())
        .section("1")
        .date(day)
        .source(format!("{PROGRAM} {}", env!("CARGO_PKG_VERSION")))
        .manual("PD Console");
    let mut page = Vec::new();
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    if command.get_arguments().any(|a| !a.is_hide_set()) {
        man.render_options_section(&mut page)?;
    }
    if below().next().is_some() {
        man.render_subcommands_section(&mut page)?;
    }
    if is_whole {
        more(&mut page)?;
    } else {
        let mut section = roff::Roff::new();
        section.control("SH", ["SEE ALSO"]);
        section.text([roff::bold(PROGRAM), roff::roman("(1)")]);
        section.to_writer(&mut page)?;
    }
    fs::write(folder.join(format!("{name}.1")), page)?;
    Ok(())
}

/// What the command line itself does not know of the program.
fn more(page: &mut impl Write) -> Result<(), Box<dyn Error>> {
    let mut section = roff::Roff::new();
    let mut list = |title: &str, entries: &[(String, &str)]| {
        section.control("SH", [title]);
        for (term, text) in entries {
            section.control("TP", []);
            section.text([roff::bold(term.as_str())]);
            section.text([roff::roman(*text)]);
        }
    };
    let mut codes = vec![(
        "0".to_owned(),
        "All went well; a show was live and was ended by whoever began it.",
    )];
    let failures = [
        (FailureKind::Internal, "Something that nobody foresaw."),
        (FailureKind::Settings, "A setting cannot be used."),
        (
            FailureKind::Ffmpeg,
            "There is no ffmpeg that can do what is needed.",
        ),
        (
            FailureKind::Source,
            "The picture source cannot be captured.",
        ),
        (FailureKind::NoReceiver, "Nothing takes the stream."),
        (FailureKind::Refused, "The server refused the stream."),
        (
            FailureKind::Server,
            "The console's own MediaMTX cannot be run.",
        ),
        (
            FailureKind::NoDisplay,
            "There is no desktop to open a window on.",
        ),
        (
            FailureKind::Taken,
            "Another publishes on this path, or holds the settings.",
        ),
    ];
    codes.extend(failures.map(|(kind, text)| (kind.exit_code().to_string(), text)));
    codes.insert(2, ("2".to_owned(), "A wrong call."));
    list("EXIT STATUS", &codes);
    let named = |entries: &[(&str, &'static str)]| -> Vec<(String, &'static str)> {
        entries.iter().map(|(a, b)| ((*a).to_owned(), *b)).collect()
    };
    list(
        "ENVIRONMENT",
        &named(&[
            (
                "PD_CONSOLE_CONFIG_DIR",
                "Folder for settings, log and reports in the place of the system's.",
            ),
            (
                "PD_CONSOLE_FFMPEG",
                "The ffmpeg to use; else the first usable one in PATH.",
            ),
            (
                "MEDIAMTX_BIN",
                "The MediaMTX to use for a server of the console's own.",
            ),
            (
                "PD_CONSOLE_PASSWORD, PD_CONSOLE_PASSPHRASE",
                "Secrets of the server that is published to.",
            ),
            (
                "PD_CONSOLE_BACKUP_PASSWORD, PD_CONSOLE_BACKUP_PASSPHRASE",
                "The same of the backup server.",
            ),
            (
                "PD_CONSOLE_REMOTE_PASSWORD",
                "Password of the remote control.",
            ),
        ]),
    );
    list(
        "FILES",
        &named(&[
            (
                "~/.config/pd-console/settings.ron",
                "Settings; only what differs from the shipped ones need be in it.",
            ),
            (
                "~/.local/state/pd-console/log",
                "The log, a file a day, seven kept.",
            ),
        ]),
    );
    section.control("SH", ["SEE ALSO"]);
    section.text([roff::bold("ffmpeg"), roff::roman("(1)")]);
    section.to_writer(page)?;
    Ok(())
}
