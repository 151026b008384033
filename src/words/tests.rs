//! The catalogue as it is shipped, and what is put into it.

use super::template::{self, Kind, Part, Template};
use super::{Catalogue, KOREAN_PO, Words, korean, particle};
use proptest::prelude::*;
use std::collections::BTreeSet;

/// What the session says, and what the Korean window shows.
const SAMPLES: &[(&str, &str)] = &[
    ("the show has ended", "송출이 끝났습니다"),
    // The first letter's case and the full stop do not count.
    ("Choose another encoder", "다른 인코더를 선택하세요"),
    ("choose another encoder.", "다른 인코더를 선택하세요."),
    // Values are texts themselves, three deep here; names stay.
    (
        "the picture source was lost: X11, watching for changes: Broken pipe. The console tries again",
        "영상 소스가 끊겼습니다: X11, 변경 감시: Broken pipe. 콘솔이 다시 시도합니다",
    ),
    (
        "sound: no sound input \"USB Audio\". Plug it in or choose another; silence is sent meanwhile",
        "음성: 음성 입력 \"USB Audio\"가 없습니다. 연결하거나 다른 입력을 선택하세요(그동안 무음을 보냅니다)",
    ),
    // A message as the doctor takes it apart.
    (
        "nothing listens for SRT at 192.0.2.7:8890",
        "192.0.2.7:8890에서 SRT를 받는 곳이 없습니다",
    ),
    (
        "Check host and port, and that the server runs with SRT on (UDP)",
        "호스트와 포트, 서버가 SRT(UDP)를 켠 채 실행 중인지 확인하세요",
    ),
    // Several messages one after another; the middle one has two sentences of its own.
    (
        "h264_nvenc was chosen but does not work: NVIDIA's driver is not installed here. Install \
         NVIDIA's driver, or choose another encoder. libx264 has its place",
        "선택한 h264_nvenc가 작동하지 않습니다: 여기에 NVIDIA 드라이버가 설치되어 있지 않습니다. NVIDIA 드라이버를 \
         설치하거나 다른 인코더를 선택하세요. 대신 libx264를 씁니다",
    ),
    (
        "automatic: the first that works here. Not h264_nvenc, h264_qsv: the check says why",
        "자동: 여기서 작동하는 첫 번째 인코더. h264_nvenc, h264_qsv는 아닙니다: 이유는 점검에 있습니다",
    ),
    (
        "bitrate 3000 -> 400 kb/s, 1280x720 -> 960x540, fastest -> balanced",
        "비트레이트 3000 -> 400 kb/s, 1280x720 -> 960x540, 가장 빠름 -> 균형",
    ),
    (
        "bitrate 3000 -> 1500 kb/s: 4.0 % of the packets lost in 1.0 s",
        "비트레이트 3000 -> 1500 kb/s: 1.0초 동안 패킷의 4.0 %를 잃었습니다",
    ),
    (
        "was away 3.2 s, 4 tries: the receiver is gone: its port is closed; calling again until it is back",
        "3.2초 동안 끊김, 시도 4번: 수신 서버가 없어졌습니다: 포트가 닫혀 있습니다. 돌아올 때까지 계속 접속합니다",
    ),
    (
        "the server refuses the stream. Check user, password, passphrase and path; the server's log names which",
        "서버가 스트림을 거부합니다. 사용자, 비밀번호, 암호문구와 경로를 확인하세요(어느 것인지는 서버 로그에 있습니다)",
    ),
    (
        "Monitor of Speakers, PipeWire, 48000 Hz, 2 channels, 10.7 ms a callback, placed 12 ms late, nothing plays now",
        "Monitor of Speakers, PipeWire, 48000 Hz, 2채널, 콜백당 10.7 ms, 12 ms 늦춰 배치, 지금 재생되는 소리가 없습니다",
    ),
    (
        "X11 screen :0, 1920x1080 (minimised: the last picture stands)",
        "X11 화면 :0, 1920x1080 (최소화됨: 마지막 화면이 유지됩니다)",
    ),
    // ffmpeg's own words stay.
    (
        "the publisher ended: [srt @ 0x55] Connection setup failure: timeout; starting it again",
        "퍼블리셔가 끝났습니다: [srt @ 0x55] Connection setup failure: timeout. 다시 시작합니다",
    ),
    (
        "[libx264 @ 0x5581] using cpu capabilities",
        "[libx264 @ 0x5581] using cpu capabilities",
    ),
    ("", ""),
    ("한글: 그대로", "한글: 그대로"),
    ("3000", "3000"),
];

#[test]
fn what_the_session_says_is_put_into_korean() {
    for (english, expected) in SAMPLES {
        assert_eq!(&korean().translate(english), expected, "{english}");
    }
}

#[test]
fn the_file_has_no_fault_and_many_messages() {
    let catalogue = Catalogue::of_po(KOREAN_PO).expect("no fault");
    assert!(catalogue.len() > 700, "{}", catalogue.len());
}

/// English and Korean as they stand in the file.
fn entries() -> Vec<(String, String)> {
    let file = polib::po_file::parse_from_reader(KOREAN_PO.as_bytes()).expect("a PO file");
    let each = file.messages();
    each.map(|m| {
        (
            m.msgid().to_owned(),
            m.msgstr().expect("one form").to_owned(),
        )
    })
    .collect()
}

#[test]
fn every_message_is_there_once_and_in_korean() {
    // Of two entries the parser keeps one without a word.
    let mut seen = BTreeSet::new();
    for id in KOREAN_PO.lines().filter(|line| line.starts_with("msgid ")) {
        assert!(seen.insert(id), "twice: {id}");
    }
    for (english, korean) in entries() {
        let hangul = |c: char| ('가'..='힣').contains(&c);
        let name = ["in PATH", "RTSP over TCP", "Monitor of "].contains(&english.as_str());
        assert!(
            name || korean.chars().any(hangul),
            "not Korean: {english} = {korean}"
        );
    }
}

