use super::*;
use crate::settings::secrets::secret;

fn set() -> TargetSettings {
    TargetSettings {
        host: "192.0.2.7".into(),
        user: "me@home".into(),
        path: "pd_main/a b".into(),
        webrtc_url: "http://example.com:8889/".into(),
        pull_address: "192.0.2.1".into(),
        ..TargetSettings::default()
    }
}

fn secrets(password: &str, passphrase: &str) -> Secrets {
    Secrets {
        password: secret(password),
        passphrase: secret(passphrase),
        ..Secrets::default()
    }
}

fn target(set: &TargetSettings, password: &str) -> Target {
    Target::resolve(set, &secrets(password, ""), None, |_| None).unwrap()
}

#[test]
fn each_way_has_its_own_form_and_no_form_shows_the_password() {
    let set = TargetSettings {
        path: "pd_main".into(),
        udp_port: 5004,
        file: "a.ts".into(),
        ..set()
    };
    let target = target(&set, "p@ss/w:d%");
    let rtsp = target.output(Way::Rtsp, None).unwrap();
    assert_eq!(
        rtsp,
        Output::Rtsp {
            url: "rtsp://me%40home:p%40ss%2Fw%3Ad%25@192.0.2.7:8554/pd_main".into(),
            shown: "rtsp://me%40home:***@192.0.2.7:8554/pd_main".into(),
        }
    );
    let udp = target.output(Way::Udp, None).unwrap();
    assert_eq!(
        udp,
        Output::Udp {
            url: "udp://192.0.2.7:5004?pkt_size=1316".into()
        }
    );
    // A colon would part user and password elsewhere.
    assert!(matches!(
        target.output(Way::Whip, None),
        Err(TargetError::Colon)
    ));
    for way in [Way::Rtsp, Way::Udp, Way::File] {
        let shown = format!("{:?}", target.output(way, None).unwrap());
        assert!(
            !shown.contains("p@ss") && !shown.contains("p%40"),
            "{shown}"
        );
    }
}

#[test]
fn whip_takes_the_pages_address_or_the_port_that_the_api_tells() {
    let whip = |set: &TargetSettings, offers: Option<&Offers>| {
        let secrets = secrets("pw", "");
        let target = Target::resolve(set, &secrets, offers, |_| None).unwrap();
        target.output(Way::Whip, None)
    };
    assert_eq!(
        whip(&set(), None).unwrap(),
        Output::Whip {
            url: "http://example.com:8889/pd_main/a%20b/whip".into(),
            bearer: "me@home:pw".into(),
        }
    );
    let bare = TargetSettings {
        host: "::1".into(),
        webrtc_url: String::new(),
        user: String::new(),
        ..set()
    };
    assert!(matches!(whip(&bare, None), Err(TargetError::NoWebRtc)));
    let offers = Offers {
        webrtc_port: Some(1234),
        ..Offers::default()
    };
    assert_eq!(
        whip(&bare, Some(&offers)).unwrap(),
        Output::Whip {
            url: "http://[::1]:1234/pd_main/a%20b/whip".into(),
            bearer: String::new(),
        }
    );
}

#[test]
fn rtsps_port_is_as_set_as_told_or_the_usual() {
    let told = Offers {
        rtsp_port: Some(9554),
        ..Offers::default()
    };
    for (set_port, offers, expected) in
        [(0, None, 8554), (0, Some(&told), 9554), (7, Some(&told), 7)]
    {
        let set = TargetSettings {
            rtsp_port: set_port,
            ..set()
        };
        let target = Target::resolve(&set, &Secrets::default(), offers, |_| None).unwrap();
        assert_eq!(target.rtsp.port(), expected);
    }
}

#[test]
fn what_a_way_lacks_is_told() {
    let target = target(&set(), "");
    for (way, word) in [(Way::Udp, "target.udp_port"), (Way::File, "target.file")] {
        let error = target.output(way, None).unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
    }
    let wrong = TargetSettings {
        pull_address: "studio".into(),
        ..set()
    };
    let error = self::target(&wrong, "").pull_plan(None).err().unwrap();
    assert!(error.to_string().contains("target.pull_address"), "{error}");
    // TEST-NET-1 (RFC 5737) is no address of this machine. Wine binds it all the same.
    #[cfg(unix)]
    {
        let error = target.pull_plan(None).err().unwrap();
        assert!(matches!(error, TargetError::CannotListen { .. }), "{error}");
    }
}

