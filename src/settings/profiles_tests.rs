use super::*;
use crate::settings::{
    AudioInput, AudioSourceKind, EncoderFamily, Language, ScreenPart, TargetKind, VideoSourceKind,
    WindowName,
};
use crate::units::{Region, Size};

fn folder() -> (tempfile::TempDir, Profiles) {
    let dir = tempfile::tempdir().unwrap();
    let profiles = Profiles::within(dir.path());
    (dir, profiles)
}

/// Settings of which each part differs from the default and each private one can be searched for.
fn private() -> Settings {
    let mut s = Settings {
        language: Language::Korean,
        ffmpeg_path: Some("/home/anna-private/ffmpeg".into()),
        mediamtx_path: Some("/home/anna-private/mediamtx".into()),
        ..Settings::default()
    };
    s.video.source = VideoSourceKind::Pattern;
    s.video.part = ScreenPart::Window(WindowName {
        app: "Mail-private".into(),
        title: "Re: salary-private".into(),
    });
    s.video.region = Some(Region {
        x: 7,
        y: 9,
        size: Size::new(640, 360),
    });
    s.encoder.bitrate_kbps = 2345;
    s.encoder.gop_seconds = 0.7;
    s.encoder.family = Some(EncoderFamily::Nvenc);
    s.audio.inputs = vec![
        AudioInput {
            gain_db: -6.0,
            delay_ms: 40,
            ..AudioInput::of(AudioSourceKind::Input("Anna's microphone-private".into()))
        },
        AudioInput::of(AudioSourceKind::Tone),
    ];
    for target in [&mut s.target, &mut s.backup.target] {
        target.kind = TargetKind::Srt;
        target.host = "srt://studio.example:9000?passphrase=secret-0123456789&latency=200".into();
        target.user = "anna".into();
        target.api_url = "http://anna:secret-word@studio.example:9997?key=secret-key".into();
        target.webrtc_url = "https://secret-token@studio.example:8889".into();
        target.file = "/home/anna-private/out.ts".into();
        target.pull_address = "192.0.2.77".into();
        target.pull_port = 4321;
    }
    s.viewer.lan = true;
    s.recording.folder = Some("/home/anna-private/shows".into());
    s.profile = "name-private".into();
    s.servers = vec![crate::settings::RecentServer {
        host: "other-private.example".into(),
        ..Default::default()
    }];
    s
}

#[test]
fn a_profile_brings_a_show_back_and_leaves_the_consoles_own() {
    let (_dir, profiles) = folder();
    let saved = private();
    assert_eq!(profiles.save("Late show", &saved).unwrap().0, "Late show");
    let mut now = Settings {
        language: Language::English,
        ..Settings::default()
    };
    now.audio.muted = true;
    let profile = profiles.read("Late show").unwrap();
    assert_eq!(profile.notes, Vec::<String>::new());
    assert!(!profile.is_in_force(&now));
    let new = profile.onto(&now).unwrap();
    assert!(profile.is_in_force(&new));
    assert_eq!(new.video, saved.video);
    assert_eq!(new.encoder, saved.encoder);
    assert_eq!(new.audio.inputs, saved.audio.inputs);
    assert_eq!(new.recording, saved.recording);
    assert_eq!(
        (new.target.host.as_str(), new.target.srt_port),
        ("studio.example", 9000)
    );
    // Not the show's: language, paths of programs, mute.
    assert_eq!((new.language, &new.ffmpeg_path), (Language::English, &None));
    assert!(new.audio.muted && new.servers.is_empty());
}

/// The proof that matters: whatever is private is in no file for others.
#[test]
fn a_shared_file_has_no_secret_and_nothing_of_this_machine() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("for others.ron");
    let left_out = write_shared(&path, &private()).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    for private in [
        "secret",
        "private",
        "192.0.2.77",
        "4321",
        "Nvenc",
        "passphrase",
        "640",
        "lan:",
        "viewer",
        "Korean",
        "/home",
    ] {
        assert!(!text.contains(private), "{private} is in:\n{text}");
    }
    // What a show is made of is there.
    for shared in [
        "2345",
        "studio.example",
        "9000",
        "anna",
        "-6",
        "gop_seconds: 0.7",
    ] {
        assert!(text.contains(shared), "{shared} is not in:\n{text}");
    }
    assert_eq!(
        left_out,
        [
            "audio.inputs.0.source",
            "video.part",
            "video.region",
            "encoder.family",
            "target.file",
            "target.pull_address",
            "target.pull_port",
            "backup.target.file",
            "backup.target.pull_address",
            "backup.target.pull_port",
            "viewer.lan",
            "recording.folder",
        ]
    );
}