/// A value for a placeholder: of letters that no message has, so that nothing is translated in it.
fn value(kind: Kind, seed: u64) -> String {
    let mut random = fastrand::Rng::with_seed(seed);
    let word = |random: &mut fastrand::Rng| {
        let length = random.usize(2..6);
        std::iter::repeat_with(|| *random.choice(&['q', 'x', 'z', '7', '힣']).unwrap())
            .take(length)
            .collect::<String>()
    };
    match kind {
        Kind::Number => format!("{}.{}", random.u32(0..9000), random.u32(0..10)),
        Kind::Word => format!("Q{}", word(&mut random)),
        Kind::Quoted => format!("{:?}", word(&mut random)),
        Kind::Any | Kind::Phrase => {
            let words: Vec<_> = (0..random.usize(1..4)).map(|_| word(&mut random)).collect();
            format!("Q{}", words.join(" "))
        }
    }
}

/// What is wrong where `template` with values of this seed is looked for.
fn fault(template: &Template, seed: u64) -> Result<(), String> {
    let mut english = String::new();
    let mut values: Vec<(String, String)> = Vec::new();
    for part in template.english() {
        match part {
            Part::Text(text) => english.push_str(text),
            Part::Hole(hole) => {
                let known = values.iter().find(|(name, _)| *name == hole.name);
                let value = known.map_or_else(
                    || value(hole.kind, seed.wrapping_add(values.len() as u64)),
                    |(_, value)| value.clone(),
                );
                english.push_str(&value);
                values.push((hole.name.clone(), value));
            }
        }
    }
    let expected: Vec<String> = values.into_iter().map(|(_, value)| value).collect();
    let (found, got) = korean().find(&english).ok_or("not found")?;
    let beside = |pair: &[Part]| pair.iter().all(|part| matches!(part, Part::Hole(_)));
    // Side by side nothing tells where one ends; they stand side by side in Korean too.
    let same = if template.english().windows(2).any(beside) {
        got.concat() == expected.concat()
    } else {
        got == expected
    };
    // Two messages may have one form; then they say the same in Korean.
    if found.english() == template.english() && !same {
        return Err(format!("{english:?} has {got:?}, not {expected:?}"));
    }
    let korean = korean().translate(&english);
    let filled = particle::settle(&template.fill(&expected));
    if korean != filled || !expected.iter().all(|value| korean.contains(value.as_str())) {
        return Err(format!("{english:?} becomes {korean:?}, not {filled:?}"));
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    /// Whatever the values: each message is taken for itself, or for one that says the same in more
    /// words, and its values stand in their places.
    #[test]
    fn each_message_is_known_again_with_its_values(seed in any::<u64>()) {
        let faults: Vec<String> = korean()
            .templates()
            .iter()
            .filter_map(|template| fault(template, seed).err())
            .collect();
        prop_assert!(faults.is_empty(), "{:#?}", faults);
    }

    /// Nothing makes it panic or lose what it does not know.
    #[test]
    fn foreign_words_stay(text in "[ -~힣\n]{0,120}") {
        let _ = korean().translate(&text);
        let foreign = format!("QZX {}", text.replace(|c: char| c.is_ascii_alphabetic(), "q"));
        prop_assert_eq!(korean().translate(&foreign), foreign);
    }
}

#[test]
fn a_text_made_to_be_slow_is_not() {
    let began = std::time::Instant::now();
    for piece in ["a: ", "a. ", "the {} (", "x, y; z. ", "no answer within "] {
        let _ = korean().translate(&piece.repeat(1300));
        let _ = korean().translate(&piece.repeat(30));
    }
    // Some 40 ms on a quiet machine; exponential would be hours.
    assert!(began.elapsed().as_secs() < 10, "{:?}", began.elapsed());
}

#[test]
fn a_translation_is_made_once_and_the_oldest_are_forgotten() {
    let words = Words::default();
    let first = words.korean("the show has ended");
    assert!(std::sync::Arc::ptr_eq(
        &first,
        &words.korean("the show has ended")
    ));
    for n in 0..3 * super::KEPT {
        let _ = words.korean(&n.to_string());
    }
    assert!(words.kept.borrow().len() <= super::KEPT);
}

#[test]
fn format_strings_are_taken_apart_as_rust_does() {
    let hole = |name: &str, kind| {
        Part::Hole(template::Hole {
            name: name.into(),
            kind,
        })
    };
    let text = |text: &str| Part::Text(text.into());
    assert_eq!(
        template::parse("{} {{x}} {why:?} {0:.1}{:02x}").unwrap(),
        [
            hole("0", Kind::Any),
            text(" {x} "),
            hole("why", Kind::Any),
            text(" "),
            hole("0", Kind::Number),
            hole("1", Kind::Word)
        ]
    );
    assert!(template::parse("{open").is_err() && template::parse("}").is_err());
}

#[test]
fn a_faulty_entry_is_named() {
    let po = |english: &str, korean: &str| {
        let head = KOREAN_PO.split_once("\n\n").expect("a head").0;
        let file = format!("{head}\n\nmsgid \"{english}\"\nmsgstr \"{korean}\"\n");
        Catalogue::of_po(&file).err().unwrap_or_default()
    };
    assert_eq!(po("lost {a}", "{a} 잃음"), "");
    assert!(
        po("lost {a}", "{b} 잃음").contains("lost {a}"),
        "another placeholder"
    );
    assert!(
        po("A. B", "가").contains("sentences"),
        "a sentence is missing"
    );
    assert!(po("{a}: {b}", "{a}: {b}").contains("no words"));
}
