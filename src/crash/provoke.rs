//! Makes a thread fail where a test asks for it: the file that `PD_CONSOLE_PROVOKE` names holds a line such as
//! "pd-session panic", "main overflow" or "pd-pump abort". A release build has none of it.

/// A thread's loop comes by here: it fails where a test wants it to.
#[cfg(not(debug_assertions))]
pub fn point(_thread: &str) {}

/// A thread's loop comes by here: it fails where a test wants it to.
#[cfg(debug_assertions)]
pub fn point(thread: &str) {
    if let Some(how) = wanted(thread) {
        fail(thread, &how);
    }
}

#[cfg(debug_assertions)]
fn wanted(thread: &str) -> Option<String> {
    use std::path::PathBuf;
    use std::sync::OnceLock;
    static FILE: OnceLock<Option<PathBuf>> = OnceLock::new();
    let file = FILE.get_or_init(|| std::env::var_os("PD_CONSOLE_PROVOKE").map(PathBuf::from));
    let text = std::fs::read_to_string(file.as_ref()?).ok()?;
    let (name, how) = text.trim().split_once(' ')?;
    if name != thread {
        return None;
    }
    // "always" fails at each pass, everything else once.
    if !how.ends_with("always") {
        std::fs::remove_file(file.as_ref()?).ok()?;
    }
    Some(how.to_owned())
}

#[cfg(debug_assertions)]
#[allow(clippy::panic)]
fn fail(thread: &str, how: &str) {
    #[allow(unconditional_recursion)]
    fn deeper(n: u64) -> u64 {
        let room = std::hint::black_box([n; 64]);
        deeper(n + 1) + room[7]
    }
    match how.split(' ').next() {
        Some("panic") => panic!("provoked in {thread}"),
        Some("overflow") => {
            std::hint::black_box(deeper(0));
        }
        Some("abort") => std::process::abort(),
        _ => {}
    }
}
