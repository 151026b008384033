//! How long to wait before the next try. Pure: the chance that spreads the tries is an argument.

use std::time::Duration;

/// Steps of cases.md B18: 0.5 to 5 s, for ever. Each may take a quarter longer, so that the
/// consoles of one house do not all call a server that is back at the same moment.
const STEPS_MS: [u64; 5] = [500, 1000, 2000, 3000, 4000];

/// The wait before try number `attempt` (from 1); `chance` is from 0 to 1.
pub fn wait(attempt: u32, chance: f64) -> Duration {
    let step = usize::try_from(attempt.saturating_sub(1)).unwrap_or(usize::MAX);
    let step = Duration::from_millis(STEPS_MS[step.min(STEPS_MS.len() - 1)]);
    step + step.mul_f64(chance.clamp(0.0, 1.0) / 4.0)
}

/// The longest that [`wait`] can give.
pub fn longest() -> Duration {
    wait(u32::MAX, 1.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn from_half_a_second_to_five_and_no_further() {
        let waits = |chance| [1, 2, 3, 4, 5, 6, u32::MAX].map(|n| wait(n, chance).as_millis());
        assert_eq!(waits(0.0), [500, 1000, 2000, 3000, 4000, 4000, 4000]);
        assert_eq!(waits(1.0), [625, 1250, 2500, 3750, 5000, 5000, 5000]);
        assert_eq!(longest(), Duration::from_secs(5));
    }

    proptest! {
        #[test]
        fn chance_spreads_a_step_and_never_reaches_the_next(
            attempt in 1_u32..100, chance in -1.0_f64..2.0
        ) {
            let got = wait(attempt, chance);
            prop_assert!(got >= Duration::from_millis(500) && got <= Duration::from_secs(5));
            prop_assert!(got <= wait(attempt + 1, 0.0) || attempt >= 4);
        }
    }
}
