//! The operator's own text: settings, profiles, names, keys, what is set on a command line.

use super::input::Input;
use crate::control::chord::Chord;
use crate::control::keys::{Deed, Keys, fault, fault_everywhere};
use crate::control::number;
use crate::control::{self, Takes};
use crate::mediamtx::url::shown;
use crate::record::name::safe;
use crate::remote::testing::Fake;
use crate::settings::file::tree_of;
use crate::settings::migrate::migrate;
use crate::settings::overrides::{self, shape};
use crate::settings::profile_name::ProfileName;
use crate::settings::profiles::Profile;
use crate::settings::servers::{MAX, RecentServer, remember};
use crate::settings::shared::is_shared;
use crate::settings::store::{interpret, own_tree};
use crate::settings::tree::Node;
use crate::settings::{KeyBinding, Settings, set_pair};
use std::path::Path;

/// A settings file of anybody: good settings come of it, and what is written back is read as the same.
pub fn settings_file(data: &[u8]) {
    let Ok(tree) = tree_of(data) else {
        return;
    };
    let mut again = tree.clone();
    migrate(&mut again);
    assert_eq!(again, tree, "migrated twice");
    let found = interpret(&tree);
    assert_eq!(found.settings.check(), Ok(()));
    assert!(found.unknown.len() + found.bad.len() <= data.len());
    let base = own_tree(&found.settings).expect("settings have a form");
    // Nothing changed: what the file has stays, its unknown keys too.
    let same = Node::merged(Some(&tree), Some(&base), &base);
    let text = same.print();
    let read = Node::parse(&text, &shape())
        .unwrap_or_else(|error| panic!("what is saved cannot be read: {error}\n{text}"));
    assert_eq!(read, same, "printed and read:\n{text}");
    let kept = interpret(&read);
    assert_eq!(kept.settings, found.settings, "{text}");
    let sorted = |mut names: Vec<String>| {
        names.sort();
        names
    };
    assert_eq!(sorted(kept.unknown), sorted(found.unknown));
    // Something changed: that and no more.
    let mut ours = found.settings.clone();
    ours.encoder.bitrate_kbps = if ours.encoder.bitrate_kbps == 777 {
        778
    } else {
        777
    };
    let own = own_tree(&ours).expect("settings have a form");
    let changed = Node::merged(Some(&tree), Some(&base), &own);
    let read = Node::parse(&changed.print(), &shape()).expect("what is saved");
    assert_eq!(interpret(&read).settings, ours);
}

/// `name=value` of a command line: taken and within bounds, or refused and nothing changed.
pub fn overrides(data: &[u8]) {
    let mut settings = Settings::default();
    let names = overrides::names();
    let mut input = Input::new(data);
    for _ in 0..4 {
        if input.is_empty() {
            break;
        }
        let known = input.u16() as usize;
        let text = input.text();
        // Even: the name is one that there is.
        let pair = if known.is_multiple_of(2) {
            format!("{}={text}", names[known / 2 % names.len()])
        } else {
            text
        };
        let before = settings.clone();
        match set_pair(&mut settings, &pair) {
            Ok(()) => {
                assert_eq!(settings.check(), Ok(()), "{pair:?}");
                let changed = overrides::changed(&settings);
                for name in &changed {
                    assert!(names.contains(name));
                }
                // It can be written and read.
                let tree = own_tree(&settings).expect("settings have a form");
                assert_eq!(interpret(&tree).settings, settings, "{pair:?}");
            }
            Err(error) => {
                assert_eq!(settings, before, "refused and changed");
                assert!(!error.to_string().is_empty());
            }
        }
    }
    for name in overrides::changed(&settings) {
        overrides::reset(&mut settings, &name).expect("a name that there is");
    }
    assert_eq!(overrides::changed(&settings), Vec::<String>::new());
}

