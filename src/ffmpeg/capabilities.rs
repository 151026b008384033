//! What a found ffmpeg can: its version, protocols and encoders, read from its own words.

use super::{Ffmpeg, FfmpegError, locate};
use std::collections::BTreeSet;
use std::fmt;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Oldest ffmpeg that the arguments are written for.
pub const OLDEST: Version = Version { major: 4, minor: 4 };
/// No answer within this time is a broken ffmpeg.
const ANSWER_LIMIT: Duration = Duration::from_secs(8);

/// A release of ffmpeg.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Its release.
    pub version: Version,
    /// Its own name of its version, such as `5.1.9-0+deb12u1`.
    pub version_text: String,
    /// Whether it speaks SRT.
    pub srt: bool,
    /// Names of its encoders.
    pub encoders: BTreeSet<String>,
}

impl Capabilities {
    /// Reads the outputs of `-version`, `-protocols` and `-encoders`. None where the first is not
    /// ffmpeg's.
    pub fn parse(version: &str, protocols: &str, encoders: &str) -> Option<Self> {
        let first = version.lines().next()?;
        let version_text = first
            .strip_prefix("ffmpeg version ")?
            .split(' ')
            .next()?
            .to_owned();
        Some(Self {
            version: release(&version_text).or_else(|| from_libavcodec(version))?,
            version_text,
            srt: protocols.lines().any(|line| line.trim() == "srt"),
            encoders: encoders
                .lines()
                .skip_while(|line| !line.contains("------"))
                .skip(1)
                .filter_map(|line| line.split_whitespace().nth(1).map(str::to_owned))
                .collect(),
        })
    }
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

/// Finds ffmpeg and asks it what it can.
///
/// # Errors
/// Each reason of cases.md B24 as its own [`FfmpegError`].
pub fn look(from_settings: Option<&Path>) -> Result<Ffmpeg, FfmpegError> {
    let path = locate::ffmpeg(from_settings)?;
    let capabilities = ask(&path)?;
    check(&path, &capabilities)?;
    Ok(Ffmpeg { path, capabilities })
}

fn check(path: &Path, found: &Capabilities) -> Result<(), FfmpegError> {
    let path = path.display().to_string();
    let version = found.version_text.clone();
    if found.version < OLDEST {
        return Err(FfmpegError::TooOld { path, version });
    }
    let lacks = |what, instead| {
        Err(FfmpegError::Lacks {
            path: path.clone(),
            version: version.clone(),
            what,
            instead,
        })
    };
    if !found.srt {
        return lacks("SRT (libsrt)", "set another ffmpeg's path");
    }
    if !super::encoder::TABLE
        .iter()
        .any(|row| found.encoders.contains(row.name))
    {
        return lacks("H.264 encoder", "set another ffmpeg's path");
    }
    if !found.encoders.contains("libopus") {
        return lacks("Opus encoder (libopus)", "set another ffmpeg's path");
    }
    Ok(())
}

fn ask(path: &Path) -> Result<Capabilities, FfmpegError> {
    let version = output(path, "-version")?;
    let protocols = output(path, "-protocols")?;
    let encoders = output(path, "-encoders")?;
    Capabilities::parse(&version, &protocols, &encoders).ok_or_else(|| FfmpegError::CannotRun {
        path: path.display().to_string(),
        why: "it does not answer as ffmpeg does".into(),
    })
}

fn output(path: &Path, question: &str) -> Result<String, FfmpegError> {
    let cannot = |why: String| FfmpegError::CannotRun {
        path: path.display().to_string(),
        why,
    };
    let mut command = Command::new(path);
    if question != "-version" {
        // With -version it would hide the version.
        command.arg("-hide_banner");
    }
    command
        .arg(question)
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
    let started = Instant::now();
    let got = answer.recv_timeout(ANSWER_LIMIT);
    if got.is_err() {
        let _ = child.kill();
    }
    let status = child.wait().map_err(|e| cannot(e.to_string()))?;
    match got {
        Ok(text) if status.success() => Ok(text),
        Ok(_) => Err(cannot(format!("it ended with {status}"))),
        Err(_) => Err(cannot(format!(
            "no answer in {} s",
            started.elapsed().as_secs()
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROTOCOLS: &str = "Supported file protocols:\nInput:\n  file\n  srt\nOutput:\n  srt\n";
    const ENCODERS: &str = "Encoders:\n V..... = Video\n ------\n V....D libx264   libx264 H.264\n A....D libopus   libopus Opus\n";

    fn version(text: &str) -> Option<Version> {
        Capabilities::parse(text, PROTOCOLS, ENCODERS).map(|c| c.version)
    }

    #[test]
    fn versions_of_every_make_are_read() {
        let v = |major, minor| Some(Version { major, minor });
        assert_eq!(
            version("ffmpeg version 5.1.9-0+deb12u1 Copyright (c)"),
            v(5, 1)
        );
        assert_eq!(version("ffmpeg version 7.0.2-static https://x"), v(7, 0));
        assert_eq!(
            version("ffmpeg version n9.0.2-17-g2a571b6068-20260930 Copyright"),
            v(9, 0)
        );
        assert_eq!(version("ffmpeg version 6.0 Copyright"), v(6, 0));
        assert_eq!(
            version("ffmpeg version N-112233-gabc\nlibavcodec     61. 19.100 / 61. 19.100"),
            v(7, 0)
        );
        assert_eq!(version("avconv version 12"), None);
        assert_eq!(version(""), None);
    }

    #[test]
    fn each_lack_has_its_own_message() {
        let good = Capabilities::parse("ffmpeg version 5.1 C", PROTOCOLS, ENCODERS).unwrap();
        let path = Path::new("/x/ffmpeg");
        let check = |c: &Capabilities| check(path, c);
        assert_eq!(check(&good), Ok(()));
        let no_srt = Capabilities {
            srt: false,
            ..good.clone()
        };
        assert!(check(&no_srt).unwrap_err().to_string().contains("no SRT"));
        let mut no_x264 = good.clone();
        no_x264.encoders.remove("libx264");
        assert!(check(&no_x264).unwrap_err().to_string().contains("H.264"));
        let mut no_opus = good.clone();
        no_opus.encoders.remove("libopus");
        assert!(check(&no_opus).unwrap_err().to_string().contains("Opus"));
        let old = Capabilities {
            version: Version { major: 4, minor: 3 },
            ..good
        };
        assert!(matches!(check(&old), Err(FfmpegError::TooOld { .. })));
    }
}
