//! Graphics cards: name, driver and load; and the watch that looks again each second.
//!
//! Three sources, each for what it knows: NVIDIA's management library (`nvml`, loaded at run time),
//! the kernel's files on Linux (`drm`), `sysinfo` on Windows and macOS. Owns the thread `pd-gpu`,
//! which looks while somebody asks and keeps the newest look only.

#[cfg(target_os = "linux")]
use super::drm;
use super::nvml::Nvidia;
use crate::clock;
use crate::stop::StopToken;
use arc_swap::ArcSwapOption;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// From one look to the next.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// So soon a first question is answered.
const TURN: Duration = Duration::from_millis(250);
/// Whoever asks, asks again within this time.
const ASKED_WITHIN: Duration = Duration::from_secs(5);

/// One graphics card; None where the system does not tell ("not available", never zero).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gpu {
    /// Its name.
    pub name: String,
    /// Driver's name and version.
    pub driver: Option<String>,
    /// Load of its cores, percent.
    pub load_percent: Option<f32>,
    /// Memory in use and in all, bytes.
    pub memory_bytes: Option<(u64, u64)>,
    /// Temperature, degrees Celsius.
    pub temperature_c: Option<f32>,
    /// Load of its video encoder, percent.
    pub encoder_percent: Option<f32>,
    /// Encoding sessions that run on it, of all programs.
    pub encoder_sessions: Option<u32>,
}

/// What is known of a card, in one line; what is not known is named at its end.
impl fmt::Display for Gpu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MIB: u64 = 1 << 20;
        let fields = [
            ("driver", self.driver.clone().map(|d| format!("driver {d}"))),
            ("load", self.load_percent.map(|p| format!("load {p:.0} %"))),
            (
                "memory",
                self.memory_bytes.map(|(used, all)| {
                    format!("memory {} of {} MiB", used.div_ceil(MIB), all / MIB)
                }),
            ),
            (
                "temperature",
                self.temperature_c.map(|c| format!("{c:.0} °C")),
            ),
            (
                "encoder load",
                self.encoder_percent.map(|p| format!("encoder {p:.0} %")),
            ),
            (
                "encoder sessions",
                self.encoder_sessions.map(|n| format!("sessions {n}")),
            ),
        ];
        f.write_str(&self.name)?;
        for known in fields.iter().filter_map(|(_, text)| text.as_ref()) {
            write!(f, ", {known}")?;
        }
        let unknown: Vec<_> = fields
            .iter()
            .filter(|(_, text)| text.is_none())
            .map(|(name, _)| *name)
            .collect();
        if unknown.is_empty() {
            return Ok(());
        }
        write!(f, "; not available: {}", unknown.join(", "))
    }
}

/// Where a card is plugged in: the same card is known to several sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) domain: u32,
    pub(super) bus: u32,
    pub(super) device: u32,
}

impl Slot {
    /// `0000:01:00.0`; NVML writes the domain with eight digits.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.trim().split([':', '.']);
        let mut hex = || u32::from_str_radix(parts.next()?, 16).ok();
        Some(Self {
            domain: hex()?,
            bus: hex()?,
            device: hex()?,
        })
    }
}

/// A card as one source sees it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Seen {
    pub(super) slot: Option<Slot>,
    pub(super) gpu: Gpu,
}

/// Reads the cards. Kept between two looks: Windows tells a load over the time between them.
#[derive(Default)]
pub struct GpuReader {
    nvidia: Nvidia,
    #[cfg(target_os = "linux")]
    drm: drm::Cards,
    #[cfg(any(windows, target_os = "macos"))]
    system: super::gpu_system::Cards,
}

impl GpuReader {
    /// A reader that has looked at nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// All cards now. Takes some milliseconds; a driver may hang, so not on a thread that must not.
    pub fn read(&mut self) -> Vec<Gpu> {
        let nvidia = self.nvidia.read();
        #[cfg(target_os = "linux")]
        let others = self.drm.read(std::path::Path::new("/"));
        #[cfg(any(windows, target_os = "macos"))]
        let others = self.system.read();
        #[cfg(not(any(target_os = "linux", windows, target_os = "macos")))]
        let others = Vec::new();
        merge(nvidia, others)
    }
}

/// All cards, each once: NVIDIA's own library knows most of its cards.
fn merge(nvidia: Vec<Seen>, others: Vec<Seen>) -> Vec<Gpu> {
    let known: Vec<_> = nvidia.iter().filter_map(|seen| seen.slot).collect();
    let rest = others
        .into_iter()
        .filter(|seen| seen.slot.is_none_or(|slot| !known.contains(&slot)));
    nvidia.into_iter().chain(rest).map(|s| s.gpu).collect()
}

/// All cards, looked at once.
pub fn read() -> Vec<Gpu> {
    GpuReader::new().read()
}

#[derive(Default)]
struct Shared {
    newest: ArcSwapOption<Vec<Gpu>>,
    /// Microseconds plus one; 0 where nobody has asked.
    asked_us: AtomicU64,
}

impl Shared {
    fn is_asked(&self) -> bool {
        let asked = self.asked_us.load(Ordering::Relaxed);
        let within = ASKED_WITHIN.as_micros() as u64;
        asked > 0 && clock::now().as_micros() <= asked + within
    }
}

