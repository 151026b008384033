//! The lines between panels for those who do not use a pointer: a name, the mark of the focus, arrow keys that move them.
//! [`egui_tiles`] draws the lines and moves them by the pointer only. Main thread.

use super::Dock;
use super::tree::{in_sight, least};
use crate::ui::panels::side::Side;
use crate::ui::theme;
use eframe::egui::accesskit::Role;
use eframe::egui::{EventFilter, Id, IdSalt, Key, Rect, Stroke, Ui, vec2};
use egui_tiles::{Container, LinearDir, Tile, TileId};

/// How far an arrow key moves a line, points.
const STEP: f32 = 24.0;

/// A line between two neighbours.
struct Line {
    id: Id,
    parent: TileId,
    neighbours: [TileId; 2],
    dir: LinearDir,
}

/// The panel in front in `tile`, or in the first of its parts.
fn front(dock: &Dock, tile: TileId) -> Option<Side> {
    let tiles = &dock.tree.tiles;
    match tiles.get(tile)? {
        Tile::Pane(side) => Some(*side),
        Tile::Container(Container::Tabs(tabs)) => front(dock, tabs.active?),
        Tile::Container(container) => {
            let mut parts = container
                .children()
                .filter(|id| tiles.is_visible_in_layout(**id));
            parts.find_map(|id| front(dock, *id))
        }
    }
}

/// All that are in sight. `scope` is that of the [`Ui`] that the tiles were drawn into: the identities follow from it
/// as egui_tiles derives them, which a test of the window holds.
fn all(dock: &Dock, tile: TileId, scope: Id, lines: &mut Vec<Line>) {
    let tiles = &dock.tree.tiles;
    let Some(Container::Linear(linear)) = tiles.get_container(tile) else {
        return;
    };
    let inside = scope.with(tile).with(IdSalt::new("child"));
    let in_sight = in_sight(tiles, &linear.children);
    for (place, pair) in in_sight.windows(2).enumerate() {
        lines.push(Line {
            id: inside.with((tile, "resize", place)),
            parent: tile,
            neighbours: [pair[0], pair[1]],
            dir: linear.dir,
        });
    }
    for child in in_sight {
        all(dock, child, inside, lines);
    }
}

/// Names the lines, marks the one with the focus and moves it by the arrow keys; true where one was moved. `name` makes
/// a name from the panels on both sides.
pub(super) fn show(
    dock: &mut Dock,
    ui: &Ui,
    gap: f32,
    name: &dyn Fn(Side, Side) -> String,
) -> bool {
    let Some(root) = dock.tree.root() else {
        return false;
    };
    let mut lines = Vec::new();
    all(dock, root, ui.scope_id(), &mut lines);
    let ctx = ui.ctx();
    let mut moved = false;
    for line in lines {
        let [one, other] = line.neighbours;
        if let (Some(one), Some(other)) = (front(dock, one), front(dock, other)) {
            let name = name(one, other);
            ctx.accesskit_node_builder(line.id, |node| {
                node.set_role(Role::Splitter);
                node.set_label(name);
            });
        }
        if !ctx.memory(|memory| memory.has_focus(line.id)) {
            continue;
        }
        let (back, on) = match line.dir {
            LinearDir::Horizontal => (Key::ArrowLeft, Key::ArrowRight),
            LinearDir::Vertical => (Key::ArrowUp, Key::ArrowDown),
        };
        let filter = EventFilter {
            horizontal_arrows: true,
            vertical_arrows: true,
            ..EventFilter::default()
        };
        ctx.memory_mut(|memory| memory.set_focus_lock_filter(line.id, filter));
        let step = ctx.input(|input| {
            let count = |key| input.num_presses(key) as f32;
            (count(on) - count(back)) * STEP
        });
        if let [Some(before), Some(after)] = line.neighbours.map(|id| dock.tree.tiles.rect(id)) {
            mark(ui, line.dir, before, after);
            moved |= step != 0.0 && shift(dock, &line, step, gap);
        }
    }
    moved
}

fn mark(ui: &Ui, dir: LinearDir, before: Rect, after: Rect) {
    let stroke = Stroke::new(3.0, theme::blue());
    let painter = ui.painter();
    match dir {
        LinearDir::Horizontal => {
            let x = (before.right() + after.left()) / 2.0;
            painter.vline(x, before.y_range(), stroke);
        }
        LinearDir::Vertical => {
            let y = (before.bottom() + after.top()) / 2.0;
            painter.hline(before.x_range(), y, stroke);
        }
    }
}

/// Moves a line by so many points, as far as its neighbours allow; true where it moved.
fn shift(dock: &mut Dock, line: &Line, step: f32, gap: f32) -> bool {
    let along = usize::from(line.dir == LinearDir::Vertical);
    let tiles = &dock.tree.tiles;
    let [before, after] = line.neighbours.map(|id| {
        let size = tiles.rect(id).map_or(vec2(0.0, 0.0), |rect| rect.size());
        let free = size[along] - least(tiles, &dock.folded, id, gap)[along];
        free.max(0.0)
    });
    let step = step.clamp(-before, after);
    if step.abs() < 1.0 {
        return false;
    }
    if let Some(Tile::Container(Container::Linear(linear))) = dock.tree.tiles.get_mut(line.parent) {
        // The shares are lengths in points while a frame is drawn.
        linear.shares[line.neighbours[0]] += step;
        linear.shares[line.neighbours[1]] -= step;
    }
    true
}
