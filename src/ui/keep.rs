//! What the window remembers between two starts, in a file of its own beside the settings: how the panels are docked,
//! where the window stood. No setting and no secret is in it, and nothing of a show depends on it: a file that cannot
//! be read costs the layout and a line in the log.
//!
//! Read before the window opens, by the main thread. Written by `pd-keep-window`, one at a time, once what is to be
//! kept has rested for a second: the window's thread never waits for a disk. What changed while a disk hangs is
//! written later, the newest only; what changed in the last second before the end is written by the main thread once
//! the window is closed.

use super::dock::plan::{Layout, Node};
use crate::clock::MonoTime;
use crate::session::journal::Journal;
use crate::whole_file;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The file's name in the settings' folder.
pub const FILE_NAME: &str = "window.ron";
/// A file that cannot be used is kept under this name, the newest such.
const ASIDE: &str = "window.ron.unusable";
/// The form of the file.
const VERSION: u32 = 1;
/// A larger file was not written by this program.
const MAX_BYTES: u64 = 1 << 18;
/// What is to be kept rests for so long before it is written.
const REST: Duration = Duration::from_secs(1);
const HEADER: &str =
    "// How the window of pd-console was left: panels and place. Delete it to start afresh.\n";

/// What is remembered.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Kept {
    /// The form of the file.
    pub version: u32,
    /// In which layout the panels stand.
    pub layout: Layout,
    /// The layouts as the operator has made them.
    pub plans: BTreeMap<Layout, Node>,
    /// The window's place when it was neither maximised nor the strip.
    pub place: Option<Place>,
    /// Whether it was maximised.
    pub maximised: bool,
    /// Where the strip stood: left and top, pixels of the desktop.
    pub strip: Option<[i32; 2]>,
}

impl Default for Kept {
    fn default() -> Self {
        Self {
            version: VERSION,
            layout: Layout::default(),
            plans: BTreeMap::new(),
            place: None,
            maximised: false,
            strip: None,
        }
    }
}

/// Where a window stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Place {
    /// Width and height of its contents in the desktop's own units (pixels at 100 %).
    pub size: [f32; 2],
    /// Left and top of its frame, pixels of the desktop; None where the desktop does not tell (Wayland).
    pub at: Option<[i32; 2]>,
}

/// A monitor: left, top, width, height in pixels of the desktop.
pub type Monitor = [i32; 4];

/// Whether a window of so many pixels at `at` can be taken hold of: enough of its title lies on a monitor.
pub fn is_within_reach(at: [i32; 2], width: i32, monitors: &[Monitor]) -> bool {
    monitors.iter().any(|[left, top, wide, high]| {
        let across = (at[0] + width).min(left + wide) - at[0].max(*left);
        let down = (top + high) - at[1];
        across >= 120 && down >= 60 && at[1] >= top - 8
    })
}

/// A size that a window can have: of finite numbers, and not so small that nothing is in sight.
pub fn sane_size(size: [f32; 2]) -> Option<[f32; 2]> {
    let is_sane = size
        .iter()
        .all(|length| (200.0..=16_384.0).contains(length));
    is_sane.then_some(size)
}

/// Reads what was kept in `folder`; where that cannot be, says why for the log.
pub fn load(folder: &Path) -> (Kept, Option<String>) {
    let path = folder.join(FILE_NAME);
    let why = match read(&path) {
        Ok(Some(kept)) => return (kept, None),
        Ok(None) => return (Kept::default(), None),
        Err(why) => why,
    };
    let note = format!(
        "The window's layout in {} cannot be used: {why}. The panels stand as shipped; the file is written anew \
         with the next change of the layout.",
        path.display()
    );
    (Kept::default(), Some(note))
}

/// A file that cannot be used may be a newer program's: it is not written over.
fn put_aside(folder: &Path, journal: &Journal) {
    let (path, aside) = (folder.join(FILE_NAME), folder.join(ASIDE));
    match std::fs::rename(&path, &aside) {
        Ok(()) => journal.info(format!(
            "The window's layout as it was is kept as {}.",
            aside.display()
        )),
        Err(error) => tracing::warn!("{} cannot be renamed: {error}", path.display()),
    }
}

