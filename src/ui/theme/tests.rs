//! Both looks: text is readable on its ground, and signals are told apart whatever eyes look.

use super::*;
use crate::session::snapshot::State;

const LOOKS: [Look; 2] = [Look::Dark, Look::Light];

/// Linear light of the parts of an sRGB colour (IEC 61966-2-1).
fn linear(colour: Color32) -> [f64; 3] {
    [colour.r(), colour.g(), colour.b()].map(|byte| {
        let c = f64::from(byte) / 255.0;
        if c <= 0.04045 {
            c / 12.92
        } else {
            ((c + 0.055) / 1.055).powf(2.4)
        }
    })
}

/// WCAG 2.2's relative luminance.
fn luminance(colour: Color32) -> f64 {
    let [r, g, b] = linear(colour);
    0.2126 * r + 0.7152 * g + 0.0722 * b
}

fn contrast(a: Color32, b: Color32) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

fn states() -> [State; 7] {
    [
        State::Idle,
        State::Preflight,
        State::Starting,
        State::Live,
        State::Reconnecting { attempt: 1 },
        State::Stopping,
        State::Failed {
            message: String::new(),
        },
    ]
}

/// WCAG 2.2, 1.4.3: 4.5:1 for text; 1.4.11: 3:1 for what is drawn.
#[test]
fn text_is_readable_on_its_ground_in_both_looks() {
    for look in LOOKS {
        LOOK.set(look);
        for (name, text, ground) in [
            ("text, card", text(), card()),
            ("text, ground", text(), super::ground()),
            ("text, well", text(), well()),
            ("text, button", text(), button()),
            ("text, hover", text(), button_hover()),
            ("text, selection", text(), palette().selection),
            ("soft, well", text_soft(), well()),
            ("soft, ground", text_soft(), super::ground()),
            ("soft, card", text_soft(), card()),
            ("dim, card", text_dim(), card()),
            ("dim, well", text_dim(), well()),
            ("go", bright(), go()),
            ("go hover", bright(), go_hover()),
            ("on air", bright(), on_air()),
            ("stop", text(), stop()),
            ("stop hover", text(), stop_hover()),
            ("good, card", green(), card()),
            ("warn, card", amber(), card()),
            ("bad, card", vermillion(), card()),
            ("busy, card", blue(), card()),
            ("warn, well", amber(), well()),
            ("bad, well", vermillion(), well()),
            ("picture", on_picture_soft(), picture()),
            ("ink, amber", ink(), amber()),
            ("ink, vermillion", ink(), vermillion()),
        ] {
            let ratio = contrast(text, ground);
            assert!(ratio >= 4.5, "{look:?}, {name}: {ratio:.2}:1");
        }
        for state in states() {
            let (ground, ink) = state_colours(&state);
            let ratio = contrast(ink, ground);
            assert!(ratio >= 4.5, "{look:?}, {state:?} is {ratio:.2}:1");
        }
        let drawn = stages().map(|colour| ("stage", colour, well()));
        let edges = [
            ("stop's edge", stop_edge(), stop()),
            ("focus, card", blue(), card()),
            ("focus, ground", blue(), super::ground()),
            ("focus, go", blue(), go()),
        ];
        let focus_on_go = contrast(blue(), go()).max(contrast(bright(), go()));
        for (name, colour, ground) in drawn.into_iter().chain(edges) {
            let ratio = contrast(colour, ground);
            let enough = ratio >= 3.0 || (name == "focus, go" && focus_on_go >= 3.0);
            assert!(enough, "{look:?}, {name}: {ratio:.2}:1");
        }
    }
}

/// Rows of a matrix for linear red, green, blue.
type Matrix = [[f64; 3]; 3];

/// How colours look without one kind of cone: Machado, Oliveira, Fernandes, "A Physiologically-based Model for
/// Simulation of Color Vision Deficiency", IEEE TVCG 15 (2009) 6, table of severity 1.0, for linear RGB.
const SIGHTS: [(&str, Matrix); 4] = [
    (
        "normal",
        [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
    ),
    (
        "protanopia",
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ],
    ),
    (
        "deuteranopia",
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ],
    ),
    (
        "tritanopia",
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ],
    ),
];

/// CIE L*a*b* (D65) of a colour as such eyes see it.
fn seen(colour: Color32, matrix: &Matrix) -> [f64; 3] {
    let rgb = linear(colour);
    let [r, g, b] = matrix.map(|row| {
        let sum: f64 = row.iter().zip(rgb).map(|(m, c)| m * c).sum();
        sum.clamp(0.0, 1.0)
    });
    let part = |t: f64| {
        if t > 216.0 / 24_389.0 {
            t.cbrt()
        } else {
            (24_389.0 / 27.0 * t + 16.0) / 116.0
        }
    };
    let x = part((0.412_456_4 * r + 0.357_576_1 * g + 0.180_437_5 * b) / 0.950_47);
    let y = part(0.212_672_9 * r + 0.715_152_2 * g + 0.072_175 * b);
    let z = part((0.019_333_9 * r + 0.119_192 * g + 0.950_304_1 * b) / 1.088_83);
    [116.0 * y - 16.0, 500.0 * (x - y), 200.0 * (y - z)]
}

