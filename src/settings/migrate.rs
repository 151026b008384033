//! Older forms of the settings file, made into today's before anything else looks at them. Pure.
//!
//! Version 1 had one sound source, `audio.source`; since version 2 there is a list, `audio.inputs`.
//! A file that has both (a newer program, then an older one) means the list.

use super::tree::Node;

/// Brings a file's tree up to date; what it does not know stays as it is.
pub(super) fn migrate(tree: &mut Node) {
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
    if let Some((_, version)) = fields.iter_mut().find(|(key, _)| key == "version")
        && matches!(version, Node::Leaf(text) if text.trim() == "1")
    {
        *version = Node::Leaf("2".into());
    }
}
