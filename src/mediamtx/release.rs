//! The release of MediaMTX that `pd-console server install` takes: version, archives, sums. Pure.

use crate::fetch::Parcel;

/// Its version. `mediamtx::config` is written for it.
pub const VERSION: &str = "1.20.0";
/// Where its archives are; a file's name follows.
pub const BASE_URL: &str = "https://github.com/bluenviron/mediamtx/releases/download/v1.20.0";

/// Systems with a known sum, as (`std::env::consts::OS`, `ARCH`, the archive's ending, SHA-256).
///
/// The project publishes the sums in `checksums.sha256` beside the archives. They were taken here in
/// November 2026 from public repositories that pin the same archives, because the release itself was
/// out of reach; several say that they compared with that file, one with GitHub's build attestations
/// too. Linux and Windows: several repositories each, which agree. macOS: one only (the download
/// script of a Tauri application, whose sum for Windows is the others').
const SUMS: [(&str, &str, &str, &str); 5] = [
    (
        "linux",
        "x86_64",
        "linux_amd64.tar.gz",
        "952d5f7d31d1b448ab4da4509550594c511d42636db9d7bb175d377f4ede81df",
    ),
    (
        "linux",
        "aarch64",
        "linux_arm64.tar.gz",
        "6aa3c03da7b6477f1e110c8e18e819cf9ef121e8981b52b8f8219982dae35f2f",
    ),
    (
        "windows",
        "x86_64",
        "windows_amd64.zip",
        "7364e7672e6b4420e986ec4b56e2cc32ec7b4085f69b56ec224d596d0fa8b19f",
    ),
    (
        "macos",
        "aarch64",
        "darwin_arm64.tar.gz",
        "5923ea2517543f21d4c182f9ad832809f71393cf63409350556f372b8013f440",
    ),
    (
        "macos",
        "x86_64",
        "darwin_amd64.tar.gz",
        "811c33593a74b11397d60787c95cb0550780aac7f9879501ef10be49bcf0f800",
    ),
];

/// The archive for a system; None where no sum of one is known.
pub fn of(os: &str, arch: &str) -> Option<Parcel> {
    let (_, _, ending, sha256) = SUMS.iter().find(|row| (row.0, row.1) == (os, arch))?;
    let program = match os {
        "windows" => "mediamtx.exe",
        _ => "mediamtx",
    };
    Some(Parcel {
        archive: format!("mediamtx_v{VERSION}_{ending}"),
        entry: program.to_owned(),
        program,
        sha256: (*sha256).to_owned(),
    })
}

/// The archive for this system.
pub fn of_this_system() -> Option<Parcel> {
    of(std::env::consts::OS, std::env::consts::ARCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_system_has_its_own_archive_and_a_whole_sum() {
        let mut sums = std::collections::BTreeSet::new();
        for (os, arch, ending, sha256) in SUMS {
            let release = of(os, arch).unwrap();
            assert_eq!(release.archive, format!("mediamtx_v{VERSION}_{ending}"));
            assert_eq!(ending.ends_with(".zip"), os == "windows");
            assert!(sha256.len() == 64 && sha256.bytes().all(|b| b.is_ascii_hexdigit()));
            assert_eq!(sha256, sha256.to_ascii_lowercase());
            assert!(sums.insert(sha256), "{sha256} twice");
        }
        assert!(BASE_URL.ends_with(&format!("/v{VERSION}")));
        assert_eq!(of("linux", "riscv64"), None);
    }
}
