//! How a length is shared out among panels beside or over one another. Pure.

/// One panel's claim.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Claim {
    /// Its share of what is there.
    pub share: f32,
    /// What it needs at least, points.
    pub least: f32,
    /// Whether it gets that and no more (only its heading is shown).
    pub fixed: bool,
}

/// Shares `length` (points) out: nobody gets less than the least where that can be, the rest goes by the shares. The
/// lengths add up to `length`, unless all are fixed and need less.
pub fn share_out(length: f32, claims: &[Claim]) -> Vec<f32> {
    let needed: f32 = claims.iter().map(|claim| claim.least).sum();
    if needed > length {
        let scale = if needed > 0.0 {
            length.max(0.0) / needed
        } else {
            0.0
        };
        return claims.iter().map(|claim| claim.least * scale).collect();
    }
    let mut lengths: Vec<Option<f32>> = claims
        .iter()
        .map(|claim| claim.fixed.then_some(claim.least))
        .collect();
    // Who would get too little takes the least, which makes the others' parts smaller: again until nobody does.
    for _ in 0..=claims.len() {
        let taken: f32 = lengths.iter().flatten().sum();
        let free = claims.iter().zip(&lengths).filter(|(_, l)| l.is_none());
        let shares: f32 = free.map(|(claim, _)| claim.share.max(0.0)).sum();
        let part = |claim: &Claim| {
            if shares > 0.0 {
                (length - taken) * claim.share.max(0.0) / shares
            } else {
                0.0
            }
        };
        let mut is_settled = true;
        for (claim, slot) in claims.iter().zip(&mut lengths) {
            if slot.is_none() && part(claim) < claim.least {
                *slot = Some(claim.least);
                is_settled = false;
            }
        }
        if is_settled {
            let rest = claims.iter().zip(&lengths);
            return rest
                .map(|(claim, slot)| slot.unwrap_or_else(|| part(claim)))
                .collect();
        }
    }
    claims.iter().map(|claim| claim.least).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn claim(share: f32, least: f32) -> Claim {
        Claim {
            share,
            least,
            fixed: false,
        }
    }

    #[test]
    fn shares_count_where_there_is_room() {
        let lengths = share_out(900.0, &[claim(2.0, 10.0), claim(1.0, 10.0)]);
        assert_eq!(lengths, [600.0, 300.0]);
    }

    #[test]
    fn the_least_is_kept_and_taken_from_the_others() {
        let claims = [claim(1.0, 10.0), claim(1.0, 350.0), claim(2.0, 10.0)];
        assert_eq!(share_out(500.0, &claims), [50.0, 350.0, 100.0]);
    }

    #[test]
    fn what_is_folded_gets_its_heading_only() {
        let folded = Claim {
            fixed: true,
            ..claim(5.0, 24.0)
        };
        assert_eq!(share_out(324.0, &[folded, claim(1.0, 60.0)]), [24.0, 300.0]);
        assert_eq!(share_out(324.0, &[folded, folded]), [24.0, 24.0]);
    }

    proptest! {
        #[test]
        fn it_adds_up_and_nobody_starves(
            length in 0.0f32..4000.0,
            claims in prop::collection::vec((0.02f32..50.0, 0.0f32..400.0), 1..7),
        ) {
            let claims: Vec<_> = claims.into_iter().map(|(share, least)| claim(share, least)).collect();
            let lengths = share_out(length, &claims);
            let sum: f32 = lengths.iter().sum();
            prop_assert!((sum - length).abs() < 0.5, "{} of {}", sum, length);
            let needed: f32 = claims.iter().map(|c| c.least).sum();
            for (claim, got) in claims.iter().zip(&lengths) {
                prop_assert!(*got >= -0.01);
                prop_assert!(needed > length || *got >= claim.least - 0.01);
            }
        }
    }
}
