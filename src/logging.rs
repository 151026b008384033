//! The program's own log: a daily file in the system's state folder, seven kept, and warnings on
//! stderr where asked. Filtered by `PD_CONSOLE_LOG` (tracing's directives), `info` by default; of other
//! libraries it has `info` and above only, see `capped`. No line has a secret in it that the process knows,
//! and the newest are kept in memory for reports (`crash::tail`).

use crate::crash::tail::Tee;
use crate::folders;
use std::path::PathBuf;
use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;

/// Where the files are; None where no home folder is known.
pub fn folder() -> Option<PathBuf> {
    Some(folders::state()?.join("log"))
}

/// Starts logging. The guard writes out what is left when it is dropped; None where no folder can be
/// written (the program goes on without a file).
pub fn start(to_stderr: bool) -> Option<WorkerGuard> {
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter());
    if to_stderr {
        subscriber.with_writer(Tee(std::io::stderr)).init();
        return None;
    }
    let Some(file) = folder().and_then(file) else {
        // Reports have a log all the same.
        subscriber
            .with_ansi(false)
            .with_writer(Tee(std::io::sink))
            .init();
        return None;
    };
    // Lossy: a full disk must not hold a show up.
    let (writer, guard) = tracing_appender::non_blocking(file);
    subscriber.with_ansi(false).with_writer(Tee(writer)).init();
    Some(guard)
}

fn file(folder: PathBuf) -> Option<tracing_appender::rolling::RollingFileAppender> {
    // The files in it are private by `private::by_default`.
    crate::private::folder(&folder).ok()?;
    tracing_appender::rolling::Builder::new()
        .rotation(tracing_appender::rolling::Rotation::DAILY)
        .filename_prefix("pd-console")
        .filename_suffix("log")
        .max_log_files(7)
        .build(folder)
        .ok()
}

/// What is asked for in the environment, within bounds.
fn filter() -> EnvFilter {
    let asked = std::env::var("PD_CONSOLE_LOG").unwrap_or_default();
    EnvFilter::try_new(capped(&asked)).unwrap_or_else(|_| EnvFilter::new("info"))
}

/// tracing's directives with those for other libraries held to `info`: in their own debugging ureq writes the
/// bytes that it sends (logins), zbus its messages (the portal's token), str0m its keys.
fn capped(directives: &str) -> String {
    let mut all = Vec::new();
    for directive in directives.split(',').map(str::trim) {
        let (target, level) = match directive.split_once('=') {
            Some((target, level)) => (target, level),
            None if directive.parse::<LevelFilter>().is_ok() => ("", directive),
            None => (directive, "trace"),
        };
        let ours = target.split("::").next() == Some("pd_console");
        let is_quiet = level
            .parse()
            .is_ok_and(|level: LevelFilter| level <= LevelFilter::INFO);
        match (ours || is_quiet, target) {
            _ if directive.is_empty() => {}
            (true, _) => all.push(directive.to_owned()),
            // Of everything.
            (false, "") => all.push(format!("info,pd_console={level}")),
            (false, target) => all.push(format!("{target}=info")),
        }
    }
    if all.is_empty() {
        return "info".into();
    }
    all.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_libraries_debugging_is_never_written() {
        for (asked, given) in [
            ("", "info"),
            ("warn", "warn"),
            ("trace", "info,pd_console=trace"),
            ("5", "info,pd_console=5"),
            ("DEBUG, ureq=trace", "info,pd_console=DEBUG,ureq=info"),
            ("pd_console::relay=debug", "pd_console::relay=debug"),
            ("pd_console", "pd_console"),
            ("pd_console_other=debug", "pd_console_other=info"),
            ("zbus", "zbus=info"),
            ("str0m=off,warn", "str0m=off,warn"),
            ("ureq[span{a=1}]=trace", "ureq[span{a=info"),
        ] {
            assert_eq!(capped(asked), given, "{asked}");
        }
        // What is no directive after that is not taken: the usual ones are.
        assert!(EnvFilter::try_new(capped("ureq[span{a=1}]=trace")).is_err());
    }
}
