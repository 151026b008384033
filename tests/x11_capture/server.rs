//! An X server of one's own, and a client that draws known things on it.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use x11rb::connection::{Connection as _, RequestConnection as _};
use x11rb::protocol::randr::{ConnectionExt as _, Rotation};
use x11rb::protocol::xproto::*;
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

/// A running Xvfb; ends with its holder.
pub struct Xvfb {
    child: Child,
    args: Vec<String>,
    /// Its name, such as ":1".
    pub display: String,
}

impl Xvfb {
    /// Starts one with a screen such as "640x480x24"; None, with a word, where it is not installed.
    pub fn start(screen: &str, args: &[&str]) -> Option<Self> {
        let usual = ["-noreset", "-nolisten", "tcp", "-screen", "0", screen];
        let args: Vec<String> = usual.iter().chain(args).map(|a| (*a).to_owned()).collect();
        let (child, display) = match run(None, &args) {
            Ok(started) => started,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                println!("SKIPPED: Xvfb is not installed, X11 capture was not tested");
                return None;
            }
            Err(e) => panic!("Xvfb: {e}"),
        };
        Some(Self {
            child,
            args,
            display,
        })
    }

    /// Its process. Not every test asks.
    #[allow(dead_code)]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Kills it as a crash would.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// After its end: starts it again under the same name.
    #[allow(dead_code)]
    pub fn back(&mut self) {
        let (child, display) = run(Some(&self.display), &self.args).unwrap();
        assert_eq!(display, self.display);
        self.child = child;
    }
}

/// The process and the display's name, which is chosen by the server unless it is given.
fn run(display: Option<&str>, args: &[String]) -> std::io::Result<(Child, String)> {
    let mut child = Command::new("Xvfb")
        .args(display)
        .args(["-displayfd", "1"])
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let mut number = String::new();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    stdout.read_line(&mut number).unwrap();
    let display = format!(":{}", number.trim());
    assert_ne!(display, ":", "Xvfb gave no display number");
    Ok((child, display))
}

impl Drop for Xvfb {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Draws on the screen. Each call returns once the server has done it.
pub struct Painter {
    connection: RustConnection,
    root: Window,
    context: Gcontext,
}

impl Painter {
    pub fn new(server: &Xvfb) -> Self {
        let (connection, screen) = RustConnection::connect(Some(&server.display)).unwrap();
        let root = connection.setup().roots[screen].root;
        let context = connection.generate_id().unwrap();
        let aux = CreateGCAux::new().subwindow_mode(SubwindowMode::CLIP_BY_CHILDREN);
        connection.create_gc(context, root, &aux).unwrap();
        Self {
            connection,
            root,
            context,
        }
    }

    fn sync(&self) {
        self.connection.get_input_focus().unwrap().reply().unwrap();
    }

    pub fn has(&self, extension: &'static str) -> bool {
        self.connection
            .extension_information(extension)
            .unwrap()
            .is_some()
    }

    pub fn fill(&self, rgb: u32, x: u32, y: u32, width: u32, height: u32) {
        let rectangle = rectangle(x, y, width, height);
        let colour = ChangeGCAux::new().foreground(rgb);
        self.connection.change_gc(self.context, &colour).unwrap();
        self.connection
            .poly_fill_rectangle(self.root, self.context, &[rectangle])
            .unwrap();
        self.sync();
    }

    /// Maps a window of one colour.
    pub fn window(&self, rgb: u32, x: u32, y: u32, width: u32, height: u32) {
        let aux = CreateWindowAux::new().background_pixel(rgb);
        let window = self.create(rectangle(x, y, width, height), 0, &aux.override_redirect(1));
        self.map(window);
    }

    /// Maps a window of one colour that has a program and a title.
    pub fn named(
        &self,
        app: &str,
        title: &str,
        rgb: u32,
        [x, y, width, height]: [u32; 4],
    ) -> Window {
        let aux = CreateWindowAux::new().background_pixel(rgb).border_pixel(0);
        // Borders are not part of what is captured.
        let window = self.create(rectangle(x, y, width, height), 3, &aux);
        let class = format!("{}\0{app}\0", app.to_lowercase());
        for (property, text) in [
            (AtomEnum::WM_CLASS, class.as_str()),
            (AtomEnum::WM_NAME, title),
        ] {
            self.connection
                .change_property8(
                    PropMode::REPLACE,
                    window,
                    property,
                    AtomEnum::STRING,
                    text.as_bytes(),
                )
                .unwrap();
        }
        self.map(window);
        window
    }

