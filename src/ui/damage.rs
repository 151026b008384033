//! Which parts of the window differ from the frame before, so that only those are painted anew.
//! Software GL pays for each pixel that is painted: a level meter then costs a strip, not the
//! window. Main thread; no GL here, and nothing is dropped: where in doubt all is painted.

use super::theme;
use eframe::egui::{
    Color32, Galley, Mesh, Rect, Shape, TextureId, Vec2,
    epaint::{ClippedShape, ColorMode, PathStroke, textures::TexturesDelta},
    pos2,
};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use xxhash_rust::xxh3::xxh3_64;

/// Above this share of the window one whole painting costs less than its parts.
const WHOLE_ABOVE: f32 = 0.7;
/// At most so many parts: each goes through all shapes again.
const MOST_PARTS: usize = 10;
/// Beyond a shape's own bounds: feathering, and rounding to pixels, points.
const MARGIN: f32 = 2.0;

/// What a shape was, and where.
#[derive(Clone, Copy, PartialEq)]
struct Mark {
    hash: u64,
    place: Rect,
}

/// The frame before.
#[derive(Default)]
pub struct Damage {
    marks: Vec<Mark>,
    /// Kept so that no galley's address is given to another.
    shapes: Vec<ClippedShape>,
    /// What was looked at already, by address: texts are many and change rarely.
    galleys: HashMap<usize, u64>,
    screen: Option<(Rect, f32, Color32)>,
}

/// What a frame changes of the textures.
#[derive(Clone, Debug, Default)]
pub struct Changed {
    /// Letters have moved within the font atlas, which is new.
    pub atlas: bool,
    /// Other textures with new contents.
    pub textures: HashSet<TextureId>,
}

impl Changed {
    /// By this delta. More letters in the same atlas change nothing of those before.
    pub fn by(delta: &TexturesDelta) -> Self {
        let atlas = TextureId::default();
        let of_atlas = delta.set.get(&atlas);
        Self {
            atlas: of_atlas.is_some_and(|all| all.iter().any(|delta| delta.pos.is_none())),
            textures: delta
                .set
                .keys()
                .copied()
                .filter(|id| *id != atlas)
                .collect(),
        }
    }
}

/// What is to be painted.
#[derive(Clone, Debug, PartialEq)]
pub enum Parts {
    /// All of it.
    Whole,
    /// These rectangles, which have no point in common, aligned to pixels. Empty: nothing changed.
    Some(Vec<Rect>),
}

impl Damage {
    /// Takes the shapes of a new frame; leaves in `shapes` what has to be painted over the frame
    /// before, ground included. `intact` says that the frame before is still there; `screen` is the
    /// window in points.
    pub fn take(
        &mut self,
        shapes: &mut Vec<ClippedShape>,
        changed: &Changed,
        screen: Rect,
        pixels_per_point: f32,
        intact: bool,
    ) -> Parts {
        let now = (screen, pixels_per_point, theme::ground());
        let same_screen = self.screen.replace(now) == Some(now);
        let mut reader = Reader {
            bytes: Vec::with_capacity(256),
            before: std::mem::take(&mut self.galleys),
            galleys: HashMap::new(),
        };
        let marks: Vec<Mark> = shapes
            .iter()
            .map(|shape| Mark {
                hash: reader.hash(shape),
                place: place(shape).intersect(screen),
            })
            .collect();
        self.galleys = reader.galleys;
        let before = std::mem::replace(&mut self.marks, marks);
        let parts = if intact && same_screen && !changed.atlas {
            let mut places = differences(&before, &self.marks);
            let textured = shapes
                .iter()
                .zip(&self.marks)
                .filter(|(shape, _)| changed.textures.contains(&shape.shape.texture_id()));
            places.extend(textured.map(|(_, mark)| mark.place));
            merged(places, screen, pixels_per_point)
        } else {
            Parts::Whole
        };
        let cut = match &parts {
            Parts::Whole => cut(shapes, &self.marks, &[screen]),
            Parts::Some(rects) => cut(shapes, &self.marks, rects),
        };
        self.shapes = std::mem::replace(shapes, cut);
        parts
    }
}

/// The shapes, each within each of the rectangles, the ground under them.
fn cut(shapes: &[ClippedShape], marks: &[Mark], rects: &[Rect]) -> Vec<ClippedShape> {
    let mut all = Vec::new();
    for rect in rects {
        // Larger than it is cut to: no soft edge.
        let ground = Shape::rect_filled(rect.expand(4.0), 0.0, theme::ground());
        all.push(ClippedShape::new(*rect, ground));
        for (shape, mark) in shapes.iter().zip(marks) {
            if rect.intersects(mark.place) {
                let mut shape = shape.clone();
                shape.clip_rect = shape.clip_rect.intersect(*rect);
                all.push(shape);
            }
        }
    }
    all
}

