//! The program's own log: a daily file in the system's state folder, seven kept, and warnings on
//! stderr where asked. Filtered by `PD_CONSOLE_LOG` (tracing's directives), `info` by default.

use etcetera::{AppStrategy, AppStrategyArgs, choose_app_strategy};
use tracing_appender::non_blocking::WorkerGuard;
use tracing_subscriber::EnvFilter;

/// Starts logging. The guard writes out what is left when it is dropped; None where no folder can be
/// written (the program goes on without a file).
pub fn start(to_stderr: bool) -> Option<WorkerGuard> {
    let filter =
        EnvFilter::try_from_env("PD_CONSOLE_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    if to_stderr {
        tracing_subscriber::fmt()
            .with_env_filter(filter)
            .with_writer(std::io::stderr)
            .init();
        return None;
    }
    let strategy = choose_app_strategy(AppStrategyArgs {
        top_level_domain: "org".into(),
        author: "pd-console".into(),
        app_name: "pd-console".into(),
    })
    .ok()?;
    let folder = strategy
        .state_dir()
        .unwrap_or_else(|| strategy.data_dir())
        .join("log");
    // The files in it are private by `private::by_default`.
    crate::private::folder(&folder).ok()?;
    let file = tracing_appender::rolling::Builder::new()
        .rotation(tracing_appender::rolling::Rotation::DAILY)
        .filename_prefix("pd-console")
        .filename_suffix("log")
        .max_log_files(7)
        .build(folder)
        .ok()?;
    // Lossy: a full disk must not hold a show up.
    let (writer, guard) = tracing_appender::non_blocking(file);
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(writer)
        .with_ansi(false)
        .init();
    Some(guard)
}
