//! Is there a newer version? The console only tells: it downloads nothing and changes nothing.
//!
//! [`Feed`] is where a build asks: an address that is set when it is built (`PD_CONSOLE_UPDATE_URL`), so that a build of
//! one's own asks nobody. [`release::parse`] reads the answer, [`kept`] remembers when was asked and what was put away, [`ask`]
//! is the one question. Pure but for `ask` and `kept`, which run on the session's `pd-update` or for `pd-console updates`.

pub mod ask;
pub mod kept;
pub mod release;

use ureq::http::Uri;

pub use release::{Release, own_version};

/// Names another address than the build's, or none at all where it is empty.
pub const URL_ENV: &str = "PD_CONSOLE_UPDATE_URL";
/// Longest address of a feed or a page, bytes.
const ADDRESS_MAX: usize = 300;

/// Where a build asks for the newest version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feed {
    url: String,
    host: String,
}

impl Feed {
    /// This build's, or that of the environment; None where neither names one.
    ///
    /// # Errors
    /// An address that may not be asked.
    pub fn of_this_build() -> Result<Option<Self>, String> {
        let named = std::env::var(URL_ENV).ok();
        let built = option_env!("PD_CONSOLE_UPDATE_URL").map(str::to_owned);
        match named.or(built).filter(|url| !url.trim().is_empty()) {
            Some(url) => Self::at(url.trim()).map(Some),
            None => Ok(None),
        }
    }

    /// That of an address: https, or http on this machine (as in tests).
    ///
    /// # Errors
    /// Why it may not be asked, in words.
    pub fn at(url: &str) -> Result<Self, String> {
        let (is_secure, host) = parts(url)?;
        if !is_secure && !is_loopback(&host) {
            return Err("the address for updates must begin with https://".into());
        }
        Ok(Self {
            url: url.to_owned(),
            host,
        })
    }

    /// Whether a page on `host` is of the same house: the feed's own host, or the domain that it is in
    /// (`api.example.com` may name a page on `example.com`).
    fn may_name(&self, host: &str) -> bool {
        let of_domain = self.host.strip_suffix(host);
        self.host == host || (host.contains('.') && of_domain.is_some_and(|sub| sub.ends_with('.')))
    }
}

/// Whether an address is https (else it is http), and its host in small letters.
///
/// # Errors
/// Where it is neither, or has a login in it.
fn parts(url: &str) -> Result<(bool, String), String> {
    let bad = || "no usable address".to_owned();
    if url.len() > ADDRESS_MAX || url.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(bad());
    }
    let uri: Uri = url.parse().map_err(|_| bad())?;
    let is_secure = match uri.scheme_str() {
        Some("https") => true,
        Some("http") => false,
        _ => return Err(bad()),
    };
    let authority = uri.authority().ok_or_else(bad)?;
    if authority.as_str().contains('@') || authority.host().is_empty() {
        return Err(bad());
    }
    Ok((is_secure, authority.host().to_ascii_lowercase()))
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let address = bare.parse::<std::net::IpAddr>();
    address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feed_is_asked_over_https_only_but_on_this_machine() {
        for good in [
            "https://example.com/latest.json",
            "http://127.0.0.1:8000/x",
            "http://[::1]:8000/x",
        ] {
            assert!(Feed::at(good).is_ok(), "{good}");
        }
        for bad in [
            "http://example.com/latest.json",
            "http://localhost.example.com/",
            "http://127.0.0.1.example.com/",
            "ftp://example.com/",
            "https://user:secret@example.com/",
            "https:///latest",
            "example.com",
            "file:///etc/passwd",
            "",
        ] {
            assert!(Feed::at(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_page_is_of_the_same_house() {
        let feed = Feed::at("https://api.Example.com/latest").unwrap();
        assert!(feed.may_name("example.com") && feed.may_name("api.example.com"));
        for other in ["com", "ample.com", "example.org", "x.example.com", ""] {
            assert!(!feed.may_name(other), "{other}");
        }
    }
}
