//! One line for each target of `pd_console::fuzzing`.

#[doc(hidden)]
pub use libfuzzer_sys::fuzz_target;
#[doc(hidden)]
pub use pd_console::fuzzing::target_named;

/// The libFuzzer entry of the target of this name.
#[macro_export]
macro_rules! fuzz {
    ($name:literal) => {
        $crate::fuzz_target!(
            init: { $crate::ready($name); },
            |data: &[u8]| ($crate::body())(data)
        );
    };
}

/// The same of the target that the environment names; one binary for all of them.
#[macro_export]
macro_rules! fuzz_named {
    () => {
        $crate::fuzz_target!(
            init: { $crate::ready(&std::env::var("PD_FUZZ_TARGET").expect("PD_FUZZ_TARGET names a target")); },
            |data: &[u8]| ($crate::body())(data)
        );
    };
}

use std::sync::OnceLock;

static BODY: OnceLock<fn(&[u8])> = OnceLock::new();

/// Looks the target up, once.
pub fn ready(name: &str) {
    BODY.get_or_init(|| target_named(name).body);
}

/// The body of the target that [`ready`] named.
pub fn body() -> fn(&[u8]) {
    *BODY.get().expect("ready was called")
}
