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
