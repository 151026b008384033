use super::super::snapshot::{AudioLevel, ProbeStatus, Proof};
use super::*;
use proptest::prelude::*;

fn at(seconds: f64) -> MonoTime {
    MonoTime::from_micros((seconds * 1e6) as u64)
}

fn fine() -> Facts {
    Facts {
        on_air: true,
        arriving: Some(true),
        brightest: Some(200),
        peak_dbfs: Some(-20.0),
        cpu_percent: Some(30.0),
        ..Facts::default()
    }
}

fn rules() -> NotifySettings {
    NotifySettings::default()
}

/// Facts in which this kind is so.
fn trouble(kind: NoticeKind) -> Facts {
    let why = Some("why it is so".to_owned());
    let mut facts = fine();
    match kind {
        NoticeKind::ServerLost => facts.server_lost = why,
        NoticeKind::Anew => facts.made_anew = why,
        NoticeKind::NotArriving => facts.arriving = Some(false),
        NoticeKind::PictureLost => facts.picture_lost = why,
        NoticeKind::PictureBlack => facts.brightest = Some(16),
        NoticeKind::EncoderLost => facts.encoder_lost = why,
        NoticeKind::Late => facts.held_beyond_ms = Some(260),
        NoticeKind::SoundLost => facts.sound_lost = why,
        NoticeKind::InputLost => facts.input_lost = why,
        NoticeKind::Silence => facts.peak_dbfs = Some(f32::NEG_INFINITY),
        NoticeKind::Cpu => facts.cpu_percent = Some(97.0),
    }
    facts
}

/// Looks five times a second from `from` to `to`, s; what was said.
fn watch(notices: &mut Notices, facts: &Facts, from: f64, to: f64) -> Vec<String> {
    let looks = ((to - from) * 5.0).round() as usize;
    (0..looks)
        .flat_map(|n| notices.look(facts, &rules(), at(from + n as f64 / 5.0)))
        .map(|(_, text)| text)
        .collect()
}

#[test]
fn each_kind_is_told_once_alone_and_so_is_its_end() {
    for kind in NoticeKind::ALL {
        let mut notices = Notices::default();
        assert_eq!(watch(&mut notices, &fine(), 0.0, 30.0), [""; 0]);
        let said = watch(&mut notices, &trouble(kind), 30.0, 60.0);
        assert_eq!(said.len(), 1, "{kind:?}: {said:?}");
        let list = notices.list();
        assert_eq!((list.len(), list[0].kind), (1, kind));
        assert_eq!((list[0].since, list[0].until), (at(30.0), None));
        assert_eq!(list[0].text, said[0]);
        let said = watch(&mut notices, &fine(), 60.0, 61.0);
        assert_eq!(said.len(), 1, "{kind:?}: {said:?}");
        assert!(said[0].contains("30 s"), "{said:?}");
        assert_eq!(notices.list()[0].until, Some(at(60.0)));
        assert_eq!(watch(&mut notices, &fine(), 61.0, 95.0), [""; 0]);
        assert_eq!(notices.list(), [], "{kind:?} is kept for ever");
    }
}

#[test]
fn nothing_is_told_off_air_or_for_a_moment() {
    for kind in NoticeKind::ALL {
        let mut notices = Notices::default();
        let idle = Facts {
            on_air: false,
            ..trouble(kind)
        };
        assert_eq!(watch(&mut notices, &idle, 0.0, 60.0), [""; 0], "{kind:?}");
        let moment = patience(kind, &rules()).as_secs_f64();
        let until = 60.0 + moment - 0.3;
        assert_eq!(watch(&mut notices, &trouble(kind), 60.0, until), [""; 0]);
        assert_eq!(watch(&mut notices, &fine(), until, 90.0), [""; 0]);
    }
}

#[test]
fn zero_puts_a_watch_off() {
    let rules = NotifySettings {
        silence_seconds: 0,
        black_seconds: 0,
        cpu_percent: 0,
        ..rules()
    };
    for kind in [
        NoticeKind::Silence,
        NoticeKind::PictureBlack,
        NoticeKind::Cpu,
    ] {
        let mut notices = Notices::default();
        for second in 0..120 {
            let news = notices.look(&trouble(kind), &rules, at(f64::from(second)));
            assert_eq!(news, [], "{kind:?}");
        }
    }
}

#[test]
fn a_load_that_swings_about_the_limit_is_one_notice() {
    let mut notices = Notices::default();
    let mut said = watch(&mut notices, &trouble(NoticeKind::Cpu), 0.0, 6.0);
    let limit = f64::from(rules().cpu_percent);
    for n in 0..200 {
        let facts = Facts {
            cpu_percent: Some(limit + if n % 2 == 0 { -3.0 } else { 3.0 }),
            ..fine()
        };
        let from = 6.0 + f64::from(n);
        said.extend(watch(&mut notices, &facts, from, from + 1.0));
    }
    assert_eq!(said.len(), 1, "{said:?}");
}

#[test]
fn wished_silence_is_no_notice() {
    let mut snapshot = Snapshot {
        state: State::Live,
        ..Snapshot::default()
    };
    assert_eq!(snapshot.audio.level, AudioLevel::default());
    let peak = |s: &Snapshot| Facts::of(s, None, None, None).peak_dbfs;
    assert_eq!(peak(&snapshot), Some(f32::NEG_INFINITY));
    snapshot.settings.audio.muted = true;
    assert_eq!(peak(&snapshot), None);
    snapshot.settings.audio.muted = false;
    for input in &mut snapshot.settings.audio.inputs {
        input.source = AudioSourceKind::Silence;
    }
    assert_eq!(peak(&snapshot), None);
}

