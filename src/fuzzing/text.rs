//! Text of ffmpeg, and what becomes of text: masks, translations, small values.

use super::input::Input;
use crate::ffmpeg::child::{KEPT_LINES, LONGEST_LINE, Tail};
use crate::ffmpeg::options::EncoderOptions;
use crate::ffmpeg::plan::Arguments;
use crate::ffmpeg::{Capabilities, failure};
use crate::publish::framehash;
use crate::publish::publisher::Progress;
use crate::settings::{EncoderFamily, mask_values};
use crate::units::{BITRATE_LADDER, Fps, Region, Size, bitrate_rung};
use crate::words::{korean, particle, template};

/// What ffmpeg says of itself, of its progress and of its failures.
pub fn ffmpeg_words(data: &[u8]) {
    let mut input = Input::new(data);
    let family = EncoderFamily::ALL[input.below(EncoderFamily::ALL.len())];
    let text = input.rest_text();
    let quarter = |n: usize| text.split('\0').nth(n).unwrap_or_default();
    if let Some(found) = Capabilities::parse(quarter(0), quarter(1), quarter(2), quarter(3)) {
        let words: usize = found
            .encoders
            .iter()
            .chain(&found.muxers)
            .map(String::len)
            .sum();
        assert!(words <= text.len());
        assert!(
            found
                .encoders
                .iter()
                .all(|name| !name.contains(char::is_whitespace))
        );
        // What is kept of it in a file is read back as it was.
        let kept = serde_json::to_string(&found).expect("a form");
        assert_eq!(
            serde_json::from_str::<Capabilities>(&kept).ok(),
            Some(found)
        );
    }
    let options = EncoderOptions::parse(&text);
    assert!(!options.takes("", "") || !options.is_empty());
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let why = failure::explain(family, &lines);
    assert!(!why.why.is_empty());
    assert!(why.said.is_empty() || lines.iter().any(|line| line.contains(&why.said)));
    let mut progress = Progress::default();
    for line in &lines {
        let bare = failure::bare(line);
        assert_eq!(failure::bare(bare), bare, "bared twice");
        let _ = failure::cannot_open(line);
        if let Some(hash) = framehash::parse(line) {
            assert!(
                line.contains(&hash.pts.to_string()) || line.contains('+') || line.contains('0')
            );
        }
        let count = progress.take(line);
        assert!(count.is_none() || line.starts_with("progress="));
    }
}

/// A child's words: kept and handed on in bounded lines, without the secret of its arguments, wherever it
/// stands in a line.
pub fn child_log(data: &[u8]) {
    let mut input = Input::new(data);
    let secret = String::from_utf8_lossy(input.bytes()).replace(['\n', '\r'], "");
    let secret = secret.trim().to_owned();
    let (before, repeat) = (usize::from(input.u16()) % 2100, input.u8() % 4);
    let mut said = vec![b'x'; before];
    for _ in 0..repeat {
        said.extend_from_slice(secret.as_bytes());
    }
    said.extend_from_slice(input.rest());
    let arguments = Arguments::default().hiding([secret.clone()]);
    let tail = Tail::default();
    let mut count = 0;
    let mut bytes = 0;
    arguments.drain(said.as_slice(), |line| {
        count += 1;
        bytes += line.len();
        // Three bytes for one that is no UTF-8, and the mask.
        assert!(line.len() as u64 <= 3 * LONGEST_LINE + 1000);
        let leaks = secret.len() >= 6 && !secret.contains(['*', 'x', '\u{fffd}']);
        for part in parts(&secret).filter(|_| leaks) {
            assert!(!line.contains(part), "{part:?} of {secret:?} in {line:?}");
        }
        tail.add(line.to_owned());
    });
    let kept = tail.lines();
    assert!(kept.len() <= KEPT_LINES.min(count.max(1)));
    assert!(bytes <= 3 * said.len() + 3 * count);
}

/// The secret whole, and each half of it: what a cut in the middle of it would leave.
fn parts(secret: &str) -> impl Iterator<Item = &str> {
    let middle = (0..=secret.len() / 2)
        .rev()
        .find(|at| secret.is_char_boundary(*at))
        .unwrap_or(0);
    let (first, second) = secret.split_at(middle);
    // A short part, or one of a single letter, stands in innocent text too.
    let telling = |part: &&str| {
        part.chars()
            .collect::<std::collections::BTreeSet<_>>()
            .len()
            >= 4
    };
    let _ = (first, second);
    [secret].into_iter().filter(telling)
}

