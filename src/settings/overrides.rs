//! Setting one value by its name, for the command line: `encoder.bitrate_kbps=3000`. Pure.

use super::schema::{BadSetting, Settings};
use super::tree;
use serde_json::{Value, json};

/// Why a value was not taken; the settings are as before.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SetError {
    /// No `=` in the pair.
    #[error("`{pair}` is not of the form name=value, such as encoder.bitrate_kbps=3000")]
    NoValue {
        /// What was given.
        pair: String,
    },
    /// No setting of this name.
    #[error("unknown setting `{name}`{}", did_you_mean(near))]
    Unknown {
        /// The name given.
        name: String,
        /// Up to three like it.
        near: Vec<String>,
    },
    /// The value has the wrong form.
    #[error("setting {name} cannot be `{value}`: {reason}")]
    NotUnderstood {
        /// The setting.
        name: String,
        /// The value given.
        value: String,
        /// What was expected.
        reason: String,
    },
    /// The value is outside of what is allowed.
    #[error("{}", sentences(.0))]
    OutOfBounds(Vec<BadSetting>),
}

/// "; did you mean `a` or `b`?", or where to look.
pub(super) fn did_you_mean(near: &[String]) -> String {
    if near.is_empty() {
        return "; the shipped settings/default.ron names them all".into();
    }
    let quoted: Vec<String> = near.iter().map(|name| format!("`{name}`")).collect();
    format!("; did you mean {}?", quoted.join(" or "))
}

/// All of them in one line.
pub fn sentences(bad: &[BadSetting]) -> String {
    bad.iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("; ")
}

/// Names of all settings that [`set`] takes, such as `encoder.bitrate_kbps`.
pub fn names() -> Vec<String> {
    let mut names = tree::leaf_names(&shape());
    names.retain(|name| name != "version");
    names
}

/// The defaults as JSON.
pub(crate) fn shape() -> Value {
    serde_json::to_value(Settings::default()).unwrap_or_default()
}

/// Sets the pair `name=value`; see [`set`].
///
/// # Errors
/// As [`set`], and [`SetError::NoValue`].
pub fn set_pair(settings: &mut Settings, pair: &str) -> Result<(), SetError> {
    match pair.split_once('=') {
        Some((name, value)) => set(settings, name.trim(), value.trim()),
        None => Err(SetError::NoValue { pair: pair.into() }),
    }
}

/// The name that a setting had before.
fn renamed(name: &str) -> &str {
    match name {
        "audio.source" => "audio.inputs.0.source",
        name => name,
    }
}

/// Sets `name` (dotted, items of a list by their number from 0) to `value`: plain text, RON, a variant in small letters (`tone`), a size as
/// `1280x720` or a rate as `30` or `30000/1001`.
///
/// # Errors
/// Unknown name (with near ones), a value of the wrong form, or out of bounds.
pub fn set(settings: &mut Settings, name: &str, value: &str) -> Result<(), SetError> {
    let name = renamed(name);
    let shape = shape();
    let now = serde_json::to_value(&*settings).unwrap_or_default();
    // What the defaults do not have: a further item of a list.
    let default = match tree::at(&shape, name).or_else(|| tree::at(&now, name)) {
        Some(default) if name != "version" => default,
        _ => {
            return Err(SetError::Unknown {
                name: name.into(),
                near: tree::near(name, &names()),
            });
        }
    };
    let not_understood = |reason: String| SetError::NotUnderstood {
        name: name.into(),
        value: value.into(),
        reason,
    };
    let json =
        serde_json::to_value(&*settings).map_err(|error| not_understood(error.to_string()))?;
    let mut reason = String::new();
    for candidate in candidates(value, default) {
        let mut changed = json.clone();
        if let Some(slot) = tree::at_mut(&mut changed, name) {
            *slot = candidate;
        }
        match serde_json::from_value::<Settings>(changed) {
            Ok(new) => {
                let before = settings.check().err().unwrap_or_default();
                let mut bad = new.check().err().unwrap_or_default();
                bad.retain(|b| !before.contains(b));
                if !bad.is_empty() {
                    return Err(SetError::OutOfBounds(bad));
                }
                *settings = new;
                return Ok(());
            }
            Err(error)
                if reason.is_empty() || !error.to_string().contains("invalid type: string") =>
            {
                reason = error.to_string();
            }
            Err(_) => {}
        }
    }
    Err(not_understood(reason))
}