fn read(path: &Path) -> Result<Option<Kept>, String> {
    let mut text = String::new();
    let file = match std::fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.to_string()),
    };
    let size = file.take(MAX_BYTES + 1).read_to_string(&mut text);
    let size = size.map_err(|error| error.to_string())?;
    if size as u64 > MAX_BYTES {
        return Err("it is larger than 256 KiB".into());
    }
    let kept: Kept = ron::from_str(&text).map_err(|error| error.to_string())?;
    if kept.version != VERSION {
        return Err(format!("it is of version {}, not {VERSION}", kept.version));
    }
    Ok(Some(kept))
}

/// Writes into a new file of the same folder, then renames it over the old one.
fn write(path: &Path, kept: &Kept) -> io::Result<()> {
    let pretty = ron::ser::PrettyConfig::new().depth_limit(12);
    let text = ron::ser::to_string_pretty(kept, pretty).map_err(io::Error::other)?;
    whole_file::write(path, format!("{HEADER}{text}\n").as_bytes())
}

/// Keeps what the window remembers.
#[derive(Debug)]
pub struct Keeper {
    path: PathBuf,
    journal: Journal,
    /// As last written, or read.
    written: Kept,
    /// What is to be written, and since when it has been so.
    wanted: Option<(Kept, MonoTime)>,
    is_writing: Arc<AtomicBool>,
}

impl Keeper {
    /// Reads what was kept in `folder`, and keeps it there from now on.
    pub fn open(folder: &Path, journal: Journal) -> Self {
        let (written, note) = load(folder);
        if let Some(note) = note {
            journal.warn(note);
            put_aside(folder, &journal);
        }
        Self {
            path: folder.join(FILE_NAME),
            journal,
            written,
            wanted: None,
            is_writing: Arc::default(),
        }
    }

    /// What was kept when the program was started, or was last to be kept.
    pub fn kept(&self) -> &Kept {
        &self.written
    }

    /// Whether all that was handed over is written, or on its way to the disk.
    pub fn is_settled(&self) -> bool {
        self.wanted.is_none()
    }

    /// Takes what is to be kept at `now`, each frame; writes it once it has rested.
    pub fn see(&mut self, kept: Kept, now: MonoTime) {
        if kept == self.written {
            self.wanted = None;
            return;
        }
        match &self.wanted {
            Some((wanted, since)) if *wanted == kept => {
                if now.since(*since) >= REST && !self.is_writing.load(Ordering::Acquire) {
                    self.wanted = None;
                    self.written = kept.clone();
                    self.start(kept);
                }
            }
            _ => self.wanted = Some((kept, now)),
        }
    }

    fn start(&self, kept: Kept) {
        self.is_writing.store(true, Ordering::Release);
        let (path, journal, is_writing) = (
            self.path.clone(),
            self.journal.clone(),
            self.is_writing.clone(),
        );
        let work = move || {
            tell(&path, &journal, write(&path, &kept));
            is_writing.store(false, Ordering::Release);
        };
        let thread = std::thread::Builder::new().name("pd-keep-window".into());
        if let Err(error) = thread.spawn(work) {
            self.is_writing.store(false, Ordering::Release);
            tell(&self.path, &self.journal, Err(error));
        }
    }

    /// Writes what has not been written yet; the window is closed.
    pub fn finish(&mut self) {
        if let Some((kept, _)) = self.wanted.take() {
            tell(&self.path, &self.journal, write(&self.path, &kept));
            self.written = kept;
        }
    }
}

