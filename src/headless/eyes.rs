//! Those who watch, as the result of a run without a window tells of them: their last figures. Pure.

use crate::session::snapshot::{Eye, EyesStatus};
use serde_json::{Value, json};

/// For programs. Times in ms, since the capture for `to_the_eye`.
pub(super) fn json(eyes: &EyesStatus) -> Vec<Value> {
    let worst = eyes.worst();
    let one = |eye: &Eye| {
        json!({
            "viewer": eye.label,
            "to_the_eye": eye.to_eye,
            "within_ms": eye.unsure_ms,
            "after_arrival_ms": eye.after_arrival_ms,
            "after_receipt_ms": eye.page.own_ms,
            "buffer_ms": eye.page.buffer_ms,
            "decode_ms": eye.page.decode_ms,
            "rtt_ms": eye.page.rtt_ms,
            "fps": eye.page.fps,
            "frames": eye.page.frames,
            "freezes": eye.page.freezes,
            "lost": eye.page.lost,
            "worst": Some(eye) == worst,
            "why_not": eye.why_not,
        })
    };
    eyes.viewers.iter().map(one).collect()
}

/// For people: one line, None where nobody watches.
pub(super) fn line(eyes: &EyesStatus) -> Option<String> {
    let count = eyes.viewers.len();
    let first = eyes.viewers.first()?;
    let text = match (eyes.worst(), first.why_not) {
        (Some(eye), _) => {
            let figures = eye.to_eye.unwrap_or_default();
            let within = eye.unsure_ms.unwrap_or_default();
            format!(
                "to the eye {:.1} p50, {:.1} p95 ms (± {within:.1}) at the worst, {}",
                figures.p50_ms, figures.p95_ms, eye.label
            )
        }
        (None, Some(why)) => format!("no figure: {}", why.text()),
        (None, None) => "no figure".into(),
    };
    Some(format!("{count} on the page; {text}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::snapshot::{StageFigures, WhyNot};

    #[test]
    fn the_worst_is_named_and_a_missing_figure_is_no_zero() {
        assert_eq!(line(&EyesStatus::default()), None);
        let hidden = Eye {
            why_not: Some(WhyNot::Hidden),
            ..Eye::default()
        };
        let seen = Eye {
            label: "10.0.0.7 Firefox, Linux".into(),
            to_eye: Some(StageFigures {
                p50_ms: 34.04,
                p95_ms: 41.0,
                ..StageFigures::default()
            }),
            unsure_ms: Some(0.6),
            ..Eye::default()
        };
        let alone = EyesStatus::of(vec![hidden.clone()]);
        assert_eq!(
            line(&alone).unwrap(),
            "1 on the page; no figure: the page is hidden"
        );
        let both = EyesStatus::of(vec![hidden, seen]);
        assert_eq!(
            line(&both).unwrap(),
            "2 on the page; to the eye 34.0 p50, 41.0 p95 ms (± 0.6) at the worst, 10.0.0.7 Firefox, Linux"
        );
        let json = json(&both);
        assert_eq!(json[0]["to_the_eye"], Value::Null);
        assert_eq!(json[0]["why_not"], "hidden");
        assert_eq!(
            (&json[1]["worst"], &json[1]["to_the_eye"]["p50_ms"]),
            (&true.into(), &34.04.into())
        );
    }
}
