//! A D-Bus, a PipeWire and a session manager of one's own, in a folder of their own, and GStreamer
//! as the desktop that draws.

use crate::common::are_installed;
use std::io::{BufRead, BufReader};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A program that ends with its holder.
pub struct Program(pub Child);

impl Program {
    /// Ends it at once, as a crash would.
    pub fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Waits until there is something.
pub fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(
            started.elapsed() < Duration::from_secs(20),
            "{what}: not in 20 s"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The daemons. Fields are dropped in their order.
pub struct Rig {
    _manager: Program,
    _pipewire: Program,
    _bus: Program,
    /// Address of the D-Bus.
    pub address: String,
    folder: tempfile::TempDir,
}

impl Rig {
    /// Starts everything; None, with a word, where a program is not installed.
    pub fn start() -> Option<Self> {
        let programs = [
            "dbus-daemon",
            "pipewire",
            "wireplumber",
            "pw-dump",
            "gst-launch-1.0",
        ];
        if !are_installed(&programs, "the portal was not tested") {
            return None;
        }
        let has_sink = Command::new("gst-inspect-1.0")
            .arg("pipewiresink")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        if !has_sink.is_ok_and(|status| status.success()) {
            println!("SKIPPED: GStreamer has no pipewiresink, the portal was not tested");
            return None;
        }
        let folder = tempfile::tempdir().unwrap();
        let (bus, address) = start_bus(folder.path());
        let pipewire = daemon(folder.path(), &address, "pipewire");
        let socket = folder.path().join("pipewire-0");
        wait_for("PipeWire's socket", || UnixStream::connect(&socket).ok());
        let manager = daemon(folder.path(), &address, "wireplumber");
        let rig = Self {
            _manager: manager,
            _pipewire: pipewire,
            _bus: bus,
            address,
            folder,
        };
        wait_for("the session manager", || {
            rig.objects()
                .into_iter()
                .find(|object| object["info"]["props"]["application.name"] == "WirePlumber")
        });
        Some(rig)
    }

    /// Where PipeWire listens.
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("pipewire-0")
    }

    /// A folder for the source's tokens.
    pub fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// A source of pictures made by GStreamer's `videotestsrc` with these properties and raw caps
    /// ("format=BGRx,width=640,..."), and its PipeWire node.
    pub fn draw(&self, test_source: &str, caps: &str) -> (Program, u32) {
        // Each its own name: the one before may still be about to vanish.
        let name = format!("pd-test-{}", unique());
        let line = format!(
            "videotestsrc is-live=true {test_source} ! video/x-raw,{caps} ! pipewiresink mode=provide \
             stream-properties=props,media.class=Video/Source,node.name={name}"
        );
        let mut command = Command::new("gst-launch-1.0");
        command.arg("-q").args(line.split_whitespace());
        let program = spawn(self.folder.path(), &self.address, command);
        let node = wait_for("GStreamer's node", || {
            let all = self.objects();
            let node = all
                .iter()
                .find(|object| object["info"]["props"]["node.name"] == name.as_str())?;
            node["id"].as_u64()
        });
        (program, u32::try_from(node).unwrap())
    }

    fn objects(&self) -> Vec<serde_json::Value> {
        let mut command = Command::new("pw-dump");
        environment(self.folder.path(), &self.address, &mut command);
        let output = command.output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap_or_default()
    }
}

fn unique() -> usize {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// A D-Bus whose socket lies in `folder`; and its address.
pub fn start_bus(folder: &Path) -> (Program, String) {
    let listen = format!("unix:path={}/bus", folder.display());
    let mut command = Command::new("dbus-daemon");
    // What it starts by itself shall find the same surroundings.
    environment(folder, &listen, &mut command);
    let mut child = command
        .args(["--session", "--nofork", "--print-address=1"])
        .arg(format!("--address={listen}"))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut address = String::new();
    let stdout = child.stdout.take().unwrap();
    BufReader::new(stdout).read_line(&mut address).unwrap();
    (Program(child), address.trim().to_owned())
}

/// Everything that programs would otherwise look for elsewhere.
pub fn environment(folder: &Path, address: &str, command: &mut Command) {
    command
        .env("HOME", folder)
        .env("XDG_RUNTIME_DIR", folder)
        .env("PIPEWIRE_RUNTIME_DIR", folder)
        .env("XDG_CONFIG_HOME", folder.join("config"))
        .env("XDG_DATA_HOME", folder.join("data"))
        .env("XDG_CACHE_HOME", folder.join("cache"))
        .env("XDG_STATE_HOME", folder.join("wp-state"))
        .env("DBUS_SESSION_BUS_ADDRESS", address)
        .env_remove("PIPEWIRE_REMOTE")
        .env_remove("DISPLAY");
}

fn daemon(folder: &Path, address: &str, name: &str) -> Program {
    spawn(folder, address, Command::new(name))
}

/// Starts a program in the rig's surroundings; its words are kept in the folder.
fn spawn(folder: &Path, address: &str, mut command: Command) -> Program {
    environment(folder, address, &mut command);
    command.stdin(Stdio::null()).stdout(Stdio::null());
    if std::env::var_os("PD_TEST_LOUD").is_none() {
        command.stderr(Stdio::null());
    }
    Program(command.spawn().unwrap())
}
