//! The program's own log: a daily file in the system's state folder, seven kept, and warnings on
//! stderr where asked. Filtered by `PD_CONSOLE_LOG` (tracing's directives), `info` by default. No line has a secret in
//! it that the process knows, and the newest are kept in memory for reports (`crash::tail`).

use crate::crash::tail::Tee;
use crate::settings::store::state_dir;
use std::path::PathBuf;
use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::EnvFilter;

/// Where the files are; None where no home folder is known.
pub fn folder() -> Option<PathBuf> {
    Some(state_dir()?.join("log"))
}

/// Starts logging. The guard writes out what is left when it is dropped; None where no folder can be
/// written (the program goes on without a file).
pub fn start(to_stderr: bool) -> Option<WorkerGuard> {
    let filter =
        EnvFilter::try_from_env("PD_CONSOLE_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let subscriber = tracing_subscriber::fmt().with_env_filter(filter);
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
    std::fs::create_dir_all(&folder).ok()?;
    tracing_appender::rolling::Builder::new()
        .rotation(tracing_appender::rolling::Rotation::DAILY)
        .filename_prefix("pd-console")
        .filename_suffix("log")
        .max_log_files(7)
        .build(folder)
        .ok()
}
