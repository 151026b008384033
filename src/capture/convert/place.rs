//! Where a source of one aspect goes in a show of another. Pure.

use crate::units::{Region, Size};

/// A side in the same proportion to `side` as `by` to `over`, even, from 2 to `limit`.
fn in_proportion(by: u32, over: u32, side: u32, limit: u32) -> u32 {
    let exact = (u64::from(by) * u64::from(side) + u64::from(over) / 2) / u64::from(over);
    let even = ((exact + 1) & !1).max(2);
    u32::try_from(even).unwrap_or(limit).min(limit)
}

fn is_wider(source: Size, out: Size) -> bool {
    u64::from(source.width) * u64::from(out.height)
        >= u64::from(out.width) * u64::from(source.height)
}

/// The largest even rectangle of `source`'s aspect in the middle of `out`, whose sides are even.
pub(super) fn fit(source: Size, out: Size) -> Region {
    let size = if is_wider(source, out) {
        let height = in_proportion(source.height, source.width, out.width, out.height);
        Size::new(out.width, height)
    } else {
        let width = in_proportion(source.width, source.height, out.height, out.width);
        Size::new(width, out.height)
    };
    Region {
        x: ((out.width - size.width) / 2) & !1,
        y: ((out.height - size.height) / 2) & !1,
        size,
    }
}
