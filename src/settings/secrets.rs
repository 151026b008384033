//! Password and passphrase: from the environment or the window, in memory only, never in the
//! settings file; and the mask that keeps them out of every text.
//!
//! Pure but for [`Secrets::from_env`].

use secrecy::{ExposeSecret, SecretString};

/// Names the environment's password for the server's user.
pub const PASSWORD_ENV: &str = "PD_CONSOLE_PASSWORD";
/// Names the environment's SRT passphrase.
pub const PASSPHRASE_ENV: &str = "PD_CONSOLE_PASSPHRASE";
/// Names the environment's password for the backup's user.
pub const BACKUP_PASSWORD_ENV: &str = "PD_CONSOLE_BACKUP_PASSWORD";
/// Names the environment's SRT passphrase of the backup.
pub const BACKUP_PASSPHRASE_ENV: &str = "PD_CONSOLE_BACKUP_PASSPHRASE";
/// Names the environment's password of the remote control, instead of the one that is kept in a file.
pub const REMOTE_PASSWORD_ENV: &str = "PD_CONSOLE_REMOTE_PASSWORD";
/// What stands where a secret stood.
pub const MASK: &str = "***";

/// What must not be shown; wiped from memory when dropped, and `Debug` does not print it.
#[derive(Clone, Debug, Default)]
pub struct Secrets {
    /// Password of the server's user (`target.user`).
    pub password: Option<SecretString>,
    /// SRT passphrase: encrypts the stream.
    pub passphrase: Option<SecretString>,
    /// Password of the backup's user (`backup.target.user`).
    pub backup_password: Option<SecretString>,
    /// SRT passphrase of the backup.
    pub backup_passphrase: Option<SecretString>,
    /// Password of the remote control; None is the one in its file.
    pub remote_password: Option<SecretString>,
}

impl Secrets {
    /// Secrets of the environment; an empty variable is none.
    pub fn from_env() -> Self {
        let get = |name| std::env::var(name).ok().and_then(|text| secret(&text));
        Self {
            password: get(PASSWORD_ENV),
            passphrase: get(PASSPHRASE_ENV),
            backup_password: get(BACKUP_PASSWORD_ENV),
            backup_passphrase: get(BACKUP_PASSPHRASE_ENV),
            remote_password: get(REMOTE_PASSWORD_ENV),
        }
    }

    /// The backup's alone, in the programme's place.
    pub fn of_backup(&self) -> Self {
        Self {
            password: self.backup_password.clone(),
            passphrase: self.backup_passphrase.clone(),
            ..Self::default()
        }
    }

    /// The password, empty where there is none. For building a stream id only.
    pub fn password_text(&self) -> &str {
        self.password
            .as_ref()
            .map_or("", |secret| secret.expose_secret())
    }

    /// The passphrase, empty where there is none. For the publisher's argument only.
    pub fn passphrase_text(&self) -> &str {
        self.passphrase
            .as_ref()
            .map_or("", |secret| secret.expose_secret())
    }
}

/// `text` as a secret; None where it is empty.
pub fn secret(text: &str) -> Option<SecretString> {
    (!text.is_empty()).then(|| SecretString::from(text))
}

/// `text` with every occurrence of the secrets, raw or percent-encoded, replaced by `***`.
pub fn mask(text: &str, secrets: &Secrets) -> String {
    let backup = secrets.of_backup();
    let all = [
        secrets.password_text(),
        secrets.passphrase_text(),
        backup.password_text(),
        backup.passphrase_text(),
        secrets
            .remote_password
            .as_ref()
            .map_or("", |secret| secret.expose_secret()),
    ];
    mask_values(text, &all)
}

/// As [`mask`], for any values (such as the managed server's generated password).
pub fn mask_values(text: &str, secrets: &[&str]) -> String {
    masked(text, secrets, false)
}

/// The same of a text that was cut off at its end: what may be a secret's beginning there is masked too.
pub fn mask_cut(text: &str, secrets: &[&str]) -> String {
    masked(text, secrets, true)
}

