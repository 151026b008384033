//! Every secret that this process knows, so that no text which it writes has one in it: log, reports, diagnostics.
//!
//! Shared by all threads under one lock, held for microseconds. The newest 64 secrets are known; one of fewer than
//! three bytes is no secret and would take letters out of every word. What nobody has told is found by its place:
//! [`scrub`] takes out a URL's user and password, `passphrase=...`, and what follows the path of an SRT stream id.

use crate::settings::Secrets;
use crate::settings::secrets::{MASK, mask_values};
use secrecy::{ExposeSecret, SecretString};
use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::{PoisonError, RwLock};

/// Secrets known at once.
const KEPT: usize = 64;
/// Shorter ones would take letters out of every word.
const SHORTEST: usize = 3;

static KNOWN: RwLock<VecDeque<SecretString>> = RwLock::new(VecDeque::new());

/// Takes `secret` out of all that is written from now on.
pub fn hide(secret: &str) {
    if secret.len() < SHORTEST {
        return;
    }
    let mut known = KNOWN.write().unwrap_or_else(PoisonError::into_inner);
    if known.iter().any(|one| one.expose_secret() == secret) {
        return;
    }
    if known.len() == KEPT {
        known.pop_front();
    }
    known.push_back(SecretString::from(secret));
}

/// The same for all of these.
pub fn hide_all(secrets: &Secrets) {
    let all = [
        &secrets.password,
        &secrets.passphrase,
        &secrets.backup_password,
        &secrets.backup_passphrase,
        &secrets.remote_password,
    ];
    for secret in all.into_iter().flatten() {
        hide(secret.expose_secret());
    }
}

/// `text` without any secret that is known or stands where secrets stand.
pub fn masked(text: &str) -> String {
    let known = KNOWN.read().unwrap_or_else(PoisonError::into_inner);
    let values: Vec<&str> = known.iter().map(ExposeSecret::expose_secret).collect();
    let plain = match values.is_empty() {
        true => Cow::Borrowed(text),
        false => Cow::Owned(mask_values(text, &values)),
    };
    scrub(&plain)
}

/// Names whose value is a secret, in URLs, arguments and settings.
const NAMES: [&str; 7] = [
    "passphrase",
    "password",
    "passwd",
    "pass",
    "pwd",
    "token",
    "secret",
];

/// `text` without what stands where secrets stand. Pure.
pub fn scrub(text: &str) -> String {
    let text = scrub_stream_ids(&scrub_users(text));
    scrub_named(&text)
}

/// Where a value ends that is not quoted.
fn ends_value(c: char) -> bool {
    c.is_whitespace() || matches!(c, '&' | '"' | '\'' | ',' | ';' | ')' | '>' | '|' | '#')
}

/// `scheme://user:password@host` becomes `scheme://***@host`.
fn scrub_users(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(before);
        let end = after
            .find(|c: char| c.is_whitespace() || matches!(c, '/' | '?' | '"' | '\'' | '<' | '>'))
            .unwrap_or(after.len());
        let authority = &after[..end];
        match authority.rfind('@') {
            Some(user) => {
                out.push_str(MASK);
                rest = &after[user..];
            }
            None => rest = after,
        }
    }
    out.push_str(rest);
    out
}

/// `publish:path:user:password` becomes `publish:path:***`.
fn scrub_stream_ids(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let find = |text: &str| {
        ["publish:", "read:"]
            .iter()
            .filter_map(|w| text.find(w))
            .min()
    };
    while let Some(at) = find(rest) {
        let word_end = at + rest[at..].find(':').map_or(0, |colon| colon + 1);
        out.push_str(&rest[..word_end]);
        rest = &rest[word_end..];
        let end = rest.find(ends_value).unwrap_or(rest.len());
        match rest[..end].find(':') {
            // A sentence such as "publish: it is refused" has a space there.
            Some(colon) if colon > 0 && colon + 1 < end => {
                out.push_str(&rest[..=colon]);
                out.push_str(MASK);
                rest = &rest[end..];
            }
            _ => {}
        }
    }
    out.push_str(rest);
    out
}

