//! Paints only what changed where OpenGL runs on the CPU (llvmpipe and its like). eframe clears the
//! window and paints all of it in each frame; here the clearing is held back and the frame's shapes
//! are cut down to its damage. Main thread.
//!
//! What a window's back buffer holds after a swap is not defined, so it is looked at: each frame
//! leaves its number in the lowest bits of one corner pixel, and the next one paints parts only
//! where it finds that number again. Else (another buffer, a new size, a new driver) it paints all.
//! On a graphics card nothing of this is used: there pixels are cheap.

#![allow(unsafe_code)] // OpenGL's calls.

use super::damage::{Changed, Damage};
use super::theme;
use eframe::egui::{self, FullOutput, PaintCallback, Shape, ViewportId, epaint::ClippedShape};
use eframe::egui_glow::CallbackFn;
use eframe::glow::{self, HasContext as _};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};

/// What is said of OpenGL on the CPU.
const ON_CPU: [&str; 6] = [
    "llvmpipe",
    "softpipe",
    "swrast",
    "software rasterizer",
    "gdi generic",
    "basic render",
];

/// The window's buffer and what is known of it.
pub struct Retained {
    gl: Arc<glow::Context>,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    /// Of the frame painted last, 0..64.
    number: AtomicU32,
    /// Whether the back buffer still has that frame.
    intact: AtomicBool,
}

impl Retained {
    /// Begins to paint in parts, where `gl` is on the CPU and the environment does not say
    /// `PD_CONSOLE_PAINT=whole`.
    pub fn start(ctx: &egui::Context, gl: &Arc<glow::Context>) -> Option<Self> {
        // SAFETY: eframe hands the context out while it is current on this thread.
        let renderer = unsafe { gl.get_parameter_string(glow::RENDERER) }.to_lowercase();
        let on_cpu = ON_CPU.iter().any(|name| renderer.contains(name));
        let parts = match std::env::var("PD_CONSOLE_PAINT").as_deref() {
            Ok("whole") => false,
            Ok("parts") => true,
            _ => on_cpu,
        };
        let how = if parts { "only what changed" } else { "whole" };
        tracing::info!("window: OpenGL by {renderer}, painted {how}");
        if !parts {
            return None;
        }
        let state = Arc::new(State::default());
        ctx.add_plugin(Cutter {
            damage: Damage::default(),
            state: state.clone(),
        });
        Some(Self {
            gl: gl.clone(),
            state,
        })
    }

    /// To be called before eframe clears the window, which then does nothing. Looks whether the
    /// frame before is still there.
    pub fn begin(&self) {
        let mut pixel = [0_u8; 4];
        // SAFETY: called by eframe in a frame, with the context current on this thread; the four
        // bytes are those of the one pixel that is read.
        unsafe {
            self.gl.read_pixels(
                0,
                0,
                1,
                1,
                glow::RGBA,
                glow::UNSIGNED_BYTE,
                glow::PixelPackData::Slice(Some(&mut pixel)),
            );
            // The painter sets it again. `clear` obeys it.
            self.gl.color_mask(false, false, false, false);
        }
        let number = self.state.number.load(Relaxed);
        let is = stamped(number) == [pixel[0], pixel[1], pixel[2]];
        self.state.intact.store(is, Relaxed);
    }
}

/// The corner pixel of a frame: the ground's colour, changed by less than an eye can see.
fn stamped(number: u32) -> [u8; 3] {
    let [r, g, b, _] = theme::ground().to_array();
    let low = |byte: u8, shift: u32| (byte & !3) | (number >> shift & 3) as u8;
    [low(r, 0), low(g, 2), low(b, 4)]
}

/// Cuts each frame's shapes down.
struct Cutter {
    damage: Damage,
    state: Arc<State>,
}

impl egui::Plugin for Cutter {
    fn debug_name(&self) -> &'static str {
        "painting in parts"
    }

    fn output_hook(&mut self, ctx: &egui::Context, output: &mut FullOutput) {
        let screen = ctx.viewport_rect();
        // With a second window the context may have been another's when it was looked at.
        let alone = output.viewport_output.len() == 1 && ctx.viewport_id() == ViewportId::ROOT;
        let intact = alone && self.state.intact.load(Relaxed);
        self.damage.take(
            &mut output.shapes,
            &Changed::by(&output.textures_delta),
            screen,
            output.pixels_per_point,
            intact,
        );
        if !alone {
            self.state.number.store(0, Relaxed);
            return;
        }
        let number = self.state.number.load(Relaxed) % 63 + 1;
        self.state.number.store(number, Relaxed);
        let callback = CallbackFn::new(move |_, painter| stamp(painter.gl(), number));
        let stamp = Shape::Callback(PaintCallback {
            rect: screen,
            callback: Arc::new(callback),
        });
        output.shapes.push(ClippedShape::new(screen, stamp));
    }
}

fn stamp(gl: &glow::Context, number: u32) {
    let [r, g, b] = stamped(number).map(|byte| f32::from(byte) / 255.0);
    // SAFETY: called by the painter in the middle of a frame, with the context current on this
    // thread; it restores its state afterwards.
    unsafe {
        gl.enable(glow::SCISSOR_TEST);
        gl.scissor(0, 0, 1, 1);
        gl.clear_color(r, g, b, 1.0);
        gl.clear(glow::COLOR_BUFFER_BIT);
        // The swap would wait for it anyway; here it counts as the frame's time.
        gl.finish();
    }
}
