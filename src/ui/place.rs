//! The window's place on the desktop: where it stood at the last end, and how it is put back there. Main thread. Where
//! the desktop does not tell places (Wayland) only the size comes back; a monitor that is gone leaves the place to the
//! desktop.

use super::dock::plan::{Layout, Node};
use super::keep::{Kept, Monitor, Place, is_within_reach, sane_size};
use super::panels::strip;
use eframe::egui::{Context, ViewportBuilder, ViewportCommand, WindowLevel, pos2, vec2};
use std::collections::BTreeMap;

/// The window's size when nothing is remembered, points.
pub const SIZE: [f32; 2] = [1280.0, 800.0];
/// The least size, points. Smaller than this is the strip's matter.
pub const LEAST: [f32; 2] = [640.0, 400.0];

/// The window's place as it is to be kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Placed {
    place: Option<Place>,
    maximised: bool,
    strip: Option<[i32; 2]>,
    /// The window is the strip just now: its place is the strip's.
    pub is_strip: bool,
}

impl Placed {
    /// As it was kept.
    pub fn of(kept: &Kept) -> Self {
        Self {
            place: kept.place,
            maximised: kept.maximised,
            strip: kept.strip,
            ..Self::default()
        }
    }

    /// Takes note of where the window is; true where that is something new.
    pub fn see(&mut self, ctx: &Context) -> bool {
        let before = self.clone();
        self.look(ctx);
        *self != before
    }

    fn look(&mut self, ctx: &Context) {
        let scale = ctx.pixels_per_point();
        let zoom = ctx.zoom_factor();
        let (inner, outer, maximised, odd) = ctx.input(|input| {
            let viewport = input.viewport();
            let maximised = viewport.maximized == Some(true);
            let odd = viewport.minimized == Some(true) || viewport.fullscreen == Some(true);
            (viewport.inner_rect, viewport.outer_rect, maximised, odd)
        });
        let at = outer.map(|outer| [outer.left(), outer.top()].map(|x| (x * scale).round() as i32));
        if odd {
            return;
        }
        if self.is_strip {
            self.strip = at.or(self.strip);
            return;
        }
        self.maximised = maximised;
        let size = inner.map(|inner| [inner.width(), inner.height()].map(|x| (x * zoom).round()));
        if let Some(size) = size.and_then(sane_size).filter(|_| !maximised) {
            self.place = Some(Place { size, at });
        }
    }

    /// What is to be kept.
    pub fn kept(&self, layout: Layout, plans: BTreeMap<Layout, Node>) -> Kept {
        Kept {
            layout,
            plans,
            place: self.place,
            maximised: self.maximised,
            strip: self.strip,
            ..Kept::default()
        }
    }

    /// Makes the window the strip, or what it was before. Where the window manager does not keep it in front, or does
    /// not let a window size itself (tiling ones), it is drawn as the strip all the same.
    pub fn strip(&mut self, ctx: &Context, on: bool) {
        use ViewportCommand::{
            Fullscreen, InnerSize, Maximized, MinInnerSize, WindowLevel as Level,
        };
        if self.is_strip == on {
            return;
        }
        self.is_strip = on;
        let send = |command| ctx.send_viewport_cmd(command);
        let zoom = ctx.zoom_factor();
        let scale = ctx.pixels_per_point();
        if on {
            send(Fullscreen(false));
            send(Maximized(false));
            send(MinInnerSize(strip::LEAST.into()));
            send(InnerSize(strip::SIZE.into()));
            send(Level(WindowLevel::AlwaysOnTop));
            if let Some(at) = self.strip {
                move_to(ctx, at, scale);
            }
        } else {
            let place = self.place.unwrap_or(Place {
                size: SIZE,
                at: None,
            });
            send(Level(WindowLevel::Normal));
            send(MinInnerSize(vec2(LEAST[0], LEAST[1]) / zoom));
            send(InnerSize(vec2(place.size[0], place.size[1]) / zoom));
            if let Some(at) = place.at {
                move_to(ctx, at, scale);
            }
            send(Maximized(self.maximised));
        }
    }
}

/// The window as it is opened, of the size that was kept.
pub fn builder(kept: Option<&Kept>) -> ViewportBuilder {
    let size = kept
        .and_then(|kept| kept.place)
        .and_then(|place| sane_size(place.size));
    ViewportBuilder::default()
        .with_inner_size(size.unwrap_or(SIZE))
        .with_min_inner_size(LEAST)
        // A monitor may have become smaller since.
        .with_clamp_size_to_monitor_size(true)
        .with_maximized(kept.is_some_and(|kept| kept.maximised))
}

/// Puts the new window where it stood, where there is still a monitor.
pub fn put_back(context: &eframe::CreationContext<'_>, kept: &Kept) {
    let Some(window) = context.winit_window() else {
        return;
    };
    let Some(place) = kept.place.filter(|_| !kept.maximised) else {
        return;
    };
    let monitors: Vec<Monitor> = window
        .available_monitors()
        .map(|monitor| {
            let (at, size) = (monitor.position(), monitor.size());
            [at.x, at.y, size.width as i32, size.height as i32]
        })
        .collect();
    let scale = window.scale_factor() as f32;
    let width = (place.size[0] * scale) as i32;
    if let Some(at) = place.at.filter(|at| is_within_reach(*at, width, &monitors)) {
        move_to(
            &context.egui_ctx,
            at,
            scale * context.egui_ctx.zoom_factor(),
        );
    }
}

/// Moves the window to `at`, pixels of the desktop, where a point has `scale` pixels.
pub fn move_to(ctx: &Context, at: [i32; 2], scale: f32) {
    let point = pos2(at[0] as f32 / scale, at[1] as f32 / scale);
    ctx.send_viewport_cmd(ViewportCommand::OuterPosition(point));
}