/// Where it can have any effect.
fn place(shape: &ClippedShape) -> Rect {
    let bounds = shape.transform_after_tessellation * shape.shape.visual_bounding_rect();
    if !bounds.is_positive() && bounds.width() < 0.0 {
        return Rect::NOTHING;
    }
    bounds.expand(MARGIN).intersect(shape.clip_rect)
}

/// Places of those that are only in one of both, or in another order.
fn differences(before: &[Mark], now: &[Mark]) -> Vec<Rect> {
    let same = |(a, b): &(&Mark, &Mark)| a == b;
    let head = before.iter().zip(now).take_while(same).count();
    let (before, now) = (&before[head..], &now[head..]);
    let tail = before.iter().rev().zip(now.iter().rev());
    let tail = tail.take_while(same).count();
    let (before, now) = (&before[..before.len() - tail], &now[..now.len() - tail]);

    let mut known: HashMap<u64, Vec<usize>> = HashMap::new();
    for (i, mark) in before.iter().enumerate().rev() {
        known.entry(mark.hash).or_default().push(i);
    }
    let mut matched = vec![false; before.len()];
    let mut places = Vec::new();
    let mut furthest = None;
    for mark in now {
        let found = known.get_mut(&mark.hash).and_then(Vec::pop);
        match found {
            Some(i) if furthest.is_none_or(|furthest| i > furthest) => {
                furthest = Some(i);
                matched[i] = true;
            }
            _ => places.push(mark.place),
        }
    }
    let gone = before.iter().zip(matched).filter(|(_, matched)| !matched);
    places.extend(gone.map(|(mark, _)| mark.place));
    places
}

/// The same area in few rectangles without common points.
fn merged(places: Vec<Rect>, screen: Rect, pixels_per_point: f32) -> Parts {
    let aligned = |rect: Rect| {
        let down = |value: f32| (value * pixels_per_point).floor() / pixels_per_point;
        let up = |value: f32| (value * pixels_per_point).ceil() / pixels_per_point;
        let min = pos2(down(rect.min.x), down(rect.min.y));
        Rect::from_min_max(min, pos2(up(rect.max.x), up(rect.max.y))).intersect(screen)
    };
    let mut rects: Vec<Rect> = Vec::new();
    for place in places.into_iter().map(aligned) {
        if place.is_positive() {
            add(&mut rects, place);
        }
    }
    while rects.len() > MOST_PARTS {
        let pairs = (0..rects.len()).flat_map(|i| (0..i).map(move |j| (i, j)));
        let waste =
            |&(i, j): &(usize, usize)| area(rects[i] | rects[j]) - area(rects[i]) - area(rects[j]);
        let Some((i, j)) = pairs.min_by(|a, b| waste(a).total_cmp(&waste(b))) else {
            break;
        };
        let both = rects[i] | rects[j];
        rects.swap_remove(i);
        rects.swap_remove(j);
        add(&mut rects, both);
    }
    let all: f32 = rects.iter().copied().map(area).sum();
    if all > WHOLE_ABOVE * area(screen) {
        return Parts::Whole;
    }
    Parts::Some(rects)
}

/// Adds a rectangle; those that it touches become one with it.
fn add(rects: &mut Vec<Rect>, mut rect: Rect) {
    while let Some(i) = rects.iter().position(|other| other.intersects(rect)) {
        rect |= rects.swap_remove(i);
    }
    rects.push(rect);
}

fn area(rect: Rect) -> f32 {
    let size = rect.size().max(Vec2::ZERO);
    size.x * size.y
}

/// Reads shapes.
struct Reader {
    bytes: Vec<u8>,
    before: HashMap<usize, u64>,
    galleys: HashMap<usize, u64>,
}

impl Reader {
    fn hash(&mut self, shape: &ClippedShape) -> u64 {
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.clear();
        rect(&mut bytes, shape.clip_rect);
        let transform = shape.transform_after_tessellation;
        let moved = transform.translation;
        numbers(&mut bytes, &[transform.scaling, moved.x, moved.y]);
        self.write(&mut bytes, &shape.shape);
        self.bytes = bytes;
        xxh3_64(&self.bytes)
    }

    /// What a text looks like. Its layout alone would not do: a selection is drawn into its rows.
    fn galley(&mut self, galley: &Arc<Galley>) -> u64 {
        let address = Arc::as_ptr(galley).addr();
        let known = self.galleys.get(&address).or(self.before.get(&address));
        let hash = known.copied().unwrap_or_else(|| {
            let mut bytes = Vec::new();
            for placed in &galley.rows {
                numbers(&mut bytes, &[placed.pos.x, placed.pos.y]);
                mesh(&mut bytes, &placed.row.visuals.mesh);
            }
            xxh3_64(&bytes)
        });
        self.galleys.insert(address, hash);
        hash
    }

