use super::*;
use crate::ffmpeg::Version;
use crate::settings::Settings;

#[test]
fn each_family_has_one_row_in_the_order_of_the_automatic_choice() {
    let families: Vec<_> = TABLE.iter().map(|row| row.family).collect();
    assert_eq!(families, EncoderFamily::ALL);
    for row in TABLE {
        assert!(!row.variants.is_empty(), "{}", row.name);
        assert!(row.variants.len() < 8, "{}", row.name);
    }
}

#[test]
fn no_option_is_given_twice() {
    for row in TABLE {
        for (major, minor) in [(4, 4), (5, 1), (6, 0), (7, 0), (7, 1), (8, 1), (9, 0)] {
            let found = Capabilities::of_version(Version { major, minor });
            for variant in 0..row.variant_count(1) {
                let wish = EncoderWish {
                    family: row.family,
                    variant,
                    ..EncoderWish::of(&Settings::default())
                };
                let mut names: Vec<_> = options(&wish, &found).0.iter().map(|o| o.0).collect();
                let all = names.len();
                names.sort_unstable();
                names.dedup();
                assert_eq!(names.len(), all, "{} {major}.{minor} {variant}", row.name);
            }
        }
    }
}

#[test]
fn no_row_asks_for_filler() {
    for row in TABLE {
        for option in row.options {
            assert!(!option.name.contains("hrd") || option.name == "-enforce_hrd");
            if ["-filler_data", "-enforce_hrd", "-cbr_padding"].contains(&option.name) {
                assert_eq!(option.value, Fixed("0"), "{}", option.name);
            }
        }
    }
}

#[test]
fn each_render_node_is_tried_with_each_set() {
    let mut found = Capabilities::of_version(Version { major: 7, minor: 0 });
    let vaapi = row(EncoderFamily::Vaapi);
    assert_eq!(vaapi.variant_count(0), 2);
    assert_eq!(vaapi.render_node(0, &found), Some("/dev/dri/renderD128"));
    found.render_nodes = vec!["/dev/dri/renderD128".into(), "/dev/dri/renderD129".into()];
    let all: Vec<_> = (0..vaapi.variant_count(2))
        .map(|v| (vaapi.variant_in_words(v), vaapi.render_node(v, &found)))
        .collect();
    let (a, b) = (Some("/dev/dri/renderD128"), Some("/dev/dri/renderD129"));
    assert_eq!(
        all,
        [
            ("full encoder", a),
            ("low power", a),
            ("full encoder", b),
            ("low power", b)
        ]
    );
    let x264 = row(EncoderFamily::Libx264);
    assert_eq!(
        (x264.variant_count(2), x264.render_node(0, &found)),
        (1, None)
    );
}

#[test]
fn what_a_build_lacks_is_left_out_and_named() {
    let version = Version { major: 5, minor: 1 };
    let wish = EncoderWish {
        family: EncoderFamily::VideoToolbox,
        ..EncoderWish::of(&Settings::default())
    };
    let mut found = Capabilities::of_version(version);
    assert_eq!(left_out(&wish, &found), [""; 0]);
    let listed = "  -realtime <boolean> E..V\n  -profile <int> E..V\n     baseline 66 E..V\n";
    found.encoder_options.insert(
        "h264_videotoolbox".into(),
        super::super::options::EncoderOptions::parse(listed),
    );
    assert_eq!(
        arguments(&wish, &found, 2).join(" "),
        "-c:v h264_videotoolbox -realtime 1 -profile:v baseline"
    );
    assert_eq!(
        left_out(&wish, &found),
        ["-prio_speed", "-allow_sw", "-coder"]
    );
    // A newer one whose list has only the old name of the profile.
    found.version = Version { major: 7, minor: 0 };
    assert!(arguments(&wish, &found, 2).contains(&"baseline".to_owned()));
}
