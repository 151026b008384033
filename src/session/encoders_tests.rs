//! Tests of the encoders' succession: the relay's word is the test's.

use super::*;
#[cfg(unix)]
use crate::clock;
use crate::settings::Settings;
use crate::units::{Fps, Size};

/// Encoders whose children end at once; the relay's word is the test's.
#[cfg(unix)]
fn encoders(families: &[EncoderFamily]) -> Encoders {
    use crate::ffmpeg::choose::{Candidate, Ranking};
    use crate::ffmpeg::probe::Figures;
    use crate::ffmpeg::{Capabilities, Version};
    let candidate = |family: &EncoderFamily| Candidate {
        family: *family,
        variant: 0,
        figures: Figures::default(),
    };
    let ranking = Ranking {
        candidates: families.iter().map(candidate).collect(),
        refused: Vec::new(),
    };
    let version = Version { major: 7, minor: 0 };
    let means = Means {
        ffmpeg: Ffmpeg {
            path: "/bin/true".into(),
            capabilities: Capabilities::of_version(version),
        },
        start: Arc::new(start_child),
        launch: Launch::default(),
        lineup: Lineup::new(ranking, None),
        relay: Relay::new().0,
        control: PumpControl::default(),
        journal: Journal::new(),
    };
    let wish = EncoderWish::of(&Settings::default());
    let mut encoders = Encoders::start(means, wish, clock::now()).unwrap();
    encoders.on(RelayEvent::TookOver(1), clock::now()).unwrap();
    encoders
}

#[cfg(unix)]
fn gone(encoders: &mut Encoders, encoder: EncoderId) -> Result<(), String> {
    let why = "device lost".into();
    encoders.on(RelayEvent::Gone { encoder, why }, clock::now())
}

#[cfg(unix)]
#[test]
fn a_change_that_was_not_made_is_told_once_with_its_reason() {
    let mut encoders = encoders(&[EncoderFamily::Libx264]);
    let wish = EncoderWish {
        bitrate_kbps: 700,
        ..*encoders.in_force()
    };
    let reason = Some("loss".to_owned());
    assert!(
        encoders
            .change(wish, TrendKind::Adapted, reason.clone(), clock::now())
            .unwrap()
    );
    let again = encoders
        .change(wish, TrendKind::Wished, None, clock::now())
        .unwrap();
    assert!(!again, "two at once");
    encoders.on(RelayEvent::Abandoned(2), clock::now()).unwrap();
    let told = encoders.take_abandoned();
    assert_eq!(told, Some((wish, TrendKind::Adapted, reason)));
    assert_eq!(encoders.take_abandoned(), None);
    assert_eq!(
        (encoders.changing_to(), encoders.in_force().bitrate_kbps),
        (None, 3000)
    );
}

#[cfg(unix)]
#[test]
fn a_failing_card_gives_its_place_and_the_last_encoder_gets_four_tries() {
    use EncoderFamily::{Libx264, Nvenc};
    let mut encoders = encoders(&[Nvenc, Libx264]);
    assert_eq!(encoders.in_force().family, Nvenc);
    gone(&mut encoders, 1).unwrap();
    assert_eq!(encoders.in_force().family, Libx264);
    assert!(
        encoders
            .pick()
            .fallback
            .as_ref()
            .unwrap()
            .contains("device lost")
    );
    for id in 2..5 {
        encoders.on(RelayEvent::TookOver(id), clock::now()).unwrap();
        gone(&mut encoders, id).unwrap();
    }
    encoders.on(RelayEvent::TookOver(5), clock::now()).unwrap();
    gone(&mut encoders, 5).unwrap();
    assert_eq!(encoders.next, 6, "none is left, so the next try waits");
    assert_eq!(encoders.lost(), Some("device lost"));
    let kinds: Vec<_> = encoders.take_marks().into_iter().map(|m| m.1).collect();
    assert_eq!(kinds, [TrendKind::Failover; 4]);
}