#[test]
fn a_pull_listens_with_a_new_passphrase_and_tells_the_server() {
    let set = TargetSettings {
        host: "127.0.0.1".into(),
        pull_address: String::new(),
        ..set()
    };
    let target = target(&set, "");
    let (one, two) = (
        target.pull_plan(Some(1.0)).unwrap(),
        target.pull_plan(None).unwrap(),
    );
    assert!(one.address.ip().is_loopback() && one.address.port() != 0);
    let Output::SrtPull { url, passphrase } = &one.output else {
        panic!("{:?}", one.output);
    };
    assert!(
        url.contains("mode=listener") && url.contains("latency=20000"),
        "{url}"
    );
    assert!(passphrase.len() == 32 && !url.contains(passphrase));
    assert!(one.source.contains(passphrase) && one.source.contains("latency=20&"));
    assert_eq!(pulled_from(&one.source), Some(one.address));
    assert!(!two.source.contains(passphrase), "each its own");
    for other in [
        "publisher",
        "srt://192.0.2.1:9000?streamid=other&latency=20",
        "srt://192.0.2.1:9000",
        "srt://host:9000?streamid=pd-console-pull",
    ] {
        assert_eq!(pulled_from(other), None, "{other}");
    }
}

#[test]
fn latency_is_three_round_trips_within_bounds() {
    for (set_ms, ping_ms, expected) in [
        (0, Some(0.2), 20),
        (0, Some(30.1), 91),
        (0, Some(900.0), 1000),
        (0, None, 120),
        (80, Some(900.0), 80),
    ] {
        assert_eq!(wished_latency_ms(set_ms, ping_ms), expected);
    }
}

proptest::proptest! {
    #[test]
    fn any_password_stays_one_part_of_the_url(password in "\\PC{1,30}") {
        let target = target(&set(), &password);
        let Output::Rtsp { url, shown } = target.output(Way::Rtsp, None).unwrap() else {
            panic!("not RTSP");
        };
        proptest::prop_assert!(url.starts_with("rtsp://me%40home:"));
        proptest::prop_assert!(url.ends_with("@192.0.2.7:8554/pd_main/a%20b"));
        proptest::prop_assert_eq!(url.matches('@').count(), 1);
        proptest::prop_assert_eq!(shown, "rtsp://me%40home:***@192.0.2.7:8554/pd_main/a%20b");
    }
}

/// What an operator types, or a profile of someone else's has, is a value and nothing else: it begins no option,
/// names no other protocol or file, and stands in one argument of its own.
#[test]
fn no_field_becomes_an_option_or_another_protocol() {
    use crate::ffmpeg::plan::{AudioInput, publisher};
    let evil = [
        "-y",
        "-f null -",
        "--",
        "-filter_complex",
        "concat:/etc/passwd|/etc/hosts",
        "file:/etc/passwd",
        "pipe:1",
        "data:,x",
        "subfile,,start,0,end,9,,:/etc/passwd",
        "tee:[f=mpegts]a.ts|[f=flv]b.flv",
        "a\" -y \"b",
        "$(reboot)`reboot`;reboot",
        "..\\..\\x & calc",
    ];
    for text in evil {
        let set = TargetSettings {
            user: text.into(),
            path: text.into(),
            webrtc_url: text.into(),
            file: text.into(),
            ..set()
        };
        // As a host it is refused or a name to look up, never an argument.
        if let Ok(host) = parse_host_box(text) {
            assert!(crate::publish::resolve(&host.host, 1).is_err(), "{text}");
        }
        let target = target(&set, text);
        assert!(matches!(
            target.output(Way::Whip, None),
            Err(TargetError::NoWebRtc)
        ));
        for way in [Way::SrtPush, Way::Rtsp, Way::File] {
            let Ok(output) = target.output(way, None) else {
                continue;
            };
            let plain = Output::File { path: "x".into() };
            let args = publisher(&AudioInput::Pipe(3), 96, &output, false);
            let usual = publisher(&AudioInput::Pipe(3), 96, &plain, false);
            let last = args.real().last().unwrap();
            let scheme = match way {
                Way::SrtPush => "srt://192.0.2.7:",
                Way::Rtsp => "rtsp://",
                _ => "file:",
            };
            assert!(last.starts_with(scheme), "{way:?} {text}: {last}");
            // Where it stands as it is, an option before it takes it as its value.
            for pair in args.real().windows(2) {
                if pair[1] == text && !usual.real().contains(&pair[1]) {
                    assert_eq!(pair[0], "-srt_streamid", "{way:?} {text}");
                }
            }
        }
    }
}
