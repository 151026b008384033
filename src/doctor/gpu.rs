//! Graphics cards, one line each.

use super::Area;
use super::guard::{Lane, Look};
use crate::monitor::gpu;
use std::time::Duration;

/// A driver that hangs is given up.
const LIMIT: Duration = Duration::from_secs(4);

pub(super) fn check(lane: &Lane) {
    lane.look(Area::Gpu, LIMIT, |_, _| looks(&gpu::read()));
}

fn looks(gpus: &[gpu::Gpu]) -> Vec<Look> {
    if gpus.is_empty() {
        return vec![Look::skipped(
            "no graphics card tells of itself here; the CPU can encode",
        )];
    }
    gpus.iter().map(|gpu| Look::ok(gpu.to_string())).collect()
}

#[cfg(test)]
mod tests {
    use super::super::Outcome;
    use super::*;

    #[test]
    fn each_card_is_a_line_and_none_is_no_fault() {
        assert_eq!(looks(&[])[0].outcome, Outcome::Skipped);
        let card = |name: &str| gpu::Gpu {
            name: name.into(),
            ..gpu::Gpu::default()
        };
        let two = looks(&[card("A"), card("B")]);
        assert_eq!(two.len(), 2);
        assert!(two[1].found.starts_with("B; not available: driver"));
    }
}
