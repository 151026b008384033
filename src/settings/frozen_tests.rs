//! Files of each schema, frozen under `tests/settings` with nothing in them as shipped, are read by today's program with
//! every value kept. A schema that is released gets its sample here and neither it nor what it means changes any more: a new
//! schema comes with a new sample, a migration, and (where a name changed) the new name in the older samples' `.json`.
//!
//! To make the `.json` of a new sample: `PD_WRITE_DOCS=1 cargo test --lib settings::store::frozen`, then read it.

use super::super::overrides::{self, shape};
use super::super::profiles::Profiles;
use super::super::tree;
use super::*;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

/// Number, file, and how many settings it has.
const SAMPLES: [(u32, &str, usize); 3] = [
    (1, include_str!("../../tests/settings/schema-1.ron"), 27),
    (2, include_str!("../../tests/settings/schema-2.ron"), 30),
    (3, include_str!("../../tests/settings/schema-3.ron"), 84),
];

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_800_000_000)
}

fn all(settings: &Settings) -> BTreeMap<String, Value> {
    let json = serde_json::to_value(settings).unwrap();
    let name = |name: String| tree::at(&json, &name).cloned().map(|value| (name, value));
    overrides::names().into_iter().filter_map(name).collect()
}

fn differing(settings: &Settings) -> BTreeMap<String, Value> {
    let mut all = all(settings);
    let shipped = shape();
    all.retain(|name, value| tree::at(&shipped, name) != Some(value));
    all
}

/// What the sample of a schema means, by today's names.
fn meaning(schema: u32, read: &BTreeMap<String, Value>) -> BTreeMap<String, Value> {
    let path = format!("tests/settings/schema-{schema}.json");
    if std::env::var_os("PD_WRITE_DOCS").is_some() && !Path::new(&path).exists() {
        let text = serde_json::to_string_pretty(read).unwrap();
        fs::write(&path, text + "\n").unwrap();
    }
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn every_schemas_file_is_read_with_every_value() {
    for (schema, text, count) in SAMPLES {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(FILE_NAME);
        fs::write(&path, text).unwrap();
        let mut loaded = load_from(dir.path(), now());
        assert_eq!(loaded.notes, [""; 0], "schema {schema}");
        assert_eq!(loaded.unknown, [""; 0], "schema {schema}");
        let read = differing(&loaded.settings);
        assert_eq!(read, meaning(schema, &read), "schema {schema}");
        assert_eq!(read.len(), count, "schema {schema}");
        // Saved by today's program it is the same again, in today's form, and as it was it is kept.
        loaded.settings.encoder.bitrate_kbps = 1234;
        loaded.store.save_at(&loaded.settings, now()).unwrap();
        let again = load_from(dir.path(), now());
        assert_eq!((again.settings, again.notes), (loaded.settings, vec![]));
        let version = format!("version: {SCHEMA_VERSION},");
        assert!(fs::read_to_string(&path).unwrap().contains(&version));
        let copy = dir.path().join(format!("{FILE_NAME}.format-{schema}"));
        assert_eq!(copy.exists(), schema != SCHEMA_VERSION);
        if copy.exists() {
            assert_eq!(fs::read_to_string(copy).unwrap(), text);
        }
    }
}

/// So that the newest sample goes on being whole.
#[test]
fn the_newest_sample_has_every_setting_and_none_as_shipped() {
    let (_, text, count) = SAMPLES[SAMPLES.len() - 1];
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(FILE_NAME), text).unwrap();
    let differing = differing(&load_from(dir.path(), now()).settings);
    let names = overrides::names();
    let as_shipped: Vec<_> = names
        .iter()
        .filter(|n| !differing.contains_key(*n))
        .collect();
    assert!(
        as_shipped.is_empty(),
        "put them into the sample: {as_shipped:?}"
    );
    assert_eq!(differing.len(), count);
}

/// A file of the next program: what is new in it, and what it has otherwise, is told and outlives a save by this one.
#[test]
fn what_a_newer_program_wrote_is_told_kept_and_copied() {
    let (_, text, _) = SAMPLES[SAMPLES.len() - 1];
    let newer = text
        .replace(
            "version: 3,",
            "version: 4,\n    holograms: (on: true, depth: 3),",
        )
        .replace("theme: Light,", "theme: Sepia,\n        blinking: true,")
        .replace(
            "\"mute-toggle\", keys: [\"F9\"]",
            "\"warp-speed\", keys: [\"F9\"]",
        );
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join(FILE_NAME);
    fs::write(&path, &newer).unwrap();
    let copy = dir.path().join("settings.ron.format-4");
    let mut loaded = load_from(dir.path(), now());
    assert!(
        loaded.notes[0].contains("newer version"),
        "{:?}",
        loaded.notes
    );
    assert!(loaded.notes[0].contains("format 4"), "{:?}", loaded.notes);
    assert_eq!(loaded.settings.target.host, "studio.example");
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        newer,
        "reading writes nothing"
    );
    assert!(!copy.exists());
    for kbps in [1234, 2345] {
        loaded.settings.encoder.bitrate_kbps = kbps;
        loaded.store.save_at(&loaded.settings, now()).unwrap();
        let text = fs::read_to_string(&path).unwrap();
        for kept in [
            "version: 4,",
            "holograms: (on: true, depth: 3),",
            "theme: Sepia,",
            "blinking: true,",
            "\"warp-speed\"",
            &format!("bitrate_kbps: {kbps},"),
        ] {
            assert!(text.contains(kept), "{kept}: {text}");
        }
        assert_eq!(fs::read_to_string(&copy).unwrap(), newer);
    }
    let names = fs::read_dir(dir.path()).unwrap().count();
    assert_eq!(names, 2, "file and copy");
}

/// A profile of each schema is used as it was saved.
#[test]
fn every_schemas_profile_is_used_with_every_value() {
    for (schema, text, _) in SAMPLES {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("profiles")).unwrap();
        fs::write(dir.path().join("profiles/Late show.ron"), text).unwrap();
        let profile = Profiles::within(dir.path()).read("Late show").unwrap();
        let used = differing(&profile.onto(&Settings::default()).unwrap());
        let mut meant = meaning(schema, &used);
        meant.retain(|name, _| super::super::shared::is_profiles(name));
        assert_eq!(used, meant, "schema {schema}");
        assert!(used.len() > 15, "{used:?}");
    }
}
