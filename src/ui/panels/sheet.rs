//! The settings page as a sheet that can be searched: which setting each row is, whether it differs from
//! the default, and the button that puts it back. Lies in the window's memory while the page is drawn, so
//! that each section draws its rows as ever. Main thread.

use crate::settings::{Settings, overrides};
use crate::ui::i18n::Texts;
use eframe::egui::{Id, Ui};
use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

/// The rows: the key of the title, and the setting (or the part of the settings) that it is.
pub const ROWS: &[(&str, &str)] = &[
    ("profile-title", "profile"),
    ("settings-language", "language"),
    ("settings-stop", "controls.stop"),
    ("settings-theme", "window.theme"),
    ("settings-scale", "window.scale_percent"),
    ("settings-source", "video.source"),
    ("settings-region", "video.region"),
    ("settings-fit", "video.fit"),
    ("settings-cursor", "video.cursor"),
    ("settings-size", "video.size"),
    ("settings-fps", "video.fps"),
    ("settings-encoder", "encoder.family"),
    ("settings-speed", "encoder.speed"),
    ("settings-lower", "encoder.lower_picture"),
    ("settings-adaptive", "encoder.adaptive"),
    ("settings-floor", "encoder.floor_kbps"),
    ("settings-priority", "performance.priority"),
    ("settings-pipe", "performance.pipe_kib"),
    ("settings-audio-source", "audio.inputs"),
    ("settings-audio-gain", "audio.inputs"),
    ("settings-audio-delay", "audio.inputs"),
    ("settings-audio-mute", "audio.inputs"),
    ("settings-target-kind", "target.kind"),
    ("recent-title", "servers"),
    ("settings-host", "target.host"),
    ("settings-port", "target.srt_port"),
    ("settings-path", "target.path"),
    ("settings-way", "target.way"),
    ("settings-rtsp-port", "target.rtsp_port"),
    ("settings-udp-port", "target.udp_port"),
    ("settings-pull-address", "target.pull_address"),
    ("settings-pull-port", "target.pull_port"),
    ("settings-file", "target.file"),
    ("settings-user", "target.user"),
    ("settings-latency", "target.latency_ms"),
    ("settings-api", "target.api_url"),
    ("settings-webrtc", "target.webrtc_url"),
    ("settings-backup-kind", "backup"),
    ("watch-serve", "viewer.on"),
    ("watch-port", "viewer.port"),
    ("remote-on", "remote.on"),
    ("remote-port", "remote.port"),
    ("remote-lan", "remote.lan"),
    ("remote-confirm", "remote.confirm_stop"),
    ("probe-on", "probe.on"),
    ("probe-sound", "probe.sound_proof"),
    ("settings-record-folder", "recording.folder"),
    ("settings-record-form", "recording.form"),
    ("settings-replay", "recording.replay_seconds"),
    ("settings-record-auto", "recording.auto"),
    ("notify-silence", "notify.silence_seconds"),
    ("notify-below", "notify.silence_below_dbfs"),
    ("notify-black", "notify.black_seconds"),
    ("notify-cpu", "notify.cpu_percent"),
    ("updates-check", "updates.check"),
];

/// Rows that stand for one of several sound inputs: the title of the only one, that of one of many.
const NUMBERED: [(&str, &str); 4] = [
    ("settings-audio-source", "settings-audio-source-n"),
    ("settings-audio-gain", "settings-audio-gain-n"),
    ("settings-audio-delay", "settings-audio-delay-n"),
    ("settings-audio-mute", "settings-audio-mute-n"),
];

/// Rows that the backup has as well.
const BACKUP: [&str; 6] = [
    "settings-host",
    "settings-port",
    "settings-path",
    "settings-user",
    "settings-api",
    "settings-webrtc",
];

/// What never is put back from this page: the session's own, and the language that is being read.
const KEPT: [&str; 3] = ["profile", "servers", "language"];

/// What a row's title stands for.
#[derive(Clone, Debug)]
struct Entry {
    path: String,
    english: String,
}

