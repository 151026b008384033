//! Why a publisher is no more, in the operator's words. Pure.

use crate::ffmpeg::words;
use crate::session::failure::{Failure, FailureKind};
use crate::session::link::LossKind;
use crate::session::watch::Source;
use crate::settings::Way;

/// A publisher that has ended, by its last lines.
pub(super) fn exit(
    lines: &[String],
    was_sending: bool,
    no_user: bool,
    way: Way,
) -> (Failure, LossKind) {
    let (kind, message, loss) = match words::refusal(lines) {
        Some(words::Refusal::Passphrase) => (
            FailureKind::Refused,
            "the passphrase does not match the receiver's. Enter the right one, or none where the receiver has none"
                .into(),
            LossKind::Refused,
        ),
        Some(words::Refusal::Rejected) => {
            let user = if no_user { "a user, if the server wants one" } else { "user, password" };
            let passphrase = if way == Way::SrtPush { ", passphrase" } else { "" };
            (
                FailureKind::Refused,
                format!(
                    "the server refuses the stream. Check {user}{passphrase} and path; the server's log names which"
                ),
                LossKind::Refused,
            )
        }
        Some(words::Refusal::NoAnswer) if was_sending => (
            FailureKind::NoReceiver,
            "the connection to the receiver broke; connecting again".into(),
            LossKind::Broke,
        ),
        Some(words::Refusal::NoAnswer) => {
            let name = match way {
                Way::Auto | Way::SrtPush | Way::SrtPull => "SRT",
                other => other.name(),
            };
            (
                FailureKind::NoReceiver,
                format!("nothing listens for {name} at the target. Check host and port, and that the server runs"),
                LossKind::Broke,
            )
        }
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

/// The path is another's.
pub(super) fn taken(path: &str, by: &Source) -> String {
    let who = match &by.address {
        Some(address) => format!("{} from {address}", by.kind),
        None => by.kind.clone(),
    };
    format!(
        "another publisher ({who}) has taken the path {path}. This show goes on there as soon as it is \
         free; to take it back at once, stop and go live again, or give one of the two another path"
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
        );
        assert_eq!(
            (failure.kind, kind),
            (FailureKind::NoReceiver, LossKind::Broke)
        );
        let (failure, _) = exit(&lines("srt://x: Input/output error"), true, true, Way::Rtsp);
        assert!(failure.message.contains("broke"), "{failure}");
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
