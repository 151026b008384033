use super::*;
use crate::ffmpeg::Version;

const VERSIONS: [(u32, u32); 7] = [(4, 4), (5, 1), (6, 0), (7, 0), (7, 1), (8, 1), (9, 0)];

fn found((major, minor): (u32, u32)) -> Capabilities {
    Capabilities::of_version(Version { major, minor })
}

fn line(wish: &EncoderWish, version: (u32, u32)) -> String {
    encoder(wish, &found(version), 2).command_line("ffmpeg")
}

#[test]
fn golden_encoder() {
    let wish = EncoderWish::of(&Settings::default());
    for version in [(5, 1), (7, 0), (9, 0)] {
        insta::assert_snapshot!(format!("encoder_{}", version.0), line(&wish, version));
    }
    let raw = EncoderWish {
        pipe: PipeFormat::Bgra,
        ..wish
    };
    insta::assert_snapshot!("encoder_bgra", line(&raw, VERSIONS[1]));
}

/// Each family's own part of the line, for each version and set of options; what is the same
/// for a run of versions stands once.
#[test]
fn golden_families() {
    for row in encoder::TABLE {
        let mut text = String::new();
        let wish = |variant, pipe| EncoderWish {
            family: row.family,
            variant,
            pipe,
            ..EncoderWish::of(&Settings::default())
        };
        let whole = line(&wish(0, PipeFormat::I420), VERSIONS[3]);
        text += &format!("whole, 7.0:\n  {whole}\n");
        let raw = line(&wish(0, PipeFormat::Bgra), VERSIONS[3]);
        let filter = raw.split(" -vf ").nth(1).unwrap();
        text += &format!("BGRA: -vf {}\n", filter.split(" -c:v").next().unwrap());
        for variant in 0..row.variant_count(1) {
            text += &format!("\n{}:\n", row.variant_in_words(variant));
            let own = |version| {
                encoder::arguments(&wish(variant, PipeFormat::I420), &found(version), 2).join(" ")
            };
            let mut last = String::new();
            for version in VERSIONS {
                let (line, (major, minor)) = (own(version), version);
                if line == last {
                    text += &format!("  {major}.{minor} the same\n");
                } else {
                    text += &format!("  {major}.{minor} {line}\n");
                }
                last = line;
            }
        }
        for speed in [EncoderSpeed::Fastest, EncoderSpeed::Sharpest] {
            let wish = EncoderWish {
                speed,
                ..wish(0, PipeFormat::I420)
            };
            let own = encoder::arguments(&wish, &found(VERSIONS[3]), 2).join(" ");
            text += &format!(
                "\n{speed:?}, 7.0, bufsize {} kbit:\n  {own}\n",
                wish.vbv_kbit()
            );
        }
        insta::assert_snapshot!(format!("family_{}", row.name), text);
    }
}

#[test]
fn an_access_unit_fits_a_pes_packet_at_every_bitrate() {
    for kbps in [100, 3000, 10_000] {
        let wish = EncoderWish {
            bitrate_kbps: kbps,
            ..EncoderWish::of(&Settings::default())
        };
        assert!(wish.vbv_kbit() * 125 < 65_536 - 1024, "{kbps}");
    }
    let wish = EncoderWish::of(&Settings::default());
    assert_eq!(wish.vbv_kbit(), 400);
}
