//! What windows-capture does not tell of Windows: the performance counter, where monitors lie,
//! which of them are HDR, which program a window belongs to, and whether it is really seen.
#![allow(unsafe_code)]

use crate::clock::{self, MonoTime};
use crate::units::Size;
use std::mem::size_of;
use std::time::Duration;
use windows::Win32::Devices::Display::{
    DISPLAYCONFIG_DEVICE_INFO_GET_ADVANCED_COLOR_INFO,
    DISPLAYCONFIG_DEVICE_INFO_GET_SDR_WHITE_LEVEL, DISPLAYCONFIG_DEVICE_INFO_GET_SOURCE_NAME,
    DISPLAYCONFIG_DEVICE_INFO_HEADER, DISPLAYCONFIG_DEVICE_INFO_TYPE,
    DISPLAYCONFIG_GET_ADVANCED_COLOR_INFO, DISPLAYCONFIG_MODE_INFO, DISPLAYCONFIG_PATH_INFO,
    DISPLAYCONFIG_SDR_WHITE_LEVEL, DISPLAYCONFIG_SOURCE_DEVICE_NAME, DisplayConfigGetDeviceInfo,
    GetDisplayConfigBufferSizes, QDC_ONLY_ACTIVE_PATHS, QueryDisplayConfig,
};
use windows::Win32::Foundation::{CloseHandle, HWND, LUID};
use windows::Win32::Graphics::Dwm::{DWMWA_CLOAKED, DwmGetWindowAttribute};
use windows::Win32::Graphics::Gdi::{DEVMODEW, ENUM_CURRENT_SETTINGS, EnumDisplaySettingsW};
use windows::Win32::System::Performance::{QueryPerformanceCounter, QueryPerformanceFrequency};
use windows::Win32::System::Threading::{
    OpenProcess, PROCESS_NAME_WIN32, PROCESS_QUERY_LIMITED_INFORMATION, QueryFullProcessImageNameW,
};
use windows::core::{HSTRING, PWSTR};

/// The performance counter since its own zero, the system's start; None where it cannot be read.
pub(in crate::capture) fn performance_counter() -> Option<Duration> {
    let (mut ticks, mut ticks_per_s) = (0_i64, 0_i64);
    // SAFETY: both write one i64 and cannot fail since Windows XP.
    let read = unsafe {
        QueryPerformanceCounter(&mut ticks)
            .and_then(|()| QueryPerformanceFrequency(&mut ticks_per_s))
    };
    let (ticks, per_s) = (
        u128::try_from(ticks).ok()?,
        u128::try_from(ticks_per_s).ok()?,
    );
    read.ok()?;
    let ns = ticks.saturating_mul(1_000_000_000).checked_div(per_s)?;
    Some(Duration::from_nanos(u64::try_from(ns).ok()?))
}

/// The console's time of a `SystemRelativeTime`: 100 ns units of the performance counter
/// (Direct3D11CaptureFrame.SystemRelativeTime).
pub(in crate::capture) fn at_system_relative_time(units: i64) -> MonoTime {
    let now = clock::now();
    let Some(reading) = performance_counter() else {
        return now;
    };
    let event = u64::try_from(units).unwrap_or_default().saturating_mul(100);
    clock::translated(Duration::from_nanos(event), reading, now)
}

/// Left upper corner on the desktop and size, in real pixels, of the display device of this name
/// (`\\.\DISPLAY1`). The primary one is at 0, 0.
pub(in crate::capture) fn display_place(device: &str) -> Option<(i32, i32, Size)> {
    let mut mode = DEVMODEW {
        dmSize: u16::try_from(size_of::<DEVMODEW>()).ok()?,
        ..DEVMODEW::default()
    };
    // SAFETY: `mode` says its size, the name outlives the call; for displays the union holds the
    // position (DEVMODEW, dmPosition).
    unsafe {
        EnumDisplaySettingsW(&HSTRING::from(device), ENUM_CURRENT_SETTINGS, &mut mode)
            .as_bool()
            .then(|| {
                let at = mode.Anonymous1.Anonymous2.dmPosition;
                (at.x, at.y, Size::new(mode.dmPelsWidth, mode.dmPelsHeight))
            })
    }
}

/// SDR white of the display device of this name in scRGB (1.0 is 80 cd/m2) where it runs HDR;
/// None where it does not, or where Windows does not tell.
pub(in crate::capture) fn hdr_white(device: &str) -> Option<f32> {
    let path = active_paths()?.into_iter().find(|path| {
        let mut source = DISPLAYCONFIG_SOURCE_DEVICE_NAME {
            header: header::<DISPLAYCONFIG_SOURCE_DEVICE_NAME>(
                DISPLAYCONFIG_DEVICE_INFO_GET_SOURCE_NAME,
                path.sourceInfo.adapterId,
                path.sourceInfo.id,
            ),
            ..Default::default()
        };
        // SAFETY: the header says what follows it and how long that is.
        let failed = unsafe { DisplayConfigGetDeviceInfo(&mut source.header) };
        failed == 0 && text(&source.viewGdiDeviceName) == device
    })?;
    let (adapter, id) = (path.targetInfo.adapterId, path.targetInfo.id);
    let mut colour = DISPLAYCONFIG_GET_ADVANCED_COLOR_INFO {
        header: header::<DISPLAYCONFIG_GET_ADVANCED_COLOR_INFO>(
            DISPLAYCONFIG_DEVICE_INFO_GET_ADVANCED_COLOR_INFO,
            adapter,
            id,
        ),
        ..Default::default()
    };
    // SAFETY: as above; every bit pattern of the union's u32 is a value.
    let is_on = unsafe {
        // Bit 1: advancedColorEnabled.
        DisplayConfigGetDeviceInfo(&mut colour.header) == 0 && colour.Anonymous.value & 2 != 0
    };
    if !is_on {
        return None;
    }
    let mut white = DISPLAYCONFIG_SDR_WHITE_LEVEL {
        header: header::<DISPLAYCONFIG_SDR_WHITE_LEVEL>(
            DISPLAYCONFIG_DEVICE_INFO_GET_SDR_WHITE_LEVEL,
            adapter,
            id,
        ),
        ..Default::default()
    };
    // SAFETY: as above.
    let failed = unsafe { DisplayConfigGetDeviceInfo(&mut white.header) };
    // In thousandths of 80 cd/m2.
    let level = (failed == 0).then(|| white.SDRWhiteLevel as f32 / 1000.0);
    Some(level.unwrap_or(crate::capture::copy::SDR_WHITE))
}

