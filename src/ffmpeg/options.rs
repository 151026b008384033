//! One option of the table of encoders: for which ffmpegs and variants it is, with which value; and
//! what a found ffmpeg says that its encoder has. Pure.

use super::Version;
use super::plan::EncoderWish;
use crate::settings::EncoderSpeed;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

pub use Value::{BySpeed, Fixed, Gop, Or};

/// A value of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// Always this.
    Fixed(&'static str),
    /// This; the second where this ffmpeg does not know the first.
    Or(&'static str, &'static str),
    /// For the fastest, the balanced and the sharpest picture.
    BySpeed([&'static str; 3]),
    /// Frames from one IDR to the next.
    Gop,
}

/// One option of a row.
#[derive(Clone, Copy, Debug)]
pub struct Opt {
    /// With its dash.
    pub name: &'static str,
    /// What it is set to.
    pub value: Value,
    since: Version,
    /// The first version without it.
    until: Version,
    /// Bit N is variant N.
    variants: u8,
}

const FIRST: Version = Version { major: 0, minor: 0 };
const NEVER: Version = Version {
    major: u32::MAX,
    minor: 0,
};

/// An option of every version and variant.
pub const fn opt(name: &'static str, value: Value) -> Opt {
    Opt {
        name,
        value,
        since: FIRST,
        until: NEVER,
        variants: u8::MAX,
    }
}

impl Opt {
    /// From this version on.
    pub const fn since(self, major: u32, minor: u32) -> Self {
        let since = Version { major, minor };
        Self { since, ..self }
    }

    /// Before this version.
    pub const fn until(self, major: u32, minor: u32) -> Self {
        let until = Version { major, minor };
        Self { until, ..self }
    }

    /// In these variants (0..8) only.
    pub const fn in_variants(self, which: &[u8]) -> Self {
        let (mut variants, mut at) = (0, 0);
        while at < which.len() {
            variants |= 1 << which[at];
            at += 1;
        }
        Self { variants, ..self }
    }

    /// Whether it is for this version and set of options.
    pub fn applies(&self, version: Version, set: u8) -> bool {
        (self.since..self.until).contains(&version) && self.variants & (1 << set.min(7)) != 0
    }
}

/// Options that every encoder has (`libavcodec/options_table.h`), whatever its own list says.
const GENERIC: [&str; 2] = ["flags", "refs"];

/// An option's value for `wish`; None where this ffmpeg's encoder does not have the option or the
/// value. Where `known` is None nothing is known of it, and everything is taken to be there.
pub fn given(option: &Opt, wish: &EncoderWish, known: Option<&EncoderOptions>) -> Option<String> {
    let bare = option.name.trim_start_matches('-');
    let bare = bare.split(':').next().unwrap_or(bare);
    let known = known.filter(|_| !GENERIC.contains(&bare));
    let has = |value: &str| known.is_none_or(|known| known.takes(bare, value));
    let value = match option.value {
        Fixed(value) => value.to_owned(),
        Or(first, second) => if has(first) { first } else { second }.to_owned(),
        BySpeed(values) => values[match wish.speed {
            EncoderSpeed::Fastest => 0,
            EncoderSpeed::Balanced => 1,
            EncoderSpeed::Sharpest => 2,
        }]
        .to_owned(),
        Gop => wish.gop_frames().to_string(),
    };
    has(&value).then_some(value)
}

/// What `-h encoder=NAME` says of an encoder: its own options and the named values of each.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EncoderOptions {
    names: BTreeSet<String>,
    values: BTreeSet<(String, String)>,
}

impl EncoderOptions {
    /// Reads the list. `  -tune <int> E..V....` is an option, `     ull 3 E..V....` under it one of
    /// its values (`libavutil/opt.c`, `opt_list`).
    pub fn parse(help: &str) -> Self {
        let mut read = Self::default();
        let mut option = None;
        for line in help.lines() {
            let mut words = line.split_whitespace();
            let Some(first) = words.next() else { continue };
            let bare = first.trim_start_matches('-');
            match (line.starts_with("  -"), line.starts_with("     ")) {
                (true, _) if words.next().is_some_and(|kind| kind.starts_with('<')) => {
                    read.names.insert(bare.to_owned());
                    option = Some(bare.to_owned());
                }
                (_, true) => {
                    if let Some(option) = &option {
                        read.values.insert((option.clone(), first.to_owned()));
                    }
                }
                // A heading: another list begins.
                _ => option = None,
            }
        }
        read
    }

    /// Whether nothing was listed.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Whether the encoder has the option, and the value where the option's values have names.
    pub fn takes(&self, option: &str, value: &str) -> bool {
        let named = |v: &str| self.values.contains(&(option.to_owned(), v.to_owned()));
        let has_names = self.values.iter().any(|(o, _)| o == option);
        self.names.contains(option) && (!has_names || value.parse::<i64>().is_ok() || named(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// From ffmpeg 5.1.9 and 9.0.2, `-h encoder=h264_nvenc`, shortened.
    const NVENC: &str = "Encoder h264_nvenc [NVIDIA NVENC H.264 encoder]:\n    \
        General capabilities: dr1 delay hardware \n    Supported pixel formats: yuv420p nv12\n\
        h264_nvenc AVOptions:\n  \
        -preset            <int>        E..V....... Set the encoding preset (from 0 to 9)\n     \
        p1              3            E..V....... fastest (lowest quality)\n  \
        -delay             <int>        E..V....... Delay frame output\n";

    #[test]
    fn options_and_their_values_are_read() {
        let read = EncoderOptions::parse(NVENC);
        assert!(read.takes("preset", "p1"));
        assert!(read.takes("preset", "3"));
        assert!(!read.takes("preset", "llhp"));
        assert!(read.takes("delay", "0"));
        assert!(!read.takes("tune", "ull"));
        // Lines before the list are none.
        assert!(!read.takes("Supported", "x") && !read.takes("General", "x"));
        assert!(EncoderOptions::parse("Codec 'x' is not recognized by FFmpeg.").is_empty());
    }

    #[test]
    fn versions_bound_an_option_on_both_sides() {
        let option = opt("-x", Fixed("1")).since(5, 0).until(9, 0);
        let at = |major, minor| option.applies(Version { major, minor }, 0);
        assert!(!at(4, 4) && at(5, 0) && at(8, 1) && !at(9, 0));
        let second = opt("-x", Fixed("1")).in_variants(&[1, 2]);
        let version = Version { major: 7, minor: 0 };
        assert_eq!(
            (0..4)
                .map(|v| second.applies(version, v))
                .collect::<Vec<_>>(),
            [false, true, true, false]
        );
    }
}
