//! Graphics cards as Linux's kernel tells of them in files: /sys/class/drm and the drivers' own
//! attributes (kernel documentation, gpu/amdgpu/driver-misc and admin-guide, hwmon/sysfs-interface).
//!
//! Runs on its caller's thread; some reads of files in memory. Pure but for the root folder it is
//! given. sysinfo would load Vulkan, and with it every driver, into the process that runs a show.

use super::gpu::{Gpu, Seen, Slot};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Where the names of PCI devices are, by distribution.
const PCI_IDS: [&str; 2] = ["usr/share/hwdata/pci.ids", "usr/share/misc/pci.ids"];
/// PCI class of display controllers (PCI Code and ID Assignment, 1.4).
const DISPLAY_CLASS: &str = "0x03";

/// Reads the cards. Keeps the names it has looked up: the list of devices has more than a megabyte.
#[derive(Default)]
pub struct Cards(HashMap<(u16, u16), String>);

impl Cards {
    /// All cards below `root` ("/"), in the order of their numbers.
    pub(super) fn read(&mut self, root: &Path) -> Vec<Seen> {
        let cards = folders(root).into_iter();
        cards
            .filter_map(|device| self.card(root, &device))
            .collect()
    }

    fn card(&mut self, root: &Path, device: &Path) -> Option<Seen> {
        // Virtual ones (vkms, simpledrm) have no class.
        text(&device.join("class")).filter(|class| class.starts_with(DISPLAY_CLASS))?;
        let name = match (id(device, "vendor"), id(device, "device")) {
            (Some(vendor), Some(model)) => {
                let known = self.0.entry((vendor, model));
                known.or_insert_with(|| name(root, vendor, model)).clone()
            }
            _ => "graphics card".into(),
        };
        Some(seen(root, device, name))
    }
}

fn folders(root: &Path) -> Vec<PathBuf> {
    let mut cards: Vec<(u32, PathBuf)> = std::fs::read_dir(root.join("sys/class/drm"))
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            // `card0`, not `card0-HDMI-A-1` (its connectors) nor `renderD128`.
            let name = entry.file_name();
            let number = name.to_str()?.strip_prefix("card")?.parse().ok()?;
            Some((number, entry.path().join("device")))
        })
        .collect();
    cards.sort();
    cards.into_iter().map(|(_, device)| device).collect()
}

fn seen(root: &Path, device: &Path, name: String) -> Seen {
    let uevent = text(&device.join("uevent")).unwrap_or_default();
    let of = |key: &str| {
        let mut lines = uevent.lines();
        lines.find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
    };
    let driver = of("DRIVER").map(|name| {
        // Only drivers that are not the kernel's own have a version of their own.
        match text(&root.join("sys/module").join(name).join("version")) {
            Some(version) => format!("{name} {version}"),
            None => name.to_owned(),
        }
    });
    let memory = number(&device.join("mem_info_vram_used"))
        .zip(number(&device.join("mem_info_vram_total")))
        .filter(|(_, all)| *all > 0);
    Seen {
        slot: of("PCI_SLOT_NAME").and_then(Slot::parse),
        gpu: Gpu {
            name,
            driver,
            load_percent: number(&device.join("gpu_busy_percent")).map(|percent| percent as f32),
            memory_bytes: memory,
            temperature_c: temperature(device),
            encoder_percent: None,
            encoder_sessions: None,
        },
    }
}

/// The first sensor of the card, which is the chip's edge, in thousandths of a degree.
fn temperature(device: &Path) -> Option<f32> {
    let mut sensors: Vec<_> = std::fs::read_dir(device.join("hwmon"))
        .ok()?
        .flatten()
        .map(|entry| entry.path().join("temp1_input"))
        .collect();
    sensors.sort();
    let thousandths: i64 = sensors.iter().find_map(|path| text(path)?.parse().ok())?;
    Some(thousandths as f32 / 1000.0)
}

fn text(path: &Path) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    Some(text.trim().to_owned())
}

fn number(path: &Path) -> Option<u64> {
    text(path)?.parse().ok()
}

fn id(device: &Path, file: &str) -> Option<u16> {
    let text = text(&device.join(file))?;
    u16::from_str_radix(text.strip_prefix("0x")?, 16).ok()
}

/// As the list of PCI devices names it; else the maker, where it is one of the three, and the number.
fn name(root: &Path, vendor: u16, model: u16) -> String {
    let maker = match vendor {
        0x1002 => "AMD".to_owned(),
        0x10de => "NVIDIA".to_owned(),
        0x8086 => "Intel".to_owned(),
        other => format!("graphics card {other:04x}"),
    };
    let list = PCI_IDS
        .iter()
        .find_map(|path| std::fs::read(root.join(path)).ok());
    let listed = list.and_then(|bytes| listed(&String::from_utf8_lossy(&bytes), vendor, model));
    match listed {
        Some(model) => format!("{maker} {model}"),
        None => format!("{maker} {model:04x}"),
    }
}

