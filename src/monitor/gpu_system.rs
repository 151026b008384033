//! Graphics cards as Windows (DXGI, performance counters) and macOS (IOKit) tell of them.
//!
//! Runs on its caller's thread. Windows tells the load over the time since the look before, so the
//! list is kept between two looks.

use super::gpu::{Gpu, Seen, Slot};
use sysinfo::Gpus;

/// The list of the system's cards.
#[derive(Default)]
pub struct Cards(Option<Gpus>);

impl Cards {
    /// All cards; none where the system does not tell.
    pub(super) fn read(&mut self) -> Vec<Seen> {
        if is_wine() {
            return Vec::new();
        }
        if self.0.is_none() {
            self.0 = Gpus::new().ok();
        }
        let Some(gpus) = &mut self.0 else {
            return Vec::new();
        };
        gpus.refresh(true);
        gpus.iter().map(card).collect()
    }
}

/// Wine 8 ends a process that asks it for graphics cards (gdi32's D3DKMTQueryAdapterInfo is missing).
/// Its own configuration program stands where every Windows has system programs.
#[cfg(windows)]
fn is_wine() -> bool {
    let root = std::env::var_os("SystemRoot").unwrap_or_else(|| "C:\\windows".into());
    std::path::Path::new(&root)
        .join("system32\\winecfg.exe")
        .exists()
}

#[cfg(not(windows))]
fn is_wine() -> bool {
    false
}

fn card(gpu: &sysinfo::Gpu) -> Seen {
    // Apple's own chips have no place on a bus: sysinfo gives them one that cannot be.
    let slot = Slot::parse(&gpu.pci().to_string()).filter(|slot| slot.bus < 0xff);
    let named = [gpu.vendor(), gpu.model()].into_iter().flatten();
    let name = gpu
        .model()
        .map(str::to_owned)
        .unwrap_or_else(|| named.collect::<Vec<_>>().join(" "));
    Seen {
        slot,
        gpu: Gpu {
            name: if name.is_empty() {
                "graphics card".into()
            } else {
                name
            },
            load_percent: gpu.usage(),
            // None of its own is not zero: it shares the machine's.
            memory_bytes: gpu
                .used_memory()
                .zip(gpu.total_memory())
                .filter(|(_, all)| *all > 0),
            ..Gpu::default()
        },
    }
}
