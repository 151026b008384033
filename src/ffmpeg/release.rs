//! The builds of ffmpeg that the console knows by their sums: those that its packages bundle and those that
//! `pd-console ffmpeg install` fetches. Pure; read from `packaging/ffmpeg.json`, which the packaging reads too.

use super::locate;
use crate::fetch::Parcel;
use serde::Deserialize;

const MANIFEST: &str = include_str!("../../packaging/ffmpeg.json");

/// Where no build is known.
pub const NONE_KNOWN: &str = "no ffmpeg with a known SHA-256 that has SRT is known for this system. Install one (macOS: brew install ffmpeg-full; Linux: from the distribution) and set its path where it is not found by itself";

/// The manifest.
#[derive(Clone, Debug, Deserialize)]
pub struct Manifest {
    /// Where the bare programs are; a file's name follows.
    pub base_url: String,
    /// The Python package whose wheels hold the same programs.
    pub package: String,
    /// Its version.
    pub package_version: String,
    /// One for each system.
    pub builds: Vec<Build>,
}

/// A build for one system.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Build {
    /// As `std::env::consts::OS`.
    pub os: String,
    /// As `std::env::consts::ARCH`.
    pub arch: String,
    /// ffmpeg's version.
    pub version: String,
    /// Licence of the whole program, as SPDX writes it.
    pub licence: String,
    /// Who built it.
    pub origin: String,
    /// Whether packages for this system bring it along, or it is only offered.
    #[serde(rename = "use")]
    pub usage: Usage,
    /// The program's file name at [`Manifest::base_url`] and in the wheel.
    pub file: String,
    /// SHA-256 of the program.
    pub sha256: String,
    /// Its length.
    pub bytes: u64,
    /// File name of the wheel that holds it.
    pub wheel: String,
    /// SHA-256 of that.
    pub wheel_sha256: String,
}

/// What a build is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Usage {
    /// The installer has it.
    Bundled,
    /// Fetched where the system has no good one and the operator agrees.
    Offered,
}

impl Build {
    /// The bare program, as it is downloaded.
    pub fn parcel(&self) -> Parcel {
        Parcel {
            archive: self.file.clone(),
            entry: self.file.clone(),
            program: locate::NAME,
            sha256: self.sha256.clone(),
        }
    }

    /// The same out of the wheel, for who has only that.
    pub fn in_wheel(&self) -> Parcel {
        Parcel {
            archive: self.wheel.clone(),
            entry: format!("imageio_ffmpeg/binaries/{}", self.file),
            program: locate::NAME,
            sha256: self.wheel_sha256.clone(),
        }
    }
}

/// The manifest as it was compiled in; None never happens, as a test shows.
pub fn manifest() -> Option<Manifest> {
    serde_json::from_str(MANIFEST).ok()
}

/// The build for a system, with the address of all; None where none is known that has what a show needs.
pub fn of(os: &str, arch: &str) -> Option<(Build, String)> {
    let Manifest {
        builds, base_url, ..
    } = manifest()?;
    let mut builds = builds.into_iter();
    let build = builds.find(|b| b.os == os && b.arch == arch)?;
    Some((build, base_url))
}

/// The build for this system.
pub fn of_this_system() -> Option<(Build, String)> {
    of(std::env::consts::OS, std::env::consts::ARCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manifest_is_whole_and_names_each_build_once() {
        let all = manifest().unwrap();
        assert!(all.base_url.starts_with("https://") && !all.base_url.ends_with('/'));
        let mut seen = std::collections::BTreeSet::new();
        for build in &all.builds {
            for sum in [&build.sha256, &build.wheel_sha256] {
                let digits = sum.bytes();
                assert!(
                    sum.len() == 64 && digits.clone().all(|b| b.is_ascii_hexdigit()),
                    "{sum}"
                );
                assert_eq!(*sum, sum.to_ascii_lowercase());
                assert!(seen.insert(sum.clone()), "{sum} twice");
            }
            assert!(seen.insert(format!("{} {}", build.os, build.arch)));
            assert!(build.file.contains(&build.version), "{}", build.file);
            assert!(
                build.wheel.contains(&all.package_version),
                "{}",
                build.wheel
            );
            // The limits of crate::fetch, and of what a wheel may unpack to.
            assert!((1 << 20..200 << 20).contains(&build.bytes));
            assert_eq!(build.file.ends_with(".exe"), build.os == "windows");
        }
        assert_eq!(of("windows", "x86_64").unwrap().0.usage, Usage::Bundled);
        assert_eq!(of("linux", "x86_64").unwrap().0.usage, Usage::Offered);
        // None of those that are to be had for macOS speaks SRT: docs/ffmpeg.md.
        assert_eq!(of("macos", "aarch64"), None);
    }
}
