use super::*;
use crate::settings::file::{HEADER, MAX_FILE_BYTES, utc_stamp};
use crate::settings::{AudioInput, AudioSourceKind, Language, VideoSourceKind};
use std::fs;
use std::time::{Duration, UNIX_EPOCH};

/// 2026-08-09 10:11:12 UTC.
fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_786_270_272)
}

fn dir_with(content: &[u8]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(FILE_NAME), content).unwrap();
    dir
}

fn file(dir: &tempfile::TempDir) -> String {
    fs::read_to_string(dir.path().join(FILE_NAME)).unwrap()
}

fn names_in(dir: &tempfile::TempDir) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

const ASIDE: &str = "settings.ron.corrupt-20260809T101112Z";

#[test]
fn stamps_are_utc() {
    assert_eq!(utc_stamp(now()), "20260809T101112Z");
    assert_eq!(utc_stamp(UNIX_EPOCH), "19700101T000000Z");
    assert_eq!(
        utc_stamp(UNIX_EPOCH + Duration::from_secs(951_782_399)),
        "20000228T235959Z"
    );
    assert_eq!(
        utc_stamp(UNIX_EPOCH + Duration::from_secs(951_782_400)),
        "20000229T000000Z"
    );
}

#[test]
fn no_file_means_defaults_without_a_word() {
    let dir = tempfile::tempdir().unwrap();
    let loaded = load_from(&dir.path().join("not/yet"), now());
    assert_eq!(
        (loaded.settings, loaded.notes),
        (Settings::default(), vec![])
    );
}

#[test]
fn broken_files_are_kept_aside_and_named() {
    let whole = format!(
        "{HEADER}{}",
        own_tree(&Settings::default()).unwrap().print()
    );
    let half = &whole.as_bytes()[..whole.len() / 2];
    let huge = vec![b' '; (MAX_FILE_BYTES + 1) as usize];
    let cases: [(&str, &[u8]); 8] = [
        ("empty", b""),
        ("zeros", &[0; 512]),
        ("is broken", half),
        ("UTF-8", b"(version: 1, target: (host: \"\xff\xfe\"))"),
        ("a struct", b"[1, 2]"),
        ("", b"{\"version\": 1"),
        ("", b"\x7fELF\x02\x01\x01\x00\x00"),
        ("1 MiB", &huge),
    ];
    for (why, content) in cases {
        let dir = dir_with(content);
        let mut loaded = load_from(dir.path(), now());
        assert_eq!(loaded.settings, Settings::default(), "{why}");
        assert_eq!(loaded.notes.len(), 1, "{why}: {:?}", loaded.notes);
        assert!(loaded.notes[0].contains(ASIDE), "{:?}", loaded.notes);
        assert!(loaded.notes[0].contains(why), "{why} in {:?}", loaded.notes);
        assert_eq!(names_in(&dir), [ASIDE], "{why}");
        assert_eq!(fs::read(dir.path().join(ASIDE)).unwrap(), content, "{why}");
        // A save makes a new file and leaves the kept one; the next start has nothing to say.
        loaded.store.save(&Settings::default()).unwrap();
        assert_eq!(names_in(&dir), [FILE_NAME, ASIDE]);
        assert_eq!(fs::read(dir.path().join(ASIDE)).unwrap(), content, "{why}");
        let again = load_from(dir.path(), now());
        assert_eq!((again.settings, again.notes), (Settings::default(), vec![]));
    }
}

#[test]
fn a_second_broken_file_in_the_same_second_replaces_nothing() {
    let dir = dir_with(b"one");
    load_from(dir.path(), now());
    fs::write(dir.path().join(FILE_NAME), b"two").unwrap();
    let loaded = load_from(dir.path(), now());
    assert!(
        loaded.notes[0].contains(&format!("{ASIDE}-2")),
        "{:?}",
        loaded.notes
    );
    assert_eq!(fs::read(dir.path().join(ASIDE)).unwrap(), b"one");
    assert_eq!(
        fs::read(dir.path().join(format!("{ASIDE}-2"))).unwrap(),
        b"two"
    );
}

