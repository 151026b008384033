//! Where the pattern's parts lie, and its unchanging part.

use crate::units::{Fps, Size};

/// A colour in the order of a frame's bytes.
pub(super) type Bgra = [u8; 4];

/// Ground of the band with the marker and of everything not covered.
const GROUND: Bgra = [32, 32, 32, 255];
/// Ground of the band in which the box moves.
pub(super) const TRACK: Bgra = [64, 64, 64, 255];
/// Orange, in the top left corner only.
const MARKER: Bgra = [0, 128, 255, 255];
/// Dark green, in the top right corner only.
const RIGHT_MARKER: Bgra = [48, 96, 0, 255];

/// Colour bars 100/0/75/0 (ITU-R BT.471-1), left to right.
const BARS: [(&str, Bgra); 8] = [
    ("white", [255, 255, 255, 255]),
    ("yellow", [0, 191, 191, 255]),
    ("cyan", [191, 191, 0, 255]),
    ("green", [0, 191, 0, 255]),
    ("magenta", [191, 0, 191, 255]),
    ("red", [0, 0, 191, 255]),
    ("blue", [191, 0, 0, 255]),
    ("black", [0, 0, 0, 255]),
];

const GREYS: [(&str, u8); 8] = [
    ("grey 16", 16),
    ("grey 48", 48),
    ("grey 80", 80),
    ("grey 112", 112),
    ("grey 144", 144),
    ("grey 176", 176),
    ("grey 208", 208),
    ("grey 240", 240),
];

/// A rectangle in pixels, from the top left corner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rect {
    /// Pixels from the left.
    pub x: u32,
    /// Pixels from the top.
    pub y: u32,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
}

impl Rect {
    pub(super) const fn new(x: u32, y: u32, width: u32, height: u32) -> Self {
        Self {
            x,
            y,
            width,
            height,
        }
    }

    /// The part at least `by` pixels away from each edge.
    fn inner(self, by: u32) -> Self {
        Self::new(
            self.x + by,
            self.y + by,
            self.width.saturating_sub(2 * by),
            self.height.saturating_sub(2 * by),
        )
    }
}

/// A part of the pattern that has one known colour in each frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patch {
    /// What it is ("yellow", "grey 80", "marker top left").
    pub name: &'static str,
    /// Where: eight pixels inside the drawn area, so that neighbours do not bleed in.
    pub rect: Rect,
    /// Blue, green, red, 255.
    pub bgra: [u8; 4],
}

/// The flat patches of a pattern of `size`, for comparison with a decoded picture. The marker in
/// the top left corner is unlike every other corner. Small pictures have none.
pub fn patches(size: Size) -> Vec<Patch> {
    let layout = Layout::new(size);
    layout
        .flat_areas()
        .map(|(name, rect, bgra)| Patch {
            name,
            rect: rect.inner(8),
            bgra,
        })
        .filter(|patch| patch.rect.width > 0 && patch.rect.height > 0)
        .collect()
}

/// Where a pattern of `size` flashes, eight pixels inside the drawn area.
pub fn lamp(size: Size) -> Rect {
    Layout::new(size).lamp.inner(8)
}

/// The pattern's bands, top to bottom, in eighteenths of its height.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    size: Size,
    unit: u32,
    /// Ground of frame number and time.
    pub(super) text: Rect,
    /// Ground of the moving box.
    pub(super) track: Rect,
    /// What flashes each second.
    pub(super) lamp: Rect,
    /// The frame number in black and white cells.
    pub(super) strip: Rect,
}

