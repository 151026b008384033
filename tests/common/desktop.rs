//! A desktop of one's own: an X server, a window manager where one is asked for, the console in its
//! real window, and the hands of an operator (xdotool).

use super::console::{Console, Plan};
use super::screen::Xvfb;
use super::{Killed, are_installed, output, wait_until};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{
    ClientMessageEvent, ConnectionExt as _, CreateWindowAux, EventMask, WindowClass,
};
use x11rb::rust_connection::RustConnection;

/// A running desktop.
pub struct Desktop {
    display: String,
    _manager: Option<Killed>,
    server: Xvfb,
}

impl Desktop {
    /// Starts one of 1280x800, with openbox where `managed`; None, with a word, where a program for
    /// it is missing.
    pub fn start(managed: bool) -> Option<Self> {
        let hands = "no real window was tested";
        if !are_installed(&["xdotool"], hands) || (managed && !are_installed(&["openbox"], hands)) {
            return None;
        }
        let server = Xvfb::start("1280x800x24", &[])?;
        let display = server.display.clone();
        let manager = managed.then(|| {
            // Without a folder of the user's: its own defaults, four desktops.
            let started = Command::new("openbox")
                .env("DISPLAY", &display)
                .env("HOME", "/nonexistent")
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn();
            Killed(started.unwrap())
        });
        let desktop = Self {
            display,
            _manager: manager,
            server,
        };
        if managed {
            let is_there = || desktop.says(&["get_num_desktops"]).is_some();
            assert!(wait_until(Duration::from_secs(10), is_there), "no openbox");
        }
        Some(desktop)
    }

    /// Its name, as `DISPLAY` has it.
    pub fn display(&self) -> &str {
        &self.display
    }

    /// The X server's process.
    pub fn server_id(&self) -> u32 {
        self.server.id()
    }

    /// The X server is killed, and every window with it.
    pub fn kill(&mut self) {
        self.server.kill();
    }

    /// What a program needs to draw on it, and to have no other.
    pub fn variables(&self) -> [(&'static str, &str); 4] {
        [
            ("DISPLAY", self.display()),
            ("WAYLAND_DISPLAY", ""),
            ("LIBGL_ALWAYS_SOFTWARE", "1"),
            // No bus: with a display libdbus would start one of its own.
            ("DBUS_SESSION_BUS_ADDRESS", "unix:path=/dev/null"),
        ]
    }

    /// The window that a process has, as soon as it is seen.
    pub fn window_of(&self, process: u32, limit: Duration) -> Option<String> {
        let id = process.to_string();
        let mut window = None;
        wait_until(limit, || {
            let found = self.says(&["search", "--onlyvisible", "--pid", &id, "--name", "."]);
            window = found.and_then(|all| all.lines().last().map(str::to_owned));
            window.as_ref().is_some_and(|window| !window.is_empty())
        });
        window
    }

    /// What xdotool says; None where it failed.
    fn says(&self, words: &[&str]) -> Option<String> {
        let output = Command::new("xdotool")
            .args(words)
            .env("DISPLAY", &self.display)
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        output.status.success().then_some(text)
    }

    /// An xdotool that must succeed.
    pub fn does(&self, words: &str) -> String {
        let all: Vec<&str> = words.split_whitespace().collect();
        let said = self.says(&all);
        said.unwrap_or_else(|| panic!("xdotool {words} failed"))
    }

    /// Presses keys one after another.
    pub fn keys(&self, names: &str) {
        self.does(&format!("key --delay 60 {names}"));
    }

    /// Clicks at a place of the screen.
    pub fn click(&self, x: u32, y: u32) {
        // In two steps and with a rest: a hand's pointer comes from somewhere.
        self.does(&format!("mousemove {} {}", x.saturating_sub(3), y));
        self.does(&format!("mousemove {x} {y}"));
        std::thread::sleep(Duration::from_millis(120));
        self.does("click 1");
    }

    /// Asks a window to close, as its close button does.
    pub fn close(&self, window: &str) {
        let (connection, _) = RustConnection::connect(Some(&self.display)).unwrap();
        let atom = |name: &str| {
            let asked = connection.intern_atom(false, name.as_bytes()).unwrap();
            asked.reply().unwrap().atom
        };
        let data = [atom("WM_DELETE_WINDOW"), 0, 0, 0, 0];
        let window = window.parse().unwrap();
        let event = ClientMessageEvent::new(32, window, atom("WM_PROTOCOLS"), data);
        connection
            .send_event(false, window, EventMask::NO_EVENT, event)
            .unwrap();
        connection.get_input_focus().unwrap().reply().unwrap();
    }

    /// Lays a window over all of the screen until it is dropped.
    pub fn cover(&self) -> Cover {
        let (connection, screen) = RustConnection::connect(Some(&self.display)).unwrap();
        let screen = &connection.setup().roots[screen];
        let (root, width, height) = (screen.root, screen.width_in_pixels, screen.height_in_pixels);
        let window = connection.generate_id().unwrap();
        // Past the window manager, as a screen saver does.
        let aux = CreateWindowAux::new()
            .override_redirect(1)
            .background_pixel(0);
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
        connection.map_window(window).unwrap();
        connection.get_input_focus().unwrap().reply().unwrap();
        Cover {
            _connection: connection,
        }
    }

    /// The screen as a small PNG (ImageMagick), at most 256 colours.
    pub fn picture(&self, into: &Path) {
        let mut import = Command::new("import");
        import.args(["-window", "root", "-silent"]);
        import.args(["+dither", "-colors", "255", "-depth", "8", "-strip"]);
        import.args(["-define", "png:compression-level=9"]);
        import.env("DISPLAY", &self.display);
        output(import.arg(format!("PNG8:{}", into.display())));
    }
}

/// A window over everything. Its connection's end takes it away.
pub struct Cover {
    _connection: RustConnection,
}

/// The console in its window.
pub struct Windowed {
    /// The process.
    pub console: Console,
    /// Its window, as xdotool names it.
    pub window: String,
    /// Its settings and whatever it writes.
    pub folder: tempfile::TempDir,
}

/// A settings file for the window: the test pattern, a tone, no page for viewers, and `more`.
pub fn settings(more: &str) -> String {
    settings_of("source: Pattern", more)
}

/// The same with this said of the picture.
pub fn settings_of(video: &str, more: &str) -> String {
    let basis = "version: 3, audio: (inputs: [(source: Tone)]), \
                 viewer: (on: false)";
    let language = if more.contains("language:") {
        ""
    } else {
        "language: English, "
    };
    format!("({language}{basis}, video: ({video}), {more})")
}

impl Windowed {
    /// Starts it with this settings file and waits for its window.
    pub fn start(desktop: &Desktop, ffmpeg: &Path, settings: &str) -> Self {
        let plan = Plan::new(ffmpeg, "--log");
        Self::of(plan, desktop, settings)
    }