/// The default of the setting `name` in a form that [`set`] takes.
///
/// # Errors
/// [`SetError::Unknown`].
pub fn default_of(name: &str) -> Result<String, SetError> {
    let shape = shape();
    match tree::at(&shape, renamed(name)).filter(|_| name != "version") {
        Some(Value::String(text)) => Ok(text.clone()),
        Some(Value::Null) => Ok("None".into()),
        Some(other) => Ok(other.to_string()),
        None => Err(SetError::Unknown {
            name: name.into(),
            near: tree::near(name, &names()),
        }),
    }
}

/// Names of the settings that differ from the default. `version`, `profile` and `servers` never count.
pub fn changed(settings: &Settings) -> Vec<String> {
    let (shape, now) = (shape(), serde_json::to_value(settings).unwrap_or_default());
    let mut names = names();
    names.retain(|name| {
        !matches!(name.as_str(), "profile" | "servers")
            && tree::at(&shape, name) != tree::at(&now, name)
    });
    names
}

/// Puts the setting `name` (or all below it) back to its default, whatever the others are. The bounds
/// are the caller's to check.
///
/// # Errors
/// [`SetError::Unknown`].
pub fn reset(settings: &mut Settings, name: &str) -> Result<(), SetError> {
    let shape = shape();
    let mut json = serde_json::to_value(&*settings).unwrap_or_default();
    let default = tree::at(&shape, name).filter(|_| name != "version");
    if let (Some(default), Some(slot)) = (default, tree::at_mut(&mut json, name)) {
        *slot = default.clone();
        if let Ok(new) = serde_json::from_value(json) {
            *settings = new;
            return Ok(());
        }
    }
    Err(SetError::Unknown {
        name: name.into(),
        near: tree::near(name, &names()),
    })
}

/// What `value` may mean, the likeliest first.
fn candidates(value: &str, default: &Value) -> Vec<Value> {
    let mut candidates = Vec::new();
    if default.is_null() && matches!(value, "None" | "auto" | "") {
        candidates.push(Value::Null);
    }
    // Plain text before RON: a host or user may read as RON of another meaning.
    candidates.push(json!(value));
    candidates.extend(tree::json_of(value).ok());
    if default.get("width").is_some() {
        candidates.extend(two_numbers(value, 'x').map(|(w, h)| json!({"width": w, "height": h})));
    }
    if default.get("num").is_some() {
        let whole = value.parse().ok().map(|num| (num, 1));
        candidates.extend(
            whole
                .or_else(|| two_numbers(value, '/'))
                .map(|(n, d)| json!({"num": n, "den": d})),
        );
    }
    candidates.push(json!(pascal(value)));
    candidates
}

fn two_numbers(value: &str, between: char) -> Option<(u32, u32)> {
    let (a, b) = value.split_once(between)?;
    Some((a.trim().parse().ok()?, b.trim().parse().ok()?))
}

