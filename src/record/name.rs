//! Names of recordings, and where they are put. Runs on the recorder's threads; blocks on the disk
//! only.

use crate::settings::RecordingForm;
use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};

/// Names tried with a number where one is taken.
const TRIES: u32 = 1000;
/// Bytes of a stream's name that are kept: file systems allow 255 for the whole name.
const LONGEST: usize = 150;

/// Names of devices on Windows, with any ending ("Naming Files, Paths, and Namespaces", Microsoft).
const DEVICES: [&str; 22] = [
    "CON", "PRN", "AUX", "NUL", "COM1", "COM2", "COM3", "COM4", "COM5", "COM6", "COM7", "COM8",
    "COM9", "LPT1", "LPT2", "LPT3", "LPT4", "LPT5", "LPT6", "LPT7", "LPT8", "LPT9",
];

/// `text` as a part of a file's name that Linux, Windows and macOS take alike.
pub fn safe(text: &str) -> String {
    let mut name = String::with_capacity(text.len());
    for letter in text.chars() {
        let bad = letter.is_control() || r#"/\:*?"<>|"#.contains(letter);
        let letter = if bad { '_' } else { letter };
        if name.len() + letter.len_utf8() > LONGEST {
            break;
        }
        name.push(letter);
    }
    // A leading dot hides a file, a leading dash is an option to many programs.
    let name = name
        .trim_start_matches([' ', '.', '-'])
        .trim_end_matches([' ', '.']);
    let stem = name.split('.').next().unwrap_or_default().trim_end();
    let device = DEVICES.iter().any(|d| d.eq_ignore_ascii_case(stem));
    match (name.is_empty(), device) {
        (true, _) => "recording".into(),
        (_, true) => {
            let mut name = format!("_{name}");
            while name.len() > LONGEST {
                name.pop();
            }
            name.trim_end_matches([' ', '.']).to_owned()
        }
        _ => name.to_owned(),
    }
}

/// The name's beginning for a stream's path: `pd_main 2026-11-28 14-03-22`.
pub fn stem(path: &str, when: jiff::civil::DateTime) -> String {
    format!("{} {}", safe(path), when.strftime("%Y-%m-%d %H-%M-%S"))
}

/// The name of part number `part` (from 1) of a recording.
pub fn part(stem: &str, part: u32) -> String {
    if part <= 1 {
        stem.to_owned()
    } else {
        format!("{stem}-{part}")
    }
}

/// The ending of a form's files.
pub fn extension(form: RecordingForm) -> &'static str {
    match form {
        RecordingForm::Mkv => "mkv",
        RecordingForm::Mp4 => "mp4",
    }
}

