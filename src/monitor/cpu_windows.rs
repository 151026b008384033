//! CPU time of the whole machine on Windows. Not by sysinfo, which asks performance counters (PDH): slow at
//! the first call, and wine has them not at all.
#![allow(unsafe_code)]

use windows::Win32::Foundation::FILETIME;
use windows::Win32::System::Threading::GetSystemTimes;

/// CPU time of all cores since the start, idle and in all, in units of 100 ns. Kernel time has the idle
/// time in it (GetSystemTimes).
pub fn times() -> Option<(u64, u64)> {
    let mut times = [FILETIME::default(); 3];
    let [idle, kernel, user] = &mut times;
    // SAFETY: three places of the right type that outlive the call.
    unsafe { GetSystemTimes(Some(idle), Some(kernel), Some(user)) }.ok()?;
    let [idle, kernel, user] =
        times.map(|t| (u64::from(t.dwHighDateTime) << 32) | u64::from(t.dwLowDateTime));
    Some((idle, kernel + user))
}
