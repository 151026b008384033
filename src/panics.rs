//! What a caught panic said, and threads that go on after one.
//!
//! Every panic makes a report besides (`crash::hook`); here is what keeps a show running.

use crate::stop::StopToken;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

/// From a panic to the next try: a fault that stays shall not keep a core busy.
const PAUSE: Duration = Duration::from_millis(200);

/// Runs `work` again after a panic, until it returns or `stop` is set: what goes wrong with one picture or one answer
/// must not end the show. `tell` hears what each panic said.
pub fn go_on(stop: &StopToken, mut tell: impl FnMut(&str), mut work: impl FnMut()) {
    loop {
        match catch_unwind(AssertUnwindSafe(&mut work)) {
            Ok(()) => return,
            Err(panic) => tell(text_of(&*panic)),
        }
        if stop.sleep(PAUSE) {
            return;
        }
    }
}

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
    fn work_goes_on_after_a_panic_and_ends_with_its_stop() {
        let (stop, mut told, mut runs) = (StopToken::new(), Vec::new(), 0);
        go_on(
            &stop,
            |text| told.push(text.to_owned()),
            || {
                runs += 1;
                assert!(runs > 2, "not yet {runs}");
            },
        );
        assert_eq!(
            (runs, told.as_slice()),
            (3, &["not yet 1".to_owned(), "not yet 2".into()][..])
        );
        let mut runs = 0;
        stop.stop();
        go_on(
            &stop,
            |_| {},
            || {
                runs += 1;
                panic!("always");
            },
        );
        assert_eq!(runs, 1);
    }

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
