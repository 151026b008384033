//! Entry: the window, or a task of the command line.

use clap::Parser;
use pd_console::cli::fetch::{FfmpegTask, ServerTask};
use pd_console::cli::pattern::PatternArgs;
use pd_console::cli::{self, Cli, Task};
use pd_console::session::failure::{Failure, FailureKind};
use pd_console::stop::StopToken;
use std::process::ExitCode;

fn main() -> ExitCode {
    // Before there is a second thread.
    #[cfg(unix)]
    let _ = pd_console::private::by_default();
    let cli = Cli::parse();
    #[cfg(unix)]
    if matches!(cli.command, Some(Task::GuardChild)) {
        pd_console::ffmpeg::guard::run();
        return ExitCode::SUCCESS;
    }
    if let Err(refused) = pd_console::folders::settle() {
        eprintln!("pd-console: {refused}");
        if cli.command.is_none() {
            tell(&refused.to_string());
        }
        return ExitCode::from(FailureKind::Settings.exit_code());
    }
    pd_console::memory::settle();
    let run = run_of(cli.command.as_ref());
    let stop = StopToken::new();
    // Before the mark: a Ctrl-C that ends the program at once must leave none. Before other threads: see there.
    let heard = match run.ends_in_order {
        true => on_interrupt(&stop),
        false => Ok(()),
    };
    // Dropped after the mark: its last lines are written.
    let _log = pd_console::logging::start(cli.log);
    if let Err(error) = heard {
        tracing::warn!("Ctrl-C ends the program at once: {error}");
    }
    let _mark = pd_console::crash::begin(run.name, run.shows);
    if run.shows {
        clear_left();
    }
    let result = match &cli.command {
        Some(Task::Live(args)) => cli::live(args, &stop),
        Some(Task::Measure(args)) => cli::measure::measure(args, &stop),
        Some(Task::Doctor(args)) => cli::doctor(args, &stop),
        Some(Task::FfmpegArgs(args)) => cli::ffmpeg_args(args).map(|text| print!("{text}")),
        Some(Task::Sources { json }) => cli::sources(*json).map(|text| print!("{text}")),
        Some(Task::Server(ServerTask::Install(args))) => cli::fetch::server(args, &stop),
        Some(Task::Ffmpeg(FfmpegTask::Install(args))) => cli::fetch::ffmpeg(args, &stop),
        Some(Task::Profile(task)) => cli::profile::run(task).map(|text| print!("{text}")),
        Some(Task::ViewerLink(args)) => cli::viewer::viewer_link(args).map(|text| print!("{text}")),
        Some(Task::Remote(args)) => cli::remote::remote(args).map(|text| print!("{text}")),
        Some(Task::Pattern(args)) => pattern(args),
        Some(Task::Glass(args)) => cli::pattern::glass(args, &stop).map(|text| print!("{text}")),
        // Nothing to guard where the system does it.
        Some(Task::GuardChild) => Ok(()),
        Some(Task::Diagnostics(args)) => cli::diagnostics(args).map(|text| print!("{text}")),
        Some(Task::Updates) => cli::updates::updates().map(|text| print!("{text}")),
        None => window(&stop, cli.another),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("pd-console: {failure}");
            ExitCode::from(failure.kind.exit_code())
        }
    }
}

/// Takes away what consoles that were killed have left of a download or of a file that they were writing.
fn clear_left() {
    use pd_console::folders;
    if let Some(folder) = pd_console::fetch::folder() {
        pd_console::partial::clear(&folder);
    }
    let kept = [
        folders::config(),
        folders::state(),
        pd_console::crash::folder(),
    ];
    for folder in kept.into_iter().flatten() {
        pd_console::whole_file::clear(&folder, std::time::SystemTime::now());
    }
}

/// What is started.
struct Run {
    name: &'static str,
    /// Whether a show can come of it, so that an end without a word is told at the next start.
    shows: bool,
    /// Whether Ctrl-C asks it to end; the others end at once.
    ends_in_order: bool,
}

