//! `pd-console measure`: its arguments, its progress on stderr, its report on stdout and into files.

use super::{SettingsArgs, Source};
use crate::measure::plan::{Matrix, Scene};
use crate::measure::report::{Report, Row, way_named};
use crate::measure::{self, Progress, table};
use crate::session::failure::{Failure, FailureKind};
use crate::settings::{AudioInput, AudioSourceKind, Secrets, Way};
use crate::stop::StopToken;
use crate::units::{BITRATE_MAX_KBPS, BITRATE_MIN_KBPS};
use clap::Args;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Arguments of `measure`.
#[derive(Debug, Args)]
pub struct MeasureArgs {
    /// Settings. The picture is the test pattern and the sound the tone unless named.
    #[command(flatten)]
    pub settings: SettingsArgs,
    /// Seconds of each run. Default: 8, with --quick 3.
    #[arg(long, value_parser = seconds)]
    pub seconds: Option<f64>,
    /// Ways into the server, of Rtsp, Whip, SrtPull and SrtPush. Default: all that can be taken.
    #[arg(long, value_name = "WAY,...", value_delimiter = ',', value_parser = way_named)]
    pub ways: Vec<Way>,
    /// Bitrates, kb/s. Default: 1000,3000,6000, with --quick 3000.
    #[arg(long, value_name = "KBPS,...", value_delimiter = ',',
        value_parser = clap::value_parser!(u32).range(i64::from(BITRATE_MIN_KBPS)..=i64::from(BITRATE_MAX_KBPS)))]
    pub bitrates: Vec<u32>,
    /// Sizes with their rates. Default: 1280x720@30,1280x720@60, with --quick 1280x720@30.
    #[arg(long, value_name = "WxH@FPS,...", value_delimiter = ',')]
    pub sizes: Vec<Scene>,
    /// Only the console, not what it is compared with.
    #[arg(long)]
    pub no_before: bool,
    /// The test pattern as it is, without the grain that makes it need the bitrate.
    #[arg(long)]
    pub plain: bool,
    /// One size, one bitrate, 3 s each: less than a minute.
    #[arg(long)]
    pub quick: bool,
    /// The table into this file too.
    #[arg(long, value_name = "FILE")]
    pub markdown: Option<PathBuf>,
    /// As JSON into this file; without a file, on stdout in the table's place.
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-")]
    pub json: Option<PathBuf>,
    /// No progress on stderr.
    #[arg(long)]
    pub quiet: bool,
}

/// Longest run, s: everything that arrives meanwhile is kept in memory.
const MAX_SECONDS: f64 = 60.0;

fn seconds(text: &str) -> Result<f64, String> {
    let seconds: f64 = text.parse().map_err(|e| format!("{text}: {e}"))?;
    if !(1.0..=MAX_SECONDS).contains(&seconds) {
        return Err(format!("{text}: it must be from 1 to {MAX_SECONDS}"));
    }
    Ok(seconds)
}

fn or<T: Clone>(given: &[T], else_: &[T]) -> Vec<T> {
    if given.is_empty() { else_ } else { given }.to_vec()
}

impl MeasureArgs {
    /// What is asked for.
    ///
    /// # Errors
    /// Where the defaults cannot be read, which a test rules out.
    pub fn matrix(&self) -> Result<Matrix, Failure> {
        let (kbps, scenes): (&[u32], &[&str]) = if self.quick {
            (&[3000], &["1280x720@30"])
        } else {
            (&[1000, 3000, 6000], &["1280x720@30", "1280x720@60"])
        };
        let scenes: Result<Vec<Scene>, _> = scenes.iter().map(|text| text.parse()).collect();
        let scenes = scenes.map_err(|e| Failure::new(FailureKind::Internal, e))?;
        Ok(Matrix {
            ways: or(&self.ways, &Matrix::WAYS),
            bitrates_kbps: or(&self.bitrates, kbps),
            scenes: or(&self.sizes, &scenes),
            seconds: self.seconds.unwrap_or(if self.quick { 3.0 } else { 8.0 }),
            before: !self.no_before,
            plain: self.plain,
        })
    }
}

/// Runs `measure`.
///
/// # Errors
/// Why nothing could be measured, or a file could not be written (what was measured is on stdout then).
pub fn measure(args: &MeasureArgs, interrupted: &StopToken) -> Result<(), Failure> {
    let matrix = args.matrix()?;
    let mut settings_args = args.settings.clone();
    settings_args.picture.source.get_or_insert(Source::Pattern);
    if settings_args.audio.is_empty() {
        settings_args.audio = vec![AudioInput::of(AudioSourceKind::Tone)];
    }
    let settings = settings_args.settings()?;
    let mut shown = Shown::new(args.quiet);
    let secrets = Secrets::from_env();
    let report = measure::run(&settings, &secrets, &matrix, interrupted, &mut |progress| {
        shown.show(&progress);
    })?;
    if let Some(warning) = report.warning().filter(|_| !args.quiet) {
        eprintln!("{warning}");
    }
    write_out(args, &report)?;
    match report.rows.first() {
        None if interrupted.is_stopped() => Err(Failure::new(
            FailureKind::Internal,
            "ended before anything was measured",
        )),
        Some(first) if report.rows.iter().all(|row| row.result.is_err()) => {
            let why = first.result.as_ref().err().cloned().unwrap_or_default();
            Err(Failure::new(FailureKind::NoReceiver, why))
        }
        None => {
            let why = report.left_out.first().map(|left| left.why.as_str());
            let why = why.unwrap_or("nothing was to be measured");
            Err(Failure::new(FailureKind::Settings, why))
        }
        Some(_) => Ok(()),
    }
}

