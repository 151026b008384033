//! A settings file as a tree of RON texts, so that what this version does not know is kept as it
//! was written. Pure; the shape is that of [`Settings::default`](super::Settings) as JSON: an
//! object there is a struct here, all else a leaf whose RON text is carried untouched.

use ron::value::RawValue;
use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Unexpected, Visitor};
use serde_json::Value;
use std::fmt;

/// A struct's fields in the order of the file, or a value as RON text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Node {
    /// RON text of a value.
    Leaf(String),
    /// Named fields.
    Struct(Vec<(String, Node)>),
}

/// More fields of one struct are no settings: each is held against all others.
const FIELDS_MAX: usize = 500;
/// A longer name is like none: comparing takes as long as it is.
const NAME_MAX: usize = 100;

/// One level of a RON struct.
struct Fields(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FieldsVisitor;
        impl<'de> Visitor<'de> for FieldsVisitor {
            type Value = Fields;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a struct such as (bitrate_kbps: 3000)")
            }

            fn visit_unit<E>(self) -> Result<Fields, E> {
                Ok(Fields(Vec::new()))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Fields, A::Error> {
                match seq.next_element::<serde::de::IgnoredAny>()? {
                    None => Ok(Fields(Vec::new())),
                    Some(_) => Err(serde::de::Error::invalid_type(Unexpected::Seq, &self)),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    let entry: (String, Box<RawValue>) = entry;
                    if !can_be_written(&entry.0) {
                        let why = format!("{:?} is no name of a field", entry.0);
                        return Err(serde::de::Error::custom(why));
                    }
                    if fields.len() == FIELDS_MAX {
                        return Err(serde::de::Error::custom("it has too many fields"));
                    }
                    fields.push(entry);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_any(FieldsVisitor)
    }
}

impl Node {
    /// Reads `text`; structs of `shape` become structs, all else leaves.
    ///
    /// # Errors
    /// Where the text is not RON, or not a struct at its top.
    pub(crate) fn parse(text: &str, shape: &Value) -> Result<Self, ron::error::SpannedError> {
        let Fields(fields) = ron::from_str(text)?;
        if fields.is_empty() && !text.contains('(') {
            // A bare word reads as a unit struct; here it is the rest of a torn file.
            ron::from_str::<()>("")?;
        }
        let mut nodes: Vec<(String, Node)> = Vec::with_capacity(fields.len());
        for (key, raw) in fields {
            let raw = raw.get_ron().trim();
            let node = match shape.get(&key) {
                // A struct that does not read as one stays a leaf: a bad value, named later.
                Some(inner @ Value::Object(_)) => {
                    Self::parse(raw, inner).unwrap_or_else(|_| Self::Leaf(raw.to_owned()))
                }
                _ => Self::Leaf(raw.to_owned()),
            };
            // A key written twice: the last one holds, as an editor would expect.
            match nodes.iter_mut().find(|(known, _)| *known == key) {
                Some((_, old)) => *old = node,
                None => nodes.push((key, node)),
            }
        }
        Ok(Self::Struct(nodes))
    }

    /// The field `key`, where this is a struct that has it.
    pub(crate) fn field(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Struct(fields) => fields.iter().find(|(k, _)| k == key).map(|(_, node)| node),
            Self::Leaf(_) => None,
        }
    }

    /// `ours` with what the file has beyond it: unknown fields, and the file's text of each leaf
    /// that `ours` did not change against `base`.
    pub(crate) fn merged(file: Option<&Self>, base: Option<&Self>, ours: &Self) -> Self {
        match (file, ours) {
            (Some(Self::Leaf(text)), Self::Leaf(_)) if base == Some(ours) => {
                Self::Leaf(text.clone())
            }
            (file, Self::Struct(fields)) => {
                let mut merged: Vec<(String, Self)> = fields
                    .iter()
                    .map(|(key, node)| {
                        let file = file.and_then(|f| f.field(key));
                        let base = base.and_then(|b| b.field(key));
                        (key.clone(), Self::merged(file, base, node))
                    })
                    .collect();
                if let Some(Self::Struct(in_file)) = file {
                    let unknown = in_file.iter().filter(|(key, _)| ours.field(key).is_none());
                    merged.extend(unknown.cloned());
                }
                Self::Struct(merged)
            }
            _ => ours.clone(),
        }
    }

    /// Writes the tree as RON, one field a line.
    pub(crate) fn print(&self) -> String {
        let mut text = String::new();
        self.print_into(&mut text, 0);
        text
    }

    fn print_into(&self, text: &mut String, depth: usize) {
        match self {
            Self::Leaf(raw) => {
                text.push_str(raw);
                // A comment at the value's end would swallow the comma.
                if raw.contains("//") {
                    text.push('\n');
                }
            }
            Self::Struct(fields) => {
                text.push_str("(\n");
                for (key, node) in fields {
                    text.push_str(&"    ".repeat(depth + 1));
                    text.push_str(&raw_identifier(key));
                    text.push_str(": ");
                    node.print_into(text, depth + 1);
                    text.push_str(",\n");
                }
                text.push_str(&"    ".repeat(depth));
                text.push(')');
            }
        }
    }
}

/// Whether a key can stand in a struct that is written: one in quotes, of a map, may be any text.
fn can_be_written(key: &str) -> bool {
    let plain = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    let reads = || ron::from_str::<ron::Value>(&format!("({}: 1)", raw_identifier(key))).is_ok();
    plain || reads()
}

/// `key` as RON writes it: `r#...` where it is no plain identifier.
fn raw_identifier(key: &str) -> String {
    let plain = key.chars().all(|c| c.is_alphanumeric() || c == '_')
        && !key.starts_with(|c: char| c.is_ascii_digit());
    if plain {
        key.to_owned()
    } else {
        format!("r#{key}")
    }
}

/// RON text as JSON: enum variants by name (`Tone` is "Tone", `Input("x")` {"Input": "x"}), which
/// `ron::Value` would lose.
///
/// # Errors
/// Where the text is not RON.
pub(super) fn json_of(ron_text: &str) -> Result<Value, ron::error::SpannedError> {
    // ron hands over variant names only to serde's buffer for untagged enums.
    #[derive(serde::Deserialize)]
    #[serde(untagged)]
    enum Any {
        Json(Value),
    }
    let Any::Json(value) = ron::from_str(ron_text)?;
    Ok(value)
}

/// Dotted names of every leaf of `shape`.
pub(super) fn leaf_names(shape: &Value) -> Vec<String> {
    fn walk(shape: &Value, prefix: &str, names: &mut Vec<String>) {
        match shape {
            Value::Object(fields) => {
                for (key, inner) in fields {
                    let dot = if prefix.is_empty() { "" } else { "." };
                    walk(inner, &format!("{prefix}{dot}{key}"), names);
                }
            }
            _ => names.push(prefix.to_owned()),
        }
    }
    let mut names = Vec::new();
    walk(shape, "", &mut names);
    names
}

/// The value at the dotted `name`; items of a list by their number from 0.
pub(super) fn at<'a>(tree: &'a Value, name: &str) -> Option<&'a Value> {
    name.split('.').try_fold(tree, |node, key| match node {
        Value::Array(items) => items.get(key.parse::<usize>().ok()?),
        node => node.get(key),
    })
}