/// `passphrase=...`, `password: "..."` and the like.
fn scrub_named(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let found = NAMES.iter().find(|name| {
            lower[at..].starts_with(**name)
                && !lower[..at].ends_with(|c: char| c.is_ascii_alphanumeric())
        });
        let value = found.and_then(|name| value_after(text, at + name.len()));
        match value {
            Some((from, to)) => {
                out.push_str(&text[at..from]);
                out.push_str(MASK);
                at = to;
            }
            None => {
                let next = text[at..].chars().next().map_or(1, char::len_utf8);
                out.push_str(&text[at..at + next]);
                at += next;
            }
        }
    }
    out
}

/// The value's place where `=` follows a name, or `:` and a quote.
fn value_after(text: &str, from: usize) -> Option<(usize, usize)> {
    let rest = &text[from..];
    let quoted = |open: usize| {
        let start = from + open;
        let close = text[start..].find('"')?;
        (close > 0).then_some((start, start + close))
    };
    if let Some(value) = rest.strip_prefix('=') {
        if value.starts_with('"') {
            return quoted(2);
        }
        let end = value.find(ends_value).unwrap_or(value.len());
        return (end > 0).then_some((from + 1, from + 1 + end));
    }
    let after = rest.strip_prefix('"').unwrap_or(rest).strip_prefix(':')?;
    let value = after.trim_start_matches(' ').strip_prefix('"')?;
    quoted(rest.len() - value.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_secret_that_was_told_is_masked_in_every_form() {
        hide("masks-test &secret");
        assert_eq!(
            masked("a masks-test &secret b masks-test%20%26secret c"),
            "a *** b *** c"
        );
        // Known twice is known once, and a short one is none.
        hide("masks-test &secret");
        hide("ab");
        assert_eq!(masked("cabbage"), "cabbage");
    }

    #[test]
    fn what_nobody_told_is_found_by_its_place() {
        for (text, clean) in [
            (
                "http://admin:pw@studio:9997/v3 and http://studio/a@b",
                "http://***@studio:9997/v3 and http://studio/a@b",
            ),
            (
                "srt://h:8890?passphrase=0123456789&x=1",
                "srt://h:8890?passphrase=***&x=1",
            ),
            (
                "-srt_streamid publish:pd_a:me:hunter2 -f",
                "-srt_streamid publish:pd_a:*** -f",
            ),
            (
                "streamid=publish:pd_a:me:a,b",
                "streamid=publish:pd_a:***,b",
            ),
            ("to publish: refused", "to publish: refused"),
            ("publish:pd_a is free", "publish:pd_a is free"),
            (
                "(api_url:\"http://u:p@h\",user:\"me\")",
                "(api_url:\"http://***@h\",user:\"me\")",
            ),
            ("password: \"x y\", next", "password: \"***\", next"),
            ("{\"password\":\"x\"}", "{\"password\":\"***\"}"),
            ("the password is wrong", "the password is wrong"),
            ("compass=north", "compass=north"),
            ("http://나:비밀@서버/길", "http://***@서버/길"),
        ] {
            assert_eq!(scrub(text), clean);
        }
    }

    proptest! {
        #[test]
        fn any_text_is_taken_and_a_second_time_changes_nothing(text in ".{0,60}") {
            let once = scrub(&text);
            prop_assert_eq!(scrub(&once), once);
        }

        #[test]
        fn a_users_password_never_gets_through(password in "[a-zA-Z0-9:!$%._~-]{4,20}") {
            let text = format!("GET rtsp://camera:{password}@10.0.0.7:554/live failed");
            prop_assert!(!scrub(&text).contains(&password) || "GET rtsp://camera@10.0.0.7:554/live failed".contains(&password));
        }
    }
}