    /// The same of a plan, which may be another build's. Empty settings: a first start.
    pub fn of(plan: Plan, desktop: &Desktop, settings: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self::within(folder, plan, desktop, settings)
    }

    /// The same in a folder that may have been another's.
    pub fn within(
        folder: tempfile::TempDir,
        mut plan: Plan,
        desktop: &Desktop,
        settings: &str,
    ) -> Self {
        if !settings.is_empty() {
            std::fs::write(folder.path().join("settings.ron"), settings).unwrap();
        }
        for (name, value) in desktop.variables() {
            plan = plan.env(name, value);
        }
        let console = plan
            .env("PD_CONSOLE_CONFIG_DIR", folder.path())
            .env("XDG_STATE_HOME", folder.path().join("state"))
            .env("XDG_DATA_HOME", folder.path().join("data"))
            .env("XDG_CACHE_HOME", folder.path().join("cache"))
            .env("PD_CONSOLE_LOG", "info,pd_console::ui=debug")
            .start();
        let window = desktop.window_of(console.id(), Duration::from_secs(30));
        let window = window.filter(|window| !window.is_empty());
        let window = window.unwrap_or_else(|| panic!("no window:\n{}", console.stderr()));
        desktop.does(&format!("windowfocus {window}"));
        // Its first frames, which compile what they paint with.
        std::thread::sleep(Duration::from_millis(1500));
        Self {
            console,
            window,
            folder,
        }
    }

    /// The newest report of its frames: how many in how many seconds, then p50, p99 and maximum of the
    /// time by the clock and of the CPU time, ms.
    pub fn frames(&self) -> Option<[f64; 8]> {
        let text = self.console.stderr();
        let line = text.lines().rev().find(|line| line.contains("frames in"))?;
        let words = line.split_once("window: ")?.1;
        let numbers = words.split(|c: char| !c.is_ascii_digit() && c != '.');
        // The 50 and 99 of "p50" and "p99" are whole numbers in a known place.
        let numbers: Vec<f64> = numbers.filter_map(|word| word.parse().ok()).collect();
        let [frames, seconds, _, a, _, b, c, _, d, _, e, f] = numbers[..] else {
            panic!("{line}: {numbers:?}");
        };
        Some([frames, seconds, a, b, c, d, e, f])
    }

    /// CPU time so far of the window's threads and of everything else in the process.
    pub fn cpu(&self) -> Cpu {
        Cpu::of(self.console.id())
    }
}

/// CPU time of a process's threads, seconds.
#[derive(Clone, Debug, Default)]
pub struct Cpu(BTreeMap<String, f64>);

/// Threads that are there for the window only: the main one, that which looks at the session, and
/// those that OpenGL paints with.
fn is_the_windows(name: &str, main: &str) -> bool {
    name == main || name == "pd-window" || name.starts_with("llvmpipe") || name.ends_with("gallivm")
}

impl Cpu {
    /// By thread name, from `/proc/PID/task` (proc(5): utime and stime in ticks of 10 ms).
    pub fn of(process: u32) -> Self {
        let mut all = BTreeMap::new();
        for entry in std::fs::read_dir(format!("/proc/{process}/task")).unwrap() {
            let path = entry.unwrap().path();
            let Ok(stat) = std::fs::read_to_string(path.join("stat")) else {
                continue;
            };
            let (head, tail) = stat.rsplit_once(')').unwrap();
            let mut name = head.split_once('(').unwrap().1.to_owned();
            let is_main = path.file_name().unwrap().to_str() == Some(&process.to_string());
            if is_main {
                name = "main".into();
            }
            let fields: Vec<&str> = tail.split_whitespace().collect();
            let ticks = |i: usize| fields[i].parse::<f64>().unwrap();
            *all.entry(name).or_default() += (ticks(11) + ticks(12)) / 100.0;
        }
        Self(all)
    }

    /// From `earlier` to this, percent of one core over `seconds`, by thread.
    pub fn percent_since(&self, earlier: &Self, seconds: f64) -> BTreeMap<String, f64> {
        let spent = |(name, now): (&String, &f64)| {
            let before = earlier.0.get(name).copied().unwrap_or(0.0);
            (name.clone(), (now - before) / seconds * 100.0)
        };
        self.0.iter().map(spent).collect()
    }
}

/// The share of the window's own threads in these percents.
pub fn windows_share(percent: &BTreeMap<String, f64>) -> f64 {
    let own = percent
        .iter()
        .filter(|(name, _)| is_the_windows(name, "main"));
    own.map(|(_, value)| value).sum()
}

/// Where the pictures of the README are.
pub fn pictures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/screenshots")
}