#[test]
fn bad_values_fall_back_alone_and_the_file_is_kept() {
    let content = b"(version: 1, encoder: (bitrate_kbps: -5, vbv_frames: 1000000000, gop_seconds: 2.0),
        video: (source: Webcam, fps: (num: 0, den: 0), size: 7), audio: 3, target: (host: \"a.example\"), odd: 1)";
    let dir = dir_with(content);
    let loaded = load_from(dir.path(), now());
    let mut expected = Settings::default();
    expected.encoder.gop_seconds = 2.0;
    expected.target.host = "a.example".into();
    assert_eq!(loaded.settings, expected);
    let notes = loaded.notes.join("\n");
    for name in [
        "encoder.bitrate_kbps",
        "encoder.vbv_frames",
        "video.source",
        "video.fps",
        "video.size",
        "audio",
    ] {
        assert!(
            notes.contains(&format!("setting {name} ")),
            "{name} in {notes}"
        );
    }
    assert!(
        notes.contains(ASIDE) && notes.contains("unknown setting `odd`"),
        "{notes}"
    );
    assert_eq!(fs::read(dir.path().join(ASIDE)).unwrap(), content);
    // Mended on disk: the next start keeps the good values and has only the unknown key to tell.
    let again = load_from(dir.path(), now());
    assert_eq!(again.settings, expected);
    assert_eq!(
        (again.notes.len(), again.unknown),
        (1, vec!["odd".to_owned()])
    );
}

/// A pasted address may have a login; every secret is in memory only.
#[test]
fn a_login_in_an_address_is_not_saved() {
    let dir = tempfile::tempdir().unwrap();
    let mut loaded = load_from(dir.path(), now());
    let mut settings = loaded.settings.clone();
    for target in [&mut settings.target, &mut settings.backup.target] {
        target.api_url = "http://anna:hunter2@studio.example:9997".into();
        target.webrtc_url = "https://studio.example:8889/?token=hunter2".into();
        target.host =
            "srt://studio.example:7000?streamid=publish:a:b:hunter2&passphrase=hunter2hunter2"
                .into();
    }
    loaded.store.save(&settings).unwrap();
    let text = file(&dir);
    assert!(!text.contains("hunter2"), "{text}");
    let again = load_from(dir.path(), now()).settings.target;
    assert_eq!(again.api_url, "http://studio.example:9997");
    assert_eq!(again.webrtc_url, "https://studio.example:8889/");
    assert_eq!(
        (again.host.as_str(), again.srt_port),
        ("studio.example", 7000)
    );
}

#[test]
fn a_newer_files_keys_and_values_survive_a_save() {
    let dir = dir_with(
        b"Settings(version: 999, encoder: (family: Av9Quantum(level: 3), bitrate_kbps: 4000, film_grain: Some(12)),
          scenes: [(name: \"a, b) //\", at: {1: 'x'})], target: (host: \"h\"))",
    );
    let mut loaded = load_from(dir.path(), now());
    assert_eq!(loaded.settings.encoder.bitrate_kbps, 4000);
    assert_eq!(loaded.settings.version, SCHEMA_VERSION);
    assert_eq!(loaded.unknown, ["encoder.film_grain", "scenes"]);
    assert!(loaded.notes[0].contains("999"), "{:?}", loaded.notes);
    assert_eq!(names_in(&dir), [FILE_NAME]);
    let mut settings = loaded.settings.clone();
    settings.encoder.bitrate_kbps = 2000;
    loaded.store.save(&settings).unwrap();
    let text = file(&dir);
    for kept in [
        "version: 999,",
        "family: Av9Quantum(level: 3),",
        "film_grain: Some(12),",
        "scenes: [(name: \"a, b) //\", at: {1: 'x'})]",
        "bitrate_kbps: 2000,",
    ] {
        assert!(text.contains(kept), "{kept} in {text}");
    }
    assert_eq!(load_from(dir.path(), now()).settings, settings);
}

#[test]
fn an_unknown_key_is_named_and_survives() {
    let dir = dir_with(b"(encoder: (bitrate: 5))");
    let mut loaded = load_from(dir.path(), now());
    assert_eq!(loaded.notes.len(), 1);
    let note = &loaded.notes[0];
    assert!(note.contains("unknown setting `encoder.bitrate`"), "{note}");
    assert!(note.contains("`encoder.bitrate_kbps`"), "{note}");
    loaded.store.save(&loaded.settings.clone()).unwrap();
    assert!(file(&dir).contains("bitrate: 5"));
    assert_eq!(names_in(&dir), [FILE_NAME]);
}

#[test]
fn a_file_of_version_1_keeps_its_sound_source() {
    let old = "(version: 1, language: Korean, audio: (source: Input(\"USB, mic\"), muted: true, \
               hum: 50), target: (host: \"a.example\"))";
    let dir = dir_with(old.as_bytes());
    let mut loaded = load_from(dir.path(), now());
    // "hum" is told of as ever; the old name is none to be told of.
    assert_eq!(loaded.unknown, ["audio.hum"]);
    let expected = AudioInput::of(AudioSourceKind::Input("USB, mic".into()));
    assert_eq!(
        loaded.settings.audio.inputs,
        std::slice::from_ref(&expected)
    );
    assert!(loaded.settings.audio.muted);
    loaded.settings.encoder.bitrate_kbps = 2222;
    loaded.store.save(&loaded.settings).unwrap();
    let text = file(&dir);
    assert!(text.contains("hum: 50"), "{text}");
    assert!(text.contains("version: 3"), "{text}");
    assert_eq!(text.matches("\n        source:").count(), 1, "{text}");
    let again = load_from(dir.path(), now());
    assert_eq!(again.settings.audio.inputs, [expected]);
    assert_eq!(again.settings.encoder.bitrate_kbps, 2222);
}

#[test]
fn a_list_of_inputs_is_preferred_to_the_old_source() {
    let dir = dir_with(b"(version: 2, audio: (source: Tone, inputs: [(source: Silence)]))");
    let loaded = load_from(dir.path(), now());
    assert_eq!(loaded.notes, Vec::<String>::new());
    let expected = AudioInput::of(AudioSourceKind::Silence);
    assert_eq!(loaded.settings.audio.inputs, [expected]);
}

#[test]
fn a_bad_old_source_and_bad_inputs_fall_back_to_the_default() {
    for bad in [
        "audio: (source: Webcam)",
        "audio: (inputs: [])",
        "audio: (inputs: [(gain_db: 99)])",
        "audio: (inputs: Tone)",
    ] {
        let dir = dir_with(format!("(language: Korean, {bad})").as_bytes());
        let loaded = load_from(dir.path(), now());
        assert_eq!(loaded.settings.audio, Settings::default().audio, "{bad}");
        assert_eq!(loaded.settings.language, Language::Korean);
        assert!(
            loaded.notes[0].contains("audio.inputs"),
            "{:?}",
            loaded.notes
        );
        assert_eq!(names_in(&dir), [FILE_NAME, ASIDE]);
    }
}

#[test]
fn every_form_of_value_round_trips() {
    let dir = tempfile::tempdir().unwrap();
    let mut settings = Settings::default();
    settings.video.source = VideoSourceKind::Pattern;
    settings.audio.inputs[0].source = AudioSourceKind::Input("한글 \"mic\" \\ // 1".into());
    settings.audio.inputs.push(AudioInput {
        gain_db: -3.5,
        muted: true,
        delay_ms: 120,
        ..AudioInput::of(AudioSourceKind::Beep(-200))
    });
    settings.ffmpeg_path = Some("/opt/ff mpeg/ffmpeg".into());
    settings.encoder.gop_seconds = 0.2;
    settings.target.host = "fe80::1%eth0".into();
    load_from(dir.path(), now()).store.save(&settings).unwrap();
    let loaded = load_from(dir.path(), now());
    assert_eq!((loaded.settings, loaded.notes), (settings, vec![]));
}

#[test]
fn two_copies_do_not_undo_each_other() {
    let dir = tempfile::tempdir().unwrap();
    let (mut one, mut two) = (load_from(dir.path(), now()), load_from(dir.path(), now()));
    one.settings.target.host = "from-one".into();
    one.store.save(&one.settings).unwrap();
    two.settings.encoder.bitrate_kbps = 1234;
    two.store.save(&two.settings).unwrap();
    let loaded = load_from(dir.path(), now()).settings;
    assert_eq!(
        (loaded.target.host.as_str(), loaded.encoder.bitrate_kbps),
        ("from-one", 1234)
    );
}

#[cfg(unix)]
#[test]
fn file_is_private_and_a_link_stays_a_link() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let real = dir.path().join("dotfiles.ron");
    fs::write(&real, "(version: 1)").unwrap();
    let link = dir.path().join(FILE_NAME);
    std::os::unix::fs::symlink(&real, &link).unwrap();
    let mut loaded = load_from(dir.path(), now());
    loaded.settings.audio.muted = true;
    loaded.store.save(&loaded.settings).unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(fs::read_to_string(&real).unwrap().contains("muted: true"));
    assert_eq!(
        fs::metadata(&real).unwrap().permissions().mode() & 0o777,
        0o600
    );
    // The file of version 1 as it was, beside the link.
    let copy = "settings.ron.format-1";
    assert_eq!(names_in(&dir), ["dotfiles.ron", FILE_NAME, copy]);
    assert_eq!(
        fs::read_to_string(dir.path().join(copy)).unwrap(),
        "(version: 1)"
    );
}

#[test]
fn a_folder_that_cannot_be_made_costs_a_message_only() {
    let dir = dir_with(b"(version: 1)");
    // A file where the folder should be: holds for root too.
    let below_a_file = dir.path().join(FILE_NAME).join("sub");
    let mut loaded = load_from(&below_a_file, now());
    assert_eq!(loaded.settings, Settings::default());
    let error = loaded
        .store
        .save(&Settings::default())
        .unwrap_err()
        .to_string();
    assert!(error.contains("not saved"), "{error}");
    assert_eq!(file(&dir), "(version: 1)");
}

#[test]
fn a_file_that_cannot_be_read_is_never_replaced() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join(FILE_NAME)).unwrap();
    fs::write(dir.path().join(FILE_NAME).join("x"), "y").unwrap();
    let mut loaded = load_from(dir.path(), now());
    assert_eq!(
        (loaded.settings.clone(), loaded.notes.len()),
        (Settings::default(), 1)
    );
    assert!(loaded.store.save(&loaded.settings).is_err());
    assert_eq!(
        fs::read_to_string(dir.path().join(FILE_NAME).join("x")).unwrap(),
        "y"
    );
}

