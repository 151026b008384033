//! The answer of a feed: a small JSON document with the newest version and the address of its page. Pure.
//!
//! `{"version": "1.2.3", "page": "https://..."}`, or what GitHub's `releases/latest` answers, whose names are `tag_name` and
//! `html_url` (docs.github.com, REST API, "Get the latest release"). Versions are Semantic Versioning 2.0.0, with a `v`
//! before them or not.

use super::{Feed, parts};
use semver::Version;
use serde::{Deserialize, Serialize};

/// Longest version that is taken, bytes.
const VERSION_MAX: usize = 64;

/// A version that is to be had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Release {
    /// Such as "1.2.3".
    pub version: String,
    /// Where it is told of and to be had; None where the feed names no page of its own house.
    pub page: Option<String>,
}

#[derive(Deserialize)]
struct Document {
    version: Option<String>,
    tag_name: Option<String>,
    page: Option<String>,
    html_url: Option<String>,
    #[serde(default)]
    draft: bool,
    #[serde(default)]
    prerelease: bool,
}

/// This program's version.
pub fn own_version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}

/// Reads a feed's answer; None where it tells of a draft or a trial version.
///
/// # Errors
/// What is wrong with it, in words.
pub fn parse(bytes: &[u8], feed: &Feed) -> Result<Option<Release>, String> {
    let document: Document =
        serde_json::from_slice(bytes).map_err(|error| format!("it is not understood: {error}"))?;
    let version = match (document.version, document.tag_name) {
        (Some(version), None) | (None, Some(version)) => version,
        _ => return Err("it names no version, or two".into()),
    };
    let version = read(&version).ok_or("its version is none")?;
    if document.draft || document.prerelease {
        return Ok(None);
    }
    let is_ours =
        |page: &String| parts(page).is_ok_and(|(secure, host)| secure && feed.may_name(&host));
    Ok(Some(Release {
        version: version.to_string(),
        page: document.page.or(document.html_url).filter(is_ours),
    }))
}

/// Whether `other` is newer than `own`. A trial version counts for whoever has one only.
pub fn is_newer(other: &str, own: &str) -> bool {
    let (Some(other), Some(own)) = (read(other), read(own)) else {
        return false;
    };
    let is_for_us = other.pre.is_empty() || !own.pre.is_empty();
    is_for_us && other.cmp_precedence(&own).is_gt()
}

fn read(version: &str) -> Option<Version> {
    let version = version.strip_prefix('v').unwrap_or(version);
    let short = version.len() <= VERSION_MAX;
    short.then(|| Version::parse(version).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn feed() -> Feed {
        Feed::at("https://api.example.com/latest").unwrap()
    }

    fn of(json: &str) -> Result<Option<Release>, String> {
        parse(json.as_bytes(), &feed())
    }

    #[test]
    fn both_forms_are_read() {
        let release = Release {
            version: "1.2.3".into(),
            page: Some("https://example.com/r/1".into()),
        };
        let own = r#"{"version": "1.2.3", "page": "https://example.com/r/1"}"#;
        assert_eq!(of(own), Ok(Some(release.clone())));
        let github = r#"{"url": "x", "tag_name": "v1.2.3", "html_url": "https://example.com/r/1",
            "draft": false, "prerelease": false, "assets": [{"id": 1}], "body": "…"}"#;
        assert_eq!(of(github), Ok(Some(release)));
        for trial in ["draft", "prerelease"] {
            let json = format!(r#"{{"tag_name": "v9.0.0", "{trial}": true}}"#);
            assert_eq!(of(&json), Ok(None));
        }
    }

    #[test]
    fn what_is_not_understood_is_no_version() {
        for bad in [
            "",
            "[]",
            "null",
            "<html></html>",
            "{}",
            r#"{"version": 2}"#,
            r#"{"version": "2"}"#,
            r#"{"version": "2.0"}"#,
            r#"{"version": "02.0.0"}"#,
            r#"{"version": " 2.0.0"}"#,
            r#"{"version": "vv2.0.0"}"#,
            r#"{"version": "2.0.0", "tag_name": "v3.0.0"}"#,
            r#"{"version": "2.0.0", "version": "3.0.0"}"#,
            r#"{"version": "99999999999999999999.0.0"}"#,
            r#"{"version": "2.0.0"} more"#,
        ] {
            assert!(of(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_page_elsewhere_is_not_shown() {
        for page in [
            "http://example.com/r/1",
            "https://example.org/r/1",
            "https://user@example.com/",
            "https://example.com/a b",
            "javascript:alert(1)",
            "",
        ] {
            let json = serde_json::json!({"version": "2.0.0", "page": page}).to_string();
            assert_eq!(of(&json).unwrap().unwrap().page, None, "{page}");
        }
    }

    #[test]
    fn newer_is_by_semantic_versioning() {
        for (other, own, newer) in [
            ("0.2.0", "0.1.0", true),
            ("v0.10.0", "0.9.9", true),
            ("0.1.0", "0.1.0", false),
            ("0.0.9", "0.1.0", false),
            ("0.1.0+build2", "0.1.0+build1", false),
            ("0.2.0-rc.1", "0.1.0", false),
            ("0.2.0-rc.10", "0.2.0-rc.9", true),
            ("0.2.0", "0.2.0-rc.1", true),
            ("nonsense", "0.1.0", false),
        ] {
            assert_eq!(is_newer(other, own), newer, "{other} after {own}");
        }
        assert!(read(own_version()).is_some());
    }

    proptest! {
        /// Whatever comes: no panic, and what is told of is a version that is shown as it was read.
        #[test]
        fn any_bytes(bytes in proptest::collection::vec(0_u8.., 0..300)) {
            let _ = parse(&bytes, &feed());
        }

        #[test]
        fn any_document(version in ".{0,40}", page in ".{0,60}") {
            let json = serde_json::json!({"version": version, "page": page}).to_string();
            if let Ok(Some(release)) = of(&json) {
                prop_assert!(release.version.is_ascii());
                prop_assert_eq!(version.strip_prefix('v').unwrap_or(&version), release.version);
                if let Some(page) = release.page {
                    prop_assert!(page.starts_with("https://"));
                }
            }
        }

        /// The order is one: never both newer, and three numbers are compared as numbers.
        #[test]
        fn an_order(a in [0_u64..20, 0..20, 0..20], b in [0_u64..20, 0..20, 0..20]) {
            let text = |v: [u64; 3]| format!("{}.{}.{}", v[0], v[1], v[2]);
            prop_assert_eq!(is_newer(&text(a), &text(b)), a > b);
            prop_assert!(!(is_newer(&text(a), &text(b)) && is_newer(&text(b), &text(a))));
        }
    }
}