/// What is remembered from frame to frame.
#[derive(Default)]
pub struct Finder {
    /// What is looked for.
    pub query: String,
    /// The field shall take the keys.
    pub focus: bool,
    english: Option<Texts>,
    words: Option<(bool, Arc<HashMap<String, Entry>>)>,
    changed: Option<(Settings, Arc<BTreeSet<String>>)>,
    /// What the settings were before the last putting back, and what that was.
    pub undo: Option<(Settings, u32, String)>,
}

/// The page of this frame.
pub struct Sheet {
    words: Arc<HashMap<String, Entry>>,
    changed: Arc<BTreeSet<String>>,
    query: Vec<String>,
    on_air: bool,
    /// With a star where the row's title goes.
    reset_words: String,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Drawn once a row below it is.
    heading: Option<String>,
    found: usize,
    resets: Vec<String>,
}

fn id() -> Id {
    Id::unique("settings sheet")
}

/// Whether only rows that are looked for are to be drawn.
pub fn is_searching(ui: &Ui) -> bool {
    current(ui).is_some_and(|sheet| !sheet.query.is_empty())
}

/// The page that is being drawn, if one is.
pub(super) fn current(ui: &Ui) -> Option<Arc<Sheet>> {
    ui.data(|data| data.get_temp::<Arc<Sheet>>(id()))
}

impl Finder {
    /// Begins a page.
    pub fn begin(&mut self, ui: &Ui, texts: &Texts, draft: &Settings, on_air: bool) -> Arc<Sheet> {
        let korean = texts.is_korean();
        if self.words.as_ref().is_none_or(|(k, _)| *k != korean) {
            let english = self
                .english
                .get_or_insert_with(|| Texts::new(crate::settings::Language::English));
            self.words = Some((korean, Arc::new(words(texts, english))));
        }
        if self.changed.as_ref().is_none_or(|(s, _)| s != draft) {
            let changed = overrides::changed(draft).into_iter().collect();
            self.changed = Some((draft.clone(), Arc::new(changed)));
        }
        let sheet = Arc::new(Sheet {
            words: self.words.as_ref().map(|w| w.1.clone()).unwrap_or_default(),
            changed: self
                .changed
                .as_ref()
                .map(|c| c.1.clone())
                .unwrap_or_default(),
            query: split(&self.query),
            on_air,
            reset_words: texts.f("settings-reset", &[("what", "*")]),
            state: Mutex::default(),
        });
        ui.data_mut(|data| data.insert_temp(id(), sheet.clone()));
        sheet
    }

    /// Ends it; the settings that the operator wants put back.
    pub fn end(ui: &Ui, sheet: &Sheet) -> Vec<String> {
        ui.data_mut(|data| data.remove::<Arc<Sheet>>(id()));
        std::mem::take(&mut sheet.state().resets)
    }
}

impl Sheet {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a row of this title is looked for.
    pub(super) fn shows(&self, title: &str) -> bool {
        if self.query.is_empty() {
            return true;
        }
        let mut text = title.to_lowercase();
        if let Some(entry) = self.words.get(title) {
            text = format!("{text} {} {}", entry.english, entry.path);
        }
        let found = self.query.iter().all(|word| text.contains(word));
        self.state().found += usize::from(found);
        found
    }

    /// A heading: held back until a row below it is drawn, where something is looked for. True where it
    /// is to be drawn now.
    pub(super) fn heading(&self, title: &str) -> bool {
        if self.query.is_empty() {
            return true;
        }
        self.state().heading = Some(title.to_owned());
        false
    }

    /// The heading that was held back, once.
    pub(super) fn held_heading(&self) -> Option<String> {
        self.state().heading.take()
    }

    /// How many rows were found.
    pub fn found(&self) -> usize {
        self.state().found
    }

