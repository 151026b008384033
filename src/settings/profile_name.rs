//! A profile's name, which is its file's on every system. Pure.

/// Letters at most, and bytes: file names have 255, of which the ending and a suffix take some.
const MAX_CHARS: usize = 60;
const MAX_BYTES: usize = 200;

/// A name fit for a file on Linux, macOS and Windows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileName(String);

/// Why a text is no name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing in it.
    #[error("a profile needs a name: type one")]
    Empty,
    /// Too long for a file.
    #[error("the profile's name is too long: {MAX_CHARS} letters at most")]
    Long,
    /// A sign that no file can have.
    #[error("the profile's name cannot have the sign {sign:?}: leave it out")]
    Sign {
        /// The sign.
        sign: char,
    },
    /// A name that some system keeps for itself.
    #[error(
        "a profile cannot be called {name:?}: some systems cannot keep a file of that name. Choose another"
    )]
    Reserved {
        /// The name.
        name: String,
    },
}

impl ProfileName {
    /// `text` as a name; blanks around it do not count.
    ///
    /// # Errors
    /// See [`NameError`].
    pub fn new(text: &str) -> Result<Self, NameError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(NameError::Empty);
        }
        if text.chars().count() > MAX_CHARS || text.len() > MAX_BYTES {
            return Err(NameError::Long);
        }
        if let Some(sign) = text.chars().find(|c| is_bad(*c)) {
            return Err(NameError::Sign { sign });
        }
        // Windows drops a dot at the end; one at the beginning hides the file.
        if text.starts_with('.') || text.ends_with('.') || is_reserved(text) {
            return Err(NameError::Reserved { name: text.into() });
        }
        Ok(Self(text.to_owned()))
    }

    /// The name most like `text`, such as a file's that somebody named.
    pub fn like(text: &str) -> Self {
        let clean: String = text
            .trim()
            .chars()
            .map(|c| if is_bad(c) { '_' } else { c })
            .take(MAX_CHARS)
            .collect();
        let clean = clean.trim().trim_matches('.').trim();
        let mut short = clean.to_owned();
        while short.len() > MAX_BYTES {
            short.pop();
        }
        Self::new(&short)
            .or_else(|_| Self::new(&format!("{short}_")))
            .unwrap_or_else(|_| Self("profile".into()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What Windows refuses in a file's name, and what cannot be seen.
fn is_bad(c: char) -> bool {
    // U+202A..=U+202E and U+2066..=U+2069 turn the direction of what follows.
    c.is_control()
        || r#"/\:*?"<>|"#.contains(c)
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// Windows' devices, whatever ending they have.
fn is_reserved(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim();
    let stem = stem.to_ascii_uppercase();
    let numbered = |device: &str| {
        stem.strip_prefix(device)
            .is_some_and(|n| n.len() == 1 && n.chars().all(|c| c.is_ascii_digit()))
    };
    ["CON", "PRN", "AUX", "NUL"].contains(&stem.as_str()) || numbered("COM") || numbered("LPT")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_of_people_are_taken() {
        for name in [
            "News",
            "저녁 뉴스 2부",
            "Studio A (late)",
            "v1.2",
            "  padded ",
        ] {
            assert_eq!(ProfileName::new(name).unwrap().as_str(), name.trim());
        }
    }

    #[test]
    fn what_no_file_can_be_called_is_refused_by_its_reason() {
        let sign = |sign| Err(NameError::Sign { sign });
        assert_eq!(ProfileName::new("../x"), sign('/'));
        assert_eq!(ProfileName::new("a\\b"), sign('\\'));
        assert_eq!(ProfileName::new("C:x"), sign(':'));
        assert_eq!(ProfileName::new("a\0"), sign('\0'));
        assert_eq!(ProfileName::new("a\u{202e}b"), sign('\u{202e}'));
        assert_eq!(ProfileName::new(" "), Err(NameError::Empty));
        assert_eq!(ProfileName::new(&"가".repeat(61)), Err(NameError::Long));
        for name in ["..", ".hidden", "end.", "con", "NUL.txt", "Com1"] {
            let refused = ProfileName::new(name);
            assert!(matches!(refused, Err(NameError::Reserved { .. })), "{name}");
        }
        assert!(ProfileName::new("Company").is_ok() && ProfileName::new("COM10").is_ok());
    }

    #[test]
    fn a_files_name_becomes_one() {
        assert_eq!(ProfileName::like("a/b:c").as_str(), "a_b_c");
        assert_eq!(ProfileName::like(".con").as_str(), "con_");
        assert_eq!(ProfileName::like("").as_str(), "_");
        assert_eq!(ProfileName::like("...").as_str(), "_");
    }

    proptest! {
        #[test]
        fn whatever_it_is_called_a_name_comes_of_it(text in ".{0,300}") {
            let name = ProfileName::like(&text);
            prop_assert_eq!(ProfileName::new(name.as_str()), Ok(name.clone()));
        }
    }
}