/// A profile of anybody's: only what may be in one is taken, within bounds, and nothing that it does not
/// name is touched.
pub fn profile(data: &[u8]) {
    let Ok(tree) = tree_of(data) else {
        return;
    };
    let place = Path::new("fuzz.ron");
    let Ok(profile) = Profile::of_tree(place, &tree, is_shared) else {
        return;
    };
    let unknown = interpret(&tree).unknown;
    let profile = profile.for_here();
    for name in profile.names() {
        assert!(is_shared(name), "{name} was taken");
        assert!(
            !unknown.iter().any(|known| known == name),
            "{name} is unknown and was taken"
        );
    }
    assert!(profile.notes.iter().all(|note| !note.is_empty()));
    let base = Settings::default();
    if let Ok(new) = profile.onto(&base) {
        assert_eq!(new.check(), Ok(()));
        let has: Vec<&str> = profile.names().collect();
        for name in overrides::changed(&new) {
            assert!(has.contains(&name.as_str()), "{name} was touched");
        }
        assert_eq!(
            new.recording.folder, base.recording.folder,
            "where files go is this machine's to say"
        );
        assert!(profile.is_in_force(&new), "used and not in force");
        for address in [&new.target.api_url, &new.target.webrtc_url] {
            assert!(!address.contains('?'), "{address}");
        }
    }
}

/// Names become names of files, the same again and nothing but a name; addresses lose their users.
pub fn names(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let plain = |name: &str| {
        assert!(!name.is_empty() && name.len() <= 255, "{name:?}");
        assert!(!name.contains(['/', '\\', ':', '*', '?', '"', '<', '>', '|']));
        assert!(!name.contains(char::is_control));
        assert!(
            !name.starts_with('.') && !name.ends_with(['.', ' ']),
            "{name:?}"
        );
    };
    if let Ok(name) = ProfileName::new(&text) {
        plain(name.as_str());
        assert_eq!(ProfileName::new(name.as_str()).as_ref(), Ok(&name));
        assert_eq!(ProfileName::like(&text), name, "a good name stays");
    }
    let like = ProfileName::like(&text);
    plain(like.as_str());
    assert_eq!(ProfileName::new(like.as_str()).as_ref(), Ok(&like));
    let file = safe(&text);
    plain(&file);
    assert_eq!(safe(&file), file, "made safe twice");
    let bare = shown(&text);
    assert_eq!(shown(&bare), bare, "taken out twice");
    let authority = bare
        .split_once("://")
        .map_or(bare.as_str(), |(_, rest)| rest);
    let authority = authority.split('/').next().unwrap_or_default();
    assert!(!authority.contains('@'), "{bare}");
    let mut servers = Vec::new();
    for n in 0..MAX as u16 + 2 {
        remember(
            &mut servers,
            RecentServer {
                host: text.to_string(),
                srt_port: n % 10,
                ..RecentServer::default()
            },
        );
    }
    assert!(servers.len() <= MAX);
}

/// Keys, operations and what they are told: read as written, within their bounds, secrets unsaid.
pub fn control(data: &[u8]) {
    let mut input = Input::new(data);
    let (key, op, argument) = (input.text(), input.text(), input.text());
    if let Ok(chord) = key.parse::<Chord>() {
        assert_eq!(chord.to_string().parse(), Ok(chord), "{key:?}");
        let _ = (chord.shown(false), chord.shown(true), chord.is_of_a_field());
    }
    for unit in ["", "ms", "dB", "kb/s", "%"] {
        assert!(number(&argument, unit).is_none_or(f64::is_finite));
    }
    if let Ok(deed) = Deed::read(&op) {
        assert_eq!(Deed::read(&deed.text()), Ok(deed));
    }
    let entry = KeyBinding {
        op: op.clone(),
        keys: vec![key.clone(), argument.clone()],
    };
    let good = fault(&entry).is_none();
    assert!(fault_everywhere(&entry).is_some() || good);
    let keys = Keys::new(std::slice::from_ref(&entry));
    if good {
        let own = keys.all().iter().filter(|bound| bound.own).count();
        assert_eq!(own, 2, "{entry:?}");
    }
    for bound in Keys::only(&[entry]).all() {
        assert!(keys.find(bound.chord).is_some());
    }
    // By its text, or by its number: the fuzzer finds either.
    let number = input.u16() as usize;
    let id = match crate::control::Op::ALL.get(number) {
        Some(op) => op.id(),
        None => op.as_str(),
    };
    let console = Fake::new();
    let before = console.snapshot.load().settings.clone();
    let is_secret = crate::control::Op::from_id(id)
        .is_some_and(|op| matches!(op.takes(), Takes::Secret { .. }));
    match control::run(&console, id, Some(&argument)) {
        Ok(commands) => assert_eq!(commands, console.sent()),
        Err(refusal) => {
            assert!(console.sent().is_empty(), "refused and done");
            assert_eq!(console.snapshot.load().settings, before);
            let said = refusal.to_string();
            assert!(
                !is_secret || argument.len() < 8 || !said.contains(&argument),
                "{said}"
            );
        }
    }
}