fn tell(path: &Path, journal: &Journal, written: io::Result<()>) {
    if let Err(error) = written {
        journal.warn(format!(
            "The window's layout is not kept: {} cannot be written: {error}. Check the folder's permissions and free \
             space.",
            path.display()
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::panels::side::Side;

    const T0: MonoTime = MonoTime::from_micros(5_000_000);

    fn wait_until(is_done: impl Fn() -> bool) {
        for _ in 0..400 {
            if is_done() {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("not written in 2 s");
    }

    #[test]
    fn it_is_kept_once_it_rests_and_read_at_the_next_start() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut keeper = Keeper::open(folder.path(), Journal::new());
        let mut kept = keeper.kept().clone();
        assert_eq!(kept, Kept::default());
        kept.layout = Layout::Setup;
        kept.plans.insert(Layout::Show, Layout::Compact.plan());
        kept.place = Some(Place {
            size: [1280.0, 800.0],
            at: Some([-1900, 40]),
        });
        keeper.see(kept.clone(), T0);
        keeper.see(kept.clone(), T0 + REST / 2);
        assert!(!folder.path().join(FILE_NAME).exists(), "it may change yet");
        keeper.see(kept.clone(), T0 + REST);
        wait_until(|| load(folder.path()).0 == kept);
        // The last change is not lost when the window is closed at once.
        kept.maximised = true;
        keeper.see(kept.clone(), T0 + 2 * REST);
        keeper.finish();
        assert_eq!(load(folder.path()), (kept, None));
        let files = std::fs::read_dir(folder.path()).expect("readable").count();
        assert_eq!(files, 1, "no half-written file is left");
    }

    #[test]
    fn a_file_that_cannot_be_used_costs_the_layout_and_a_line() {
        let folder = tempfile::tempdir().expect("a folder");
        for (text, word) in [
            ("(version: 1, layout: Sh", "cannot be used"),
            ("(version: 1, layout: Theatre)", "cannot be used"),
            ("(version: 99)", "of version 99"),
            ("\u{0}\u{0}\u{0}", "cannot be used"),
            (&"(".repeat(5000), "cannot be used"),
            (&" ".repeat(1 << 19), "larger"),
        ] {
            std::fs::write(folder.path().join(FILE_NAME), text).expect("written");
            let journal = Journal::new();
            let keeper = Keeper::open(folder.path(), journal.clone());
            assert_eq!(*keeper.kept(), Kept::default());
            let lines = journal.lines();
            assert!(lines[0].text.contains(word), "{:?}", lines[0].text);
            let aside = std::fs::read_to_string(folder.path().join(ASIDE)).expect("kept");
            assert_eq!(aside, text);
            assert!(!folder.path().join(FILE_NAME).exists());
        }
    }

    /// Frozen: a file as the first released version wrote it, nothing as shipped; what a newer one adds is no fault.
    #[test]
    fn a_file_of_each_form_is_read_with_every_value() {
        let frozen = include_str!("../../tests/settings/window-1.ron");
        let more = frozen.replace(
            "maximised: true,",
            "maximised: true, holograms: (3, [\"x\"]),",
        );
        for text in [frozen, &more] {
            let folder = tempfile::tempdir().expect("a folder");
            std::fs::write(folder.path().join(FILE_NAME), text).expect("written");
            let plan = Node::Column(vec![
                (1.5, Node::tabs(&[Side::Log, Side::Gpu], &[Side::Gpu])),
                (0.5, Node::tabs(&[Side::Settings], &[])),
            ]);
            let kept = Kept {
                version: 1,
                layout: Layout::Setup,
                plans: BTreeMap::from([(Layout::Compact, plan)]),
                place: Some(Place {
                    size: [1300.0, 900.0],
                    at: Some([-1900, 40]),
                }),
                maximised: true,
                strip: Some([7, 9]),
            };
            assert_eq!(load(folder.path()), (kept, None));
        }
    }

    #[test]
    fn a_folder_that_cannot_be_written_is_said() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("file");
        std::fs::write(&file, "").expect("written");
        let journal = Journal::new();
        let mut keeper = Keeper::open(&file, journal.clone());
        let kept = Kept {
            maximised: true,
            ..Kept::default()
        };
        keeper.see(kept, T0);
        keeper.finish();
        let lines = journal.lines();
        let said = lines.iter().any(|line| line.text.contains("is not kept"));
        assert!(said, "{lines:?}");
    }

    #[test]
    fn a_window_on_a_monitor_that_is_gone_is_out_of_reach() {
        let both: [Monitor; 2] = [[0, 0, 1920, 1080], [1920, -200, 2560, 1440]];
        for (at, reach_both, reach_one) in [
            ([100, 100], true, true),
            ([2500, -150], true, false),
            ([-1200, 100], false, false),
            ([-1100, 100], true, true),
            ([1850, 1030], true, false),
            ([300, -500], false, false),
        ] {
            assert_eq!(is_within_reach(at, 1280, &both), reach_both, "{at:?}");
            assert_eq!(is_within_reach(at, 1280, &both[..1]), reach_one, "{at:?}");
        }
        assert_eq!(sane_size([f32::NAN, 800.0]), None);
        assert_eq!(sane_size([1280.0, 3.0]), None);
        assert_eq!(sane_size([1280.0, 800.0]), Some([1280.0, 800.0]));
    }
}
