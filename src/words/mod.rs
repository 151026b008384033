//! The session's own words in Korean: messages, failures, findings, which the code makes in English
//! (logs and copies stay so, for support) and the window shows in the operator's language.
//!
//! `assets/i18n/messages.ko.po` has each English format string with its Korean one. A finished
//! English text is held against them and put together anew (`catalogue`). Pure, any thread; the
//! window keeps what it has translated, see [`Words`]. `tests/words` finds messages without a
//! translation. What nobody translated, such as ffmpeg's own words, is shown as it is.

pub mod catalogue;
pub mod particle;
pub mod template;

pub use catalogue::Catalogue;

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

/// The Korean catalogue as it is shipped.
pub const KOREAN_PO: &str = include_str!("../../assets/i18n/messages.ko.po");

/// Texts kept; the log has 500 lines, and as many more are on a window at most.
const KEPT: usize = 2048;

/// The Korean catalogue, made once. A fault in the file leaves messages out; a test holds that there
/// is none.
pub fn korean() -> &'static Catalogue {
    static KOREAN: LazyLock<Catalogue> =
        LazyLock::new(|| Catalogue::of_po(KOREAN_PO).unwrap_or_default());
    &KOREAN
}

/// Translations, each made once: the window asks for the same lines with every frame. The newest
/// 2048; then all are forgotten at once, which costs some milliseconds a line of the log at worst.
#[derive(Default)]
pub struct Words {
    kept: RefCell<HashMap<String, Arc<str>>>,
}

impl Words {
    /// `english` in Korean, or as it is where nothing of it is known.
    pub fn korean(&self, english: &str) -> Arc<str> {
        if let Some(known) = self.kept.borrow().get(english) {
            return known.clone();
        }
        let text: Arc<str> = korean().translate(english).into();
        let mut kept = self.kept.borrow_mut();
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(english.to_owned(), text.clone());
        text
    }
}

#[cfg(test)]
mod tests;
