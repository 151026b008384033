//! What a found ffmpeg can: its version, protocols, encoders, muxers and its H.264 encoders' options,
//! read from its own words and kept until its file changes.
//!
//! Runs on the thread that asks and on `pd-ask-ffmpeg`, which reads; waits for an answer for [`ANSWER_LIMIT`] at
//! most, and once more for as long, since a busy machine is slow to start a program.

use super::cache::{Cache, Stamp};
use super::options::EncoderOptions;
use super::{Ffmpeg, FfmpegError, encoder, locate};
use crate::monitor::cpu::Busyness;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Oldest ffmpeg that the arguments are written for.
pub const OLDEST: Version = Version { major: 4, minor: 4 };
/// No answer within this time, twice, is none.
pub const ANSWER_LIMIT: Duration = Duration::from_secs(8);
/// One that has closed its output ends within this time, or is broken.
const END_LIMIT: Duration = Duration::from_secs(2);
/// Name of what is kept.
const KEPT: &str = "ffmpeg-capabilities";
/// Programs that are remembered.
const KEPT_PROGRAMS: usize = 8;

/// A release of ffmpeg.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Version {
    /// Release line.
    pub major: u32,
    /// Branch in it.
    pub minor: u32,
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// What one ffmpeg can.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capabilities {
    /// Its release.
    pub version: Version,
    /// Its own name of its version, such as `5.1.9-0+deb12u1`.
    pub version_text: String,
    /// Whether it speaks SRT.
    pub srt: bool,
    /// Names of its encoders.
    pub encoders: BTreeSet<String>,
    /// Names of its muxers.
    pub muxers: BTreeSet<String>,
    /// What its H.264 encoders say of their options, by the encoder's name; one that is not there
    /// was not asked.
    pub encoder_options: BTreeMap<String, EncoderOptions>,
    /// Render nodes of this machine (`/dev/dri/renderD128` and so on), looked up at each look.
    #[serde(skip)]
    pub render_nodes: Vec<String>,
}

impl Capabilities {
    /// An ffmpeg of which only the version is known: it is taken to have every option.
    pub fn of_version(version: Version) -> Self {
        Self {
            version,
            version_text: version.to_string(),
            srt: false,
            encoders: BTreeSet::new(),
            muxers: BTreeSet::new(),
            encoder_options: BTreeMap::new(),
            render_nodes: Vec::new(),
        }
    }

    /// Whether it can tell the hash of each packet.
    pub fn has_framehash(&self) -> bool {
        self.muxers.contains("framehash")
    }

    /// Reads the outputs of `-version`, `-protocols`, `-encoders` and `-muxers`. None where the
    /// first is not ffmpeg's.
    pub fn parse(version: &str, protocols: &str, encoders: &str, muxers: &str) -> Option<Self> {
        let first = version.lines().next()?;
        let version_text = first
            .strip_prefix("ffmpeg version ")?
            .split(' ')
            .next()?
            .to_owned();
        let release = release(&version_text).or_else(|| from_libavcodec(version))?;
        Some(Self {
            version_text,
            srt: protocols.lines().any(|line| line.trim() == "srt"),
            encoders: second_words(encoders),
            muxers: second_words(muxers),
            ..Self::of_version(release)
        })
    }
}

/// The names in a list of `FLAGS NAME DESCRIPTION` below its line of dashes.
fn second_words(list: &str) -> BTreeSet<String> {
    list.lines()
        .skip_while(|line| !line.trim_start().starts_with("--"))
        .skip(1)
        .filter_map(|line| line.split_whitespace().nth(1))
        .flat_map(|names| names.split(','))
        .map(str::to_owned)
        .collect()
}

/// `5.1.9-0+deb12u1`, `7.0.2-static`, `n9.0.2-17-g2a571b6068`; None for `N-12345-gabc` (a snapshot).
fn release(text: &str) -> Option<Version> {
    let mut numbers = text
        .strip_prefix('n')
        .unwrap_or(text)
        .split(|c: char| !c.is_ascii_digit());
    let major = numbers.next()?.parse().ok()?;
    let minor = numbers.next().and_then(|n| n.parse().ok()).unwrap_or(0);
    Some(Version { major, minor })
}