#[cfg(unix)]
#[test]
fn a_read_only_folder_keeps_the_broken_file() {
    use std::os::unix::fs::PermissionsExt;
    let dir = dir_with(b"broken");
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o555)).unwrap();
    if fs::write(dir.path().join("probe"), "").is_ok() {
        println!("SKIPPED: this user may write into read-only folders");
        return;
    }
    let mut loaded = load_from(dir.path(), now());
    assert_eq!(
        (loaded.settings.clone(), loaded.notes.len()),
        (Settings::default(), 1)
    );
    assert!(matches!(
        loaded.store.save(&loaded.settings),
        Err(StoreError::Protected { .. })
    ));
    assert_eq!(file(&dir), "broken");
    fs::set_permissions(dir.path(), fs::Permissions::from_mode(0o755)).unwrap();
}

/// The same for whoever may write everywhere: a disk that is mounted read-only.
#[cfg(target_os = "linux")]
#[test]
fn b29_a_read_only_disk_keeps_the_broken_file_and_costs_a_message() {
    use std::process::Command;
    let dir = tempfile::tempdir().unwrap();
    let mount = |words: &[&str]| {
        let done = Command::new("mount").args(words).arg(dir.path()).output();
        done.is_ok_and(|done| done.status.success())
    };
    if !mount(&["-t", "tmpfs", "-o", "size=1m", "none"]) {
        println!("SKIPPED: a tmpfs cannot be mounted (needs root)");
        return;
    }
    fs::write(dir.path().join(FILE_NAME), b"broken").unwrap();
    assert!(mount(&["-o", "remount,ro"]));
    let mut loaded = load_from(dir.path(), now());
    let notes = loaded.notes.clone();
    let saved = loaded.store.save(&loaded.settings.clone());
    let kept = fs::read(dir.path().join(FILE_NAME));
    let done = Command::new("umount").arg("-l").arg(dir.path()).status();
    assert!(done.unwrap().success());
    assert_eq!(loaded.settings, Settings::default());
    assert_eq!(notes.len(), 1, "{notes:?}");
    assert!(notes[0].contains("cannot be renamed"), "{notes:?}");
    assert!(
        matches!(saved, Err(StoreError::Protected { .. })),
        "{saved:?}"
    );
    assert_eq!(kept.unwrap(), b"broken");
}

