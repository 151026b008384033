//! How the docked panels are drawn: headings with their buttons, cards, the lines between. Main thread; what a narrow
//! heading has no room for gets smaller, then ends in "…".

use super::HEADING;
use crate::ui::panels::side::Side;
use crate::ui::theme;
use crate::ui::widgets::{self, marks};
use eframe::egui::{
    Button, Color32, CornerRadius, CursorIcon, Id, Rect, Response, RichText, Role, Sense, Stroke,
    StrokeKind, Style, Ui, Visuals, WidgetInfo, WidgetText, vec2,
};
use egui_tiles::{
    Behavior, EditAction, ResizeState, SimplificationOptions, TabState, Tabs, TileId, Tiles,
    UiResponse,
};
use std::collections::HashSet;

/// What the window draws into the panels.
pub trait Draw {
    /// Draws a panel's contents into all of `ui`.
    fn panel(&mut self, ui: &mut Ui, side: Side);
    /// A panel's name in the operator's language.
    fn title(&self, side: Side) -> String;
    /// The keys that open and close it, for the eye.
    fn keys(&self, side: Side) -> String;
    /// A text with a panel's name in it, for the buttons of its heading.
    fn named(&self, key: &str, side: Side) -> String;
    /// The name of the line between two panels.
    fn between(&self, one: Side, other: Side) -> String;
    /// Space between panels, points.
    fn gap(&self) -> f32;
}

/// What the operator did to the panels in a frame.
#[derive(Default)]
pub(super) struct Done {
    /// A panel was moved or brought to the front.
    pub edited: bool,
    /// A line between panels was moved.
    pub resized: bool,
    /// The panel whose tab was pressed.
    pub front: Option<Side>,
    /// The panel that is to be put away.
    pub closed: Option<Side>,
    /// The panel that is to be folded, or unfolded.
    pub folded: Option<(Side, bool)>,
}

/// Which groups of tabs are folded, and which can be.
pub(super) struct Folds {
    pub folded: HashSet<TileId>,
    pub possible: HashSet<TileId>,
}

/// Draws for [`egui_tiles`].
pub(super) struct Docked<'a> {
    draw: &'a mut dyn Draw,
    folds: &'a Folds,
    focus: &'a mut Option<Side>,
    gap: f32,
    /// Width that a tab of the group being drawn may take, points.
    room: f32,
    done: Done,
}

impl<'a> Docked<'a> {
    pub fn new(
        draw: &'a mut dyn Draw,
        folds: &'a Folds,
        focus: &'a mut Option<Side>,
        gap: f32,
    ) -> Self {
        Self {
            draw,
            folds,
            focus,
            gap,
            room: 0.0,
            done: Done::default(),
        }
    }

    pub fn done(self) -> Done {
        self.done
    }

    /// The buttons at the right of a heading: fold, close. Drawn from the right.
    fn buttons(&mut self, ui: &mut Ui, group: TileId, side: Side) {
        ui.spacing_mut().item_spacing.x = 2.0;
        let size = vec2(24.0, HEADING - 4.0);
        let text = RichText::new("×").font(theme::bold(15.0));
        let name = self.draw.named("panel-close", side);
        let close = ui.add(Button::new(text).min_size(size).frame_when_inactive(false));
        if close.on_hover_text(&name).accessible_name(&name).clicked() {
            self.done.closed = Some(side);
        }
        if self.folds.possible.contains(&group) {
            let folded = self.folds.folded.contains(&group);
            let key = if folded { "panel-unfold" } else { "panel-fold" };
            let name = self.draw.named(key, side);
            let fold = ui.add(Button::new("").min_size(size).frame_when_inactive(false));
            let turn = if folded { 0.0 } else { 0.25 };
            marks::triangle(
                ui.painter(),
                fold.rect.center(),
                5.0,
                turn,
                theme::text_soft(),
            );
            if fold.on_hover_text(&name).accessible_name(&name).clicked() {
                self.done.folded = Some((side, !folded));
            }
        }
    }
}

/// How a card's upper and lower part are rounded.
fn rounding(top: bool, bottom: bool) -> CornerRadius {
    let round = |on: bool| if on { theme::ROUND } else { 0 };
    CornerRadius {
        nw: round(top),
        ne: round(top),
        sw: round(bottom),
        se: round(bottom),
    }
}

