use super::*;
use crate::ffmpeg::fake;
use crate::settings::Settings;
use std::path::Path;

/// What an encoder says that has no driver.
const NO_CUDA: &str = "[h264_nvenc @ 0x1] Cannot load libcuda.so.1\n";
const NO_MFX: &str = "[h264_qsv @ 0x1] Low power mode is unsupported\n";

fn encodes(folder: &Path) -> usize {
    std::fs::read_to_string(folder.join("asked"))
        .unwrap_or_default()
        .lines()
        .filter(|line| line.contains("-f rawvideo"))
        .count()
}

#[cfg(target_os = "linux")]
fn rank_of(ffmpeg: &Ffmpeg, chosen: Option<EncoderFamily>, cache: &Cache) -> Ranking {
    let wish = EncoderWish::of(&Settings::default());
    rank_with(ffmpeg, &wish, chosen, &StopToken::new(), cache)
}

/// A fake with nvenc, qsv and libx264, none of which works.
fn three(folder: &Path) -> Ffmpeg {
    let path = fake::ffmpeg(folder);
    fake::has(folder, &["h264_qsv", "libx264", "h264_nvenc"]);
    fake::plays(folder, "h264_nvenc", NO_CUDA, "exit 255\n");
    fake::plays(folder, "h264_qsv", NO_MFX, "exit 1\n");
    fake::plays(
        folder,
        "libx264",
        "[libx264 @ 0x1] malloc failed\n",
        "exit 1\n",
    );
    fake::look(&path)
}

#[cfg(target_os = "linux")]
#[test]
fn all_are_tried_in_order_and_each_gets_its_explanation() {
    let dir = tempfile::tempdir().unwrap();
    let ffmpeg = three(dir.path());
    let ranking = rank_of(&ffmpeg, None, &Cache::new(None));
    let refused: Vec<_> = ranking
        .refused
        .iter()
        .map(|r| (r.family, r.class))
        .collect();
    assert_eq!(
        refused,
        [
            (EncoderFamily::Nvenc, Class::NoDriver),
            (EncoderFamily::Qsv, Class::PowerMode),
            (EncoderFamily::Libx264, Class::Other),
        ]
    );
    assert!(ranking.candidates.is_empty());
    // nvenc once: without a driver no other set helps. qsv with all three. x264 has one.
    assert_eq!(encodes(dir.path()), 1 + 3 + 1);
}

#[cfg(target_os = "linux")]
#[test]
fn the_chosen_one_leads_even_where_this_build_lacks_it() {
    let dir = tempfile::tempdir().unwrap();
    let ffmpeg = three(dir.path());
    let families =
        |ranking: Ranking| -> Vec<_> { ranking.refused.into_iter().map(|r| r.family).collect() };
    let cache = Cache::new(None);
    assert_eq!(
        families(rank_of(&ffmpeg, Some(EncoderFamily::Libx264), &cache)),
        [
            EncoderFamily::Libx264,
            EncoderFamily::Nvenc,
            EncoderFamily::Qsv
        ]
    );
    let absent = rank_of(&ffmpeg, Some(EncoderFamily::Amf), &cache);
    assert_eq!(absent.refused[0].class, Class::NotInBuild);
    assert!(
        absent.refused[0].why.contains("without h264_amf"),
        "{absent:?}"
    );
    assert_eq!(absent.refused.len(), 4);
}

#[cfg(target_os = "linux")]
#[test]
fn what_was_tested_is_not_tested_again_but_a_failure_not_believed_for_ever() {
    let dir = tempfile::tempdir().unwrap();
    let ffmpeg = three(dir.path());
    let kept = tempfile::tempdir().unwrap();
    let cache = || Cache::new(Some(kept.path().into()));
    let first = rank_of(&ffmpeg, None, &cache());
    let count = encodes(dir.path());
    assert_eq!(rank_of(&ffmpeg, None, &cache()), first);
    assert_eq!(encodes(dir.path()), count, "tested again");
    // Another bitrate is no other test; another size is.
    let wish = |change: fn(&mut EncoderWish)| {
        let mut wish = EncoderWish::of(&Settings::default());
        change(&mut wish);
        rank_with(&ffmpeg, &wish, None, &StopToken::new(), &cache());
        encodes(dir.path())
    };
    assert_eq!(wish(|w| w.bitrate_kbps = 500), count);
    assert_eq!(wish(|w| w.size.width = 640), 2 * count);
    // Eleven minutes later.
    let path = kept.path().join("encoder-tests.json");
    let text = std::fs::read_to_string(&path).unwrap();
    let now = wall_seconds();
    let aged = (now - 5..=now).fold(text, |text, s| {
        text.replace(&format!("\"at_s\":{s}"), &format!("\"at_s\":{}", s - 660))
    });
    std::fs::write(&path, &aged).unwrap();
    rank_of(&ffmpeg, None, &cache());
    assert_eq!(encodes(dir.path()), 3 * count);
    // A chosen one's failure is old after seconds.
    let text = std::fs::read_to_string(&path).unwrap();
    let aged = (now..=now + 60).fold(text, |text, s| {
        text.replace(&format!("\"at_s\":{s}"), &format!("\"at_s\":{}", s - 10))
    });
    std::fs::write(&path, &aged).unwrap();
    rank_of(&ffmpeg, Some(EncoderFamily::Nvenc), &cache());
    assert_eq!(encodes(dir.path()), 3 * count + 1);
    // A torn file is as none.
    std::fs::write(&path, &aged[..aged.len() / 2]).unwrap();
    rank_of(&ffmpeg, None, &cache());
    assert_eq!(encodes(dir.path()), 4 * count + 1);
}

#[test]
fn a_stop_gives_what_is_known_so_far_and_keeps_nothing_of_it() {
    let dir = tempfile::tempdir().unwrap();
    let ffmpeg = three(dir.path());
    let stop = StopToken::new();
    stop.stop();
    let wish = EncoderWish::of(&Settings::default());
    let ranking = rank_with(&ffmpeg, &wish, None, &stop, &Cache::new(None));
    assert_eq!(ranking, Ranking::default());
    assert_eq!(encodes(dir.path()), 0);
}

#[test]
fn results_age_by_their_kind_and_a_clock_set_back_makes_them_old() {
    let kept = |result| Kept {
        at_s: 1_000,
        result,
    };
    let good = kept(Ok(Figures::default()));
    let bad = kept(Err(Failure::new(Class::Other, "x")));
    assert!(good.holds(1_000 + 3_600, true));
    assert!(!good.holds(1_000 + SUCCESS_HOLDS_S, false));
    assert!(bad.holds(1_599, false) && !bad.holds(1_600, false));
    assert!(bad.holds(1_004, true) && !bad.holds(1_005, true));
    assert!(!good.holds(999, false));
}
