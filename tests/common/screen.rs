//! An X server of one's own, and a client that draws on it what the test knows.

#[path = "../x11_capture/server.rs"]
mod server;

#[allow(unused_imports)]
pub use server::Xvfb;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::*;
use x11rb::rust_connection::RustConnection;

/// A picture, four bytes a pixel: blue, green, red, unused.
pub struct Picture {
    /// Pixels in a row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// Rows without padding.
    pub data: Vec<u8>,
}

impl Picture {
    /// A picture of `colour(x, y)`, given as red, green, blue.
    pub fn of(width: usize, height: usize, colour: impl Fn(usize, usize) -> [u8; 3]) -> Self {
        let mut data = Vec::with_capacity(width * height * 4);
        for y in 0..height {
            for x in 0..width {
                let [r, g, b] = colour(x, y);
                data.extend([b, g, r, 0]);
            }
        }
        Self {
            width,
            height,
            data,
        }
    }

    /// Red, green, blue.
    pub fn rgb(&self, x: usize, y: usize) -> [u8; 3] {
        let at = (y * self.width + x) * 4;
        [self.data[at + 2], self.data[at + 1], self.data[at]]
    }
}

/// A client that draws by the clock until dropped.
pub struct Drawing {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Drawing {
    /// Shows `picture`, then calls `step` every `interval` with the number of the call.
    pub fn start(
        display: &str,
        picture: &Picture,
        interval: Duration,
        step: impl Fn(&Pen, u64) + Send + 'static,
    ) -> Self {
        let pen = Pen::new(display, picture);
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            let started = Instant::now();
            for number in 0.. {
                let due = started + interval * u32::try_from(number).unwrap();
                std::thread::sleep(due.saturating_duration_since(Instant::now()));
                if stopped.load(Ordering::Relaxed) {
                    return;
                }
                step(&pen, number);
                pen.sync();
            }
        });
        Self {
            stop,
            thread: Some(thread),
        }
    }
}

impl Drop for Drawing {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let _ = self.thread.take().unwrap().join();
    }
}

/// Draws on the screen.
pub struct Pen {
    connection: RustConnection,
    root: Window,
    context: Gcontext,
    /// The picture, kept in the server.
    kept: Pixmap,
}

impl Pen {
    fn new(display: &str, picture: &Picture) -> Self {
        let (connection, screen) = RustConnection::connect(Some(display)).unwrap();
        let root = connection.setup().roots[screen].root;
        let [context, kept] = [(); 2].map(|()| connection.generate_id().unwrap());
        let (width, height) = (picture.width as u16, picture.height as u16);
        connection
            .create_gc(context, root, &CreateGCAux::new().graphics_exposures(0))
            .unwrap();
        connection
            .create_pixmap(24, kept, root, width, height)
            .unwrap();
        // In strips: a request's length is limited.
        let rows = 64;
        for (number, strip) in picture.data.chunks(picture.width * 4 * rows).enumerate() {
            let height = (strip.len() / (picture.width * 4)) as u16;
            let y = (number * rows) as i16;
            connection
                .put_image(
                    ImageFormat::Z_PIXMAP,
                    kept,
                    context,
                    width,
                    height,
                    0,
                    y,
                    0,
                    24,
                    strip,
                )
                .unwrap();
        }
        let pen = Self {
            connection,
            root,
            context,
            kept,
        };
        pen.copy([0, 0], [0, 0], [width, height]);
        pen.sync();
        pen
    }

    /// Copies a part of the picture onto the screen.
    pub fn copy(&self, from: [i16; 2], to: [i16; 2], size: [u16; 2]) {
        self.connection
            .copy_area(
                self.kept,
                self.root,
                self.context,
                from[0],
                from[1],
                to[0],
                to[1],
                size[0],
                size[1],
            )
            .unwrap();
    }

    /// A rectangle of one colour, 0xRRGGBB.
    pub fn fill(&self, rgb: u32, x: i16, y: i16, width: u16, height: u16) {
        let colour = ChangeGCAux::new().foreground(rgb);
        let rectangle = Rectangle {
            x,
            y,
            width,
            height,
        };
        self.connection.change_gc(self.context, &colour).unwrap();
        self.connection
            .poly_fill_rectangle(self.root, self.context, &[rectangle])
            .unwrap();
    }

    fn sync(&self) {
        self.connection.get_input_focus().unwrap().reply().unwrap();
    }
}

/// Noise, its lower half shown from another place 30 times a second: nothing to predict that from, so
/// that the encoder needs every bit that it may have. The upper half stands still, or the encoder
/// would see a new scene, and make an IDR, in every second picture.
pub fn noise(display: &str, width: usize, height: usize) -> Drawing {
    let hash = |x: u32, y: u32| {
        let mut h = (x.wrapping_mul(0x9E37_79B1)) ^ (y.wrapping_mul(0x85EB_CA77));
        h = (h ^ (h >> 15)).wrapping_mul(0xC2B2_AE3D);
        h ^ (h >> 13)
    };
    let picture = Picture::of(2 * width, 2 * height, |x, y| {
        [64 + (hash(x as u32 / 2, y as u32 / 2) % 128) as u8; 3]
    });
    Drawing::start(
        display,
        &picture,
        Duration::from_micros(33_333),
        move |pen, number| {
            let at = hash(number as u32, 77);
            let from = [at % width as u32, (at >> 12) % height as u32].map(|v| v as i16);
            let half = height as u16 / 2;
            pen.copy(from, [0, half as i16], [width as u16, half]);
        },
    )
}