/// The watch. Clones ask the same thread, which ends with its stop token.
#[derive(Clone)]
pub struct GpuWatch(Arc<Shared>);

impl GpuWatch {
    /// Starts the thread, which ends with `stop`. It looks at nothing until [`GpuWatch::newest`] is
    /// called.
    ///
    /// # Errors
    /// Where no thread can be started.
    pub fn start(stop: &StopToken) -> std::io::Result<Self> {
        Self::start_with(stop, || {
            let mut reader = GpuReader::new();
            Box::new(move || reader.read())
        })
    }

    /// As [`GpuWatch::start`], looking through what `reader` makes on the thread.
    fn start_with(
        stop: &StopToken,
        reader: impl FnOnce() -> Box<dyn FnMut() -> Vec<Gpu>> + Send + 'static,
    ) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let (on_shared, stop) = (shared.clone(), stop.clone());
        std::thread::Builder::new()
            .name("pd-gpu".into())
            .spawn(move || {
                let mut read = reader();
                while !stop.is_stopped() {
                    let pause = look(&on_shared, &mut *read);
                    stop.sleep(pause);
                }
            })?;
        Ok(Self(shared))
    }

    /// The newest look, at most some seconds old; None until there is one. Never blocks. Asking
    /// keeps the watch at work for five seconds.
    pub fn newest(&self) -> Option<Arc<Vec<Gpu>>> {
        let now = clock::now().as_micros() + 1;
        self.0.asked_us.store(now, Ordering::Relaxed);
        self.0.newest.load_full()
    }
}

/// One turn of the watch; how long to pause after it.
fn look(shared: &Shared, read: &mut dyn FnMut() -> Vec<Gpu>) -> Duration {
    if !shared.is_asked() {
        // Nothing old is shown as new when somebody asks again.
        shared.newest.store(None);
        return TURN;
    }
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(gpus) => shared.newest.store(Some(Arc::new(gpus))),
        Err(panic) => {
            tracing::warn!(
                "graphics cards cannot be read: {}",
                crate::panics::text_of(&*panic)
            );
            shared.newest.store(None);
        }
    }
    LOOK_EVERY
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU32;
    use std::time::Instant;

    fn seen(slot: Option<&str>, name: &str) -> Seen {
        Seen {
            slot: slot.and_then(Slot::parse),
            gpu: Gpu {
                name: name.into(),
                ..Gpu::default()
            },
        }
    }

    #[test]
    fn a_card_that_two_sources_know_is_there_once() {
        let all = merge(
            vec![seen(Some("00000000:01:00.0"), "RTX")],
            vec![
                seen(Some("0000:01:00.0"), "NVIDIA 2504"),
                seen(Some("0000:00:02.0"), "Intel"),
                seen(None, "Apple"),
            ],
        );
        let names: Vec<_> = all.iter().map(|gpu| gpu.name.as_str()).collect();
        assert_eq!(names, ["RTX", "Intel", "Apple"]);
    }

    #[test]
    fn slots_of_both_spellings_are_read() {
        assert_eq!(Slot::parse("0000:0a:1f.3"), Slot::parse("00000000:0A:1F.0"));
        for bad in ["", "0000", "0000:01", "x:y:z.0"] {
            assert_eq!(Slot::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_is_not_known_is_named_and_never_zero() {
        let gpu = Gpu {
            name: "Card".into(),
            load_percent: Some(7.4),
            memory_bytes: Some((1 << 30, 8 << 30)),
            encoder_sessions: Some(0),
            ..Gpu::default()
        };
        assert_eq!(
            gpu.to_string(),
            "Card, load 7 %, memory 1024 of 8192 MiB, sessions 0; not available: driver, \
             temperature, encoder load"
        );
    }

    #[test]
    fn this_machine_is_read_without_a_panic() {
        for gpu in read() {
            assert!(!gpu.name.is_empty());
        }
    }

    #[test]
    fn the_watch_looks_only_while_it_is_asked() {
        let looks = Arc::new(AtomicU32::new(0));
        let (stop, counted) = (StopToken::new(), looks.clone());
        let watch = GpuWatch::start_with(&stop, move || {
            Box::new(move || {
                counted.fetch_add(1, Ordering::Relaxed);
                vec![Gpu::default()]
            })
        })
        .unwrap();
        std::thread::sleep(TURN * 2);
        assert_eq!(looks.load(Ordering::Relaxed), 0, "nobody has asked");
        assert_eq!(watch.newest(), None);
        let until = Instant::now() + Duration::from_secs(10);
        while watch.newest().is_none() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(10));
        }
        assert_eq!(watch.newest().unwrap().len(), 1);
        stop.stop();
    }

    #[test]
    fn a_panicking_driver_is_no_figure() {
        let shared = Shared::default();
        shared.newest.store(Some(Arc::new(vec![Gpu::default()])));
        assert_eq!(look(&shared, &mut || panic!("asked by nobody")), TURN);
        assert!(shared.newest.load().is_none(), "old figures are kept");
        shared
            .asked_us
            .store(clock::now().as_micros() + 1, Ordering::Relaxed);
        look(&shared, &mut || vec![Gpu::default()]);
        assert!(shared.newest.load().is_some());
        look(&shared, &mut || panic!("driver gone"));
        assert!(shared.newest.load().is_none());
    }
}
