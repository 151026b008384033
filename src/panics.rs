//! What a caught panic said.

use std::any::Any;

/// The panic's message as far as it is text (std::panic::PanicHookInfo::payload: `&str` or `String`).
pub fn text_of(panic: &(dyn Any + Send)) -> &str {
    panic
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_of_text_are_read() {
        let caught = |f: fn()| std::panic::catch_unwind(f).unwrap_err();
        assert_eq!(text_of(&*caught(|| panic!("plain"))), "plain");
        let made = caught(|| panic!("made {}", std::hint::black_box(7)));
        assert_eq!(text_of(&*made), "made 7");
        let other: Box<dyn Any + Send> = Box::new(7);
        assert_eq!(text_of(&*other), "no message");
    }
}