fn write_out(args: &MeasureArgs, report: &Report) -> Result<(), Failure> {
    let table = table::markdown(report);
    let on_stdout = args.json.as_deref() == Some(Path::new("-"));
    if on_stdout {
        println!("{:#}", report.json());
    } else {
        print!("{table}");
    }
    let write = |path: &Path, text: &str| {
        std::fs::write(path, text).map_err(|e| {
            let path = path.display();
            Failure::new(
                FailureKind::Internal,
                format!("{path} cannot be written: {e}. The result is on stdout"),
            )
        })
    };
    if let Some(path) = &args.markdown {
        write(path, &table)?;
    }
    match &args.json {
        Some(path) if !on_stdout => write(path, &format!("{:#}\n", report.json())),
        _ => Ok(()),
    }
}

/// The progress: a line for each run; on a terminal the running one is written over.
struct Shown {
    quiet: bool,
    terminal: bool,
    line: String,
}

impl Shown {
    fn new(quiet: bool) -> Self {
        Self {
            quiet,
            terminal: std::io::stderr().is_terminal(),
            line: String::new(),
        }
    }

    fn show(&mut self, progress: &Progress<'_>) {
        if self.quiet {
            return;
        }
        match progress {
            Progress::Begins {
                number,
                of,
                cell,
                left,
            } => {
                self.line = format!("[{number}/{of}] {cell}");
                if self.terminal {
                    eprint!("\r\x1b[K{} ... {} left", self.line, minutes(*left));
                } else {
                    eprintln!("{} ... {} left", self.line, minutes(*left));
                }
            }
            Progress::Ended(row) => {
                let begin = if self.terminal { "\r\x1b[K" } else { "" };
                eprintln!("{begin}{}: {}", self.line, outcome(row));
            }
        }
    }
}

fn outcome(row: &Row) -> String {
    match &row.result {
        Err(why) => format!("failed: {why}"),
        Ok(figures) => figures.total.map_or_else(
            || "arrival was not measured".into(),
            |f| format!("{:.1} / {:.1} / {:.1} ms", f.p50_ms, f.p95_ms, f.max_ms),
        ),
    }
}

fn minutes(time: Duration) -> String {
    let seconds = time.as_secs_f64().round() as u64;
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{Cli, Task};
    use clap::Parser;

    fn args(words: &str) -> Result<MeasureArgs, String> {
        let words = ["pd-console", "measure"]
            .into_iter()
            .chain(words.split_whitespace());
        match Cli::try_parse_from(words)
            .map_err(|e| e.to_string())?
            .command
        {
            Some(Task::Measure(args)) => Ok(*args),
            other => Err(format!("{other:?}")),
        }
    }

    #[test]
    fn the_matrix_is_what_was_asked_for() {
        let all = args("").unwrap().matrix().unwrap();
        assert_eq!(all.ways, Matrix::WAYS);
        assert_eq!(all.bitrates_kbps, [1000, 3000, 6000]);
        assert_eq!((all.scenes.len(), all.seconds), (2, 8.0));
        assert!(all.before);
        let quick = args("--quick --bitrates 500,700")
            .unwrap()
            .matrix()
            .unwrap();
        assert_eq!(quick.bitrates_kbps, [500, 700]);
        assert_eq!((quick.scenes.len(), quick.seconds), (1, 3.0));
        let own = args("--ways srt-pull,RTSP --sizes 1920x1080@25 --seconds 4 --no-before");
        let own = own.unwrap().matrix().unwrap();
        assert_eq!(own.ways, [Way::SrtPull, Way::Rtsp]);
        assert_eq!(own.scenes[0].to_string(), "1920x1080@25");
        assert!(!own.before);
    }

    #[test]
    fn json_goes_to_a_file_or_to_stdout() {
        assert_eq!(args("").unwrap().json, None);
        assert_eq!(args("--json").unwrap().json, Some("-".into()));
        assert_eq!(args("--json a.json").unwrap().json, Some("a.json".into()));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for words in [
            "--seconds 0.5",
            "--seconds 61",
            "--ways Udp",
            "--bitrates 50",
            "--bitrates",
            "--sizes 1280",
        ] {
            assert!(args(words).is_err(), "{words}");
        }
    }

    #[test]
    fn what_is_left_is_said_in_minutes() {
        assert_eq!(minutes(Duration::from_millis(59_600)), "1:00");
        assert_eq!(minutes(Duration::from_secs(254)), "4:14");
    }
}
