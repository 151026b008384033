//! The window's words, in English and Korean, from `assets/i18n`. Switched while running.
//!
//! A key is a literal at the place of use, so that the tests below can see that each exists in both
//! languages with the same variables, and that none is left over.

use crate::settings::Language;
use crate::words::{Words, particle};
use fluent_bundle::{FluentArgs, FluentBundle, FluentResource};
use unic_langid::LanguageIdentifier;

const ENGLISH: &str = include_str!("../../assets/i18n/en.ftl");
const KOREAN: &str = include_str!("../../assets/i18n/ko.ftl");

/// The words of one language.
pub struct Texts {
    bundle: FluentBundle<FluentResource>,
    korean: bool,
    /// The session's own words, which are English.
    session: Words,
}

impl Texts {
    /// The words of `language`; `Auto` is the system's, English where that is not Korean.
    pub fn new(language: Language) -> Self {
        let korean = match language {
            Language::Korean => true,
            Language::English => false,
            Language::Auto => is_korean(sys_locale::get_locale().as_deref()),
        };
        let (id, source) = if korean {
            ("ko-KR", KOREAN)
        } else {
            ("en-GB", ENGLISH)
        };
        // A file with a fault still gives its other messages; a test holds that there is none.
        let resource =
            FluentResource::try_new(source.to_owned()).unwrap_or_else(|(partial, _)| partial);
        // Both names parse; only plural rules hang on this.
        let id: LanguageIdentifier = id.parse().unwrap_or_default();
        let mut bundle = FluentBundle::new(vec![id]);
        bundle.set_use_isolating(false);
        bundle.add_resource_overriding(resource);
        Self {
            bundle,
            korean,
            session: Words::default(),
        }
    }

    /// Whether these are Korean.
    pub fn is_korean(&self) -> bool {
        self.korean
    }

    /// The text of `key`; the key itself where there is none, which a test excludes.
    pub fn t(&self, key: &str) -> String {
        self.format(key, None)
    }

    /// The text of `key` with its variables.
    pub fn f(&self, key: &str, variables: &[(&str, &str)]) -> String {
        let mut args = FluentArgs::new();
        for (name, value) in variables {
            args.set(*name, *value);
        }
        self.format(key, Some(&args))
    }

    /// What the session says (a message, a failure, a finding), which is English, in this language.
    pub fn say(&self, english: &str) -> String {
        if self.korean {
            self.session.korean(english).as_ref().to_owned()
        } else {
            english.to_owned()
        }
    }

    fn format(&self, key: &str, args: Option<&FluentArgs<'_>>) -> String {
        let Some(pattern) = self.bundle.get_message(key).and_then(|m| m.value()) else {
            return key.to_owned();
        };
        let mut faults = Vec::new();
        let text = self.bundle.format_pattern(pattern, args, &mut faults);
        if self.korean && args.is_some() {
            particle::settle(&text)
        } else {
            text.into_owned()
        }
    }
}

fn is_korean(locale: Option<&str>) -> bool {
    locale.is_some_and(|l| {
        let l = l.to_ascii_lowercase();
        l == "ko" || l.starts_with("ko-") || l.starts_with("ko_") || l.starts_with("ko.")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};

    /// Keys of a file, each with its variables.
    fn keys(source: &str) -> BTreeMap<String, BTreeSet<String>> {
        FluentResource::try_new(source.to_owned())
            .map_err(|(_, faults)| faults)
            .expect("the file has no fault");
        let mut keys = BTreeMap::new();
        let mut key = String::new();
        for line in source.lines() {
            if line.starts_with('#') {
                continue;
            }
            if !line.starts_with([' ', '\t'])
                && let Some((name, _)) = line.split_once('=')
            {
                key = name.trim().to_owned();
                let twice = keys.insert(key.clone(), BTreeSet::new());
                assert_eq!(twice, None, "{key} is there twice");
            }
            for part in line.split('$').skip(1) {
                let name: String = part
                    .chars()
                    .take_while(|c| c.is_ascii_alphanumeric() || *c == '_')
                    .collect();
                keys.get_mut(&key).expect("a key before").insert(name);
            }
        }
        keys
    }

    /// String literals in the window's code that look like a key.
    fn used() -> BTreeSet<String> {
        let mut used = BTreeSet::new();
        for (path, text) in crate::ui::sources() {
            if ["i18n.rs", "fonts.rs"]
                .iter()
                .any(|name| path.ends_with(name))
            {
                continue;
            }
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            for literal in code.split('"').skip(1).step_by(2) {
                let kebab = literal.contains('-')
                    && literal.split('-').all(|part| {
                        !part.is_empty()
                            && part
                                .chars()
                                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
                    });
                // Threads and the program have names of the same form.
                if kebab && !literal.starts_with("pd-") {
                    used.insert(literal.to_owned());
                }
            }
        }
        used
    }

    #[test]
    fn both_languages_have_the_same_keys_and_variables() {
        assert_eq!(keys(ENGLISH), keys(KOREAN));
    }

    #[test]
    fn each_key_in_the_code_exists_and_none_is_left_over() {
        let there: BTreeSet<String> = keys(ENGLISH).into_keys().collect();
        let used = used();
        assert!(used.len() > 50, "the scan found {} keys only", used.len());
        let missing: Vec<_> = used.difference(&there).collect();
        assert!(missing.is_empty(), "no text for {missing:?}");
        let idle: Vec<_> = there.difference(&used).collect();
        assert!(idle.is_empty(), "never used: {idle:?}");
    }

    #[test]
    fn variables_are_put_in_without_isolation_marks() {
        let english = Texts::new(Language::English);
        let korean = Texts::new(Language::Korean);
        assert_eq!(
            english.f("state-reconnecting", &[("attempt", "3")]),
            "RECONNECTING 3"
        );
        assert_eq!(
            korean.f("state-reconnecting", &[("attempt", "3")]),
            "재연결 중 3"
        );
        assert!(korean.is_korean() && !english.is_korean());
    }

    #[test]
    fn what_the_session_says_is_korean_in_a_korean_window() {
        let say = |language| Texts::new(language).say("the show has ended");
        assert_eq!(say(Language::English), "the show has ended");
        assert_eq!(say(Language::Korean), "송출이 끝났습니다");
    }

    #[test]
    fn the_systems_language_is_told() {
        assert!(is_korean(Some("ko-KR")));
        assert!(is_korean(Some("ko_KR.UTF-8")));
        assert!(is_korean(Some("ko")));
        assert!(!is_korean(Some("kok-IN")), "Konkani is not Korean");
        assert!(!is_korean(Some("en-US")));
        assert!(!is_korean(None));
    }
}