/// A driver that is being updated, an ffmpeg that is being replaced: the show outlives both.
#[cfg(unix)]
#[test]
fn a_show_that_was_on_air_never_ends_for_its_encoders() {
    use EncoderFamily::{Libx264, Nvenc};
    let mut encoders = encoders(&[Nvenc, Libx264]);
    let mut now = clock::now();
    let mut started = Vec::new();
    let before = encoders.next;
    // Two minutes in which each dies at once, and later cannot even be started.
    for ms in (0..120_000).step_by(100) {
        now = now + Duration::from_millis(100);
        if ms == 60_000 {
            encoders.start = Arc::new(|_, _, _, _, _| Err(std::io::Error::other("no such file")));
        }
        encoders.look(now);
        let running: Vec<_> = encoders.running.keys().copied().collect();
        for encoder in running {
            started.push(encoders.in_force().family);
            let why = "device lost".into();
            encoders.on(RelayEvent::Gone { encoder, why }, now).unwrap();
        }
        assert!(encoders.lost().is_some());
    }
    assert!(started.contains(&Nvenc) && started.contains(&Libx264));
    // No storm of starts, and no long pause.
    assert!((20..60).contains(&started.len()), "{}", started.len());
    assert_eq!(encoders.lost(), Some("no such file"));
    encoders.start = Arc::new(start_child);
    for _ in 0..50 {
        now = now + Duration::from_millis(100);
        encoders.look(now);
    }
    let id = encoders.next - 1;
    assert!(id > before);
    encoders.on(RelayEvent::TookOver(id), now).unwrap();
    assert_eq!(encoders.lost(), None);
    assert_eq!(encoders.in_force().family, Nvenc);
}

/// The operator's own choice in such a wait is carried out at once.
#[cfg(unix)]
#[test]
fn a_change_does_not_wait_for_the_next_try() {
    let mut encoders = encoders(&[EncoderFamily::Libx264]);
    for id in 1..5 {
        gone(&mut encoders, id).unwrap();
    }
    assert!(encoders.running.is_empty());
    let smaller = EncoderWish {
        size: Size::new(640, 360),
        ..*encoders.in_force()
    };
    let now = clock::now();
    assert!(
        encoders
            .change(smaller, TrendKind::Wished, None, now)
            .unwrap()
    );
    assert_eq!(encoders.running.len(), 1);
    encoders.look(now + Duration::from_secs(5));
    assert_eq!(encoders.running.len(), 1, "what was waited for is void");
}

#[cfg(unix)]
#[test]
fn a_new_encoder_that_fails_leaves_the_old_one_at_work() {
    use EncoderFamily::{Libx264, Nvenc};
    let mut encoders = encoders(&[Libx264, Nvenc]);
    encoders.choose(Some(Nvenc));
    let wish = *encoders.in_force();
    assert!(
        encoders
            .change(wish, TrendKind::Wished, None, clock::now())
            .unwrap()
    );
    assert_eq!(encoders.changing_to().unwrap().family, Nvenc);
    gone(&mut encoders, 2).unwrap();
    assert_eq!(encoders.in_force().family, Libx264);
    let told = encoders.pick().fallback.clone().unwrap();
    assert!(
        told.contains("h264_nvenc was chosen but does not work: device lost"),
        "{told}"
    );
    assert_eq!(
        encoders.resolve(wish),
        wish,
        "it is not tried again by itself"
    );
}

#[test]
fn a_change_is_told_in_few_words() {
    let before = EncoderWish::of(&Settings::default());
    assert_eq!(difference(&before, &before), "libx264 started again");
    let after = EncoderWish {
        bitrate_kbps: 400,
        size: Size::new(960, 540),
        fps: Fps::whole(15),
        ..before
    };
    assert_eq!(
        difference(&before, &after),
        "bitrate 3000 -> 400 kb/s, 1280x720 -> 960x540, 30 -> 15 fps"
    );
}

/// Seed 41 of `tests/sim.rs`: each encoder that died before its first picture was taken for a change that
/// was too slow, and after three the show had none for ever.
#[cfg(unix)]
#[test]
fn an_only_encoder_that_dies_before_its_first_picture_is_replaced() {
    let mut encoders = encoders(&[EncoderFamily::Libx264, EncoderFamily::Libopenh264]);
    gone(&mut encoders, 1).unwrap();
    for id in 2..5 {
        encoders
            .on(RelayEvent::Abandoned(id), clock::now())
            .unwrap();
        gone(&mut encoders, id).unwrap();
        assert_eq!(encoders.next, id + 2, "another was started");
        assert_eq!(encoders.take_abandoned(), None);
    }
}