impl Layout {
    pub(super) fn new(size: Size) -> Self {
        let unit = (size.height / 18).max(1);
        let strip_height = unit.max(16).min(size.height / 2);
        let strip_y = size.height - strip_height;
        let text_y = 11 * unit;
        let track_y = (15 * unit).min(strip_y);
        Self {
            size,
            unit,
            text: Rect::new(0, text_y, size.width, track_y.saturating_sub(text_y)),
            track: Rect::new(0, track_y, size.width, strip_y - track_y),
            // In the middle of the top band, clear of both markers.
            lamp: Rect::new(
                (size.width / 8 * 3) & !1,
                0,
                (size.width / 4) & !1,
                unit & !1,
            ),
            strip: Rect::new(0, strip_y, size.width, strip_height),
        }
    }

    /// Where the colour bars are: grain takes their place.
    pub(super) fn bars(&self) -> Rect {
        Rect::new(0, self.unit, self.size.width, 8 * self.unit)
    }

    fn flat_areas(&self) -> impl Iterator<Item = (&'static str, Rect, Bgra)> {
        let (unit, width) = (self.unit, self.size.width);
        let marker = (2 * unit).min(width / 4);
        let eighth = move |i: usize| {
            // Even edges: a chroma sample covers 2x2 pixels.
            let edge = |i: usize| (width as usize * i / 8) as u32 & !1;
            let end = if i == 7 { width } else { edge(i + 1) };
            (edge(i), end - edge(i))
        };
        let bars = BARS.into_iter().enumerate().map(move |(i, (name, bgra))| {
            let (x, width) = eighth(i);
            (name, Rect::new(x, unit, width, 8 * unit), bgra)
        });
        let greys = GREYS.into_iter().enumerate().map(move |(i, (name, v))| {
            let (x, width) = eighth(i);
            (
                name,
                Rect::new(x, 9 * unit, width, 2 * unit),
                [v, v, v, 255],
            )
        });
        let corners = [
            ("marker top left", Rect::new(0, 0, marker, unit), MARKER),
            (
                "marker top right",
                Rect::new(width - marker, 0, marker, unit),
                RIGHT_MARKER,
            ),
        ];
        corners.into_iter().chain(bars).chain(greys)
    }

    pub(super) fn draw_base(&self, canvas: &mut Canvas<'_>) {
        canvas.fill(Rect::new(0, 0, self.size.width, self.size.height), GROUND);
        for (_, rect, bgra) in self.flat_areas() {
            canvas.fill(rect, bgra);
        }
    }

    /// Where the box is in frame `number`: it crosses the picture once in two seconds.
    pub(super) fn moving_box(&self, number: u64, fps: Fps) -> Rect {
        let side = self.unit.min(self.track.width);
        let way = u64::from(self.track.width - side) + 1;
        let step = (way / u64::from(fps.frames_in(2.0))).max(1);
        let x = self.track.x + (number.wrapping_mul(step) % way) as u32;
        Rect::new(x, self.track.y, side, self.track.height)
    }
}

/// A picture being drawn. What lies outside is clipped.
pub(super) struct Canvas<'a> {
    size: Size,
    bytes: &'a mut [u8],
}

impl<'a> Canvas<'a> {
    /// A canvas over tight rows.
    pub(super) fn new(size: Size, bytes: &'a mut [u8]) -> Self {
        Self { size, bytes }
    }

    /// Row `y` of the picture, BGRA; empty below it.
    pub(super) fn row(&mut self, y: u32) -> &mut [u8] {
        let bytes = self.size.width as usize * 4;
        let begin = (y as usize * bytes).min(self.bytes.len());
        let end = (begin + bytes).min(self.bytes.len());
        &mut self.bytes[begin..end]
    }

    pub(super) fn fill(&mut self, rect: Rect, colour: Bgra) {
        let (width, height) = (self.size.width, self.size.height);
        let (left, right) = (
            rect.x.min(width),
            rect.x.saturating_add(rect.width).min(width),
        );
        let bottom = rect.y.saturating_add(rect.height).min(height);
        for y in rect.y.min(height)..bottom {
            let row = y as usize * width as usize;
            let span = (row + left as usize) * 4..(row + right as usize) * 4;
            self.bytes[span].as_chunks_mut().0.fill(colour);
        }
    }
}
