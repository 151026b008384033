//! Figures, amounts and times as the operator reads them. All that the window shows goes through here, a test holds that;
//! what ffmpeg gets and what stands in settings, JSON and CSV never does. Pure; the window's thread.
//!
//! English and Korean write figures alike (Unicode CLDR, `en` and `ko`): a dot before decimals, a comma each three
//! digits; so no figure changes with the language. Counts are grouped. Figures with a unit that is also typed
//! (kb/s, ms, ports, sizes in pixels) are not: what is read is what is typed. Times are of 24 hours, in the
//! machine's zone: 오후 3:05 in a row of times is hard to compare, and broadcasting counts to 24.

use jiff::tz::TimeZone;
use std::time::Duration;

/// A true minus, as wide as a plus.
const MINUS: &str = "−";

/// How many: `1,234`.
pub fn count(n: impl TryInto<u64>) -> String {
    let digits = n.try_into().unwrap_or(u64::MAX).to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A measured figure with so many decimals: `−3.5`.
pub fn fixed(value: impl Into<f64>, decimals: usize) -> String {
    let text = format!("{:.decimals$}", value.into());
    // -0.04 is no minus nought.
    let is_nought = text.bytes().all(|b| matches!(b, b'-' | b'0' | b'.'));
    match text.strip_prefix('-') {
        Some(positive) if is_nought => positive.to_owned(),
        Some(positive) => format!("{MINUS}{positive}"),
        None => text,
    }
}

/// The same with its sign, also where it is above nought: `+3.5`.
pub fn signed(value: f64, decimals: usize) -> String {
    let text = fixed(value, decimals);
    if text.starts_with(MINUS) {
        text
    } else {
        format!("+{text}")
    }
}

/// A figure as it may be typed: a hyphen or a true minus, commas or none.
pub fn typed(text: &str) -> Option<f64> {
    text.trim()
        .replace(MINUS, "-")
        .replace(',', "")
        .parse()
        .ok()
}

/// A latency: whole milliseconds, one decimal below ten.
pub fn ms(value: f64) -> String {
    fixed(value, usize::from(value < 9.95))
}

/// A share of one in percent, never rounded up to the whole.
pub fn percent_down(share: f64) -> String {
    format!("{} %", fixed((share * 1000.0).floor() / 10.0, 1))
}

/// A load: `12 %`.
pub fn percent(value: impl Into<f64>) -> String {
    format!("{} %", fixed(value, 0))
}

/// A level: `−18.0`, `−∞` for silence.
pub fn dbfs(level: f32) -> String {
    if level <= -99.95 {
        format!("{MINUS}∞")
    } else {
        fixed(level, 1)
    }
}

/// Bits a second: `2.5 Mb/s`, `400 kb/s`.
pub fn bitrate(kbps: u32) -> String {
    if kbps < 1000 {
        format!("{kbps} kb/s")
    } else {
        let decimals = if kbps.is_multiple_of(100) { 1 } else { 2 };
        format!("{} Mb/s", fixed(f64::from(kbps) / 1000.0, decimals))
    }
}

/// A bitrate in Mb/s with three digits.
pub fn mbps(kbps: f64) -> String {
    let mbps = kbps / 1000.0;
    fixed(mbps, if mbps < 9.995 { 2 } else { 1 })
}

/// An amount on a disk or a wire, by powers of ten: `12 MB`.
pub fn bytes(bytes: u64) -> String {
    let mb = bytes as f64 / 1e6;
    match mb {
        mb if mb < 10.0 => format!("{} MB", fixed(mb, 1)),
        mb if mb < 1000.0 => format!("{} MB", fixed(mb, 0)),
        mb if mb < 100_000.0 => format!("{} GB", fixed(mb / 1000.0, 1)),
        mb => format!("{} GB", fixed(mb / 1000.0, 0)),
    }
}

/// A key frame's size, by powers of two, as its limit is told.
pub fn kib(bytes: usize) -> String {
    format!("{} KiB", fixed(bytes as f64 / 1024.0, 1))
}

/// A card's memory, in use and in all.
pub fn gib_of(used: u64, all: u64) -> String {
    let gib = |bytes: u64| fixed(bytes as f64 / f64::from(1 << 30), 1);
    format!("{} / {} GiB", gib(used), gib(all))
}

/// A length of time, `hh:mm:ss`; hours go on past 99.
pub fn clock(time: Duration) -> String {
    let s = time.as_secs();
    format!("{:02}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
}

/// The time of day of a moment that is given as RFC 3339, in this machine's zone: `15:05:09`. None where it is
/// no moment.
pub fn time_of_day(moment: &str) -> Option<String> {
    in_zone(moment, &TimeZone::system())
}

fn in_zone(moment: &str, zone: &TimeZone) -> Option<String> {
    let moment: jiff::Timestamp = moment.parse().ok()?;
    let local = moment.to_zoned(zone.clone());
    Some(local.strftime("%H:%M:%S").to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_grouped_and_figures_are_not() {
        let counts = [0_u64, 999, 1000, 12_345, 1_234_567].map(count);
        assert_eq!(counts, ["0", "999", "1,000", "12,345", "1,234,567"]);
        assert_eq!(fixed(12_345.6, 0), "12346");
        assert_eq!(fixed(-3.25, 1), "−3.2");
        assert_eq!(fixed(-0.04, 1), "0.0");
        assert_eq!(signed(2.0, 1), "+2.0");
        assert_eq!(signed(-2.0, 1), "−2.0");
        assert_eq!([ms(9.94), ms(9.96)], ["9.9", "10"]);
    }

    #[test]
    fn what_is_shown_can_be_typed() {
        assert_eq!(typed(" −3.5 "), Some(-3.5));
        assert_eq!(typed(&count(12_345_u64)), Some(12_345.0));
        assert_eq!(typed("3.5.1"), None);
    }

    #[test]
    fn amounts_have_their_units() {
        assert_eq!(bytes(9_940_000), "9.9 MB");
        assert_eq!(bytes(123_000_000_000), "123 GB");
        assert_eq!(
            [bitrate(400), bitrate(2500), bitrate(2550)],
            ["400 kb/s", "2.5 Mb/s", "2.55 Mb/s"]
        );
        assert_eq!(
            [mbps(98.0), mbps(2987.0), mbps(9_999.0)],
            ["0.10", "2.99", "10.0"]
        );
        assert_eq!(gib_of(1 << 29, 8 << 30), "0.5 / 8.0 GiB");
        assert_eq!(percent_down(0.9999), "99.9 %");
        assert_eq!([dbfs(f32::NEG_INFINITY), dbfs(-18.0)], ["−∞", "−18.0"]);
    }

    #[test]
    fn times_are_of_24_hours_in_the_machines_zone() {
        assert_eq!(clock(Duration::from_secs(3_725)), "01:02:05");
        let seoul = TimeZone::fixed(jiff::tz::offset(9));
        let told = "2026-01-31T06:05:09.123456789Z";
        assert_eq!(in_zone(told, &seoul).as_deref(), Some("15:05:09"));
        assert_eq!(in_zone("yesterday", &seoul), None);
    }

    /// Everywhere else in the window no figure is given decimals, a sign or leading noughts.
    #[test]
    fn the_windows_figures_go_through_here() {
        // Frame times for the program's log, and the pattern's window, whose clock is a picture.
        let own = ["numbers.rs", "frames.rs", "pattern.rs", "tests.rs"];
        for (path, text) in crate::ui::sources() {
            if own.iter().any(|name| path.ends_with(name)) {
                continue;
            }
            let code = text.split("#[cfg(test)]").next().unwrap_or_default();
            for (n, line) in code.lines().enumerate() {
                for spec in [":.0", ":.1", ":.2", ":.3", ":+", ":02"] {
                    let found = line.contains('{') && line.contains(&format!("{spec}}}"));
                    let found = found || (line.contains('{') && line.contains(&format!("{spec}.")));
                    assert!(!found, "{}:{}: {line}", path.display(), n + 1);
                }
            }
        }
    }
}
