//! The docked panels: which are in sight, where, and how large. The window's thread owns and draws them; nothing
//! here touches a show. Under pressure (too little room) panels step back until the window is larger, and what is lower
//! than its contents is scrolled; nothing is lost by either.

mod behavior;
mod lines;
pub mod plan;
pub mod share;

use crate::ui::panels::side::Side;
use behavior::{Docked, Folds};
use eframe::egui::{Id, Ui, Vec2, vec2};
use egui_tiles::{Container, Linear, LinearDir, Shares, Tabs, Tile, TileId, Tiles, Tree};
use plan::{Layout, Node};
use share::{Claim, share_out};
use std::collections::{BTreeMap, HashSet};

pub use behavior::Draw;

/// Height of the heading over panels, points.
pub const HEADING: f32 = 26.0;
/// Lower than this a panel steps back rather than being scrolled in so little.
const LOWEST: f32 = HEADING + 64.0;

/// The panels as they are docked.
pub struct Dock {
    tree: Tree<Side>,
    /// Groups of tabs of which only the heading is shown.
    folded: HashSet<TileId>,
    /// The panel that was opened last.
    front: Option<Side>,
    /// Whose heading shall get the keyboard.
    focus: Option<Side>,
    layout: Layout,
    /// The layouts that were left, as the operator had made them.
    others: BTreeMap<Layout, Node>,
    changes: u64,
}

impl Default for Dock {
    fn default() -> Self {
        Self::new(Layout::default(), BTreeMap::new())
    }
}

impl Dock {
    /// The panels as in `layout`, of which `plans` has what the operator made of them.
    pub fn new(layout: Layout, mut plans: BTreeMap<Layout, Node>) -> Self {
        let plan = plans.remove(&layout).unwrap_or_else(|| layout.plan());
        let mut dock = Self {
            layout,
            others: plans,
            ..Self::empty()
        };
        dock.take(plan);
        dock
    }

    /// Without any panel: what stands in its place while it draws.
    pub fn empty() -> Self {
        Self {
            tree: Tree::empty(Id::unique("no dock")),
            folded: HashSet::new(),
            front: None,
            focus: None,
            layout: Layout::default(),
            others: BTreeMap::new(),
            changes: 0,
        }
    }

    fn take(&mut self, plan: Node) {
        let mut tiles = Tiles::default();
        self.folded.clear();
        let root = insert(&mut tiles, &mut self.folded, &plan.mended());
        self.tree = Tree::new(Id::unique("dock"), root, tiles);
        self.front = None;
        self.changes += 1;
    }

    /// Which layout it began as.
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// A number that grows with each change that is worth remembering.
    pub fn changes(&self) -> u64 {
        self.changes
    }

    /// All layouts that differ from the shipped ones, for the next start.
    pub fn plans(&self) -> BTreeMap<Layout, Node> {
        let mut plans = self.others.clone();
        if let Some(root) = self.tree.root() {
            plans.extend(self.node(root).map(|node| (self.layout, node)));
        }
        plans
    }

    /// Goes over to another layout; the present one is kept as it is.
    pub fn switch(&mut self, layout: Layout) {
        if layout == self.layout {
            return;
        }
        self.others = self.plans();
        self.layout = layout;
        let plan = self.others.remove(&layout);
        self.take(plan.unwrap_or_else(|| layout.plan()));
    }

    /// Puts the present layout back to how it was shipped.
    pub fn reset(&mut self) {
        self.take(self.layout.plan());
    }

    /// The panel that was opened last, while it is in sight.
    pub fn front(&self) -> Option<Side> {
        self.front.filter(|side| self.is_open(*side))
    }

    /// Whether a panel is in sight: not put away, in front of the others in its place, unfolded.
    pub fn is_open(&self, side: Side) -> bool {
        let Some((tile, parent)) = self.place(side) else {
            return false;
        };
        self.tree.tiles.is_visible(tile)
            && !self.folded.contains(&parent)
            && self
                .tabs(parent)
                .is_some_and(|tabs| tabs.active == Some(tile))
    }

    /// Brings a panel into sight, and the keyboard to its heading.
    pub fn open(&mut self, side: Side) {
        let Some((tile, parent)) = self.place(side) else {
            return;
        };
        self.tree.tiles.set_visible(tile, true);
        self.folded.remove(&parent);
        if let Some(Tile::Container(Container::Tabs(tabs))) = self.tree.tiles.get_mut(parent) {
            tabs.set_active(tile);
        }
        self.front = Some(side);
        self.focus = Some(side);
        self.changes += 1;
    }

    /// Puts a panel away; it comes back where it was.
    pub fn close(&mut self, side: Side) {
        let Some((tile, parent)) = self.place(side) else {
            return;
        };
        self.tree.tiles.set_visible(tile, false);
        let next = self
            .tabs(parent)
            .and_then(|tabs| tabs.next_active(&self.tree.tiles));
        if let Some(Tile::Container(Container::Tabs(tabs))) = self.tree.tiles.get_mut(parent) {
            tabs.active = next;
        }
        if self.front == Some(side) {
            let pane = next.and_then(|next| self.tree.tiles.get_pane(&next));
            self.front = pane.copied();
        }
        self.changes += 1;
    }