fn masked(text: &str, secrets: &[&str], cut: bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        // The longest match wins, so that a secret within another leaves no remainder.
        let longest = secrets
            .iter()
            .filter_map(|secret| matched_bytes(rest, secret, cut))
            .max();
        match longest {
            Some(bytes) => {
                out.push_str(MASK);
                rest = &rest[bytes..];
            }
            None => {
                out.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
    }
    out
}

/// Length of `secret` at the start of `text`, each of its bytes raw, as %XX, `+` for a space, or a quote
/// or backslash behind a backslash; None where it does not stand there. Writers differ in which bytes
/// they encode, so any mixture counts. Where `cut`, a text that ends within the secret has it as well.
fn matched_bytes(text: &str, secret: &str, cut: bool) -> Option<usize> {
    let text = text.as_bytes();
    // Both may go on: in "%25" a raw percent sign, or an encoded one.
    let mut ends = vec![0];
    for &wanted in secret.as_bytes() {
        let mut next = Vec::with_capacity(2);
        for &at in &ends {
            let rest = &text[at..];
            if cut && at > 0 && is_beginning(rest) {
                return Some(text.len());
            }
            match rest {
                [b'%', high, low, ..] if hex(*high, *low) == Some(wanted) => next.push(at + 3),
                [b'\\', raw, ..] if *raw == wanted && matches!(wanted, b'"' | b'\'' | b'\\') => {
                    next.push(at + 2);
                }
                [b'+', ..] if wanted == b' ' => next.push(at + 1),
                _ => {}
            }
            if rest.first() == Some(&wanted) {
                next.push(at + 1);
            }
        }
        next.sort_unstable();
        next.dedup();
        ends = next;
        if ends.is_empty() {
            return None;
        }
    }
    ends.last().copied().filter(|end| *end > 0)
}

/// Whether the text ended before it could be told which byte comes.
fn is_beginning(rest: &[u8]) -> bool {
    matches!(rest, [] | [b'%'] | [b'\\'])
        || matches!(rest, [b'%', high] if high.is_ascii_hexdigit())
}

fn hex(high: u8, low: u8) -> Option<u8> {
    let digit = |b: u8| char::from(b).to_digit(16);
    u8::try_from(digit(high)? * 16 + digit(low)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn secrets(password: &str, passphrase: &str) -> Secrets {
        Secrets {
            password: secret(password),
            passphrase: secret(passphrase),
            ..Secrets::default()
        }
    }

    #[test]
    fn the_backups_secrets_are_its_own_and_are_masked_too() {
        let all = Secrets {
            backup_password: secret("second secret"),
            backup_passphrase: secret("second passphrase"),
            ..secrets("first secret", "first passphrase")
        };
        let backup = all.of_backup();
        assert_eq!(backup.password_text(), "second secret");
        assert_eq!(backup.passphrase_text(), "second passphrase");
        assert_eq!(mask("a second secret, first secret", &all), "a ***, ***");
        assert_eq!(mask("x second passphrase", &all), "x ***");
    }

    #[test]
    fn raw_and_encoded_forms_are_masked() {
        let s = secrets("a&b 한%", "0123456789");
        assert_eq!(mask("publish:pd:me:a&b 한%", &s), "publish:pd:me:***");
        assert_eq!(mask("x=a%26b%20%ED%95%9C%25&y", &s), "x=***&y");
        assert_eq!(mask("x=a%26b+%ed%95%9c%25&y", &s), "x=***&y");
        assert_eq!(mask("x=a&b+한%25&p=0123456789.", &s), "x=***&p=***.");
        assert_eq!(mask("한 a&b 012345678", &s), "한 a&b 012345678");
    }

    #[test]
    fn a_secret_that_looks_encoded_is_masked_as_it_is_and_encoded() {
        let s = secrets("pass%25word", "%41%41%41%41");
        assert_eq!(mask("publish:pd:me:pass%25word", &s), "publish:pd:me:***");
        assert_eq!(mask("pass%2525word", &s), "***");
        assert_eq!(mask("x=%41%41%41%41.", &s), "x=***.");
    }

    #[test]
    fn a_secret_in_quotes_of_a_programs_is_masked() {
        let s = secrets(r#"say "hi" \ there"#, "");
        let debug = format!("{:?}", r#"say "hi" \ there"#);
        assert_eq!(mask(&debug, &s), "\"***\"");
    }

    #[test]
    fn what_a_cut_leaves_of_a_secret_is_masked() {
        let s = ["0123456789abc"];
        assert_eq!(mask_cut("url 0123456", &s), "url ***");
        assert_eq!(mask_cut("url 0123456789abc", &s), "url ***");
        assert_eq!(mask_cut("url 0%3", &s), "url ***");
        assert_eq!(mask_cut("url 0123456 ", &s), "url 0123456 ");
        assert_eq!(mask_cut("as it is", &s), "as it is");
    }

    #[test]
    fn one_secret_within_another_leaves_no_remainder() {
        let s = secrets("0123456789", "0123456789abc");
        assert_eq!(mask("-passphrase 0123456789abc", &s), "-passphrase ***");
        assert_eq!(mask("aaaaa", &secrets("aa", "")), "******a");
    }

    #[test]
    fn without_secrets_the_text_is_the_same() {
        assert_eq!(mask("any %20 text", &Secrets::default()), "any %20 text");
        assert!(secret("").is_none());
        assert!(!format!("{:?}", secrets("hunter2hunter2", "")).contains("hunter2"));
    }

    proptest! {
        #[test]
        fn no_secret_gets_through(before in ".{0,12}", secret in "[^*]{1,12}", after in ".{0,12}") {
            prop_assume!(!secret.contains('*'));
            let masked = mask(&format!("{before}{secret}{after}"), &secrets(&secret, ""));
            prop_assert!(!masked.contains(&secret));
        }
    }
}