impl Behavior<Side> for Docked<'_> {
    fn pane_ui(&mut self, ui: &mut Ui, _: TileId, side: &mut Side) -> UiResponse {
        let rect = ui.max_rect();
        // Folded: only the heading is there.
        if rect.height() > 8.0 {
            ui.painter()
                .rect_filled(rect, rounding(false, true), theme::card());
            self.draw.panel(ui, *side);
        }
        UiResponse::None
    }

    fn tab_title_for_pane(&mut self, side: &Side) -> WidgetText {
        self.draw.title(*side).into()
    }

    fn top_bar_right_ui(
        &mut self,
        tiles: &Tiles<Side>,
        ui: &mut Ui,
        group: TileId,
        tabs: &Tabs,
        _: &mut f32,
    ) {
        // The first that is drawn of a heading, so its ground is drawn here.
        let bar = ui.max_rect();
        let folded = self.folds.folded.contains(&group) && self.folds.possible.contains(&group);
        ui.painter()
            .rect_filled(bar, rounding(true, folded), theme::well());
        let active = tabs.active.and_then(|id| tiles.get_pane(&id));
        if let Some(side) = active.copied() {
            ui.add_space(4.0);
            self.buttons(ui, group, side);
        }
        let in_sight = tabs.children.iter().filter(|id| tiles.is_visible(**id));
        self.room = (ui.available_width() - 6.0) / in_sight.count().max(1) as f32;
    }

    fn tab_ui(
        &mut self,
        tiles: &mut Tiles<Side>,
        ui: &mut Ui,
        id: Id,
        tile: TileId,
        state: &TabState,
    ) -> Response {
        let Some(side) = tiles.get_pane(&tile).copied() else {
            return ui.interact(Rect::NOTHING, id, Sense::hover());
        };
        let name = self.draw.title(side);
        let ink = if state.active {
            theme::text()
        } else {
            theme::text_soft()
        };
        let room = (self.room - 18.0).max(8.0);
        let galley = widgets::fitted(ui, &name, theme::bold, 9.0..=13.0, room, ink);
        let size = vec2(galley.size().x + 18.0, ui.available_height());
        let (_, rect) = ui.allocate_space(size);
        let response = ui
            .interact(rect, id, Sense::click_and_drag())
            .on_hover_cursor(CursorIcon::Grab);
        response.widget_info(|| WidgetInfo::selected(Role::Tab, true, state.active, &name));
        let keys = self.draw.keys(side);
        let response = if keys.is_empty() {
            response
        } else {
            response.on_hover_text(keys)
        };
        if *self.focus == Some(side) {
            *self.focus = None;
            response.request_focus();
        }
        if response.clicked() {
            self.done.front = Some(side);
        }
        let painter = ui.painter();
        if state.active && !state.is_being_dragged {
            painter.rect_filled(
                rect.with_min_y(rect.top() + 2.0),
                rounding(true, false),
                theme::card(),
            );
        }
        if response.has_focus() {
            let stroke = Stroke::new(2.0, theme::blue());
            let inside = rect.shrink2(vec2(2.0, 3.0));
            painter.rect_stroke(inside, theme::ROUND_SMALL, stroke, StrokeKind::Inside);
        }
        let at = rect.center() - galley.size() / 2.0;
        painter.galley(at, galley, ink);
        response
    }

    fn drag_ui(&mut self, tiles: &Tiles<Side>, ui: &mut Ui, tile: TileId) {
        if let Some(side) = tiles.get_pane(&tile) {
            theme::card_frame().show(ui, |ui| {
                widgets::text(ui, self.draw.title(*side), theme::bold(14.0), theme::text());
            });
        }
    }

    fn is_tile_draggable(&self, tiles: &Tiles<Side>, tile: TileId) -> bool {
        // Panels one by one, never a whole group: there is nothing to take hold of by accident.
        tiles.get_pane(&tile).is_some()
    }

    fn simplification_options(&self) -> SimplificationOptions {
        SimplificationOptions {
            all_panes_must_have_tabs: true,
            ..SimplificationOptions::default()
        }
    }

    fn on_edit(&mut self, action: EditAction) {
        match action {
            EditAction::TileResized => self.done.resized = true,
            EditAction::TileDropped | EditAction::TabSelected => self.done.edited = true,
            EditAction::TileDragged => {}
        }
    }

    fn tab_bar_height(&self, _: &Style) -> f32 {
        HEADING
    }

    fn gap_width(&self, _: &Style) -> f32 {
        self.gap
    }

    fn min_size(&self) -> f32 {
        60.0
    }

    fn tab_bar_color(&self, _: &Visuals) -> Color32 {
        theme::faded(theme::well(), 0.0)
    }

    fn tab_bar_hline_stroke(&self, _: &Visuals) -> Stroke {
        Stroke::NONE
    }

    fn resize_stroke(&self, _: &Style, state: ResizeState) -> Stroke {
        match state {
            ResizeState::Idle => Stroke::NONE,
            ResizeState::Hovering => Stroke::new(2.0, theme::text_dim()),
            ResizeState::Dragging => Stroke::new(3.0, theme::blue()),
        }
    }

    fn drag_preview_stroke(&self, _: &Visuals) -> Stroke {
        Stroke::new(2.0, theme::blue())
    }

    fn drag_preview_color(&self, _: &Visuals) -> Color32 {
        theme::faded(theme::blue(), 0.25)
    }

    fn dragged_overlay_color(&self, _: &Visuals) -> Color32 {
        theme::faded(theme::ground(), 0.6)
    }
}