/// The folder is deleted while the program runs (a cleaner, a profile that is reset), and the link of a
/// dotfiles folder leads nowhere any more.
#[test]
fn b29_a_folder_that_goes_while_it_runs_is_made_again() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("pd-console");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join(FILE_NAME), "(version: 3)").unwrap();
    let mut loaded = load_from(&folder, now());
    fs::remove_dir_all(&folder).unwrap();
    loaded.settings.encoder.bitrate_kbps = 1234;
    loaded.store.save(&loaded.settings.clone()).unwrap();
    assert_eq!(
        load_from(&folder, now()).settings.encoder.bitrate_kbps,
        1234
    );
    #[cfg(unix)]
    {
        fs::remove_file(folder.join(FILE_NAME)).unwrap();
        let gone = dir.path().join("gone/settings.ron");
        std::os::unix::fs::symlink(&gone, folder.join(FILE_NAME)).unwrap();
        let mut loaded = load_from(&folder, now());
        assert_eq!(
            (loaded.settings.clone(), loaded.notes.len()),
            (Settings::default(), 0)
        );
        loaded.settings.encoder.bitrate_kbps = 2345;
        loaded.store.save(&loaded.settings.clone()).unwrap();
        assert_eq!(
            load_from(&folder, now()).settings.encoder.bitrate_kbps,
            2345
        );
    }
}

