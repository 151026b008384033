//! Paints egui's triangles on the CPU as egui's OpenGL painter does: gamma-space colours, textures
//! filtered by their options, premultiplied blending. For pictures of the window that are the same
//! on every machine, without a driver.
#![allow(clippy::unwrap_used)] // Serves tests only.

use eframe::egui::epaint::{ClippedPrimitive, ImageData, Mesh, Primitive, Vertex};
use eframe::egui::{Context, FullOutput, Rect, TextureFilter, TextureId, TexturesDelta};
use egui_kittest::TestRenderer;
use pd_console::ui::damage::Changed;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

/// A picture, RGBA, its alpha always 255.
#[derive(Clone, PartialEq)]
pub struct Picture {
    pub width: usize,
    pub height: usize,
    pub pixels: Vec<[u8; 4]>,
}

impl Picture {
    pub fn new(width: usize, height: usize) -> Self {
        Self {
            width,
            height,
            pixels: vec![[0, 0, 0, 255]; width * height],
        }
    }

    /// A part of it.
    pub fn cut(&self, rect: Rect) -> Self {
        let rect = rect.intersect(Rect::from_min_size(
            Default::default(),
            [self.width as f32, self.height as f32].into(),
        ));
        let (x, y) = (rect.left() as usize, rect.top() as usize);
        let (width, height) = (rect.width() as usize, rect.height() as usize);
        let rows = (y..y + height).map(|row| &self.pixels[row * self.width..][x..x + width]);
        Self {
            width,
            height,
            pixels: rows.flatten().copied().collect(),
        }
    }

    /// Without the rows at its end that are all of one colour, but for a few.
    pub fn trimmed(mut self) -> Self {
        let uniform = |row: &[[u8; 4]]| row.iter().all(|pixel| *pixel == row[0]);
        let rows: Vec<_> = self.pixels.chunks_exact(self.width).collect();
        let last = rows
            .iter()
            .rposition(|row| !uniform(&row[30..self.width - 30]));
        self.height = (last.unwrap_or(0) + 12).min(self.height);
        self.pixels.truncate(self.height * self.width);
        self
    }
}

struct Texture {
    size: [usize; 2],
    pixels: Vec<[u8; 4]>,
    linear: bool,
}

/// The textures of a window under test, and which of them its newest frame changed.
#[derive(Clone, Default)]
pub struct Textures(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    all: HashMap<TextureId, Texture>,
    newest: Changed,
}

impl TestRenderer for Textures {
    fn handle_delta(&mut self, delta: &mut TexturesDelta) {
        let mut inner = self.0.lock().unwrap();
        inner.newest = Changed::by(delta);
        let mut delta = std::mem::take(delta);
        for (id, images) in &delta.set {
            for image in images {
                let ImageData::Color(colours) = &image.image;
                let pixels = colours.pixels.iter().map(|colour| colour.to_array());
                let linear = image.options.magnification == TextureFilter::Linear;
                let Some([x, y]) = image.pos else {
                    let texture = Texture {
                        size: colours.size,
                        pixels: pixels.collect(),
                        linear,
                    };
                    inner.all.insert(*id, texture);
                    continue;
                };
                let whole = inner.all.get_mut(id).expect("a patch of what is there");
                let pixels: Vec<_> = pixels.collect();
                for (row, line) in pixels.chunks_exact(colours.size[0]).enumerate() {
                    let at = (y + row) * whole.size[0] + x;
                    whole.pixels[at..at + line.len()].copy_from_slice(line);
                }
            }
        }
        // All of it is taken over.
        delta.clear();
    }
}

impl Textures {
    /// What the newest frame changed.
    pub fn newest(&self) -> Changed {
        self.0.lock().unwrap().newest.clone()
    }

    /// Paints all of a frame over `ground`.
    pub fn paint(&self, ctx: &Context, output: &FullOutput, ground: [u8; 4]) -> Picture {
        let size = ctx.viewport_rect().size() * output.pixels_per_point;
        let mut picture = Picture::new(size.x as usize, size.y as usize);
        picture.pixels.fill(ground);
        let all = ctx.tessellate(output.shapes.clone(), output.pixels_per_point);
        self.paint_over(&mut picture, &all, output.pixels_per_point);
        picture
    }

    /// Paints these over what is there.
    pub fn paint_over(&self, picture: &mut Picture, all: &[ClippedPrimitive], per_point: f32) {
        let inner = self.0.lock().unwrap();
        for clipped in all {
            // Anything but triangles is for OpenGL alone.
            let Primitive::Mesh(mesh) = &clipped.primitive else {
                continue;
            };
            let texture = inner.all.get(&mesh.texture_id).expect("a known texture");
            triangles(picture, mesh, texture, clipped.clip_rect, per_point);
        }
    }
}

fn triangles(picture: &mut Picture, mesh: &Mesh, texture: &Texture, clip: Rect, per_point: f32) {
    let side = |value: f32, most: usize| (value * per_point).round().clamp(0.0, most as f32) as i64;
    let columns = [
        side(clip.left(), picture.width),
        side(clip.right(), picture.width),
    ];
    let rows = [
        side(clip.top(), picture.height),
        side(clip.bottom(), picture.height),
    ];
    for corners in mesh.indices.chunks_exact(3) {
        let corner = |i: usize| mesh.vertices[corners[i] as usize];
        let mut corners = [corner(0), corner(1), corner(2)];
        for corner in &mut corners {
            corner.pos *= per_point;
        }
        triangle(picture, corners, texture, columns, rows);
    }
}

/// Twice the area of a, b and a third point; positive where that is on the inner side.
fn edge(a: [f64; 2], b: [f64; 2], at: [f64; 2]) -> f64 {
    (b[0] - a[0]) * (at[1] - a[1]) - (b[1] - a[1]) * (at[0] - a[0])
}