/// A secret is in no masked text, raw or percent-encoded in any way.
pub fn mask(data: &[u8]) {
    let mut input = Input::new(data);
    let secret = input.text();
    if secret.is_empty() {
        assert_eq!(mask_values("as it is", &[&secret]), "as it is");
        return;
    }
    let (before, after) = (input.text(), input.text());
    let choice = input.rest();
    // The secret as an encoder may write it: each byte raw or as %XX, by the fuzzer's choice.
    let mut encoded = Vec::new();
    for (n, byte) in secret.bytes().enumerate() {
        match choice.get(n).copied().unwrap_or(0) % 4 {
            1 => encoded.extend_from_slice(format!("%{byte:02X}").as_bytes()),
            2 => encoded.extend_from_slice(format!("%{byte:02x}").as_bytes()),
            3 if byte == b' ' => encoded.push(b'+'),
            _ => encoded.push(byte),
        }
    }
    // Raw and encoded bytes of one letter mixed are no text.
    let Ok(encoded) = String::from_utf8(encoded) else {
        return;
    };
    for form in [secret.as_str(), &encoded] {
        let text = format!("{before}{form}{after}");
        let masked = mask_values(&text, &[&secret]);
        assert!(masked.contains("***"), "{text:?}: {masked:?}");
        if !secret.contains('*') {
            assert!(!masked.contains(&secret), "{text:?}: {masked:?}");
        }
        assert!(masked.len() <= 3 * text.len());
    }
    if !before.contains(secret.as_str())
        && !before.contains(['%', '+'])
        && secret.len() > before.len()
    {
        assert_eq!(
            mask_values(&before, &[&secret]),
            before,
            "changed without reason"
        );
    }
}

/// Finished texts of any kind are translated or left, in bounded time.
pub fn words(data: &[u8]) {
    let mut input = Input::new(data);
    let templates = korean().templates();
    let which = usize::from(input.u16());
    // A text of the catalogue's own with the fuzzer's values, or the fuzzer's text.
    let text = match templates.get(which) {
        Some(template) => {
            let mut text = String::new();
            for part in template.english() {
                match part {
                    template::Part::Text(own) => text.push_str(own),
                    template::Part::Hole(_) => text.push_str(&input.text()),
                }
            }
            text
        }
        None => input.rest_text(),
    };
    let korean_text = korean().translate(&text);
    assert!(korean_text.len() <= 4 * text.len() + 4000);
    if let Some((template, values)) = korean().find(&text) {
        let sum: usize = values.iter().map(|value| value.len()).sum();
        assert!(sum <= text.len());
        let _ = template.weight();
    }
    assert!(particle::settle(&text).len() <= text.len());
}

/// Format strings of two languages: read or refused; a text that is made of them fits them, and what is
/// taken out of it makes the other. (The catalogue's file is the program's own, nobody else's.)
pub fn words_format(data: &[u8]) {
    let mut input = Input::new(data);
    let (english, korean, hints) = (input.text(), input.text(), input.text());
    let hints = template::Hints::of(&hints);
    for text in [&english, &korean] {
        if let Ok(parts) = template::parse(text) {
            let own = parts.iter().map(|part| match part {
                template::Part::Text(text) => text.len(),
                template::Part::Hole(_) => 0,
            });
            assert!(own.sum::<usize>() <= text.len());
        }
    }
    let Ok(template) = template::Template::new(&english, &korean, &hints) else {
        return;
    };
    assert!(template.weight() > 0 && !template.longest().is_empty());
    let mut text = String::new();
    for part in template.english() {
        match part {
            template::Part::Text(own) => text.push_str(own),
            template::Part::Hole(_) => text.push_str(&input.text()),
        }
    }
    if let Some(values) = template.fit(&text) {
        let values: Vec<String> = values.into_iter().map(str::to_owned).collect();
        let holes = |part: &&template::Part| matches!(part, template::Part::Hole(_));
        assert_eq!(
            values.len(),
            template.english().iter().filter(holes).count()
        );
        // A hole may stand in the other language more than once.
        let sum: usize = values.iter().map(String::len).sum();
        assert!(template.fill(&values).len() <= korean.len() * (1 + sum));
    }
}

/// Small values, as they are written and read.
pub fn units(data: &[u8]) {
    let mut input = Input::new(data);
    let text = input.text();
    if let Ok(region) = text.parse::<Region>() {
        assert_eq!(region.to_string().parse(), Ok(region));
    }
    let size = Size::new(input.u32(), input.u32());
    let region = Region {
        x: input.u32(),
        y: input.u32(),
        size: Size::new(input.u32(), input.u32()),
    };
    assert_eq!(region.to_string().parse(), Ok(region));
    assert!(size.even().width.is_multiple_of(2) && size.even().pixels() <= size.pixels());
    if let Some(part) = region.within(size) {
        assert!(
            part.size.width > 0
                && u64::from(part.x) + u64::from(part.size.width) <= u64::from(size.width)
        );
        assert!(
            part.size.height > 0
                && u64::from(part.y) + u64::from(part.size.height) <= u64::from(size.height)
        );
        assert_eq!(part.within(size), Some(part));
    }
    let fps = Fps {
        num: input.u32(),
        den: input.u32(),
    };
    assert!(fps.as_f64().is_finite() && fps.frames_in(f64::from(input.u16())) >= 1);
    let _ = (fps.interval(), fps.to_string());
    let kbps = input.u32();
    for up in [true, false] {
        assert!(BITRATE_LADDER.contains(&bitrate_rung(kbps, up)));
    }
    let hex = crate::hex::of(data);
    assert!(hex.len() == 2 * data.len() && hex.bytes().all(|b| b.is_ascii_hexdigit()));
}
