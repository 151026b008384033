//! What is asked of the tree of tiles and done to it: from names to tiles, how large each must be at least, shares for
//! a frame and back. Pure but for the tree it is handed.

use super::HEADING;
use super::plan::Node;
use super::share::{Claim, share_out};
use crate::ui::panels::side::Side;
use eframe::egui::{Vec2, vec2};
use egui_tiles::{Container, Linear, LinearDir, Shares, Tabs, Tile, TileId, Tiles};
use std::collections::HashSet;

pub(super) fn insert(tiles: &mut Tiles<Side>, folded: &mut HashSet<TileId>, node: &Node) -> TileId {
    let mut linear = |dir, parts: &[(f32, Node)]| {
        let mut shares = Shares::default();
        let mut children = Vec::new();
        for (share, node) in parts {
            let id = insert(tiles, folded, node);
            shares.set_share(id, *share);
            children.push(id);
        }
        let mut linear = Linear::new(dir, children);
        linear.shares = shares;
        tiles.insert_container(linear)
    };
    match node {
        Node::Row(parts) => linear(LinearDir::Horizontal, parts),
        Node::Column(parts) => linear(LinearDir::Vertical, parts),
        Node::Tabs(plan) => {
            let mut children = Vec::new();
            let mut active = None;
            for name in &plan.panels {
                let Some(side) = Side::named(name) else {
                    continue;
                };
                let id = tiles.insert_pane(side);
                let away = plan.away.contains(name);
                tiles.set_visible(id, !away);
                if !away && (*name == plan.front || active.is_none()) {
                    active = Some(id);
                }
                children.push(id);
            }
            let mut tabs = Tabs::new(children);
            tabs.active = active;
            let id = tiles.insert_container(tabs);
            if plan.folded {
                folded.insert(id);
            }
            id
        }
    }
}

/// Whether `tile` is `within` itself or in it.
pub(super) fn is_within(tiles: &Tiles<Side>, tile: TileId, within: TileId) -> bool {
    tile == within
        || tiles
            .parent_of(tile)
            .is_some_and(|parent| is_within(tiles, parent, within))
}

/// The children that are in sight, in their order.
pub(super) fn in_sight(tiles: &Tiles<Side>, children: &[TileId]) -> Vec<TileId> {
    let all = children.iter().copied();
    all.filter(|child| tiles.is_visible_in_layout(*child))
        .collect()
}

/// Whether a group of tabs has something over or under it that would take its room.
pub(super) fn can_fold(tiles: &Tiles<Side>, tabs: TileId) -> bool {
    let parent = tiles.parent_of(tabs).and_then(|id| tiles.get_container(id));
    let Some(Container::Linear(linear)) = parent else {
        return false;
    };
    linear.dir == LinearDir::Vertical && in_sight(tiles, &linear.children).len() > 1
}

/// Whether only a heading is shown of a group of tabs.
pub(super) fn is_folded(tiles: &Tiles<Side>, folded: &HashSet<TileId>, id: TileId) -> bool {
    folded.contains(&id) && can_fold(tiles, id)
}

/// The least width and height of what a tile shows, points.
pub(super) fn least(
    tiles: &Tiles<Side>,
    folded: &HashSet<TileId>,
    id: TileId,
    gap: f32,
) -> [f32; 2] {
    match tiles.get(id) {
        Some(Tile::Pane(side)) => side.least_size(),
        Some(Tile::Container(Container::Tabs(tabs))) => {
            let active = tabs.next_active(tiles);
            let [width, height] = active.map_or([0.0; 2], |id| least(tiles, folded, id, gap));
            let height = if is_folded(tiles, folded, id) {
                0.0
            } else {
                height
            };
            [width, HEADING + height]
        }
        Some(Tile::Container(Container::Linear(linear))) => {
            let along = usize::from(linear.dir == LinearDir::Vertical);
            let mut sum: [f32; 2] = [0.0; 2];
            let shown = in_sight(tiles, &linear.children);
            for (place, id) in shown.into_iter().enumerate() {
                let part = least(tiles, folded, id, gap);
                sum[along] += part[along] + if place > 0 { gap } else { 0.0 };
                sum[1 - along] = sum[1 - along].max(part[1 - along]);
            }
            sum
        }
        _ => [0.0; 2],
    }
}

/// Sets the shares of all that is in sight so that nothing gets less than its least.
pub(super) fn arrange(
    tiles: &mut Tiles<Side>,
    folded: &HashSet<TileId>,
    id: TileId,
    size: Vec2,
    gap: f32,
) {
    let Some(Container::Linear(linear)) = tiles.get_container(id) else {
        return;
    };
    let linear = linear.clone();
    let vertical = linear.dir == LinearDir::Vertical;
    let along = usize::from(vertical);
    let in_sight = in_sight(tiles, &linear.children);
    let claims: Vec<Claim> = in_sight
        .iter()
        .map(|child| Claim {
            share: linear.shares[*child],
            least: least(tiles, folded, *child, gap)[along],
            fixed: is_folded(tiles, folded, *child),
        })
        .collect();
    let length = if vertical { size.y } else { size.x };
    let gaps = gap * in_sight.len().saturating_sub(1) as f32;
    let lengths = share_out(length - gaps, &claims);
    if let Some(Tile::Container(Container::Linear(linear))) = tiles.get_mut(id) {
        for (child, length) in in_sight.iter().zip(&lengths) {
            linear.shares.set_share(*child, length.max(0.01));
        }
    }
    for (child, length) in in_sight.into_iter().zip(lengths) {
        let size = if vertical {
            vec2(size.x, length)
        } else {
            vec2(length, size.y)
        };
        arrange(tiles, folded, child, size, gap);
    }
}

/// The shares of each row and column.
pub(super) fn shares(tiles: &Tiles<Side>) -> Vec<(TileId, Shares)> {
    let linear = |(id, tile): (&TileId, &Tile<Side>)| match tile {
        Tile::Container(Container::Linear(linear)) => Some((*id, linear.shares.clone())),
        _ => None,
    };
    tiles.iter().filter_map(linear).collect()
}

pub(super) fn restore(tiles: &mut Tiles<Side>, shares: Vec<(TileId, Shares)>) {
    for (id, shares) in shares {
        if let Some(Tile::Container(Container::Linear(linear))) = tiles.get_mut(id) {
            linear.shares = shares;
        }
    }
}

/// Turns the lengths of a frame into shares again that go with those of what is out of sight.
pub(super) fn normalise(tiles: &mut Tiles<Side>, before: &[(TileId, Shares)]) {
    for (id, shares) in before {
        let Some(Container::Linear(linear)) = tiles.get_container(*id) else {
            continue;
        };
        let in_sight = in_sight(tiles, &linear.children);
        let was: f32 = in_sight.iter().map(|child| shares[*child]).sum();
        let is: f32 = in_sight.iter().map(|child| linear.shares[*child]).sum();
        if let Some(Tile::Container(Container::Linear(linear))) = tiles.get_mut(*id) {
            for child in in_sight {
                linear.shares[child] *= was / is.max(1.0);
            }
        }
    }
}