fn triangle(
    picture: &mut Picture,
    mut corners: [Vertex; 3],
    texture: &Texture,
    columns: [i64; 2],
    rows: [i64; 2],
) {
    let places = |corners: &[Vertex; 3]| {
        // As OpenGL does: to 1/256 of a pixel.
        corners.map(|corner| {
            [corner.pos.x, corner.pos.y].map(|v| (f64::from(v) * 256.0).round() / 256.0)
        })
    };
    let mut at = places(&corners);
    let mut area = edge(at[0], at[1], at[2]);
    if area == 0.0 {
        return;
    }
    if area < 0.0 {
        corners.swap(1, 2);
        at = places(&corners);
        area = -area;
    }
    let bound =
        |axis: usize, pick: fn(f64, f64) -> f64| pick(pick(at[0][axis], at[1][axis]), at[2][axis]);
    let from = |axis, least: i64| (bound(axis, f64::min).floor() as i64).max(least);
    let to = |axis, most: i64| (bound(axis, f64::max).ceil() as i64).min(most);
    // A point on an edge belongs to one of two triangles: the one left of or above which it is.
    let sides = [(1, 2), (2, 0), (0, 1)];
    let owns = sides.map(|(a, b)| {
        let (dx, dy) = (at[b][0] - at[a][0], at[b][1] - at[a][1]);
        dy < 0.0 || (dy == 0.0 && dx > 0.0)
    });
    let plain = corners
        .iter()
        .all(|c| c.uv == corners[0].uv && c.color == corners[0].color);
    let values = corners.map(|corner| {
        let [r, g, b, a] = corner.color.to_array().map(f32::from);
        [r, g, b, a, corner.uv.x, corner.uv.y]
    });
    let constant = shade(values[0], texture);
    for y in from(1, rows[0])..to(1, rows[1]) {
        let weights = |x: i64| {
            let middle = [x as f64 + 0.5, y as f64 + 0.5];
            sides.map(|(a, b)| edge(at[a], at[b], middle))
        };
        let is_inside = |x: i64| {
            let weights = weights(x);
            (0..3).all(|i| weights[i] > 0.0 || (weights[i] == 0.0 && owns[i]))
        };
        // A row of a triangle is one piece.
        let (mut first, mut end) = (from(0, columns[0]), to(0, columns[1]));
        for (a, b) in sides {
            let (dx, dy) = (at[b][0] - at[a][0], at[b][1] - at[a][1]);
            if dy != 0.0 {
                let crossing = at[a][0] + (y as f64 + 0.5 - at[a][1]) * dx / dy - 0.5;
                if dy < 0.0 {
                    first = first.max(crossing.floor() as i64);
                } else {
                    end = end.min(crossing.ceil() as i64 + 1);
                }
            }
        }
        while first < end && !is_inside(first) {
            first += 1;
        }
        while first < end && !is_inside(end - 1) {
            end -= 1;
        }
        if first >= end {
            continue;
        }
        let line = &mut picture.pixels[y as usize * picture.width..];
        let line = &mut line[first as usize..end as usize];
        if plain && constant[3] >= 255.0 {
            line.fill([constant[0] as u8, constant[1] as u8, constant[2] as u8, 255]);
            continue;
        }
        let mut share = weights(first).map(|weight| (weight / area) as f32);
        let next = weights(first + 1);
        let step = [0, 1, 2].map(|i| (next[i] / area) as f32 - share[i]);
        for pixel in line {
            let source = if plain {
                constant
            } else {
                let mut sum = [0.0; 6];
                for i in 0..6 {
                    sum[i] =
                        values[0][i] * share[0] + values[1][i] * share[1] + values[2][i] * share[2];
                }
                for i in 0..3 {
                    share[i] += step[i];
                }
                shade(sum, texture)
            };
            blend(pixel, source);
        }
    }
}

/// The colour of a point with this colour and this place in the texture, 0..=255.
fn shade(value: [f32; 6], texture: &Texture) -> [f32; 4] {
    let texel = sample(texture, value[4], value[5]);
    [0, 1, 2, 3].map(|i| value[i] * texel[i] / 255.0)
}

fn sample(texture: &Texture, u: f32, v: f32) -> [f32; 4] {
    let [width, height] = texture.size;
    let texel = |x: f32, y: f32| {
        let x = x.clamp(0.0, width as f32 - 1.0) as usize;
        let y = y.clamp(0.0, height as f32 - 1.0) as usize;
        texture.pixels[y * width + x].map(f32::from)
    };
    let (x, y) = (u * width as f32, v * height as f32);
    if !texture.linear {
        return texel(x.floor(), y.floor());
    }
    let (x, y) = (x - 0.5, y - 0.5);
    let (left, top) = (x.floor(), y.floor());
    let (dx, dy) = (x - left, y - top);
    let four = [
        texel(left, top),
        texel(left + 1.0, top),
        texel(left, top + 1.0),
        texel(left + 1.0, top + 1.0),
    ];
    // Mostly the white that plain colours are drawn with, or nothing.
    if four[1..].iter().all(|texel| *texel == four[0]) {
        return four[0];
    }
    std::array::from_fn(|i| {
        let upper = four[0][i] + (four[1][i] - four[0][i]) * dx;
        let lower = four[2][i] + (four[3][i] - four[2][i]) * dx;
        upper + (lower - upper) * dy
    })
}

fn blend(pixel: &mut [u8; 4], source: [f32; 4]) {
    if source == [0.0; 4] {
        return;
    }
    let rest = 1.0 - source[3] / 255.0;
    for (under, over) in pixel.iter_mut().zip(source).take(3) {
        *under = (over + f32::from(*under) * rest).round().clamp(0.0, 255.0) as u8;
    }
}
