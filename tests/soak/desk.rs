//! What the console captures in the soak: a window on a screen of its own, which moves 30 times a
//! second and changes its size, goes and comes back as it is told; and a sound server with a tone.
//!
//! The window has one thread, `Window`, which draws by the clock and takes commands.

use crate::common::{Killed, wait_until};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::*;
use x11rb::rust_connection::RustConnection;
use x11rb::wrapper::ConnectionExt as _;

/// The window's program and title, as `video.part` names them.
pub const PART: &str = r#"Window((app:"Soak",title:"Soak"))"#;
/// Its size to begin with.
pub const SIZE: [u32; 2] = [1280, 720];

enum Order {
    Resize([u32; 2]),
    Close,
    Open,
}

/// A window that moves.
pub struct Scene {
    orders: Option<SyncSender<Order>>,
    thread: Option<JoinHandle<()>>,
}

impl Scene {
    /// Opens it on this display.
    pub fn start(display: &str) -> Self {
        let (orders, inbox) = sync_channel(16);
        let display = display.to_owned();
        let thread = std::thread::spawn(move || draw(&display, &inbox));
        Self {
            orders: Some(orders),
            thread: Some(thread),
        }
    }

    /// Its program ends.
    pub fn end(&mut self) {
        self.orders = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }

    /// Gives it this size.
    pub fn resize(&self, size: [u32; 2]) {
        self.order(Order::Resize(size));
    }

    /// Destroys it.
    pub fn close(&self) {
        self.order(Order::Close);
    }

    /// Opens another of the same name.
    pub fn open(&self) {
        self.order(Order::Open);
    }

    fn order(&self, order: Order) {
        self.orders.as_ref().unwrap().send(order).unwrap();
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        self.end();
    }
}

fn draw(display: &str, orders: &Receiver<Order>) {
    let (connection, screen) = RustConnection::connect(Some(display)).unwrap();
    let root = connection.setup().roots[screen].root;
    let context = connection.generate_id().unwrap();
    let aux = CreateGCAux::new();
    connection.create_gc(context, root, &aux).unwrap();
    let (mut size, mut number) = (SIZE, 0_u32);
    let mut window = Some(open(&connection, root, size));
    let mut due = Instant::now();
    loop {
        match orders.recv_timeout(due.saturating_duration_since(Instant::now())) {
            Ok(Order::Resize(to)) => {
                size = to;
                let aux = ConfigureWindowAux::new().width(size[0]).height(size[1]);
                if let Some(window) = window {
                    connection.configure_window(window, &aux).unwrap();
                }
                continue;
            }
            Ok(Order::Close) => {
                if let Some(window) = window.take() {
                    connection.destroy_window(window).unwrap();
                }
                continue;
            }
            Ok(Order::Open) => {
                window = window.or_else(|| Some(open(&connection, root, size)));
                continue;
            }
            Err(RecvTimeoutError::Disconnected) => return,
            Err(RecvTimeoutError::Timeout) => {}
        }
        // A machine too busy for it leaves pictures out, and does not draw them all at once.
        due = (due + Duration::from_micros(33_333)).max(Instant::now());
        number = number.wrapping_add(1);
        if let Some(window) = window {
            step(&connection, window, context, size, number);
        }
        // The server has done it.
        connection.get_input_focus().unwrap().reply().unwrap();
    }
}

/// A square that wanders and a bar that changes its colour: two small parts, as most windows.
fn step(connection: &RustConnection, window: Window, context: Gcontext, size: [u32; 2], n: u32) {
    let fill = |rgb: u32, at: [u32; 4]| {
        let [x, y, width, height] = at;
        let aux = ChangeGCAux::new().foreground(rgb);
        connection.change_gc(context, &aux).unwrap();
        let rectangle = Rectangle {
            x: x as i16,
            y: y as i16,
            width: width as u16,
            height: height as u16,
        };
        let drawn = connection.poly_fill_rectangle(window, context, &[rectangle]);
        drawn.unwrap();
    };
    let x = |n: u32| n.wrapping_mul(7) % (size[0] - 64);
    fill(0x30_3030, [x(n.wrapping_sub(1)), size[1] / 2, 64, 64]);
    fill(0xE0_E040, [x(n), size[1] / 2, 64, 64]);
    fill(n.wrapping_mul(0x01_0305) & 0xFF_FFFF, [0, 0, size[0], 32]);
}

