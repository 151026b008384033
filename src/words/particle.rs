//! Korean particles behind a variable: a translation has both forms, such as `{path}을(를)`, and the
//! last sound of what stands before chooses. Pure, any thread.

/// How a word ends for a particle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// In a vowel.
    Open,
    /// In ㄹ: closed, but 로 and not 으로.
    Rieul,
    /// In another consonant.
    Closed,
}

/// Both forms as written, that behind a consonant, that behind a vowel.
const FORMS: [(&str, &str, &str); 9] = [
    ("을(를)", "을", "를"),
    ("를(을)", "을", "를"),
    ("이(가)", "이", "가"),
    ("가(이)", "이", "가"),
    ("은(는)", "은", "는"),
    ("는(은)", "은", "는"),
    ("과(와)", "과", "와"),
    ("와(과)", "과", "와"),
    ("(이)", "이", ""),
];
/// 로 is its own case: ㄹ counts as a vowel.
const BY: &str = "(으)로";

/// `text` with each pair of forms settled by what stands before it.
pub fn settle(text: &str) -> String {
    if !text.contains('(') {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let form = FORMS.iter().find(|(both, ..)| rest.starts_with(both));
        if rest.starts_with(BY) {
            out.push_str(match end(&out) {
                End::Closed => "으로",
                End::Open | End::Rieul => "로",
            });
            rest = &rest[BY.len()..];
        } else if let Some((both, closed, open)) = form {
            out.push_str(match end(&out) {
                End::Open => open,
                End::Rieul | End::Closed => closed,
            });
            rest = &rest[both.len()..];
        } else {
            out.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    out
}

/// Whole words that are read otherwise than their last letter says.
const UNITS: [(&str, End); 9] = [
    ("dB", End::Rieul),
    ("dBFS", End::Open),
    ("fps", End::Open),
    ("ms", End::Open),
    ("kb/s", End::Open),
    ("Hz", End::Open),
    ("MediaMTX", End::Open),
    ("PipeWire", End::Open),
    ("ffmpeg", End::Open),
];

/// How `text` ends when read aloud: Hangul by its letters, figures as Korean reads them, Latin
/// letters by their names in capitals and by their sound in small ones.
fn end(text: &str) -> End {
    let word = text.trim_end_matches(|c: char| !c.is_alphanumeric() && c != '%');
    let unit = UNITS.iter().find(|(unit, _)| {
        word.strip_suffix(unit)
            .is_some_and(|before| !before.ends_with(char::is_alphabetic))
    });
    if let Some((_, end)) = unit {
        return *end;
    }
    let mut last = word.chars().rev();
    match last.next() {
        Some(c @ '가'..='힣') => match (c as u32 - '가' as u32) % 28 {
            0 => End::Open,
            8 => End::Rieul,
            _ => End::Closed,
        },
        // 영 일 이 삼 사 오 육 칠 팔 구
        Some('1' | '7' | '8') => End::Rieul,
        Some('0' | '3' | '6') => End::Closed,
        // 엘, 알 and -l
        Some('L' | 'R' | 'l') => End::Rieul,
        Some('M' | 'N' | 'm' | 'n') => End::Closed,
        // -ing, but not ffmpeg
        Some('g') if last.next() == Some('n') => End::Closed,
        _ => End::Open,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_particle_follows_the_last_sound() {
        for (text, expected) in [
            ("서버을(를)", "서버를"),
            ("화면을(를)", "화면을"),
            ("경로(으)로", "경로로"),
            ("채널(으)로", "채널로"),
            ("화면(으)로", "화면으로"),
            ("8890이(가)", "8890이"),
            ("3001(으)로", "3001로"),
            ("12은(는)", "12는"),
            ("h264_nvenc와(과)", "h264_nvenc와"),
            ("URL을(를)", "URL을"),
            ("HTTP을(를)", "HTTP를"),
            ("“발표 자료”이(가)", "“발표 자료”가"),
            ("120 ms을(를)", "120 ms를"),
            ("5 %을(를)", "5 %를"),
            ("-20 dB을(를)", "-20 dB을"),
            ("(없음)", "(없음)"),
            ("MediaMTX(이)라서", "MediaMTX라서"),
            ("/var/run/pd을(를)", "/var/run/pd를"),
        ] {
            assert_eq!(settle(text), expected);
        }
    }

    #[test]
    fn other_brackets_stay() {
        for text in ["소리 (두 번)", "SRT (libsrt)", "f(x)", "(", "", "(으"] {
            assert_eq!(settle(text), text);
        }
    }
}