    fn create(&self, at: Rectangle, border: u16, aux: &CreateWindowAux) -> Window {
        let window = self.connection.generate_id().unwrap();
        self.connection
            .create_window(
                0,
                window,
                self.root,
                at.x,
                at.y,
                at.width,
                at.height,
                border,
                WindowClass::INPUT_OUTPUT,
                0,
                aux,
            )
            .unwrap();
        window
    }

    pub fn fill_in(&self, window: Window, rgb: u32, x: u32, y: u32, width: u32, height: u32) {
        let colour = ChangeGCAux::new().foreground(rgb);
        self.connection.change_gc(self.context, &colour).unwrap();
        self.connection
            .poly_fill_rectangle(window, self.context, &[rectangle(x, y, width, height)])
            .unwrap();
        self.sync();
    }

    pub fn resize_window(&self, window: Window, width: u32, height: u32) {
        let aux = ConfigureWindowAux::new().width(width).height(height);
        self.connection.configure_window(window, &aux).unwrap();
        self.sync();
    }

    pub fn unmap(&self, window: Window) {
        self.connection.unmap_window(window).unwrap();
        self.sync();
    }

    pub fn map(&self, window: Window) {
        self.connection.map_window(window).unwrap();
        self.sync();
    }

    pub fn destroy(&self, window: Window) {
        self.connection.destroy_window(window).unwrap();
        self.sync();
    }

    /// Defines a monitor (RandR 1.5).
    pub fn monitor(&self, name: &str, x: i16, y: i16, width: u16, height: u16) {
        use x11rb::protocol::randr::MonitorInfo;
        let atom = self.connection.intern_atom(false, name.as_bytes()).unwrap();
        let info = MonitorInfo {
            name: atom.reply().unwrap().atom,
            x,
            y,
            width,
            height,
            width_in_millimeters: 300,
            height_in_millimeters: 200,
            ..MonitorInfo::default()
        };
        self.connection.randr_set_monitor(self.root, info).unwrap();
        self.sync();
    }

    /// Gives the root a pointer that is a square of one colour, its hot spot at the top left.
    pub fn square_cursor(&self, rgb: u32, side: u16) {
        let connection = &self.connection;
        let [shape, context, cursor] = [(); 3].map(|()| connection.generate_id().unwrap());
        connection
            .create_pixmap(1, shape, self.root, side, side)
            .unwrap();
        let set = CreateGCAux::new().foreground(1);
        connection.create_gc(context, shape, &set).unwrap();
        let whole = rectangle(0, 0, side.into(), side.into());
        connection
            .poly_fill_rectangle(shape, context, &[whole])
            .unwrap();
        let [red, green, blue] = [16, 8, 0].map(|by| (rgb >> by & 0xFF) as u16 * 0x101);
        connection
            .create_cursor(cursor, shape, shape, red, green, blue, 0, 0, 0, 0, 0)
            .unwrap();
        let aux = ChangeWindowAttributesAux::new().cursor(cursor);
        connection
            .change_window_attributes(self.root, &aux)
            .unwrap();
        self.sync();
    }

    pub fn point_at(&self, x: i16, y: i16) {
        self.connection
            .warp_pointer(x11rb::NONE, self.root, 0, 0, 0, 0, x, y)
            .unwrap();
        self.sync();
    }

    /// Changes the screen's size, up to the one that it started with.
    pub fn resize(&self, width: u32, height: u32) {
        let connection = &self.connection;
        let resources = connection.randr_get_screen_resources(self.root);
        let resources = resources.unwrap().reply().unwrap();
        // A monitor's picture must lie within the screen: turn it off.
        for crtc in resources.crtcs {
            let stamp = resources.config_timestamp;
            connection
                .randr_set_crtc_config(crtc, 0, stamp, 0, 0, 0, Rotation::ROTATE0, &[])
                .unwrap()
                .reply()
                .unwrap();
        }
        let (width_px, height_px) = (width as u16, height as u16);
        connection
            .randr_set_screen_size(self.root, width_px, height_px, width, height)
            .unwrap()
            .check()
            .unwrap();
    }

    /// From now on the server answers this client only.
    pub fn hold_server(&self) {
        self.connection.grab_server().unwrap();
        self.sync();
    }
}

fn rectangle(x: u32, y: u32, width: u32, height: u32) -> Rectangle {
    Rectangle {
        x: x as i16,
        y: y as i16,
        width: width as u16,
        height: height as u16,
    }
}