    /// Shows a panel's heading only, or all of it again, where there is something over or under it to take the room.
    pub fn fold(&mut self, side: Side, fold: bool) {
        let Some((_, parent)) = self.place(side) else {
            return;
        };
        if !fold {
            self.folded.remove(&parent);
        } else if can_fold(&self.tree.tiles, parent) {
            self.folded.insert(parent);
        }
        self.changes += 1;
    }

    fn tabs(&self, id: TileId) -> Option<&Tabs> {
        match self.tree.tiles.get_container(id)? {
            Container::Tabs(tabs) => Some(tabs),
            _ => None,
        }
    }

    /// A panel's tile and the group of tabs that it is in.
    fn place(&self, side: Side) -> Option<(TileId, TileId)> {
        let tile = self.tree.tiles.find_pane(&side)?;
        Some((tile, self.tree.tiles.parent_of(tile)?))
    }

    /// Draws all that is in sight into what is left of `ui`.
    pub fn show(&mut self, ui: &mut Ui, draw: &mut dyn Draw) {
        let Some(root) = self.tree.root() else {
            return self.reset();
        };
        let gap = draw.gap();
        let mut hidden = Vec::new();
        self.step_back(root, ui.available_size(), gap, &mut hidden);
        self.show_in(ui, draw, gap);
        for tile in hidden {
            self.tree.tiles.set_visible(tile, true);
        }
    }

    fn show_in(&mut self, ui: &mut Ui, draw: &mut dyn Draw, gap: f32) {
        let before = shares(&self.tree.tiles);
        if let Some(root) = self.tree.root() {
            arrange(
                &mut self.tree.tiles,
                &self.folded,
                root,
                ui.available_size(),
                gap,
            );
        }
        let tiles = &self.tree.tiles;
        let folds = Folds {
            folded: self.folded.clone(),
            possible: tiles.tile_ids().filter(|id| can_fold(tiles, *id)).collect(),
        };
        let mut docked = Docked::new(draw, &folds, &mut self.focus, gap);
        self.tree.ui(&mut docked, ui);
        let done = docked.done();
        let moved = lines::show(self, ui, gap, &|one, other| draw.between(one, other));
        let resized = done.resized || moved;
        if resized {
            normalise(&mut self.tree.tiles, &before);
        } else {
            // What is only for want of room is not remembered.
            restore(&mut self.tree.tiles, before);
        }
        if done.edited || resized {
            self.changes += 1;
        }
        if let Some((_, parent)) = done.front.and_then(|side| self.place(side)) {
            self.front = done.front;
            // A press on the heading of what is folded wants to see it.
            self.folded.remove(&parent);
        }
        let tiles = &self.tree.tiles;
        self.folded.retain(|id| tiles.get(*id).is_some());
        if let Some(side) = done.closed {
            self.close(side);
        }
        if let Some((side, fold)) = done.folded {
            self.fold(side, fold);
        }
    }

    /// Takes out of sight what there is no room for, the last first but never the panel that was opened last; adds it
    /// to `hidden`.
    fn step_back(&mut self, id: TileId, size: Vec2, gap: f32, hidden: &mut Vec<TileId>) {
        let Some(Container::Linear(linear)) = self.tree.tiles.get_container(id) else {
            return;
        };
        let (children, dir) = (linear.children.clone(), linear.dir);
        let front = self.front.and_then(|side| self.place(side));
        loop {
            let tiles = &self.tree.tiles;
            let in_sight: Vec<_> = children
                .iter()
                .copied()
                .filter(|child| tiles.is_visible_in_layout(*child))
                .collect();
            let lengths = in_sight.iter().map(|child| match dir {
                LinearDir::Horizontal => least(tiles, &self.folded, *child, gap)[0],
                LinearDir::Vertical if is_folded(tiles, &self.folded, *child) => HEADING,
                LinearDir::Vertical => LOWEST,
            });
            let needed = lengths.sum::<f32>() + gap * in_sight.len().saturating_sub(1) as f32;
            let room = match dir {
                LinearDir::Horizontal => size.x,
                LinearDir::Vertical => size.y,
            };
            let holds =
                |child: TileId| front.is_some_and(|(_, tabs)| is_within(tiles, tabs, child));
            let last = in_sight.iter().rev().copied().find(|child| !holds(*child));
            match last.filter(|_| needed > room && in_sight.len() > 1) {
                Some(last) => {
                    self.tree.tiles.set_visible(last, false);
                    hidden.push(last);
                }
                None => break,
            }
        }
        for child in children {
            self.step_back(child, size, gap, hidden);
        }
    }

