use super::*;
use crate::ffmpeg::Version;
use crate::settings::{Secrets, TargetSettings, secrets::secret};

fn target(passphrase: &str) -> Target {
    let set = TargetSettings {
        host: "127.0.0.1".into(),
        webrtc_url: "http://127.0.0.1:8889".into(),
        ..TargetSettings::default()
    };
    let secrets = Secrets {
        passphrase: secret(passphrase),
        ..Secrets::default()
    };
    Target::resolve(&set, &secrets, None, |_| None).unwrap()
}

fn ffmpeg(muxers: &[&str]) -> Capabilities {
    let mut found = Capabilities::of_version(Version { major: 9, minor: 0 });
    found.muxers = muxers.iter().map(|m| (*m).to_owned()).collect();
    found
}

fn all_on() -> Offers {
    Offers {
        srt: true,
        rtsp_port: Some(8554),
        webrtc: true,
        webrtc_port: Some(8889),
    }
}

fn place<'a>(target: &'a Target, found: &'a Capabilities, offers: &'a Offers) -> Place<'a> {
    Place {
        target,
        found,
        offers: Ok(offers),
        path_is_set: false,
        adaptive: false,
        ping_ms: Some(0.3),
    }
}

fn why(list: &[WayStatus], way: Way) -> String {
    let status = list.iter().find(|w| w.way == way).unwrap();
    let both = status.why_not.as_ref().or(status.not_automatic.as_ref());
    both.cloned().unwrap_or_default()
}

#[test]
fn the_fastest_is_tried_first_and_srt_push_last() {
    let (target, found, offers) = (target(""), ffmpeg(&["rtsp", "whip"]), all_on());
    let list = ways(&place(&target, &found, &offers));
    assert_eq!(
        order(Way::Auto, &list),
        [Way::Rtsp, Way::Whip, Way::SrtPull, Way::SrtPush]
    );
    let floors: Vec<_> = list.iter().map(|w| (w.way, w.floor_ms)).collect();
    assert_eq!(
        floors,
        [
            (Way::SrtPush, Some(120)),
            (Way::SrtPull, Some(20)),
            (Way::Rtsp, Some(0)),
            (Way::Whip, Some(0)),
            (Way::Udp, Some(0)),
            (Way::File, None),
        ]
    );
    // What the operator names is taken alone, and may fail.
    assert_eq!(order(Way::Whip, &list), [Way::Whip]);
}

#[test]
fn what_is_not_there_is_left_out_with_its_reason() {
    let (target, found) = (target(""), ffmpeg(&["rtsp"]));
    let offers = Offers {
        rtsp_port: None,
        ..all_on()
    };
    let list = ways(&place(&target, &found, &offers));
    assert_eq!(order(Way::Auto, &list), [Way::SrtPull, Way::SrtPush]);
    assert!(
        why(&list, Way::Whip).contains("ffmpeg 9.0 has no WHIP"),
        "{list:?}"
    );
    assert!(why(&list, Way::Rtsp).contains("switched off"), "{list:?}");
    let set = Place {
        path_is_set: true,
        ..place(&target, &found, &offers)
    };
    let list = ways(&set);
    assert_eq!(order(Way::Auto, &list), [Way::SrtPush]);
    assert!(why(&list, Way::SrtPull).contains("pd_main"), "{list:?}");
}

#[test]
fn without_the_api_it_is_srt_push_and_the_reason_is_the_apis() {
    let (target, found, offers) = (target(""), ffmpeg(&["rtsp", "whip"]), all_on());
    let without = Place {
        offers: Err("its API is off"),
        ..place(&target, &found, &offers)
    };
    let list = ways(&without);
    assert_eq!(order(Way::Auto, &list), [Way::SrtPush]);
    for way in [Way::Rtsp, Way::Whip, Way::SrtPull] {
        assert!(why(&list, way).contains("its API is off"), "{list:?}");
    }
    // By name RTSP and WHIP can be tried all the same, pull cannot.
    let by_name = |way| {
        list.iter()
            .find(|w| w.way == way)
            .unwrap()
            .why_not
            .is_none()
    };
    assert!(by_name(Way::Rtsp) && by_name(Way::Whip) && !by_name(Way::SrtPull));
}

#[test]
fn encryption_adaptation_and_distance_narrow_the_automatic_choice() {
    let (found, offers) = (ffmpeg(&["rtsp", "whip"]), all_on());
    let (plain, secret) = (target(""), target("0123456789"));
    let list = ways(&place(&secret, &found, &offers));
    assert_eq!(order(Way::Auto, &list), [Way::SrtPull, Way::SrtPush]);
    let adaptive = Place {
        adaptive: true,
        ..place(&plain, &found, &offers)
    };
    assert_eq!(order(Way::Auto, &ways(&adaptive)), [Way::SrtPush]);
    let far = Place {
        ping_ms: Some(40.0),
        ..place(&plain, &found, &offers)
    };
    let list = ways(&far);
    assert_eq!(
        order(Way::Auto, &list),
        [Way::Whip, Way::SrtPull, Way::SrtPush]
    );
    assert_eq!(list[1].floor_ms, Some(120), "three round trips");
}