fn active_paths() -> Option<Vec<DISPLAYCONFIG_PATH_INFO>> {
    let (mut path_count, mut mode_count) = (0, 0);
    // SAFETY: the arrays are as long as the counts say; Windows writes back how many it filled.
    unsafe {
        GetDisplayConfigBufferSizes(QDC_ONLY_ACTIVE_PATHS, &mut path_count, &mut mode_count)
            .ok()
            .ok()?;
        let mut paths = vec![DISPLAYCONFIG_PATH_INFO::default(); path_count as usize];
        let mut modes = vec![DISPLAYCONFIG_MODE_INFO::default(); mode_count as usize];
        QueryDisplayConfig(
            QDC_ONLY_ACTIVE_PATHS,
            &mut path_count,
            paths.as_mut_ptr(),
            &mut mode_count,
            modes.as_mut_ptr(),
            None,
        )
        .ok()
        .ok()?;
        paths.truncate(path_count as usize);
        Some(paths)
    }
}

fn header<T>(
    kind: DISPLAYCONFIG_DEVICE_INFO_TYPE,
    adapter: LUID,
    id: u32,
) -> DISPLAYCONFIG_DEVICE_INFO_HEADER {
    DISPLAYCONFIG_DEVICE_INFO_HEADER {
        r#type: kind,
        size: size_of::<T>() as u32,
        adapterId: adapter,
        id,
    }
}

/// File name of the program that runs as process `id` ("obs64.exe"). Asks for the least right, so
/// that programs run as administrator are named too.
pub(in crate::capture) fn program_of(id: u32) -> Option<String> {
    let mut path = [0_u16; 1024];
    let mut length = path.len() as u32;
    // SAFETY: the buffer is as long as `length` says; the handle is closed once.
    let read = unsafe {
        let process = OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, false, id).ok()?;
        let buffer = PWSTR(path.as_mut_ptr());
        let read = QueryFullProcessImageNameW(process, PROCESS_NAME_WIN32, buffer, &mut length);
        let _ = CloseHandle(process);
        read
    };
    read.ok()?;
    let path = text(&path);
    path.rsplit('\\').next().map(str::to_owned)
}

/// Whether Windows hides a window that calls itself visible (suspended apps, other desktops).
pub(in crate::capture) fn is_cloaked(window: *mut std::ffi::c_void) -> bool {
    let mut cloaked = 0_u32;
    // SAFETY: a stale handle is an error; the attribute is one u32 (DWMWA_CLOAKED).
    let told = unsafe {
        DwmGetWindowAttribute(
            HWND(window),
            DWMWA_CLOAKED,
            (&raw mut cloaked).cast(),
            size_of::<u32>() as u32,
        )
    };
    told.is_ok() && cloaked != 0
}

fn text(wide: &[u16]) -> String {
    let end = wide.iter().position(|c| *c == 0).unwrap_or(wide.len());
    String::from_utf16_lossy(&wide[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reading_of_the_performance_counter_is_now_on_the_consoles_clock() {
        let before = clock::now();
        std::thread::sleep(Duration::from_millis(20));
        let (mut ticks, mut per_s) = (0, 0);
        // SAFETY: both write one i64.
        unsafe {
            QueryPerformanceCounter(&mut ticks).unwrap();
            QueryPerformanceFrequency(&mut per_s).unwrap();
        }
        let units = (i128::from(ticks) * 10_000_000 / i128::from(per_s)) as i64;
        std::thread::sleep(Duration::from_millis(20));
        let at = at_system_relative_time(units);
        let after = clock::now();
        assert!(
            at.since(before) >= Duration::from_millis(19),
            "{before:?} {at:?}"
        );
        assert!(
            after.since(at) >= Duration::from_millis(19),
            "{at:?} {after:?}"
        );
    }

    #[test]
    fn this_program_is_named() {
        let own = std::env::current_exe().unwrap();
        let name = own.file_name().unwrap().to_string_lossy().into_owned();
        assert_eq!(program_of(std::process::id()), Some(name));
        assert_eq!(program_of(u32::MAX), None);
    }

    #[test]
    fn what_is_not_there_is_not_hdr_not_cloaked_and_has_no_place() {
        assert_eq!(hdr_white("\\\\.\\NOWHERE"), None);
        assert!(!is_cloaked(std::ptr::null_mut()));
        assert_eq!(display_place("\\\\.\\NOWHERE"), None);
    }
}