    /// Everything of a shape that can be seen, as bytes.
    fn write(&mut self, bytes: &mut Vec<u8>, shape: &Shape) {
        match shape {
            Shape::Noop => bytes.push(0),
            Shape::Vec(all) => {
                bytes.push(1);
                for shape in all {
                    self.write(bytes, shape);
                }
            }
            Shape::Circle(circle) => {
                bytes.push(2);
                numbers(bytes, &[circle.center.x, circle.center.y, circle.radius]);
                bytes.extend(circle.fill.to_array());
                numbers(bytes, &[circle.stroke.width]);
                bytes.extend(circle.stroke.color.to_array());
            }
            Shape::LineSegment { points, stroke } => {
                bytes.push(3);
                numbers(bytes, &[points[0].x, points[0].y, points[1].x, points[1].y]);
                numbers(bytes, &[stroke.width]);
                bytes.extend(stroke.color.to_array());
            }
            Shape::Path(path) => {
                bytes.push(4);
                for point in &path.points {
                    numbers(bytes, &[point.x, point.y]);
                }
                bytes.push(path.closed.into());
                bytes.extend(path.fill.to_array());
                path_stroke(bytes, &path.stroke);
            }
            Shape::Rect(shape) => {
                bytes.push(5);
                rect(bytes, shape.rect);
                let round = shape.corner_radius;
                bytes.extend([round.nw, round.ne, round.sw, round.se]);
                bytes.extend(shape.fill.to_array());
                numbers(bytes, &[shape.stroke.width, shape.blur_width, shape.angle]);
                bytes.extend(shape.stroke.color.to_array());
                bytes.push(shape.stroke_kind as u8);
                bytes.push(shape.round_to_pixels.map_or(2, u8::from));
                if let Some(brush) = &shape.brush {
                    texture(bytes, brush.fill_texture_id);
                    rect(bytes, brush.uv);
                }
            }
            Shape::Text(text) => {
                bytes.push(6);
                numbers(bytes, &[text.pos.x, text.pos.y]);
                bytes.extend(self.galley(&text.galley).to_ne_bytes());
                numbers(bytes, &[text.underline.width, text.opacity_factor]);
                numbers(bytes, &[text.angle]);
                bytes.extend(text.underline.color.to_array());
                bytes.extend(text.fallback_color.to_array());
                if let Some(colour) = text.override_text_color {
                    bytes.extend(colour.to_array());
                }
            }
            Shape::Mesh(all) => {
                bytes.push(7);
                texture(bytes, all.texture_id);
                mesh(bytes, all);
            }
            // Rare: their words have all their numbers.
            rare => {
                use std::io::Write as _;
                bytes.push(8);
                let _ = write!(bytes, "{rare:?}");
            }
        }
    }
}

fn mesh(bytes: &mut Vec<u8>, mesh: &Mesh) {
    for vertex in &mesh.vertices {
        let (at, uv) = (vertex.pos, vertex.uv);
        numbers(bytes, &[at.x, at.y, uv.x, uv.y]);
        bytes.extend(vertex.color.to_array());
    }
    for index in &mesh.indices {
        bytes.extend(index.to_ne_bytes());
    }
}

fn numbers(bytes: &mut Vec<u8>, all: &[f32]) {
    for number in all {
        bytes.extend(number.to_ne_bytes());
    }
}

fn rect(bytes: &mut Vec<u8>, rect: Rect) {
    numbers(bytes, &[rect.min.x, rect.min.y, rect.max.x, rect.max.y]);
}

fn texture(bytes: &mut Vec<u8>, id: TextureId) {
    let (kind, number) = match id {
        TextureId::Managed(number) => (0, number),
        TextureId::User(number) => (1, number),
    };
    bytes.push(kind);
    bytes.extend(number.to_ne_bytes());
}