/// The value at the dotted `name`, to be changed.
pub(super) fn at_mut<'a>(tree: &'a mut Value, name: &str) -> Option<&'a mut Value> {
    name.split('.').try_fold(tree, |node, key| match node {
        Value::Array(items) => items.get_mut(key.parse::<usize>().ok()?),
        node => node.get_mut(key),
    })
}

/// Up to three names most like `name`, the nearest first.
pub(super) fn near(name: &str, names: &[String]) -> Vec<String> {
    if name.len() > NAME_MAX {
        return Vec::new();
    }
    let last = |full: &str| full.rsplit('.').next().unwrap_or(full).to_owned();
    let mut scored: Vec<(f64, &String)> = names
        .iter()
        .map(|known| {
            let whole = strsim::normalized_damerau_levenshtein(name, known);
            let leaf = strsim::normalized_damerau_levenshtein(&last(name), &last(known));
            let within =
                name.len() >= 4 && (known.contains(&last(name)) || name.contains(&last(known)));
            (whole.max(leaf).max(if within { 0.8 } else { 0.0 }), known)
        })
        .filter(|(score, _)| *score >= 0.6)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    scored
        .into_iter()
        .take(3)
        .map(|(_, known)| known.clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_key_that_no_struct_can_have_is_an_error_and_not_a_file_that_is_never_saved_again() {
        let shape = serde_json::json!({"encoder": {"bitrate_kbps": 1}});
        for bad in [
            r#"{"enc]oder": 1}"#,
            r#"{"a b": 1}"#,
            r#"{"": 1}"#,
            r#"{"²": 1}"#,
        ] {
            let error = Node::parse(bad, &shape).unwrap_err();
            assert!(error.to_string().contains("is no name"), "{bad}: {error}");
        }
        // Within a struct that is known it is a bad value, which is named and put back.
        let inner = Node::parse(r#"(encoder: {"a b": 1})"#, &shape).unwrap();
        assert!(matches!(inner.field("encoder"), Some(Node::Leaf(_))));
        for good in [
            r#"{"encoder": {"bitrate_kbps": 3}}"#,
            "(r#a.b: 1)",
            "(길이: 1)",
            "(r#1x: 2)",
        ] {
            let tree = Node::parse(good, &shape).unwrap();
            assert_eq!(Node::parse(&tree.print(), &shape), Ok(tree), "{good}");
        }
    }

    #[test]
    fn a_file_of_anybodys_takes_no_longer_than_it_is_long() {
        let shape = serde_json::json!({});
        let many: String = (0..100_000).map(|n| format!("k{n}:1,")).collect();
        let error = Node::parse(&format!("({many})"), &shape).unwrap_err();
        assert!(error.to_string().contains("too many fields"), "{error}");
        let long = "x".repeat(1 << 20);
        let tree = Node::parse(&format!("({long}:1)"), &shape).unwrap();
        assert_eq!(
            near(&long, &["encoder.bitrate_kbps".into()]),
            Vec::<String>::new()
        );
        assert!(tree.field(&long).is_some());
    }

    #[test]
    fn enum_variants_keep_their_names() {
        assert_eq!(json_of("Tone").unwrap(), json!("Tone"));
        assert_eq!(
            json_of("Input(\"USB: 2\")").unwrap(),
            json!({"Input": "USB: 2"})
        );
        assert_eq!(json_of("Some(\"/a b\")").unwrap(), json!("/a b"));
        assert_eq!(json_of("None").unwrap(), json!(null));
        assert_eq!(
            json_of("(width: 2, height: 4)").unwrap(),
            json!({"width": 2, "height": 4})
        );
        assert!(json_of("(width: 2").is_err());
    }

    #[test]
    fn unknown_text_survives_print_and_parse() {
        let shape = json!({"a": 1, "s": {"b": 2}});
        let file = Node::parse(
            "(a: 5, future: Mode(x: [1, 2], y: 'c'), s: (b: 2, odd: \"),//\", c: 1 // why\n), r#k-y: 3)",
            &shape,
        )
        .unwrap();
        let base = Node::parse("(a: 1, s: (b: 2))", &shape).unwrap();
        let ours = Node::parse("(a: 7, s: (b: 2))", &shape).unwrap();
        let merged = Node::merged(Some(&file), Some(&base), &ours);
        let again = Node::parse(&merged.print(), &shape).unwrap();
        assert_eq!(again.field("a"), Some(&Node::Leaf("7".into())));
        assert_eq!(
            again.field("future"),
            Some(&Node::Leaf("Mode(x: [1, 2], y: 'c')".into()))
        );
        assert_eq!(again.field("k-y"), Some(&Node::Leaf("3".into())));
        let section = again.field("s").unwrap();
        assert_eq!(section.field("odd"), Some(&Node::Leaf("\"),//\"".into())));
        assert!(matches!(section.field("c"), Some(Node::Leaf(text)) if text.starts_with('1')));
    }

    #[test]
    fn empty_structs_are_structs_and_bare_words_are_not() {
        let shape = json!({"a": 1});
        for empty in ["()", "(\n // a: 1,\n)", "Settings()", "// x\n( )"] {
            assert_eq!(
                Node::parse(empty, &shape).unwrap(),
                Node::Struct(vec![]),
                "{empty}"
            );
        }
        for torn in ["Settings", "(", "(1)", "[1]", "7", ""] {
            assert!(Node::parse(torn, &shape).is_err(), "{torn}");
        }
    }

    #[test]
    fn leaf_unchanged_by_us_keeps_the_files_text() {
        let shape = json!({"a": 1});
        let file = Node::parse("(a: Newer(3))", &shape).unwrap();
        let ours = Node::parse("(a: 1)", &shape).unwrap();
        assert_eq!(Node::merged(Some(&file), Some(&ours), &ours), file);
        assert_eq!(Node::merged(Some(&file), None, &ours), ours);
    }

    #[test]
    fn near_names_are_found() {
        let names = leaf_names(&json!({"encoder": {"bitrate_kbps": 1, "vbv_frames": 2}, "x": 1}));
        assert_eq!(
            near("encoder.bitrat_kbps", &names),
            ["encoder.bitrate_kbps"]
        );
        assert_eq!(near("bitrate", &names), ["encoder.bitrate_kbps"]);
        assert!(near("zzzz", &names).is_empty());
    }
}