#[test]
fn not_even_an_own_profile_has_a_secret() {
    let (dir, profiles) = folder();
    profiles.save("x", &private()).unwrap();
    let text = fs::read_to_string(dir.path().join("profiles/x.ron")).unwrap();
    assert!(!text.contains("secret"), "{text}");
    assert!(
        text.contains("salary-private"),
        "the window is this machine's to know"
    );
}

#[test]
fn a_shared_file_is_taken_on_another_machine() {
    let (dir, profiles) = folder();
    let path = dir.path().join("저녁: 뉴스.ron");
    write_shared(&path, &private()).unwrap();
    let (name, profile) = read_shared(&path).unwrap();
    assert_eq!((name.as_str(), profile.notes.len()), ("저녁_ 뉴스", 0));
    assert_eq!(profiles.add(&name, &profile).unwrap(), name);
    assert!(matches!(
        profiles.add(&name, &profile),
        Err(ProfileError::Exists { .. })
    ));
    let mut here = Settings::default();
    here.video.part = ScreenPart::Monitor("HDMI-1".into());
    here.recording.folder = Some("/here".into());
    let new = profiles.read(&name).unwrap().onto(&here).unwrap();
    assert_eq!(new.encoder.bitrate_kbps, 2345);
    assert_eq!(new.audio.inputs[0].source, AudioSourceKind::DefaultInput);
    assert_eq!(new.audio.inputs[0].delay_ms, 40);
    assert_eq!(
        new.video.part, here.video.part,
        "what it does not say stays"
    );
    assert_eq!(new.recording.folder, here.recording.folder);
}

/// A file from elsewhere must not run a program, write a file or open this machine.
#[test]
fn a_file_from_elsewhere_cannot_do_harm() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("evil.ron");
    fs::write(
        &path,
        "(version: 3, ffmpeg_path: Some(\"/tmp/evil\"), mediamtx_path: Some(\"/tmp/evil\"), \
         viewer: (lan: true, on: true), recording: (folder: Some(\"/etc\"), auto: true), \
         target: (way: File, file: \"/etc/passwd\"), encoder: (bitrate_kbps: 1500))",
    )
    .unwrap();
    let (_, profile) = read_shared(&path).unwrap();
    let new = profile.onto(&Settings::default()).unwrap();
    let mut expected = Settings::default();
    expected.encoder.bitrate_kbps = 1500;
    assert_eq!(new, expected);
    let told = profile.notes.join("\n");
    for name in [
        "ffmpeg_path",
        "viewer.lan",
        "recording.folder",
        "target.file",
        "target.way",
    ] {
        assert!(told.contains(name), "{name}: {told}");
    }
}

#[test]
fn bad_files_are_refused_with_words_and_change_nothing() {
    let (dir, profiles) = folder();
    fs::create_dir_all(dir.path().join(FOLDER)).unwrap();
    let put =
        |name: &str, text: &[u8]| fs::write(dir.path().join(FOLDER).join(name), text).unwrap();
    for (text, why) in [
        (&b""[..], "it is empty"),
        (b"\0\0\0", "filled with zeros"),
        (b"(encoder: (", "expected"),
        (b"\xff\xfe", "not UTF-8"),
        (b"(encoder: (bitrate_kbps: 99))", "from 100 to 10000"),
        (b"(video: (source: Webcam))", "Webcam"),
        (b"(language: Korean)", "no setting of a show"),
        (b"just words", ""),
    ] {
        put("bad.ron", text);
        let error = profiles.read("bad").unwrap_err();
        assert!(matches!(error, ProfileError::Broken { .. }), "{error}");
        let said = error.to_string();
        assert!(said.to_lowercase().contains(&why.to_lowercase()), "{said}");
        assert!(said.contains("mend the file or choose another"), "{said}");
    }
    put("long.ron", &vec![b' '; (1 << 20) + 2]);
    assert!(profiles.read("long").is_err());
}

