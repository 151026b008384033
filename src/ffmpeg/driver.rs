//! Which graphics drivers this machine has, as far as files tell: a number that changes when one of
//! them does, so that a test's result is not believed beyond it.
//!
//! Reads a few files' names, sizes and times; starts nothing.

use super::cache::Stamp;
use std::path::Path;
use xxhash_rust::xxh3::Xxh3;

/// Files that come or change with a driver or its encoding library.
const FILES: &[&str] = if cfg!(windows) {
    &[
        "C:\\Windows\\System32\\nvcuda.dll",
        "C:\\Windows\\System32\\nvEncodeAPI64.dll",
        "C:\\Windows\\System32\\amfrt64.dll",
        "C:\\Windows\\System32\\libmfxhw64.dll",
        "C:\\Windows\\System32\\libvpl.dll",
        "C:\\Windows\\System32\\mfplat.dll",
    ]
} else {
    &[
        "/usr/lib/x86_64-linux-gnu/libcuda.so.1",
        "/usr/lib/x86_64-linux-gnu/libnvidia-encode.so.1",
        "/usr/lib/x86_64-linux-gnu/libamfrt64.so.1",
        "/usr/lib/x86_64-linux-gnu/dri",
        "/usr/lib64/libcuda.so.1",
        "/usr/lib64/libnvidia-encode.so.1",
        "/usr/lib64/libamfrt64.so.1",
        "/usr/lib64/dri",
        "/usr/lib/libcuda.so.1",
        "/usr/lib/libnvidia-encode.so.1",
        "/usr/lib/libamfrt64.so.1",
        "/usr/lib/dri",
    ]
};

/// Files whose text names a driver's version (Linux).
const TEXTS: [&str; 4] = [
    "/proc/driver/nvidia/version",
    "/sys/module/nvidia/version",
    "/sys/module/amdgpu/version",
    "/sys/module/i915/srcversion",
];

/// The number; the same for the same drivers. `nodes` are the render nodes found.
pub fn identity(nodes: &[String]) -> u64 {
    of(FILES, &TEXTS, nodes)
}

fn of(files: &[&str], texts: &[&str], nodes: &[String]) -> u64 {
    let mut hash = Xxh3::new();
    let kernel = sysinfo::System::kernel_version().unwrap_or_default();
    let system = sysinfo::System::long_os_version().unwrap_or_default();
    let stamps: Vec<_> = files.iter().map(|f| Stamp::of(Path::new(f))).collect();
    let read: Vec<_> = texts.iter().map(|f| std::fs::read(f).ok()).collect();
    hash.update(format!("{kernel} {system} {stamps:?} {read:?} {nodes:?}").as_bytes());
    hash.digest()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_changes_with_a_driver_and_only_then() {
        let dir = tempfile::tempdir().unwrap();
        let (library, version) = (dir.path().join("lib"), dir.path().join("version"));
        let (library_text, version_text) =
            (library.display().to_string(), version.display().to_string());
        let look = |nodes: &[String]| of(&[&library_text], &[&version_text], nodes);
        let none = look(&[]);
        assert_eq!(look(&[]), none);
        std::fs::write(&library, "1").unwrap();
        let installed = look(&[]);
        assert_ne!(installed, none);
        std::fs::write(&version, "570.1").unwrap();
        let told = look(&[]);
        assert_ne!(told, installed);
        assert_ne!(look(&["/dev/dri/renderD128".into()]), told);
        assert_eq!(look(&[]), told);
    }
}