#[test]
fn the_lamp_believes_the_measuring_viewer_most_and_the_handshake_least() {
    let with = |state, confirmation, arriving| {
        let snapshot = Snapshot {
            state,
            confirmation,
            ..Snapshot::default()
        };
        tally(&snapshot, arriving)
    };
    use Confirmation::{Handshake, None as Unconfirmed, Online};
    assert_eq!(with(State::Idle, Unconfirmed, None), Tally::Off);
    assert_eq!(with(State::Starting, Unconfirmed, None), Tally::Waiting);
    assert_eq!(with(State::Live, Handshake, None), Tally::Sent);
    assert_eq!(with(State::Live, Online, None), Tally::Online);
    assert_eq!(with(State::Live, Online, Some(true)), Tally::Seen);
    assert_eq!(with(State::Live, Online, Some(false)), Tally::Lost);
    let again = State::Reconnecting { attempt: 1 };
    assert_eq!(with(again, Unconfirmed, None), Tally::Lost);
}

#[test]
fn pictures_that_stop_at_the_measuring_viewer_are_missed_after_two_seconds() {
    let mut notices = Notices::default();
    let snapshot = |count, state| Snapshot {
        state: State::Live,
        proof: Proof {
            untouched: count,
            ..Proof::default()
        },
        probe: ProbeStatus {
            state,
            ..ProbeStatus::default()
        },
        ..Snapshot::default()
    };
    let mut look = |count, state, seconds| notices.arriving(&snapshot(count, state), at(seconds));
    assert_eq!(look(0, ProbeState::Joined, 1.0), None, "none came yet");
    assert_eq!(look(30, ProbeState::Joined, 2.0), Some(true));
    assert_eq!(look(30, ProbeState::Joined, 3.9), Some(true));
    assert_eq!(look(30, ProbeState::Joined, 4.1), Some(false));
    assert_eq!(look(31, ProbeState::Joined, 4.2), Some(true));
    assert_eq!(
        look(31, ProbeState::Joining(None), 9.0),
        None,
        "nobody measures"
    );
    assert_eq!(look(31, ProbeState::Joined, 12.0), None, "not yet again");
    assert_eq!(look(2, ProbeState::Joined, 13.0), None, "another show");
    assert_eq!(look(3, ProbeState::Joined, 13.1), Some(true));
}

proptest! {
    /// Whatever happens in whatever order: one of a kind at a time, a bounded list, times in order.
    #[test]
    fn the_list_stays_short_and_true(steps in proptest::collection::vec((0_usize..9, 0_u32..2000), 1..300)) {
        let mut notices = Notices::default();
        let mut now = 0.0;
        for (what, ms) in steps {
            let facts = NoticeKind::ALL.get(what).map_or_else(fine, |kind| trouble(*kind));
            notices.look(&facts, &rules(), at(now));
            now += f64::from(ms) / 1000.0;
            let list = notices.list();
            prop_assert!(list.len() <= KEPT_MAX);
            for kind in NoticeKind::ALL {
                let lasting = list.iter().filter(|n| n.kind == kind && n.until.is_none());
                prop_assert!(lasting.count() <= 1);
            }
            prop_assert!(list.windows(2).all(|two| two[0].number < two[1].number));
            prop_assert!(list.iter().all(|n| n.until.is_none_or(|until| until >= n.since)));
        }
    }
}

/// Not "the server is lost" where the operator wished for it; that only once it does not come back.
#[test]
fn a_connection_that_is_made_anew_on_purpose_is_told_as_that() {
    let mut notices = Notices::default();
    let rules = NotifySettings::default();
    let mut snapshot = Snapshot {
        state: State::Reconnecting { attempt: 1 },
        ..Snapshot::default()
    };
    snapshot.link.cause = "the operator wishes another connection".into();
    snapshot.link.is_made_anew = true;
    let facts = |snapshot: &Snapshot| Facts::of(snapshot, None, None, None);
    let news = notices.look(&facts(&snapshot), &rules, at(0.0));
    let [(Severity::Warning, text)] = news.as_slice() else {
        panic!("{news:?}");
    };
    assert!(
        text.starts_with("the connection is made anew")
            && text.ends_with("the operator wishes another connection"),
        "{text}"
    );
    assert_eq!(notices.list()[0].kind.id(), "connection-anew");
    let korean = crate::words::korean().translate(text);
    assert!(
        korean.starts_with("연결을 새로") && korean.contains("운영자"),
        "{korean}"
    );
    // The new one cannot be made.
    snapshot.link.cause = "nothing listens".into();
    snapshot.link.is_made_anew = false;
    let news = notices.look(&facts(&snapshot), &rules, at(0.7));
    let [(Severity::Error, text)] = news.as_slice() else {
        panic!("{news:?}");
    };
    assert!(text.contains("the server is lost"), "{text}");
    snapshot.state = State::Live;
    let news = notices.look(&facts(&snapshot), &rules, at(3.7));
    assert_eq!(news.len(), 1, "{news:?}");
    assert!(news[0].1.contains("has the stream again"), "{news:?}");
}