    /// The setting of the row, where it differs from the default and can be put back.
    pub(super) fn changed(&self, title: &str) -> Option<&str> {
        let path = self.words.get(title)?.path.as_str();
        let below = |name: &String| {
            name.strip_prefix(path)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        // On air another picture takes two steps, and this would be one.
        let kept = KEPT[..2].contains(&path)
            || (self.on_air && matches!(path, "video.source" | "video.region"));
        (!kept && self.changed.iter().any(below)).then_some(path)
    }

    /// The name of the button that puts a row back.
    pub(super) fn reset_name(&self, title: &str) -> String {
        self.reset_words.replace('*', title)
    }

    /// The operator wants this put back.
    pub(super) fn reset(&self, path: &str) {
        self.state().resets.push(path.to_owned());
    }
}

/// All settings that the page can put back at once.
pub fn all() -> impl Iterator<Item = &'static str> {
    let paths = ROWS.iter().map(|(_, path)| *path);
    // Not rows of their own, but part of one.
    let more = ["video.part", "viewer.lan"];
    paths.chain(more).filter(|path| !KEPT.contains(path))
}

fn split(query: &str) -> Vec<String> {
    let query = query.to_lowercase();
    query.split_whitespace().map(str::to_owned).collect()
}

fn words(texts: &Texts, english: &Texts) -> HashMap<String, Entry> {
    let mut all = HashMap::new();
    let mut add = |title: String, path: &str, english: String| {
        let (path, english) = (path.to_owned(), english.to_lowercase());
        all.insert(title, Entry { path, english });
    };
    for (key, path) in ROWS {
        add(texts.t(key), path, english.t(key));
        for (_, several) in NUMBERED.iter().filter(|(one, _)| one == key) {
            for number in 1..=crate::settings::AUDIO_INPUTS_MAX {
                let number = number.to_string();
                let variables = [("number", number.as_str())];
                let words = english.f(several, &variables);
                add(texts.f(several, &variables), path, words);
            }
        }
        if BACKUP.contains(key) {
            let named = |texts: &Texts| {
                let name = texts.t(key);
                texts.f("settings-backup-field", &[("field", &name)])
            };
            add(named(texts), &format!("backup.{path}"), named(english));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Language;

    #[test]
    fn each_row_is_a_setting_that_can_be_put_back() {
        for (key, path) in ROWS {
            let mut settings = Settings::default();
            overrides::reset(&mut settings, path).unwrap_or_else(|e| panic!("{key}: {e}"));
        }
        let mut settings = Settings::default();
        for path in all() {
            overrides::reset(&mut settings, path).unwrap_or_else(|e| panic!("{path}: {e}"));
        }
        assert!(all().all(|path| path != "language" && path != "profile"));
    }

    #[test]
    fn a_row_is_found_in_both_languages_and_by_its_setting() {
        let korean = Texts::new(Language::Korean);
        let english = Texts::new(Language::English);
        let sheet = |query: &str| Sheet {
            words: Arc::new(words(&korean, &english)),
            changed: Arc::default(),
            query: split(query),
            on_air: false,
            reset_words: String::new(),
            state: Mutex::default(),
        };
        let host = korean.t("settings-host");
        let found = |query: &str, title: &str| sheet(query).shows(title);
        assert!(found(&host, &host) && found("HOST", &host) && found("target.host", &host));
        assert!(!found("bitrate", &host) && found("", &host));
        let gain = korean.f("settings-audio-gain-n", &[("number", "2")]);
        assert!(found("gain 2", &gain) && found("audio.inputs", &gain));
        let backup = korean.f("settings-backup-field", &[("field", &host)]);
        assert!(found("backup host", &backup) && found("backup.target.host", &backup));
    }

    #[test]
    fn what_differs_is_marked_by_its_row() {
        let english = Texts::new(Language::English);
        let mut settings = Settings::default();
        settings.video.size.width = 640;
        settings.profile = "x".into();
        let sheet = Sheet {
            words: Arc::new(words(&english, &english)),
            changed: Arc::new(overrides::changed(&settings).into_iter().collect()),
            query: Vec::new(),
            on_air: false,
            reset_words: String::new(),
            state: Mutex::default(),
        };
        assert_eq!(
            sheet.changed(&english.t("settings-size")),
            Some("video.size")
        );
        assert_eq!(sheet.changed(&english.t("settings-fps")), None);
        assert_eq!(sheet.changed(&english.t("profile-title")), None);
    }
}