/// CIEDE2000 (ISO/CIE 11664-6), as in Sharma, Wu, Dalal, Color Research and Application 30 (2005) 1.
fn difference([l1, a1, b1]: [f64; 3], [l2, a2, b2]: [f64; 3]) -> f64 {
    let grey = |c: f64| (c.powi(7) / (c.powi(7) + 25f64.powi(7))).sqrt();
    let g = 0.5 * (1.0 - grey((a1.hypot(b1) + a2.hypot(b2)) / 2.0));
    let (a1, a2) = (a1 * (1.0 + g), a2 * (1.0 + g));
    let (c1, c2) = (a1.hypot(b1), a2.hypot(b2));
    let hue = |a: f64, b: f64| b.atan2(a).to_degrees().rem_euclid(360.0);
    let (h1, h2) = (hue(a1, b1), hue(a2, b2));
    let is_grey = c1 * c2 == 0.0;
    let turn = match h2 - h1 {
        _ if is_grey => 0.0,
        turn if turn > 180.0 => turn - 360.0,
        turn if turn < -180.0 => turn + 360.0,
        turn => turn,
    };
    let h = match (h1 + h2, (h1 - h2).abs() > 180.0) {
        (sum, _) if is_grey => sum,
        (sum, false) => sum / 2.0,
        (sum, true) if sum < 360.0 => sum / 2.0 + 180.0,
        (sum, true) => sum / 2.0 - 180.0,
    };
    let dh = 2.0 * (c1 * c2).sqrt() * (turn / 2.0).to_radians().sin();
    let (l, c) = ((l1 + l2) / 2.0, (c1 + c2) / 2.0);
    let cos = |degrees: f64| degrees.to_radians().cos();
    let t = 1.0 - 0.17 * cos(h - 30.0) + 0.24 * cos(2.0 * h) + 0.32 * cos(3.0 * h + 6.0)
        - 0.2 * cos(4.0 * h - 63.0);
    let theta = 30.0 * (-((h - 275.0) / 25.0).powi(2)).exp();
    let sl = 1.0 + 0.015 * (l - 50.0).powi(2) / (20.0 + (l - 50.0).powi(2)).sqrt();
    let (sc, sh) = (1.0 + 0.045 * c, 1.0 + 0.015 * c * t);
    let rt = -(2.0 * theta).to_radians().sin() * 2.0 * grey(c);
    let (l, c, h) = ((l2 - l1) / sl, (c2 - c1) / sc, dh / sh);
    (l * l + c * c + h * h + rt * c * h).sqrt()
}

#[test]
fn the_difference_is_that_of_the_published_pairs() {
    // Sharma, Wu, Dalal, table 1: pairs 1, 7, 19, 25.
    for (a, b, expected) in [
        ([50.0, 2.6772, -79.7751], [50.0, 0.0, -82.7485], 2.0425),
        ([50.0, 0.0, 0.0], [50.0, -1.0, 2.0], 2.3669),
        ([50.0, 2.5, 0.0], [58.0, 24.0, 15.0], 19.4535),
        (
            [60.2574, -34.0099, 36.2677],
            [60.4626, -34.1751, 39.4387],
            1.2644,
        ),
    ] {
        let found = difference(a, b);
        assert!(
            (found - expected).abs() < 1e-4,
            "{found} instead of {expected}"
        );
    }
}

/// At least so far apart (CIEDE2000; 1 is just noticeable side by side, 10 seen at a glance).
const APART: f64 = 9.0;

fn are_apart(look: Look, colours: &[(&str, Color32)]) {
    for (i, (name, colour)) in colours.iter().enumerate() {
        for (other, beside) in &colours[i + 1..] {
            for (sight, matrix) in &SIGHTS {
                let apart = difference(seen(*colour, matrix), seen(*beside, matrix));
                assert!(
                    apart >= APART,
                    "{look:?}, {sight}: {name} and {other} are {apart:.1} apart"
                );
            }
        }
    }
}

#[test]
fn signals_are_told_apart_by_any_eyes_in_both_looks() {
    for look in LOOKS {
        LOOK.set(look);
        let badge = |state: State| state_colours(&state).0;
        are_apart(
            look,
            &[
                ("idle", badge(State::Idle)),
                ("busy", badge(State::Starting)),
                ("on air", badge(State::Live)),
                ("reconnecting", badge(State::Reconnecting { attempt: 1 })),
                (
                    "failed",
                    badge(State::Failed {
                        message: String::new(),
                    }),
                ),
            ],
        );
        are_apart(
            look,
            &[
                ("good", green()),
                ("warning", amber()),
                ("bad", vermillion()),
                ("unknown", text_dim()),
                ("busy", blue()),
            ],
        );
        are_apart(
            look,
            &[
                ("go", go()),
                ("stop", stop()),
                ("armed", warning().0),
                ("on air", on_air()),
            ],
        );
        let names = ["picture", "written", "encoded", "sent", "arrived"];
        let series: Vec<_> = names.into_iter().zip(stages()).collect();
        are_apart(look, &series);
        are_apart(look, &[("median", blue()), ("95 %", purple())]);
    }
}

#[test]
fn no_other_file_of_the_window_makes_a_colour() {
    for (path, text) in crate::ui::sources() {
        if path.ends_with("theme.rs") || path.ends_with("theme/tests.rs") {
            continue;
        }
        for word in ["Color32::", "Rgba::", "Hsva::", "hex_color!"] {
            assert!(!text.contains(word), "{} has {word}", path.display());
        }
    }
}