    fn node(&self, id: TileId) -> Option<Node> {
        let tiles = &self.tree.tiles;
        let name = |id: &TileId| tiles.get_pane(id).map(|side| side.name().to_owned());
        let parts = |children: &mut dyn Iterator<Item = (f32, TileId)>| {
            children
                .filter_map(|(share, id)| Some((share, self.node(id)?)))
                .collect()
        };
        Some(match tiles.get(id)? {
            Tile::Pane(side) => Node::tabs(&[*side], &[]),
            Tile::Container(Container::Tabs(tabs)) => Node::Tabs(plan::Tabs {
                panels: tabs.children.iter().filter_map(name).collect(),
                away: tabs
                    .children
                    .iter()
                    .filter(|id| !tiles.is_visible(**id))
                    .filter_map(name)
                    .collect(),
                front: tabs.active.as_ref().and_then(name).unwrap_or_default(),
                folded: self.folded.contains(&id),
            }),
            Tile::Container(Container::Linear(linear)) => {
                let mut children = linear.children.iter().map(|id| (linear.shares[*id], *id));
                let parts = parts(&mut children);
                match linear.dir {
                    LinearDir::Horizontal => Node::Row(parts),
                    LinearDir::Vertical => Node::Column(parts),
                }
            }
            Tile::Container(Container::Grid(grid)) => {
                let mut children = grid.children().map(|id| (1.0, *id));
                Node::Row(parts(&mut children))
            }
        })
    }
}

fn insert(tiles: &mut Tiles<Side>, folded: &mut HashSet<TileId>, node: &Node) -> TileId {
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
fn is_within(tiles: &Tiles<Side>, tile: TileId, within: TileId) -> bool {
    tile == within
        || tiles
            .parent_of(tile)
            .is_some_and(|parent| is_within(tiles, parent, within))
}

/// Whether a group of tabs has something over or under it that would take its room.
fn can_fold(tiles: &Tiles<Side>, tabs: TileId) -> bool {
    let parent = tiles.parent_of(tabs).and_then(|id| tiles.get_container(id));
    let Some(Container::Linear(linear)) = parent else {
        return false;
    };
    let in_sight = linear
        .children
        .iter()
        .filter(|id| tiles.is_visible_in_layout(**id));
    linear.dir == LinearDir::Vertical && in_sight.count() > 1
}

/// Whether only a heading is shown of a group of tabs.
fn is_folded(tiles: &Tiles<Side>, folded: &HashSet<TileId>, id: TileId) -> bool {
    folded.contains(&id) && can_fold(tiles, id)
}

/// The least width and height of what a tile shows, points.
fn least(tiles: &Tiles<Side>, folded: &HashSet<TileId>, id: TileId, gap: f32) -> [f32; 2] {
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
            let in_sight = linear
                .children
                .iter()
                .filter(|id| tiles.is_visible_in_layout(**id));
            for (place, id) in in_sight.enumerate() {
                let part = least(tiles, folded, *id, gap);
                sum[along] += part[along] + if place > 0 { gap } else { 0.0 };
                sum[1 - along] = sum[1 - along].max(part[1 - along]);
            }
            sum
        }
        _ => [0.0; 2],
    }
}

/// Sets the shares of all that is in sight so that nothing gets less than its least.
fn arrange(tiles: &mut Tiles<Side>, folded: &HashSet<TileId>, id: TileId, size: Vec2, gap: f32) {
    let Some(Container::Linear(linear)) = tiles.get_container(id) else {
        return;
    };
    let linear = linear.clone();
    let vertical = linear.dir == LinearDir::Vertical;
    let along = usize::from(vertical);
    let in_sight: Vec<TileId> = linear
        .children
        .iter()
        .copied()
        .filter(|id| tiles.is_visible_in_layout(*id))
        .collect();
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
fn shares(tiles: &Tiles<Side>) -> Vec<(TileId, Shares)> {
    let linear = |(id, tile): (&TileId, &Tile<Side>)| match tile {
        Tile::Container(Container::Linear(linear)) => Some((*id, linear.shares.clone())),
        _ => None,
    };
    tiles.iter().filter_map(linear).collect()
}

fn restore(tiles: &mut Tiles<Side>, shares: Vec<(TileId, Shares)>) {
    for (id, shares) in shares {
        if let Some(Tile::Container(Container::Linear(linear))) = tiles.get_mut(id) {
            linear.shares = shares;
        }
    }
}

/// Turns the lengths of a frame into shares again that go with those of what is out of sight.
fn normalise(tiles: &mut Tiles<Side>, before: &[(TileId, Shares)]) {
    for (id, shares) in before {
        let Some(Container::Linear(linear)) = tiles.get_container(*id) else {
            continue;
        };
        let in_sight: Vec<TileId> = linear
            .children
            .iter()
            .copied()
            .filter(|child| tiles.is_visible_in_layout(*child))
            .collect();
        let was: f32 = in_sight.iter().map(|child| shares[*child]).sum();
        let is: f32 = in_sight.iter().map(|child| linear.shares[*child]).sum();
        if let Some(Tile::Container(Container::Linear(linear))) = tiles.get_mut(*id) {
            for child in in_sight {
                linear.shares[child] *= was / is.max(1.0);
            }
        }
    }
}