/// Makes an empty file of this name in `folder` and takes the name with it: nothing is ever written
/// over. A name that is taken gets a number.
///
/// # Errors
/// The system's, among them that the folder is not there or cannot be written to.
pub fn claim(folder: &Path, name: &str, extension: &str) -> io::Result<PathBuf> {
    for number in 1..=TRIES {
        let path = folder.join(match number {
            1 => format!("{name}.{extension}"),
            n => format!("{name} ({n}).{extension}"),
        });
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(file) => {
                // A recording is the operator's own work, for other programs too.
                crate::private::as_the_operators(&file)?;
                return Ok(path);
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// The user's folder for videos, in portable mode the one beside the program; None where the system names none.
pub fn videos_folder() -> Option<PathBuf> {
    if let Some(folder) = crate::folders::recordings() {
        return Some(folder);
    }
    #[cfg(windows)]
    return known_folders::get_known_folder_path(known_folders::KnownFolder::Videos);
    #[cfg(not(windows))]
    {
        let home = etcetera::home_dir().ok()?;
        if cfg!(target_os = "macos") {
            return Some(home.join("Movies"));
        }
        let config = std::env::var_os("XDG_CONFIG_HOME")
            .map(PathBuf::from)
            .filter(|path| path.is_absolute())
            .unwrap_or_else(|| home.join(".config"));
        let named = std::fs::read_to_string(config.join("user-dirs.dirs")).ok();
        let named = named.and_then(|text| named_videos(&text, &home));
        Some(named.unwrap_or_else(|| home.join("Videos")))
    }
}

/// `XDG_VIDEOS_DIR` of a `user-dirs.dirs`: `"$HOME/Videos"` or an absolute path in quotes
/// (user-dirs.dirs(5)).
#[cfg(not(windows))]
fn named_videos(text: &str, home: &Path) -> Option<PathBuf> {
    let line = text
        .lines()
        .rev()
        .find_map(|line| line.trim().strip_prefix("XDG_VIDEOS_DIR="))?;
    let value = line.trim().strip_prefix('"')?.strip_suffix('"')?;
    let path = match value.strip_prefix("$HOME") {
        Some(rest) => home.join(rest.trim_start_matches('/')),
        None => PathBuf::from(value),
    };
    path.is_absolute().then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn special_characters_are_made_safe() {
        for (path, name) in [
            ("pd_main", "pd_main"),
            ("live/studio 1", "live_studio 1"),
            (r#"a\b:c*d?e"f<g>h|i"#, "a_b_c_d_e_f_g_h_i"),
            ("../../etc/passwd", "_.._etc_passwd"),
            ("..", "recording"),
            ("", "recording"),
            ("-rf", "rf"),
            ("con", "_con"),
            ("Com1.main", "_Com1.main"),
            ("console", "console"),
            ("한글 무대", "한글 무대"),
            ("tab\there\0", "tab_here_"),
            ("name. ", "name"),
        ] {
            assert_eq!(safe(path), name, "{path:?}");
        }
        assert!(safe(&"한".repeat(300)).len() <= LONGEST);
    }

    #[test]
    fn a_name_says_stream_time_and_part() {
        let when = jiff::civil::date(2026, 11, 28).at(14, 3, 22, 0);
        let stem = stem("pd_main", when);
        assert_eq!(stem, "pd_main 2026-11-28 14-03-22");
        assert_eq!(part(&stem, 1), stem);
        assert_eq!(part(&stem, 2), "pd_main 2026-11-28 14-03-22-2");
    }

    #[test]
    fn nothing_is_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let names: Vec<_> = (0..3)
            .map(|_| claim(folder.path(), "a", "mkv").unwrap())
            .map(|path| path.file_name().unwrap().to_str().unwrap().to_owned())
            .collect();
        assert_eq!(names, ["a.mkv", "a (2).mkv", "a (3).mkv"]);
        let missing = claim(&folder.path().join("none"), "a", "mkv").unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn a_dot_behind_a_dash_hides_no_file() {
        assert_eq!(safe("-.show"), "show");
        assert_eq!(safe("-.-"), "recording");
    }

    #[cfg(not(windows))]
    #[test]
    fn the_folder_for_videos_is_the_one_that_the_user_named() {
        let home = Path::new("/home/a");
        let named = |text: &str| named_videos(text, home);
        let text = "# comment\nXDG_MUSIC_DIR=\"$HOME/Music\"\nXDG_VIDEOS_DIR=\"$HOME/비디오\"\n";
        assert_eq!(named(text), Some("/home/a/비디오".into()));
        let absolute = "XDG_VIDEOS_DIR=\"/media/disk\"";
        assert_eq!(named(absolute), Some("/media/disk".into()));
        for none in ["", "XDG_VIDEOS_DIR=", "XDG_VIDEOS_DIR=\"relative\""] {
            assert_eq!(named(none), None, "{none}");
        }
    }

    proptest! {
        #[test]
        fn a_safe_name_is_safe(text in any::<String>()) {
            let name = safe(&text);
            prop_assert!(!name.is_empty() && name.len() <= LONGEST);
            prop_assert_eq!(safe(&name), name.clone());
            prop_assert!(!name.contains(['/', '\\', ':', '\0']));
            prop_assert!(!name.starts_with(['.', '-', ' ']) && !name.ends_with(['.', ' ']), "{name:?}");
            let path = Path::new("folder").join(&name);
            prop_assert_eq!(path.parent(), Some(Path::new("folder")));
        }
    }
}
