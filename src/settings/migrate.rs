//! Older forms of the settings file, made into today's before anything else looks at them. Pure.
//!
//! Version 1 had one sound source, `audio.source`; since version 2 there is a list, `audio.inputs`.
//! A file that has both (a newer program, then an older one) means the list. Up to version 2
//! `encoder.family` had one value only, so nobody chose it, and `encoder.vbv_frames` was a plain
//! number, 4 unless changed.

use super::tree::Node;

/// Brings a file's tree up to date; what it does not know stays as it is.
pub(crate) fn migrate(tree: &mut Node) {
    sound(tree);
    encoder(tree);
}

fn encoder(tree: &mut Node) {
    let Node::Struct(fields) = tree else { return };
    let Some((_, version)) = fields.iter_mut().find(|(key, _)| key == "version") else {
        return;
    };
    if !matches!(version, Node::Leaf(text) if matches!(text.trim(), "1" | "2")) {
        return;
    }
    *version = Node::Leaf("3".into());
    let Some((_, Node::Struct(encoder))) = fields.iter_mut().find(|(key, _)| key == "encoder")
    else {
        return;
    };
    encoder.retain(|(key, value)| match (key.as_str(), value) {
        ("family", _) => false,
        ("vbv_frames", Node::Leaf(text)) => text.trim() != "4",
        _ => true,
    });
    for (key, value) in encoder.iter_mut() {
        if let ("vbv_frames", Node::Leaf(text)) = (key.as_str(), &mut *value) {
            let end = if text.contains("//") { "\n" } else { "" };
            *value = Node::Leaf(format!("Some({text}{end})"));
        }
    }
}

fn sound(tree: &mut Node) {
    let Node::Struct(fields) = tree else { return };
    let Some((_, Node::Struct(audio))) = fields.iter_mut().find(|(key, _)| key == "audio") else {
        return;
    };
    let Some(at) = audio.iter().position(|(key, _)| key == "source") else {
        return;
    };
    let (_, source) = audio.remove(at);
    if let Node::Leaf(text) = source
        && !audio.iter().any(|(key, _)| key == "inputs")
    {
        // A comment at the value's end would swallow what follows.
        let end = if text.contains("//") { "\n" } else { "" };
        let inputs = Node::Leaf(format!("[(source: {text}{end})]"));
        audio.insert(at, ("inputs".into(), inputs));
    }
}