/// A device in pci.ids: a line of its maker, and below it, after one tab, its own (pci.ids(5)).
fn listed(list: &str, vendor: u16, model: u16) -> Option<String> {
    let (vendor, model) = (format!("{vendor:04x}  "), format!("\t{model:04x}  "));
    list.lines()
        .skip_while(|line| !line.starts_with(&vendor))
        .skip(1)
        .take_while(|line| line.starts_with('\t') || line.starts_with('#') || line.is_empty())
        .find_map(|line| line.strip_prefix(&model))
        .map(|name| name.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(root: &Path, files: &[(&str, &str)]) {
        for (path, text) in files {
            let path = root.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
    }

    #[test]
    fn amds_card_has_load_memory_and_temperature() {
        let root = tempfile::tempdir().unwrap();
        let at = "sys/class/drm/card1/device";
        write(
            root.path(),
            &[
                (&format!("{at}/class"), "0x030000\n"),
                (&format!("{at}/vendor"), "0x1002\n"),
                (&format!("{at}/device"), "0x73bf\n"),
                (
                    &format!("{at}/uevent"),
                    "DRIVER=amdgpu\nPCI_ID=1002:73BF\nPCI_SLOT_NAME=0000:03:00.0\n",
                ),
                (&format!("{at}/gpu_busy_percent"), "37\n"),
                (&format!("{at}/mem_info_vram_used"), "1073741824\n"),
                (&format!("{at}/mem_info_vram_total"), "17163091968\n"),
                (&format!("{at}/hwmon/hwmon3/temp1_input"), "54500\n"),
                // A connector of it, and its render node: not cards.
                ("sys/class/drm/card1-HDMI-A-1/status", "connected\n"),
                ("sys/class/drm/renderD128/dev", "226:128\n"),
                (
                    "usr/share/hwdata/pci.ids",
                    "# list\n1001  Kolter\n\t73bf  Wrong\n1002  AMD/ATI\n\t73be  Other\n\t73bf  Navi 21 [Radeon RX 6800]\n\t\t1002 0e3a  Board\n10de  NVIDIA\n",
                ),
            ],
        );
        let found = Cards::default().read(root.path());
        assert_eq!(
            found,
            [Seen {
                slot: Slot::parse("0000:03:00.0"),
                gpu: Gpu {
                    name: "AMD Navi 21 [Radeon RX 6800]".into(),
                    driver: Some("amdgpu".into()),
                    load_percent: Some(37.0),
                    memory_bytes: Some((1 << 30, 17_163_091_968)),
                    temperature_c: Some(54.5),
                    encoder_percent: None,
                    encoder_sessions: None,
                },
            }]
        );
    }

    #[test]
    fn what_a_driver_does_not_tell_is_none_and_never_zero() {
        let root = tempfile::tempdir().unwrap();
        let intel = "sys/class/drm/card0/device";
        let nvidia = "sys/class/drm/card2/device";
        let virtual_one = "sys/class/drm/card3/device";
        write(
            root.path(),
            &[
                (&format!("{intel}/class"), "0x030000\n"),
                (&format!("{intel}/vendor"), "0x8086\n"),
                (&format!("{intel}/device"), "0x9a49\n"),
                (&format!("{intel}/uevent"), "DRIVER=i915\n"),
                (&format!("{intel}/gpu_busy_percent"), "nonsense\n"),
                (&format!("{intel}/mem_info_vram_used"), "0\n"),
                (&format!("{intel}/mem_info_vram_total"), "0\n"),
                (&format!("{nvidia}/class"), "0x030200\n"),
                (&format!("{nvidia}/vendor"), "0x10de\n"),
                (&format!("{nvidia}/device"), "0x2504\n"),
                (&format!("{nvidia}/uevent"), "DRIVER=nvidia\n"),
                ("sys/module/nvidia/version", "550.120\n"),
                (&format!("{virtual_one}/uevent"), "DRIVER=vkms\n"),
            ],
        );
        let found: Vec<_> = Cards::default()
            .read(root.path())
            .into_iter()
            .map(|seen| seen.gpu)
            .collect();
        let bare = |name: &str, driver: &str| Gpu {
            name: name.into(),
            driver: Some(driver.into()),
            ..Gpu::default()
        };
        assert_eq!(
            found,
            [
                bare("Intel 9a49", "i915"),
                bare("NVIDIA 2504", "nvidia 550.120")
            ]
        );
    }

    #[test]
    fn a_machine_without_cards_has_none() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(Cards::default().read(root.path()), []);
    }
}