fn run_of(task: Option<&Task>) -> Run {
    let (name, shows, ends_in_order) = match task {
        None => ("window", true, true),
        Some(Task::Live(_)) => ("live", true, true),
        Some(Task::Measure(_)) => ("measure", false, true),
        Some(Task::Doctor(_)) => ("doctor", false, true),
        Some(
            Task::Glass(_)
            | Task::Server(ServerTask::Install(_))
            | Task::Ffmpeg(FfmpegTask::Install(_)),
        ) => ("a task without a show", false, true),
        Some(_) => ("a task without a show", false, false),
    };
    Run {
        name,
        shows,
        ends_in_order,
    }
}

/// `stop` is set by the first Ctrl-C, TERM or hang-up; the second one ends the program at once (its children
/// with it). To be called before other threads run.
///
/// # Errors
/// The system's: all of them end the program at once then.
#[cfg(unix)]
fn on_interrupt(stop: &StopToken) -> Result<(), Box<dyn std::error::Error>> {
    use nix::sys::signal::{SigSet, Signal};
    let ours = [Signal::SIGHUP, Signal::SIGINT, Signal::SIGTERM];
    // For a moment signal-hook's handler is in place and what it does is not (signal-hook-registry 1.4.8,
    // `register_unchecked_impl`): a signal of that moment would be lost. Held back, it comes right after.
    let held = SigSet::from_iter(ours);
    held.thread_block()?;
    let set = stop.clone();
    let started = signal_hook::iterator::Signals::new(ours.map(|signal| signal as i32)).and_then(
        |mut signals| {
            std::thread::Builder::new()
                .name("pd-signals".into())
                .spawn(move || {
                    for (count, signal) in signals.forever().enumerate() {
                        set.stop();
                        if count > 0 {
                            pd_console::crash::running::ends_on_purpose();
                            std::process::exit(128 + signal);
                        }
                    }
                })
        },
    );
    held.thread_unblock()?;
    started?;
    Ok(())
}

/// As on the other systems: Ctrl-C, Ctrl-Break, the console window's closing, log-off and shutdown.
///
/// # Errors
/// The system's: all of them end the program at once then.
#[cfg(windows)]
fn on_interrupt(stop: &StopToken) -> Result<(), Box<dyn std::error::Error>> {
    use std::sync::atomic::{AtomicBool, Ordering};
    let (set, again) = (stop.clone(), AtomicBool::new(false));
    ctrlc::set_handler(move || {
        set.stop();
        if again.swap(true, Ordering::Relaxed) {
            pd_console::crash::running::ends_on_purpose();
            std::process::exit(130);
        }
    })?;
    Ok(())
}

#[cfg(feature = "gui")]
fn window(leave: &StopToken, another: bool) -> Result<(), Failure> {
    pd_console::ui::run_console(leave, another)
}

/// Where the program was started from a desktop nobody reads what stands on stderr.
#[cfg(feature = "gui")]
fn tell(what: &str) {
    pd_console::ui::files::tell(what);
}

#[cfg(not(feature = "gui"))]
fn tell(_what: &str) {}

#[cfg(not(feature = "gui"))]
fn window(_leave: &StopToken, _another: bool) -> Result<(), Failure> {
    Err(no_window("Use `pd-console live`, see `pd-console --help`"))
}

#[cfg(feature = "gui")]
fn pattern(args: &PatternArgs) -> Result<(), Failure> {
    pd_console::ui::pattern::run(pd_console::ui::pattern::Wish {
        fullscreen: args.fullscreen,
        fps: pd_console::units::Fps::whole(args.fps),
        size: args.size,
        duration: args.seconds.map(std::time::Duration::from_secs_f64),
    })
}

#[cfg(not(feature = "gui"))]
fn pattern(_args: &PatternArgs) -> Result<(), Failure> {
    let instead = "Use `pd-console live --source pattern`, or a build with the feature `gui`";
    Err(no_window(instead))
}

#[cfg(not(feature = "gui"))]
fn no_window(instead: &str) -> Failure {
    let message = format!("this build has no window. {instead}");
    Failure::new(FailureKind::Internal, message)
}
