//! The program's own sources, for tests that read them. Included by `#[path]`.

use std::path::{Path, PathBuf};

/// Adds all of `folder`'s Rust files, with those of the folders in it.
pub fn collect(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("the sources are there") {
        let path = entry.expect("a readable folder").path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            found.push(path);
        }
    }
}
