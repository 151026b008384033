//! What the Start menu starts: pd-console.exe beside this, without a console window. The console itself stays a program
//! of the command line, whose output and exit code a terminal and a script see; a program of the other kind has neither.
//!
//! One file without dependencies: `rustc` builds it (packaging/windows/package.sh), cargo does not know it. Ends at once.
#![windows_subsystem = "windows"]

use std::os::windows::process::CommandExt;
use std::process::{Command, ExitCode};

/// A console that nobody sees: what the console starts shares it, and shows none either.
const CREATE_NO_WINDOW: u32 = 0x0800_0000;

fn main() -> ExitCode {
    let Ok(here) = std::env::current_exe() else {
        return ExitCode::FAILURE;
    };
    let started = Command::new(here.with_file_name("pd-console.exe"))
        .args(std::env::args_os().skip(1))
        .creation_flags(CREATE_NO_WINDOW)
        .spawn();
    match started {
        Ok(_) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
