//! Text within a URL. Pure.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What stands as it is: the unreserved characters of RFC 3986, 2.3.
const PART: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// `text` as one part of a URL: a segment of its path, a user, a password.
pub fn part(text: &str) -> String {
    utf8_percent_encode(text, PART).to_string()
}

/// A path's name within a URL; its slashes stay.
pub fn path(name: &str) -> String {
    name.split('/').map(part).collect::<Vec<_>>().join("/")
}

/// An address as it may be shown and kept: without user, password and what follows a `?`, each of which may
/// be a secret.
pub fn shown(url: &str) -> String {
    let url = url.trim();
    let url = url.split(['?', '#']).next().unwrap_or_default();
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let (authority, path) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    let host = authority.rsplit_once('@').map_or(authority, |(_, h)| h);
    let between = if scheme.is_empty() { "" } else { "://" };
    format!("{scheme}{between}{host}{path}").trim().to_owned()
}
