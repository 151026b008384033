//! A real desktop without a screen: sway's headless backend, xdg-desktop-portal and its backend for
//! wlroots, on a D-Bus, a PipeWire and a session manager of their own.

use crate::common::are_installed;
use crate::rig::{Program, environment, start_bus, wait_for};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where distributions put what D-Bus starts.
const LIBEXEC: [&str; 4] = [
    "/usr/libexec",
    "/usr/lib",
    "/usr/lib/xdg-desktop-portal",
    "/usr/local/libexec",
];

/// The desktop. Fields are dropped in their order.
pub struct Desktop {
    _programs: Vec<Program>,
    /// Address of its D-Bus.
    pub address: String,
    folder: tempfile::TempDir,
}

impl Desktop {
    /// Starts it with a screen of one colour; None, with a word, where a program is not installed.
    pub fn start(width: u32, height: u32, rgb: &str) -> Option<Self> {
        let programs = ["dbus-daemon", "pipewire", "wireplumber", "sway", "swaybg"];
        if !are_installed(&programs, "no real portal was tested") {
            return None;
        }
        let libexec = ["xdg-desktop-portal", "xdg-desktop-portal-wlr"].map(in_libexec);
        let [Some(frontend), Some(backend)] = libexec else {
            println!(
                "SKIPPED: xdg-desktop-portal(-wlr) is not installed, no real portal was tested"
            );
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        std::fs::set_permissions(root, PermissionsExt::from_mode(0o700)).unwrap();
        // No dialog: the backend takes the only screen.
        let config = root.join("config/xdg-desktop-portal-wlr");
        std::fs::create_dir_all(&config).unwrap();
        let chosen = "[screencast]\nchooser_type=none\noutput_name=HEADLESS-1\nmax_fps=60\n";
        std::fs::write(config.join("config"), chosen).unwrap();
        let sway_config = root.join("sway.conf");
        let screen = format!(
            "output HEADLESS-1 resolution {width}x{height} position 0 0 bg #{rgb} solid_color\n"
        );
        std::fs::write(&sway_config, screen).unwrap();

        let (bus, address) = start_bus(root);
        let start = |mut command: Command, wayland: Option<&str>| {
            surroundings(root, &address, &mut command);
            if let Some(name) = wayland {
                command.env("WAYLAND_DISPLAY", name);
            }
            command.stdin(Stdio::null()).stdout(Stdio::null());
            if std::env::var_os("PD_TEST_LOUD").is_none() {
                command.stderr(Stdio::null());
            }
            Program(command.spawn().unwrap())
        };
        let mut programs = vec![start(Command::new("pipewire"), None)];
        wait_for("PipeWire", || {
            UnixStream::connect(root.join("pipewire-0")).ok()
        });
        programs.push(start(Command::new("wireplumber"), None));
        let mut sway = Command::new("sway");
        sway.arg("-c").arg(&sway_config);
        programs.push(start(sway, None));
        let socket = wait_for("sway", || found(root, "wayland-"));
        let name = socket.file_name().unwrap().to_str().unwrap().to_owned();
        wait_for("sway's control", || found(root, "sway-ipc"));
        programs.push(start(Command::new(backend), Some(&name)));
        let desktop_bus = zbus::blocking::connection::Builder::address(address.as_str())
            .unwrap()
            .build()
            .unwrap();
        let has = |service: &str| {
            let proxy = zbus::blocking::fdo::DBusProxy::new(&desktop_bus).unwrap();
            let owned = proxy.name_has_owner(service.try_into().unwrap()).unwrap();
            owned.then_some(())
        };
        wait_for("the backend", || {
            has("org.freedesktop.impl.portal.desktop.wlr")
        });
        programs.push(start(Command::new(frontend), Some(&name)));
        wait_for("the portal", || has("org.freedesktop.portal.Desktop"));
        programs.reverse();
        programs.push(bus);
        Some(Self {
            _programs: programs,
            address,
            folder,
        })
    }

    /// A folder for the source's tokens.
    pub fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }
}

fn in_libexec(name: &str) -> Option<PathBuf> {
    let paths = LIBEXEC.iter().map(|folder| Path::new(folder).join(name));
    paths.into_iter().find(|path| path.is_file())
}

/// A socket in the folder whose name begins so.
fn found(folder: &Path, begin: &str) -> Option<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with(begin) && !name.ends_with(".lock")
        })
}

fn surroundings(folder: &Path, address: &str, command: &mut Command) {
    environment(folder, address, command);
    command
        .env("XDG_CURRENT_DESKTOP", "sway")
        .env("WLR_BACKENDS", "headless")
        .env("WLR_LIBINPUT_NO_DEVICES", "1")
        .env("WLR_RENDERER", "pixman")
        .env_remove("WAYLAND_DISPLAY");
}

/// Sway refuses to run as root (in a container, say): then the test runs itself anew as nobody.
/// True where that was done.
pub fn ran_as_nobody(test: &str) -> bool {
    use std::os::unix::process::CommandExt;
    if !rustix::process::geteuid().is_root() {
        return false;
    }
    let copy = tempfile::tempdir().unwrap();
    std::fs::set_permissions(copy.path(), PermissionsExt::from_mode(0o755)).unwrap();
    let program = copy.path().join("test");
    std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let output = Command::new(program)
        .args(["--exact", test, "--nocapture"])
        .current_dir("/")
        .uid(65534)
        .gid(65534)
        .env("HOME", "/nonexistent")
        .output()
        .unwrap();
    let words = String::from_utf8_lossy(&output.stdout);
    println!("{words}");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "as nobody: {errors}");
    assert!(words.contains("1 passed"), "{words}");
    true
}