#[test]
fn unknown_settings_are_told_and_an_old_form_is_understood() {
    let (dir, profiles) = folder();
    fs::create_dir_all(dir.path().join(FOLDER)).unwrap();
    let put = |text: &str| fs::write(dir.path().join("profiles/old.ron"), text).unwrap();
    put("(version: 2, audio: (source: Tone), encoder: (bitrat_kbps: 5, vbv_frames: 7))");
    let profile = profiles.read("old").unwrap();
    assert_eq!(profile.notes.len(), 1, "{:?}", profile.notes);
    assert!(
        profile.notes[0].contains("`encoder.bitrat_kbps`")
            && profile.notes[0].contains("did you mean")
    );
    let new = profile.onto(&Settings::default()).unwrap();
    assert_eq!(new.audio.inputs, [AudioInput::of(AudioSourceKind::Tone)]);
    assert_eq!(new.encoder.vbv_frames, Some(7));
    put("(version: 99, encoder: (bitrate_kbps: 700, future: 1))");
    let profile = profiles.read("old").unwrap();
    assert!(
        profile.notes[0].contains("newer version"),
        "{:?}",
        profile.notes
    );
    assert_eq!(
        profile
            .onto(&Settings::default())
            .unwrap()
            .encoder
            .bitrate_kbps,
        700
    );
}

#[test]
fn both_together_out_of_bounds_are_refused() {
    let (dir, profiles) = folder();
    fs::create_dir_all(dir.path().join(FOLDER)).unwrap();
    let text = "(target: (kind: Srt), backup: (on: true, target: (kind: Embedded)))";
    fs::write(dir.path().join("profiles/b.ron"), text).unwrap();
    let profile = profiles.read("b").unwrap();
    assert!(profile.onto(&Settings::default()).is_ok());
    fs::write(dir.path().join("profiles/b.ron"), "(backup: (on: true))").unwrap();
    let mut both = Settings::default();
    both.backup.target.kind = TargetKind::Embedded;
    let why = profiles.read("b").unwrap().onto(&both).unwrap_err();
    assert!(why.contains("backup.target.kind"), "{why}");
}

#[test]
fn names_are_found_whatever_their_capitals_renamed_and_given_back() {
    let (dir, profiles) = folder();
    assert!(profiles.list().is_empty());
    let mut settings = Settings::default();
    profiles.save("news", &settings).unwrap();
    profiles.save("아침", &settings).unwrap();
    settings.encoder.bitrate_kbps = 777;
    // The same to a file system that does not tell capitals apart: one file, its old name.
    let (name, before) = profiles.save("NEWS", &settings).unwrap();
    assert_eq!(
        (name.as_str(), profiles.list()),
        ("news", vec!["news".to_owned(), "아침".into()])
    );
    let kbps = |name| {
        let profile = profiles.read(name).unwrap();
        profile
            .onto(&Settings::default())
            .unwrap()
            .encoder
            .bitrate_kbps
    };
    assert_eq!(kbps("News"), 777);
    profiles.put_back(&before.unwrap()).unwrap();
    assert_eq!(kbps("news"), 3000);
    assert_eq!(profiles.rename("news", "News").unwrap(), "News");
    assert!(matches!(
        profiles.rename("News", "아침"),
        Err(ProfileError::Exists { .. })
    ));
    let before = profiles.delete("아침").unwrap().unwrap();
    assert_eq!(
        (profiles.list(), before.name()),
        (vec!["News".to_owned()], "아침")
    );
    let error = profiles.read("Nevs").unwrap_err().to_string();
    assert!(error.contains("did you mean `News`?"), "{error}");
    assert!(profiles.save("../out", &settings).is_err());
    // What is no profile by its name is not listed.
    for name in [".hidden.ron", "x.txt", "con.ron"] {
        // A device of Windows, which makes no such file.
        if cfg!(windows) && name == "con.ron" {
            continue;
        }
        fs::write(dir.path().join(FOLDER).join(name), "()").unwrap();
    }
    assert_eq!(profiles.list(), ["News"]);
}

#[test]
fn a_folder_that_cannot_be_written_is_named() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(FOLDER), "a file in its place").unwrap();
    let profiles = Profiles::within(dir.path());
    assert!(profiles.list().is_empty());
    let error = profiles.save("x", &Settings::default()).unwrap_err();
    let said = error.to_string();
    assert!(
        matches!(error, ProfileError::Disk { .. }) && said.contains("cannot be written"),
        "{said}"
    );
}

proptest::proptest! {
    #[test]
    fn whatever_a_file_holds_nothing_panics(content in proptest::collection::vec(0_u8.., 0..200)) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.ron");
        fs::write(&path, &content).unwrap();
        let _ = read_shared(&path);
    }
}