/// Snapshots carry no release: libavcodec's major is 54 above ffmpeg's (58 is 4.x, 59 is 5.x ...;
/// FFmpeg, doc/APIchanges).
fn from_libavcodec(version: &str) -> Option<Version> {
    let line = version
        .lines()
        .find(|line| line.starts_with("libavcodec"))?;
    let major: u32 = line
        .strip_prefix("libavcodec")?
        .split('.')
        .next()?
        .trim()
        .parse()
        .ok()?;
    Some(Version {
        major: major.checked_sub(54)?,
        minor: 0,
    })
}

/// Finds the first ffmpeg that can what a show needs, by asking; asks only where its file has changed since
/// the last time.
///
/// # Errors
/// Each reason of cases.md B24 as its own [`FfmpegError`]; where none is good, what is wrong with the first.
pub fn look(from_settings: Option<&Path>) -> Result<Ffmpeg, FfmpegError> {
    let found = look_with(from_settings, Cache::of_user())?;
    let version = &found.capabilities.version_text;
    crate::crash::facts::version("ffmpeg", format!("{version} at {}", found.path.display()));
    Ok(found)
}

/// The same with what was found before in `cache`.
///
/// # Errors
/// As [`look`].
pub fn look_with(from_settings: Option<&Path>, cache: &Cache) -> Result<Ffmpeg, FfmpegError> {
    first_good(locate::candidates(from_settings)?, cache)
}

/// A system can have several, and the first in PATH be a small one: Homebrew's `ffmpeg` has no SRT.
fn first_good(candidates: Vec<PathBuf>, cache: &Cache) -> Result<Ffmpeg, FfmpegError> {
    let mut first = None;
    for path in candidates {
        let found = known(&path, cache).and_then(|found| check(&path, &found).map(|()| found));
        match found {
            Ok(mut capabilities) => {
                capabilities.render_nodes = render_nodes(Path::new("/dev/dri"));
                return Ok(Ffmpeg { path, capabilities });
            }
            Err(why) => {
                tracing::debug!("not taken: {why}");
                first.get_or_insert(why);
            }
        }
    }
    Err(first.unwrap_or_else(|| FfmpegError::NotFound {
        looked: String::new(),
    }))
}

fn known(path: &Path, cache: &Cache) -> Result<Capabilities, FfmpegError> {
    let stamp = Stamp::of(path);
    let mut kept: Vec<(Stamp, Capabilities)> = cache.load(KEPT).unwrap_or_default();
    if let Some((_, found)) = kept.iter().find(|(s, _)| Some(s) == stamp.as_ref()) {
        return Ok(found.clone());
    }
    let found = ask(path, ANSWER_LIMIT)?;
    if let Some(stamp) = stamp {
        kept.retain(|(s, _)| s.path != stamp.path);
        kept.insert(0, (stamp, found.clone()));
        kept.truncate(KEPT_PROGRAMS);
        cache.save(KEPT, &kept);
    }
    Ok(found)
}

/// `renderD128` and so on, in order: the kernel numbers them from 128 up (drm-uapi, "Render nodes").
fn render_nodes(folder: &Path) -> Vec<String> {
    let mut nodes: Vec<_> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            let name = path.file_name().unwrap_or_default();
            name.to_string_lossy().starts_with("renderD")
        })
        .map(|path| path.display().to_string())
        .collect();
    nodes.sort_by_key(|node| (node.len(), node.clone()));
    nodes
}

fn check(path: &Path, found: &Capabilities) -> Result<(), FfmpegError> {
    let path = path.display().to_string();
    let version = found.version_text.clone();
    if found.version < OLDEST {
        return Err(FfmpegError::TooOld { path, version });
    }
    let h264 = encoder::TABLE
        .iter()
        .any(|row| found.encoders.contains(row.name));
    let parts = [
        (found.srt, "SRT (libsrt)"),
        (h264, "H.264 encoder"),
        (found.encoders.contains("libopus"), "Opus encoder (libopus)"),
        (found.muxers.contains("flv"), "FLV muxer"),
        (found.muxers.contains("mpegts"), "MPEG-TS muxer"),
    ];
    match parts.into_iter().find(|(has, _)| !has) {
        None => Ok(()),
        Some((_, what)) => Err(FfmpegError::Lacks {
            path,
            version,
            what,
            instead: "set another ffmpeg's path",
        }),
    }
}