fn open(connection: &RustConnection, root: Window, size: [u32; 2]) -> Window {
    let window = connection.generate_id().unwrap();
    let aux = CreateWindowAux::new().background_pixel(0x30_3030);
    let (width, height) = (size[0] as u16, size[1] as u16);
    connection
        .create_window(
            0,
            window,
            root,
            0,
            0,
            width,
            height,
            0,
            WindowClass::INPUT_OUTPUT,
            0,
            &aux,
        )
        .unwrap();
    for (property, text) in [
        (AtomEnum::WM_CLASS, "soak\0Soak\0"),
        (AtomEnum::WM_NAME, "Soak"),
    ] {
        let (mode, kind) = (PropMode::REPLACE, AtomEnum::STRING);
        connection
            .change_property8(mode, window, property, kind, text.as_bytes())
            .unwrap();
    }
    connection.map_window(window).unwrap();
    connection.flush().unwrap();
    window
}

/// A PulseAudio of one's own whose only sink plays a tone. The sink can go and the server can die.
pub struct Sound {
    daemon: Option<Killed>,
    folder: tempfile::TempDir,
}

impl Sound {
    /// Starts it; None, with a word, where there is none.
    pub fn start() -> Option<Self> {
        if !crate::common::are_installed(&["pulseaudio", "pactl"], "the sound is a tone and stays")
        {
            return None;
        }
        let mut sound = Self {
            daemon: None,
            folder: tempfile::tempdir().unwrap(),
        };
        sound.back();
        Some(sound)
    }

    /// What the console needs to find it, and the tools.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let folder = self.folder.path().display().to_string();
        vec![
            ("PULSE_SERVER", format!("unix:{folder}/native.sock")),
            ("HOME", folder.clone()),
            ("XDG_RUNTIME_DIR", folder),
            ("DBUS_SESSION_BUS_ADDRESS", "unix:path=/dev/null".into()),
        ]
    }

    /// kill -9.
    pub fn kill(&mut self) {
        self.daemon = None;
        // A killed one leaves its socket.
        let _ = std::fs::remove_file(self.socket());
    }

    /// Starts it again.
    pub fn back(&mut self) {
        let socket = self.socket();
        let mut command = Command::new("pulseaudio");
        for (name, value) in self.variables() {
            command.env(name, value);
        }
        command
            .env_remove("PULSE_SERVER")
            .env_remove("DISPLAY")
            .env_remove("XDG_CONFIG_HOME")
            .args(["-n", "--daemonize=no", "--exit-idle-time=-1"])
            .args(["--system=false", "--use-pid-file=no", "--disable-shm=yes"])
            .args(["-L", SINK, "-L", TONE, "-L"])
            .arg(format!(
                "module-native-protocol-unix auth-anonymous=1 socket={}",
                socket.display()
            ))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        self.daemon = Some(Killed(command.spawn().unwrap()));
        let there = wait_until(Duration::from_secs(10), || socket.exists());
        assert!(there, "pulseaudio does not start");
    }

    /// The sink goes, and what plays into it.
    pub fn unplug(&self) {
        self.control(&["unload-module", "module-sine"]);
        self.control(&["unload-module", "module-null-sink"]);
    }

    /// And is there again.
    pub fn plug(&self) {
        for module in [SINK, TONE] {
            let mut words = vec!["load-module"];
            words.extend(module.split(' '));
            self.control(&words);
        }
    }

    fn control(&self, words: &[&str]) {
        let mut command = Command::new("pactl");
        for (name, value) in self.variables() {
            command.env(name, value);
        }
        let command = command.args(words).stdout(Stdio::null());
        // What is not there cannot go: told, and the recovery decides.
        let status = command.stdin(Stdio::null()).status().unwrap();
        if !status.success() {
            println!("pactl {words:?}: {status}");
        }
    }

    fn socket(&self) -> std::path::PathBuf {
        Path::join(self.folder.path(), "native.sock")
    }
}

const SINK: &str = "module-null-sink sink_name=pd_soak rate=48000";
const TONE: &str = "module-sine sink=pd_soak frequency=440";
