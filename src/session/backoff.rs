//! How long to wait before the next try. Pure.

use std::time::Duration;

/// Steps of cases.md B18: 0.5 to 5 s, for ever.
const STEPS_MS: [u64; 5] = [500, 1000, 2000, 3000, 5000];

/// The wait before try number `attempt` (from 1).
pub fn wait(attempt: u32) -> Duration {
    let step = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX);
    Duration::from_millis(STEPS_MS[step.min(STEPS_MS.len() - 1)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_half_a_second_to_five_and_no_further() {
        let waits: Vec<_> = [1, 2, 3, 4, 5, 6, u32::MAX]
            .map(|n| wait(n).as_millis())
            .into();
        assert_eq!(waits, [500, 1000, 2000, 3000, 5000, 5000, 5000]);
    }
}
