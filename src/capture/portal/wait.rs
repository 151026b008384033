//! Waits for a future on the calling thread in short steps, so that stop, time limits and signs of
//! life work meanwhile. zbus drives its sockets on threads of its own and wakes this one.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;
use std::time::{Duration, Instant};

/// Between two looks at stop: well below the 500 ms that a beat may take.
const STEP: Duration = Duration::from_millis(50);

/// How a wait ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Waited<T> {
    /// With the future's value.
    Done(T),
    /// `go_on` said no.
    Stopped,
    /// The limit was reached.
    TimedOut,
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits for `future` for as long as `go_on`, which is asked at least every 50 ms, says yes, and at
/// most for `limit`.
pub(super) fn wait_for<T>(
    future: impl Future<Output = T>,
    limit: Option<Duration>,
    mut go_on: impl FnMut() -> bool,
) -> Waited<T> {
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    let started = Instant::now();
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
            return Waited::Done(value);
        }
        if !go_on() {
            return Waited::Stopped;
        }
        if limit.is_some_and(|limit| started.elapsed() >= limit) {
            return Waited::TimedOut;
        }
        std::thread::park_timeout(STEP);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::future::{pending, poll_fn, ready};

    #[test]
    fn it_ends_with_the_value_the_word_or_the_limit() {
        assert_eq!(wait_for(ready(7), None, || false), Waited::Done(7));
        let mut left = 3;
        let stopped = wait_for(pending::<()>(), None, || {
            left -= 1;
            left > 0
        });
        assert_eq!((stopped, left), (Waited::Stopped, 0));
        let limit = Some(Duration::from_millis(10));
        let started = Instant::now();
        assert_eq!(
            wait_for(pending::<()>(), limit, || true),
            Waited::<()>::TimedOut
        );
        assert!(started.elapsed() >= Duration::from_millis(10));
    }

    #[test]
    fn another_thread_wakes_it() {
        let mut other = None;
        let woken = poll_fn(|context| match other.take() {
            None => {
                let waker = context.waker().clone();
                other = Some(std::thread::spawn(move || waker.wake()));
                Poll::Pending
            }
            Some(thread) => Poll::Ready(thread.join().is_ok()),
        });
        let started = Instant::now();
        assert_eq!(wait_for(woken, None, || true), Waited::Done(true));
        assert!(started.elapsed() < Duration::from_secs(5));
    }
}
