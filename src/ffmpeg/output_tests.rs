use super::*;
use crate::ffmpeg::plan::{AudioInput, publisher};

const PASSWORD: &str = "it's secret";
const PASSPHRASE: &str = "0123456789ab";

fn outputs() -> [(&'static str, Output); 6] {
    [
        (
            "publisher",
            Output::SrtPush(SrtOutput {
                url: "srt://[::1]:8890?mode=caller&latency=80000&pkt_size=1316".into(),
                stream_id: format!("publish:pd_main:pd:{PASSWORD}"),
                stream_id_shown: "publish:pd_main:pd:***".into(),
                passphrase: PASSPHRASE.into(),
            }),
        ),
        (
            "publisher_pull",
            Output::SrtPull {
                url: "srt://192.0.2.7:9000?mode=listener&latency=20000&pkt_size=1316".into(),
                passphrase: PASSPHRASE.into(),
            },
        ),
        (
            "publisher_rtsp",
            Output::Rtsp {
                url: "rtsp://pd:it%27s%20secret@[::1]:8554/pd_main".into(),
                shown: "rtsp://pd:***@[::1]:8554/pd_main".into(),
            },
        ),
        (
            "publisher_whip",
            Output::Whip {
                url: "http://[::1]:8889/pd_main/whip".into(),
                bearer: format!("pd:{PASSWORD}"),
            },
        ),
        (
            "publisher_udp",
            Output::Udp {
                url: "udp://192.0.2.7:5004?pkt_size=1316".into(),
            },
        ),
        (
            "publisher_file",
            Output::File {
                path: "-show of today.ts".into(),
            },
        ),
    ]
}

/// The same on every version that has the way: 4.4 to 9.0.2 know each of these options.
#[test]
fn golden_publishers() {
    for (name, output) in outputs() {
        let line = publisher(&AudioInput::Pipe(3), 96, &output, false).command_line("ffmpeg");
        insta::assert_snapshot!(name, line);
    }
}

/// What tells the hash of each Opus packet stands behind the whole line, whatever the way.
#[test]
fn golden_hashes() {
    let line = |output: &Output, hashes| {
        publisher(&AudioInput::Pipe(3), 96, output, hashes).command_line("ffmpeg")
    };
    let mut all = outputs().map(|(_, output)| {
        let (without, with) = (line(&output, false), line(&output, true));
        with.strip_prefix(&without).unwrap().to_owned()
    });
    all.sort();
    assert_eq!(all.first(), all.last());
    insta::assert_snapshot!("publisher_hashes", all[0]);
}

#[test]
fn no_secret_is_shown_and_every_secret_is_sent() {
    for (name, output) in outputs() {
        let args = publisher(&AudioInput::LoopbackTcp(4321), 96, &output, true);
        let shown = format!("{} {output:?}", args.command_line("ffmpeg"));
        assert!(
            !shown.contains("secret") && !shown.contains(PASSPHRASE),
            "{name}: {shown}"
        );
        let sent = args.real().join(" ");
        let wanted = match &output {
            Output::SrtPush(_) => vec![PASSWORD, PASSPHRASE],
            Output::SrtPull { .. } => vec![PASSPHRASE],
            Output::Rtsp { .. } => vec!["it%27s%20secret"],
            Output::Whip { .. } => vec![PASSWORD],
            Output::Udp { .. } | Output::File { .. } => vec![],
        };
        for secret in wanted {
            assert!(sent.contains(secret), "{name}: {sent}");
        }
    }
}

#[test]
fn what_ffmpeg_repeats_of_its_arguments_is_masked() {
    let (_, rtsp) = outputs().into_iter().nth(2).unwrap();
    let args = publisher(&AudioInput::Pipe(3), 96, &rtsp, false)
        .hiding([PASSWORD.to_owned(), String::new()]);
    let said = "Error opening output rtsp://pd:it%27s%20secret@[::1]:8554/pd_main: it's secret";
    assert_eq!(args.mask(said), "Error opening output ***: ***");
    assert_eq!(args.mask("frame=1"), "frame=1");
}