fn path_stroke(bytes: &mut Vec<u8>, stroke: &PathStroke) {
    numbers(bytes, &[stroke.width]);
    bytes.push(stroke.kind as u8);
    match &stroke.color {
        ColorMode::Solid(colour) => bytes.extend(colour.to_array()),
        ColorMode::UV(function) => {
            bytes.extend(Arc::as_ptr(function).cast::<u8>().addr().to_ne_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use eframe::egui::{CornerRadius, Stroke, vec2};

    const SCREEN: Rect = Rect::from_min_max(pos2(0.0, 0.0), pos2(1000.0, 800.0));

    fn square(x: f32, y: f32, side: f32) -> ClippedShape {
        let rect = Rect::from_min_size(pos2(x, y), vec2(side, side));
        let fill = theme::card();
        ClippedShape::new(SCREEN, Shape::rect_filled(rect, CornerRadius::ZERO, fill))
    }

    fn frame(damage: &mut Damage, shapes: &[ClippedShape]) -> (Parts, Vec<ClippedShape>) {
        let mut shapes = shapes.to_vec();
        let parts = damage.take(&mut shapes, &Changed::default(), SCREEN, 1.0, true);
        (parts, shapes)
    }

    #[test]
    fn the_first_frame_is_whole_and_the_same_again_is_nothing() {
        let mut damage = Damage::default();
        let all = [square(10.0, 10.0, 20.0), square(100.0, 10.0, 20.0)];
        let (parts, shapes) = frame(&mut damage, &all);
        assert_eq!(parts, Parts::Whole);
        assert_eq!(shapes.len(), 3, "the ground and both");
        let (parts, shapes) = frame(&mut damage, &all);
        assert_eq!(parts, Parts::Some(Vec::new()));
        assert!(shapes.is_empty());
    }

    #[test]
    fn what_moved_is_painted_where_it_was_and_where_it_is() {
        let mut damage = Damage::default();
        frame(
            &mut damage,
            &[square(10.0, 10.0, 20.0), square(500.0, 500.0, 50.0)],
        );
        let now = [square(300.0, 10.0, 20.0), square(500.0, 500.0, 50.0)];
        let (parts, shapes) = frame(&mut damage, &now);
        let Parts::Some(rects) = parts else {
            panic!("all of it")
        };
        let at = |x: f32| Rect::from_min_max(pos2(x, 8.0), pos2(x + 24.0, 32.0));
        assert_eq!(rects.len(), 2, "{rects:?}");
        assert!(
            rects.contains(&at(8.0)) && rects.contains(&at(298.0)),
            "{rects:?}"
        );
        assert_eq!(shapes.len(), 3, "two grounds and the one that moved");
    }

    #[test]
    fn one_that_appears_between_others_is_alone() {
        let mut damage = Damage::default();
        let first = [square(10.0, 10.0, 20.0), square(500.0, 500.0, 50.0)];
        frame(&mut damage, &first);
        let more = [
            first[0].clone(),
            square(200.0, 200.0, 8.0),
            first[1].clone(),
        ];
        let (parts, _) = frame(&mut damage, &more);
        let only = Rect::from_min_max(pos2(198.0, 198.0), pos2(210.0, 210.0));
        assert_eq!(parts, Parts::Some(vec![only]));
    }

    #[test]
    fn another_order_is_a_difference() {
        let mut damage = Damage::default();
        let (a, b) = (square(10.0, 10.0, 20.0), square(20.0, 20.0, 30.0));
        frame(&mut damage, &[a.clone(), b.clone()]);
        let (parts, _) = frame(&mut damage, &[b, a]);
        assert!(matches!(parts, Parts::Some(rects) if rects.len() == 1));
    }

    #[test]
    fn a_lost_frame_another_size_and_a_new_atlas_are_painted_whole() {
        let mut damage = Damage::default();
        let all = vec![square(10.0, 10.0, 20.0)];
        frame(&mut damage, &all);
        let none = Changed::default();
        let parts = damage.take(&mut all.clone(), &none, SCREEN, 1.0, false);
        assert_eq!(parts, Parts::Whole);
        let parts = damage.take(&mut all.clone(), &none, SCREEN, 2.0, true);
        assert_eq!(parts, Parts::Whole);
        let ctx = eframe::egui::Context::default();
        let output = ctx.run_ui(Default::default(), |ui| {
            ui.label("a");
        });
        let parts = damage.take(
            &mut all.clone(),
            &Changed::by(&output.textures_delta),
            SCREEN,
            2.0,
            true,
        );
        assert_eq!(parts, Parts::Whole);
        output.drop_without_applying_deltas();
    }

    #[test]
    fn nearly_everything_is_everything() {
        let mut damage = Damage::default();
        frame(&mut damage, &[square(0.0, 0.0, 790.0)]);
        let edge = Stroke::new(1.0, theme::text());
        let other = Shape::line_segment([pos2(0.0, 0.0), pos2(990.0, 790.0)], edge);
        let (parts, _) = frame(&mut damage, &[ClippedShape::new(SCREEN, other)]);
        assert_eq!(parts, Parts::Whole);
    }

    #[test]
    fn many_small_parts_become_few() {
        let mut damage = Damage::default();
        frame(&mut damage, &[]);
        let many: Vec<_> = (0..40)
            .map(|i| square(25.0 * i as f32, 10.0, 4.0))
            .collect();
        let (parts, _) = frame(&mut damage, &many);
        let Parts::Some(rects) = parts else {
            panic!("all of it")
        };
        assert!(rects.len() <= MOST_PARTS);
        for (i, rect) in rects.iter().enumerate() {
            assert!(rects[..i].iter().all(|other| !other.intersects(*rect)));
        }
    }
}
