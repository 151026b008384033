use super::*;

const PROTOCOLS: &str = "Supported file protocols:\nInput:\n  file\n  srt\nOutput:\n  srt\n";
const ENCODERS: &str = "Encoders:\n V..... = Video\n ------\n V....D libx264   libx264 H.264\n A....D libopus   libopus Opus\n";
const MUXERS: &str = "File formats:\n D. = Demuxing supported\n .E = Muxing supported\n --\n  E flv             FLV\n  E mpegts          MPEG-TS\n  E stream_segment,ssegment streaming segment muxer\n";

fn parse(version: &str) -> Option<Capabilities> {
    Capabilities::parse(version, PROTOCOLS, ENCODERS, MUXERS)
}

#[test]
fn versions_of_every_make_are_read() {
    let version = |text| parse(text).map(|c| c.version);
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
fn lists_of_every_make_are_read() {
    let found = parse("ffmpeg version 5.1 C").unwrap();
    let names: Vec<_> = found.muxers.iter().map(String::as_str).collect();
    assert_eq!(names, ["flv", "mpegts", "ssegment", "stream_segment"]);
    // 7.0 has a third column for devices, and three dashes.
    let newer = second_words("Formats:\n ..d = Is a device\n ---\n  E  flv    FLV\n DE  x,y  z\n");
    assert_eq!(newer.into_iter().collect::<Vec<_>>(), ["flv", "x", "y"]);
}

#[test]
fn b24_each_lack_has_its_own_message() {
    let good = parse("ffmpeg version 5.1 C").unwrap();
    let path = Path::new("/x/ffmpeg");
    let check = |c: &Capabilities| check(path, c);
    assert_eq!(check(&good), Ok(()));
    let lacking = |change: fn(&mut Capabilities)| {
        let mut found = good.clone();
        change(&mut found);
        check(&found).unwrap_err().to_string()
    };
    for (text, word) in [
        (lacking(|c| c.srt = false), "no SRT"),
        (lacking(|c| _ = c.encoders.remove("libx264")), "no H.264"),
        (lacking(|c| _ = c.encoders.remove("libopus")), "no Opus"),
        (lacking(|c| _ = c.muxers.remove("flv")), "no FLV"),
        (lacking(|c| _ = c.muxers.remove("mpegts")), "no MPEG-TS"),
    ] {
        assert!(text.contains(word), "{word}: {text}");
        assert!(text.contains("/x/ffmpeg") && text.contains("5.1"), "{text}");
    }
    let old = Capabilities {
        version: Version { major: 4, minor: 3 },
        ..good
    };
    assert!(matches!(check(&old), Err(FfmpegError::TooOld { .. })));
}

/// From the oldest that is taken to the newest known, each in the form in which its makers name it.
#[test]
fn b24_versions_4_4_to_9_are_taken_and_older_ones_are_not() {
    let path = Path::new("/x/ffmpeg");
    for (text, version) in [
        (
            "ffmpeg version 4.4.2-0ubuntu0.22.04.1 Copyright (c)",
            (4, 4),
        ),
        ("ffmpeg version 5.1.9-0+deb12u1 Copyright (c)", (5, 1)),
        ("ffmpeg version 6.1.1-3ubuntu5 Copyright (c)", (6, 1)),
        (
            "ffmpeg version 7.1-full_build-www.gyan.dev Copyright (c)",
            (7, 1),
        ),
        ("ffmpeg version 7.1.1 Copyright (c) 2000-2025", (7, 1)),
        (
            "ffmpeg version n8.1-10-gabcdef0-20260301 Copyright (c)",
            (8, 1),
        ),
        ("ffmpeg version 8.0.1-tessus Copyright (c)", (8, 0)),
        ("ffmpeg version 9.0 Copyright (c)", (9, 0)),
    ] {
        let found = parse(text).unwrap();
        let (major, minor) = version;
        assert_eq!(found.version, Version { major, minor }, "{text}");
        assert_eq!(check(path, &found), Ok(()), "{text}");
    }
    for old in [
        "ffmpeg version 4.3.6-0+deb11u1 C",
        "ffmpeg version 3.4.11 C",
    ] {
        let said = check(path, &parse(old).unwrap()).unwrap_err().to_string();
        assert!(said.contains("4.4 or newer"), "{said}");
    }
}

/// A fake in a folder of this name, whose script has this line before anything else.
#[cfg(unix)]
fn fake_in(name: &str, line: &str) -> (tempfile::TempDir, std::path::PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join(name);
    std::fs::create_dir(&folder).unwrap();
    let path = crate::ffmpeg::fake::ffmpeg(&folder);
    if !line.is_empty() {
        let real = folder.join("real");
        std::fs::rename(&path, &real).unwrap();
        let script = format!("#!/bin/sh\n{line}\n");
        let made = Command::new("sh")
            .args([
                "-c",
                "printf '%s' \"$1\" >\"$2\" && chmod 755 \"$2\"",
                "sh",
                &script,
            ])
            .arg(&path)
            .status();
        assert!(made.unwrap().success());
    }
    (dir, path)
}

/// Names with blanks, quotes and Korean letters, and a wrapper that starts the real one.
#[cfg(unix)]
#[test]
fn b24_any_path_and_a_wrapper_will_do() {
    for (name, line) in [
        ("내 프로그램 (1)", ""),
        ("it's \"quoted\" $HOME;", ""),
        ("wrapped", "exec \"$(dirname \"$0\")/real\" \"$@\""),
        // A shell that waits for it.
        ("not exec", "\"$(dirname \"$0\")/real\" \"$@\"\nexit $?"),
    ] {
        let (_dir, path) = fake_in(name, line);
        let found = look_with(Some(&path), &Cache::new(None)).unwrap();
        assert_eq!(
            found.capabilities.version,
            Version { major: 5, minor: 1 },
            "{name}"
        );
        assert_eq!(found.path, path);
    }
}

/// It prints what it should and then stays, holding or having closed its output.
#[cfg(unix)]
#[test]
fn b24_one_that_answers_and_does_not_end_is_not_waited_for() {
    let (_dir, path) = fake_in(
        "stays",
        "\"$(dirname \"$0\")/real\" \"$@\"\nexec >&- 2>&-\nexec sleep 30",
    );
    let started = Instant::now();
    let error = look_with(Some(&path), &Cache::new(None)).unwrap_err();
    assert!(matches!(error, FfmpegError::CannotRun { .. }), "{error}");
    assert!(error.to_string().contains("does not end"), "{error}");
    assert!(started.elapsed() < END_LIMIT + Duration::from_secs(2));
}

/// A busy machine is slow to start a program: what answers late is no broken ffmpeg.
#[cfg(unix)]
#[test]
fn b24_one_that_is_late_once_is_asked_again() {
    let limit = Duration::from_secs(2);
    let (_dir, path) = fake_in(
        "late",
        "cd \"$(dirname \"$0\")\" && mkdir once 2>/dev/null && exec sleep 30\n./real \"$@\"\nexit $?",
    );
    let found = ask(&path, limit).unwrap();
    assert_eq!(found.version, Version { major: 5, minor: 1 });
    // One that never answers is told as that, and by whether the machine was busy.
    let (_dir, path) = fake_in("silent", "exec sleep 30");
    let error = ask(&path, limit).unwrap_err();
    let text = error.to_string();
    assert!(text.contains("within 2 s, nor within 2 s more"), "{text}");
    match error {
        FfmpegError::Busy { percent, .. } => assert!((85..=100).contains(&percent), "{text}"),
        FfmpegError::Silent { .. } => assert!(!text.contains("CPU"), "{text}"),
        other => panic!("{other}"),
    }
}

// Paths of Linux.
#[cfg(unix)]
#[test]
fn render_nodes_are_listed_in_the_kernels_order() {
    let dir = tempfile::tempdir().unwrap();
    for name in [
        "renderD1000",
        "renderD129",
        "card0",
        "renderD128",
        "by-path",
    ] {
        std::fs::write(dir.path().join(name), "").unwrap();
    }
    let names: Vec<_> = render_nodes(dir.path())
        .iter()
        .map(|node| node.rsplit('/').next().unwrap().to_owned())
        .collect();
    assert_eq!(names, ["renderD128", "renderD129", "renderD1000"]);
    assert_eq!(render_nodes(&dir.path().join("none")), [""; 0]);
}

/// A program that answers as ffmpeg does and counts how often it was asked for its version.
#[cfg(unix)]
#[test]
fn what_was_found_is_kept_until_the_file_changes() {
    let dir = tempfile::tempdir().unwrap();
    let path = crate::ffmpeg::fake::ffmpeg(dir.path());
    let count = || {
        std::fs::read_to_string(dir.path().join("asked"))
            .unwrap_or_default()
            .lines()
            .count()
    };
    let kept = tempfile::tempdir().unwrap();
    let look = || look_with(Some(&path), &Cache::new(Some(kept.path().into()))).unwrap();
    let first = look();
    assert_eq!(first.capabilities.version, Version { major: 5, minor: 1 });
    assert!(first.capabilities.encoder_options["libx264"].takes("forced-idr", "1"));
    let asked = count();
    assert!(asked >= 5, "{asked}");
    assert_eq!(look().capabilities, first.capabilities);
    assert_eq!(count(), asked, "asked again");
    // A torn file is as none.
    std::fs::write(
        kept.path().join("ffmpeg-capabilities.json"),
        "{\"schema\":1,",
    )
    .unwrap();
    assert_eq!(look().capabilities, first.capabilities);
    assert_eq!(count(), 2 * asked);
    // A new file under the old name.
    std::fs::remove_file(&path).unwrap();
    crate::ffmpeg::fake::ffmpeg_script(dir.path(), "# newer\n");
    look();
    assert_eq!(count(), 3 * asked);
}

/// Homebrew's slim ffmpeg before its full one, a broken one before a good one.
#[cfg(unix)]
#[test]
fn the_first_that_can_all_is_taken_and_the_first_one_s_fault_told_where_none_can() {
    let dirs: Vec<_> = (0..3).map(|_| tempfile::tempdir().unwrap()).collect();
    let all: Vec<_> = dirs
        .iter()
        .map(|d| crate::ffmpeg::fake::ffmpeg(d.path()))
        .collect();
    std::fs::write(dirs[0].path().join("protocols"), "Output:\n  tcp\n").unwrap();
    std::fs::write(dirs[1].path().join("version"), "something else\n").unwrap();
    let cache = Cache::new(None);
    assert_eq!(first_good(all.clone(), &cache).unwrap().path, all[2]);
    let error = first_good(all[..2].to_vec(), &cache).unwrap_err();
    assert!(
        matches!(&error, FfmpegError::Lacks { what, .. } if what.contains("SRT")),
        "{error}"
    );
}
