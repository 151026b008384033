//! What ffmpeg's last words mean, for the operator. Pure; texts measured on 5.1.9, 7.0.2 and 9.0.2.

/// Why a publisher could not connect, or lost its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The other side took part in the handshake and said no.
    Rejected,
    /// The passphrases differ.
    Passphrase,
    /// Nobody answered, or the connection broke.
    NoAnswer,
}

/// Reads the last lines of a publisher that has ended; None where they say nothing of the network.
///
/// MediaMTX says "no" in the same way to a wrong user, path and passphrase; only libsrt on both sides
/// (ffmpeg's own listener) tells a wrong passphrase apart.
pub fn refusal(lines: &[String]) -> Option<Refusal> {
    let has = |what: &str| lines.iter().any(|line| line.contains(what));
    if has("Incorrect passphrase")
        || has("ERROR:BADSECRET")
        // One of the two has one, the other has none.
        || has("Password required or unexpected")
        || has("ERROR:UNSECURE")
    {
        Some(Refusal::Passphrase)
    } else if has("Peer rejected connection")
        || has("REJECT reported")
        // RTSP and WHIP.
        || has("401 Unauthorized")
        || has("403 Forbidden")
    {
        Some(Refusal::Rejected)
    } else if has("Input/output error") || has("Connection timed out") || has("Connection refused")
    {
        Some(Refusal::NoAnswer)
    } else {
        None
    }
}

/// Whether a child that was to listen found its port taken, by its last lines: ffmpeg's words, Go's (MediaMTX) and, where
/// Windows has none for ffmpeg, the number (WSAEADDRINUSE).
pub fn is_port_taken(lines: &[String]) -> bool {
    const WORDS: [&str; 3] = [
        "address already in use",
        "only one usage of each socket address",
        "error number -10048",
    ];
    let says = |line: &String| {
        let line = line.to_ascii_lowercase();
        WORDS.iter().any(|words| line.contains(words))
    };
    lines.iter().any(says)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_known_by_its_words() {
        for line in [
            // 5.1.9; 7.0.2 and 9.0.2; MediaMTX 1.20.
            "srt://127.0.0.1:34561: Address already in use",
            "[in#0 @ 0x16655bc0] Error opening input: Address already in use",
            "ERR: listen udp 127.0.0.1:8890: bind: address already in use",
        ] {
            assert!(is_port_taken(&[line.to_owned()]), "{line}");
            assert_eq!(read(&[line]), None, "no refusal");
        }
        let other = "srt://127.0.0.1:34561: Input/output error";
        assert!(!is_port_taken(&[other.to_owned()]) && !is_port_taken(&[]));
    }

    fn read(lines: &[&str]) -> Option<Refusal> {
        refusal(&lines.iter().map(|l| (*l).to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn the_measured_texts_are_told_apart() {
        // 5.1.9 against MediaMTX, wrong password.
        assert_eq!(
            read(&[
                "08:24:28.373895/SRT:RcvQ:w1!W:SRT.cn: processAsyncConnectRequest: REJECT reported from HS processing: Peer rejected connection - not processing further",
                "[srt @ 0x5618ddbbf7c0] Connection to srt://127.0.0.1:18890?latency=120000 failed: Input/output error",
            ]),
            Some(Refusal::Rejected)
        );
        // 9.0.2, passphrases differ.
        assert_eq!(
            read(&[
                "08:24:35.932828/SRT:RcvQ:w1!W:SRT.cn: @301684197: processConnectResponse: rejecting per reception of a rejection HS response: ERROR:BADSECRET",
                "Error opening output files: Input/output error",
            ]),
            Some(Refusal::Passphrase)
        );
        // 5.1.9, 7.0.2 and 9.0.2: only one side has a passphrase.
        assert_eq!(
            read(&[
                "18:31:55.874961/SRT:RcvQ:w1!W:SRT.cn: processAsyncConnectRequest: REJECT reported from HS processing: Password required or unexpected - not processing further",
                "[srt @ 0x5597edb90140] Connection to srt://127.0.0.1:28991 failed: Input/output error",
            ]),
            Some(Refusal::Passphrase)
        );
        // 7.0.2, nothing listens.
        assert_eq!(
            read(&[
                "[out#0/mpegts @ 0x2a3d3e80] Error opening output srt://127.0.0.1:18899?latency=120000: Input/output error"
            ]),
            Some(Refusal::NoAnswer)
        );
        // RTSP: 5.1.9, and 9.0.2 which has WHIP too.
        for line in [
            "Could not write header for output file #0 (incorrect codec parameters ?): Server returned 401 Unauthorized (authorization failed)",
            "[out#0/whip @ 0x55ab11970b80] Could not write header (incorrect codec parameters ?): Server returned 401 Unauthorized (authorization failed)",
        ] {
            assert_eq!(read(&[line]), Some(Refusal::Rejected));
        }
        assert_eq!(
            read(&[
                "[tcp @ 0x5589eed55440] Connection to tcp://127.0.0.1:25554?timeout=0 failed: Connection refused"
            ]),
            Some(Refusal::NoAnswer)
        );
        assert_eq!(read(&["[libopus @ 0x1] something else"]), None);
    }
}
