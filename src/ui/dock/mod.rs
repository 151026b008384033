//! The docked panels: which are in sight, where, and how large. The window's thread owns and draws them; nothing
//! here touches a show. Under pressure (too little room) panels step back until the window is larger, and what is lower
//! than its contents is scrolled; nothing is lost by either.

mod behavior;
mod lines;
pub mod plan;
pub mod share;
mod tree;

use crate::ui::panels::side::Side;
use behavior::{Docked, Folds};
use eframe::egui::{Id, Ui, Vec2};
use egui_tiles::{Container, LinearDir, Tabs, Tile, TileId, Tiles, Tree};
use plan::{Layout, Node};
use std::collections::{BTreeMap, HashSet};
use tree::{
    arrange, can_fold, in_sight, insert, is_folded, is_within, least, normalise, restore, shares,
};

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
            let in_sight = in_sight(tiles, &children);
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