/// `default_input` as `DefaultInput`.
fn pascal(value: &str) -> String {
    value
        .split(['_', '-'])
        .map(|word| {
            let mut chars = word.chars();
            chars.next().map_or_else(String::new, |first| {
                first.to_uppercase().chain(chars).collect::<String>()
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{AudioSourceKind, VideoSourceKind};
    use crate::units::{Fps, Size};

    #[test]
    fn values_of_each_form_are_taken() {
        let mut s = Settings::default();
        for pair in [
            "encoder.bitrate_kbps=2500",
            "encoder.gop_seconds=0.5",
            "video.source=pattern",
            "video.size=1920x1080",
            "video.fps=30000/1001",
            "audio.source=Input(\"USB, mic\")",
            "audio.muted=true",
            "target.host=fe80::1%eth0",
            "target.user=a//b",
            "target.path=123",
            "ffmpeg_path=/opt/f f/ffmpeg",
        ] {
            set_pair(&mut s, pair).unwrap_or_else(|error| panic!("{pair}: {error}"));
        }
        assert_eq!(s.encoder.bitrate_kbps, 2500);
        assert_eq!(s.encoder.gop_seconds, 0.5);
        assert_eq!(s.video.source, VideoSourceKind::Pattern);
        assert_eq!(s.video.size, Size::new(1920, 1080));
        assert_eq!(
            s.video.fps,
            Fps {
                num: 30_000,
                den: 1001
            }
        );
        assert_eq!(
            s.audio.inputs[0].source,
            AudioSourceKind::Input("USB, mic".into())
        );
        assert!(s.audio.muted);
        assert_eq!(s.target.host, "fe80::1%eth0");
        assert_eq!(s.target.user, "a//b");
        assert_eq!(s.target.path, "123");
        assert_eq!(
            s.ffmpeg_path.as_deref(),
            Some(std::path::Path::new("/opt/f f/ffmpeg"))
        );
        set(&mut s, "ffmpeg_path", "None").unwrap();
        set(&mut s, "audio.inputs.0.source", "default_input").unwrap();
        set(&mut s, "audio.inputs.0.gain_db", "-6").unwrap();
        set(&mut s, "video.size.width", "640").unwrap();
        assert_eq!((&s.ffmpeg_path, s.video.size.width), (&None, 640));
        assert_eq!(s.audio.inputs[0].source, AudioSourceKind::DefaultInput);
        assert_eq!(s.audio.inputs[0].gain_db, -6.0);
        set(
            &mut s,
            "audio.inputs",
            "[(source: SystemSound), (source: Tone, delay_ms: 40)]",
        )
        .unwrap();
        set(&mut s, "audio.inputs.1.muted", "true").unwrap();
        let [first, second] = s.audio.inputs.as_slice() else {
            panic!("{:?}", s.audio.inputs);
        };
        assert_eq!(first.source, AudioSourceKind::SystemSound);
        assert!(second.muted && second.delay_ms == 40);
        assert!(set(&mut s, "audio.inputs.2.muted", "true").is_err());
        assert!(set(&mut s, "audio.inputs.1.gain_db", "13").is_err());
        assert!(set(&mut s, "audio.inputs", "[]").is_err());
    }

    #[test]
    fn refusals_name_the_setting_and_change_nothing() {
        let mut s = Settings::default();
        let error = set_pair(&mut s, "encoder.bitrate=3000")
            .unwrap_err()
            .to_string();
        assert!(
            error.starts_with("unknown setting `encoder.bitrate`"),
            "{error}"
        );
        assert!(error.contains("`encoder.bitrate_kbps`"), "{error}");
        let error = set_pair(&mut s, "encoder.bitrate_kbps=1000000000")
            .unwrap_err()
            .to_string();
        assert!(error.contains("from 100 to 10000"), "{error}");
        let error = set_pair(&mut s, "encoder.bitrate_kbps=-5")
            .unwrap_err()
            .to_string();
        assert!(error.contains("-5"), "{error}");
        let error = set_pair(&mut s, "video.source=webcam")
            .unwrap_err()
            .to_string();
        assert!(error.contains("Pattern"), "{error}");
        assert!(matches!(
            set_pair(&mut s, "bitrate"),
            Err(SetError::NoValue { .. })
        ));
        assert!(matches!(
            set(&mut s, "version", "2"),
            Err(SetError::Unknown { .. })
        ));
        assert!(matches!(
            set(&mut s, "video", "3"),
            Err(SetError::NotUnderstood { .. })
        ));
        assert_eq!(s, Settings::default());
    }

    #[test]
    fn what_differs_is_named_and_put_back_alone() {
        let mut s = Settings::default();
        assert!(changed(&s).is_empty());
        s.encoder.gop_seconds = 0.5;
        s.video.size = Size::new(640, 360);
        s.ffmpeg_path = Some("/x".into());
        s.profile = "x".into();
        let all = changed(&s);
        assert_eq!(
            all,
            [
                "encoder.gop_seconds",
                "ffmpeg_path",
                "video.size.height",
                "video.size.width"
            ]
        );
        reset(&mut s, "video.size").unwrap();
        reset(&mut s, "ffmpeg_path").unwrap();
        assert_eq!(changed(&s), ["encoder.gop_seconds"]);
        assert!(reset(&mut s, "video.sise").is_err() && reset(&mut s, "version").is_err());
    }

    #[test]
    fn every_name_is_settable_to_its_default() {
        for name in names() {
            let value = default_of(&name).unwrap();
            let mut s = Settings::default();
            set(&mut s, &name, &value).unwrap_or_else(|error| panic!("{name}={value}: {error}"));
            assert_eq!(s, Settings::default(), "{name}");
        }
    }
}