/// A bitrate of a thousand million, in each way to write it, and one of less than nothing.
#[test]
fn b29_an_impossible_bitrate_falls_back_alone() {
    for bad in [
        "-5",
        "1e9",
        "1000000000",
        "1000000000.0",
        "99999999999999999999",
        "NaN",
        "\"fast\"",
    ] {
        let content = format!("(encoder: (bitrate_kbps: {bad}), target: (host: \"a.example\"))");
        let dir = dir_with(content.as_bytes());
        let loaded = load_from(dir.path(), now());
        let default = Settings::default();
        assert_eq!(loaded.settings.encoder, default.encoder, "{bad}");
        assert_eq!(loaded.settings.target.host, "a.example", "{bad}");
        assert!(
            loaded.notes[0].contains("encoder.bitrate_kbps"),
            "{:?}",
            loaded.notes
        );
        assert_eq!(
            fs::read(dir.path().join(ASIDE)).unwrap(),
            content.as_bytes()
        );
    }
}

#[test]
fn shipped_defaults_are_the_defaults() {
    let text = include_str!("../../settings/default.ron");
    assert_eq!(
        ron::from_str::<Settings>(text).unwrap(),
        Settings::default()
    );
    let tree = Node::parse(text, &shape()).unwrap();
    let found = interpret(&tree);
    assert_eq!(
        (found.settings, found.unknown),
        (Settings::default(), vec![])
    );
    for name in crate::settings::overrides::names() {
        let mut node = &tree;
        for key in name.split('.') {
            node = node
                .field(key)
                .unwrap_or_else(|| panic!("{name} is not in default.ron"));
        }
    }
}

proptest::proptest! {
    #[test]
    fn no_file_whatever_is_lost_or_panics(content in proptest::collection::vec(0_u8.., 0..200)) {
        let dir = dir_with(&content);
        let loaded = load_from(dir.path(), now());
        proptest::prop_assert_eq!(loaded.settings.check(), Ok(()));
        let kept: Vec<_> = names_in(&dir).iter().map(|n| fs::read(dir.path().join(n)).unwrap()).collect();
        proptest::prop_assert!(kept.contains(&content));
    }

    #[test]
    fn a_file_cut_anywhere_is_kept_whole(cut in 0_usize..2000, flip in 0_u8..) {
        let mut content = include_bytes!("../../settings/default.ron").to_vec();
        content.truncate(cut);
        content.extend([flip]);
        let dir = dir_with(&content);
        let loaded = load_from(dir.path(), now());
        proptest::prop_assert_eq!(loaded.settings, Settings::default());
        let kept: Vec<_> = names_in(&dir).iter().map(|n| fs::read(dir.path().join(n)).unwrap()).collect();
        proptest::prop_assert!(kept.contains(&content));
    }
}

#[test]
fn a_file_of_version_2_never_chose_its_encoder() {
    let with = |encoder: &str| {
        let dir = dir_with(format!("(version: 2, encoder: ({encoder}))").as_bytes());
        let loaded = load_from(dir.path(), now());
        assert_eq!(loaded.notes, Vec::<String>::new(), "{encoder}");
        loaded.settings.encoder
    };
    let plain = with("family: Libx264, bitrate_kbps: 2000, vbv_frames: 4");
    assert_eq!(
        (plain.family, plain.vbv_frames, plain.bitrate_kbps),
        (None, None, 2000)
    );
    assert_eq!(with("vbv_frames: 9").vbv_frames, Some(9));
    let dir = dir_with(b"(version: 3, encoder: (family: Some(Libx264), vbv_frames: Some(4)))");
    let chosen = load_from(dir.path(), now()).settings.encoder;
    assert_eq!(chosen.family, Some(crate::settings::EncoderFamily::Libx264));
    assert_eq!(chosen.vbv_frames, Some(4));
}