fn ask(path: &Path, limit: Duration) -> Result<Capabilities, FfmpegError> {
    let answer = |question| asked_twice(path, &[question], limit);
    let version = answer("-version")?;
    let strange = || FfmpegError::CannotRun {
        path: path.display().to_string(),
        why: "it does not answer as ffmpeg does".into(),
    };
    if !version.starts_with("ffmpeg version ") {
        return Err(strange());
    }
    let (protocols, encoders) = (answer("-protocols")?, answer("-encoders")?);
    let mut found = Capabilities::parse(&version, &protocols, &encoders, &answer("-muxers")?)
        .ok_or_else(strange)?;
    for row in encoder::TABLE {
        if found.encoders.contains(row.name) {
            // An ffmpeg that does not tell is taken to have them all: the probe will see.
            let question = ["-h", &format!("encoder={}", row.name)];
            let help = asked_twice(path, &question, limit).unwrap_or_default();
            let options = EncoderOptions::parse(&help);
            if !options.is_empty() {
                found.encoder_options.insert(row.name.to_owned(), options);
            }
        }
    }
    Ok(found)
}

/// What it answers; asks again where no answer came in time.
fn asked_twice(path: &Path, question: &[&str], limit: Duration) -> Result<String, FfmpegError> {
    let mut busy = Busyness::begin();
    for _ in 0..2 {
        if let Some(text) = output(path, question, limit)? {
            return Ok(text);
        }
        tracing::info!("{}: no answer to {question:?}", path.display());
    }
    let (path, seconds) = (path.display().to_string(), limit.as_secs());
    Err(match busy.percent() {
        Some(percent) => FfmpegError::Busy {
            path,
            seconds,
            percent,
        },
        None => FfmpegError::Silent { path, seconds },
    })
}

/// What it answers; None where that does not come within `limit`.
fn output(path: &Path, question: &[&str], limit: Duration) -> Result<Option<String>, FfmpegError> {
    let cannot = |why: String| FfmpegError::CannotRun {
        path: path.display().to_string(),
        why,
    };
    let mut command = Command::new(path);
    if question != ["-version"] {
        // With -version it would hide the version.
        command.arg("-hide_banner");
    }
    command
        .args(question)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = super::launch::spawn(command).map_err(|e| cannot(e.to_string()))?;
    let mut stdout = child
        .stdout
        .take()
        .ok_or_else(|| cannot("no output".into()))?;
    let (text, answer) = crossbeam_channel::bounded(1);
    std::thread::Builder::new()
        .name("pd-ask-ffmpeg".into())
        .spawn(move || {
            let mut bytes = Vec::new();
            // A real answer has some tens of kilobytes.
            let _ = stdout.by_ref().take(1 << 20).read_to_end(&mut bytes);
            let _ = text.send(String::from_utf8_lossy(&bytes).into_owned());
        })
        .map_err(|e| cannot(e.to_string()))?;
    let got = answer.recv_timeout(limit);
    let ends_by = Instant::now()
        + if got.is_ok() {
            END_LIMIT
        } else {
            Duration::ZERO
        };
    let status = loop {
        match child.try_wait().map_err(|e| cannot(e.to_string()))? {
            Some(status) => break Some(status),
            None if Instant::now() >= ends_by => break None,
            None => std::thread::sleep(Duration::from_millis(2)),
        }
    };
    if status.is_none() {
        let _ = child.kill();
        let _ = child.wait();
    }
    match got {
        Ok(text) if status.is_some_and(|s| s.success()) => Ok(Some(text)),
        Ok(_) => Err(cannot(match status {
            Some(status) => format!("it ended with {status}"),
            None => "it answers and does not end".into(),
        })),
        Err(_) => Ok(None),
    }
}

#[cfg(test)]
#[path = "capabilities_tests.rs"]
mod tests;
