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
