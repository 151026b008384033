//! Why a publisher is no more, in the operator's words. Pure.

use crate::ffmpeg::words;
use crate::publish::CONNECT_TIMEOUT_MS;
use crate::session::failure::{Failure, FailureKind};
use crate::session::knock::Answer;
use crate::session::link::LossKind;
use crate::session::watch::Source;
use crate::settings::Way;

/// A publisher that has ended, by its last lines, and by what knocking at the SRT port had brought.
pub(super) fn exit(
    lines: &[String],
    was_sending: bool,
    no_user: bool,
    way: Way,
    knocked: Answer,
) -> (Failure, LossKind) {
    let user = if no_user {
        "a user, if the server wants one"
    } else {
        "user, password"
    };
    let over_srt = matches!(way, Way::Auto | Way::SrtPush);
    let passphrase = if over_srt { ", passphrase" } else { "" };
    let seconds = CONNECT_TIMEOUT_MS / 1000;
    let (kind, message, loss) = match words::refusal(lines) {
        Some(words::Refusal::Passphrase) => (
            FailureKind::Refused,
            "the passphrase does not match the receiver's. Enter the right one, or none where the receiver has none"
                .into(),
            LossKind::Refused,
        ),
        Some(words::Refusal::Rejected) => (
            FailureKind::Refused,
            format!(
                "the server refuses the stream. Check {user}{passphrase} and path; the server's log names which"
            ),
            LossKind::Refused,
        ),
        Some(words::Refusal::NoAnswer) if was_sending => (
            FailureKind::NoReceiver,
            "the connection to the receiver broke; connecting again".into(),
            LossKind::Broke,
        ),
        Some(words::Refusal::NoAnswer) if over_srt && knocked == Answer::Open => (
            FailureKind::NoReceiver,
            format!(
                "a server answers at the target but has not taken the stream in {seconds} s: it is overloaded, or \
                 refuses it without a word. Check its load, and {user}{passphrase} and path"
            ),
            LossKind::Broke,
        ),
        Some(words::Refusal::NoAnswer) => return (nobody(way), LossKind::Broke),
        None => {
            let last = lines.last().map_or("it ended without a word", String::as_str);
            (
                FailureKind::Internal,
                format!("the publisher ended: {last}; starting it again"),
                LossKind::Broke,
            )
        }
    };
    (Failure::new(kind, message), loss)
}

/// Nobody is at the port of `way`.
pub(super) fn nobody(way: Way) -> Failure {
    let name = match way {
        Way::Auto | Way::SrtPush | Way::SrtPull => "SRT",
        other => other.name(),
    };
    Failure::new(
        FailureKind::NoReceiver,
        format!(
            "nothing listens for {name} at the target. Check host and port, and that the server runs"
        ),
    )
}

/// The path is another's.
pub(super) fn taken(path: &str, by: &Source) -> String {
    let who = match &by.address {
        Some(address) => format!("{} from {address}", by.kind),
        None => by.kind.clone(),
    };
    format!(
        "another publisher ({who}) has taken the path {path}. This show goes on there as soon as it is \
         free; to take it back at once, stop and take the path over, or give one of the two another path"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b17_a_refusal_is_hopeless_a_silence_is_not() {
        let lines = |text: &str| vec![text.to_owned()];
        let (failure, kind) = exit(
            &lines("REJECT: Incorrect passphrase"),
            false,
            true,
            Way::SrtPush,
            Answer::Unknown,
        );
        assert_eq!(
            (failure.kind, kind),
            (FailureKind::Refused, LossKind::Refused)
        );
        assert!(failure.message.contains("passphrase"), "{failure}");
        let (failure, kind) = exit(
            &lines("srt://x: Input/output error"),
            false,
            true,
            Way::SrtPush,
            Answer::Unknown,
        );
        assert_eq!(
            (failure.kind, kind),
            (FailureKind::NoReceiver, LossKind::Broke)
        );
        let (failure, _) = exit(
            &lines("srt://x: Input/output error"),
            true,
            true,
            Way::Rtsp,
            Answer::Open,
        );
        assert!(failure.message.contains("broke"), "{failure}");
    }

    /// "Nothing listens" is never said of a port that answers knocks.
    #[test]
    fn b18_a_server_that_answers_and_does_not_take_the_stream_is_there() {
        let lines = ["srt://x: Input/output error".to_owned()];
        let said = |way, knocked| exit(&lines, false, false, way, knocked).0.message;
        let there = said(Way::SrtPush, Answer::Open);
        assert!(
            there.contains("a server answers") && there.contains("password"),
            "{there}"
        );
        for knocked in [Answer::Unknown, Answer::Closed, Answer::Silent] {
            let away = said(Way::SrtPush, knocked);
            assert!(away.contains("nothing listens for SRT"), "{away}");
        }
        // The knocks are at the SRT port: they say nothing of another.
        let rtsp = said(Way::Rtsp, Answer::Open);
        assert!(rtsp.contains("nothing listens for RTSP"), "{rtsp}");
    }

    #[test]
    fn who_took_the_path_is_named_as_far_as_known() {
        let source = |address: Option<&str>| Source {
            id: "x".into(),
            kind: "srtConn".into(),
            address: address.map(Into::into),
        };
        let text = taken("pd_a", &source(Some("10.0.0.7:4711")));
        assert!(
            text.contains("srtConn from 10.0.0.7:4711") && text.contains("pd_a"),
            "{text}"
        );
        assert!(taken("pd_a", &source(None)).contains("(srtConn)"));
    }
}
