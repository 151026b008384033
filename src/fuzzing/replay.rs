//! Every input of the corpus, and every one that once found a fault, through its target: the part of
//! fuzzing that needs no nightly compiler. A new target is seen to have its binary and its seeds.

use super::TARGETS;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

/// Bytes of all corpora at most: they are cloned by everybody.
const CORPUS_MAX: u64 = 1 << 20;

fn fuzz_folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

fn inputs(folder: &str, target: &str) -> Vec<PathBuf> {
    let folder = fuzz_folder().join(folder).join(target);
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut files: Vec<_> = entries.map(|entry| entry.path()).collect();
    files.sort();
    files
}

fn replay(folder: &str) {
    let mut bad = Vec::new();
    for target in TARGETS {
        for path in inputs(folder, target.name) {
            let data = std::fs::read(&path).unwrap();
            let run = catch_unwind(AssertUnwindSafe(|| (target.body)(&data)));
            if run.is_err() {
                bad.push(path);
            }
        }
    }
    assert!(bad.is_empty(), "these inputs fail: {bad:#?}");
}

#[test]
fn the_corpus_passes() {
    replay("corpus");
}

#[test]
fn inputs_that_once_found_a_fault_pass() {
    replay("regressions");
}

#[test]
fn every_target_has_its_binary_and_its_seeds_and_the_corpus_is_small() {
    let manifest = std::fs::read_to_string(fuzz_folder().join("Cargo.toml")).unwrap();
    let binaries = manifest.matches("[[bin]]").count();
    // One each, and one for all.
    assert_eq!(binaries, TARGETS.len() + 1, "binaries in fuzz/Cargo.toml");
    assert!(TARGETS.is_sorted_by_key(|target| target.name));
    let mut bytes = 0;
    for target in TARGETS {
        let name = target.name;
        assert!(manifest.contains(&format!("name = \"{name}\"\n")), "{name}");
        let entry = fuzz_folder().join(format!("fuzz_targets/{name}.rs"));
        let entry = std::fs::read_to_string(entry).unwrap();
        assert!(entry.contains(&format!("fuzz!(\"{name}\")")), "{name}");
        let seeds = inputs("corpus", name);
        assert!(!seeds.is_empty(), "{name} has no corpus");
        for path in seeds {
            let length = std::fs::metadata(&path).unwrap().len();
            assert!(
                length <= target.max_len as u64,
                "{} is long",
                path.display()
            );
            bytes += length;
        }
    }
    assert!(bytes <= CORPUS_MAX, "the corpus has {bytes} bytes");
}

#[test]
fn nothing_and_the_plainest_inputs_pass() {
    for target in TARGETS {
        for data in [&[][..], &[0], &[0xff; 64], &[0; 300], b"a:b@c//d?e=%25&f"] {
            (target.body)(data);
        }
    }
}
