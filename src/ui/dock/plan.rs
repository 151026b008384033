//! A layout of the docked panels as it is written to the disk and as the shipped ones are defined: names and
//! shares, no identifiers of the library. Pure; what it does not know it leaves out.

use crate::ui::panels::side::Side;
use serde::{Deserialize, Serialize};

/// Deeper a layout is not read: no operator nests so far, and a broken file must not exhaust the stack.
const DEEPEST: usize = 6;
/// Shares as they can come about by dragging.
const SHARES: std::ops::RangeInclusive<f32> = 0.02..=50.0;

/// A layout that has a name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Layout {
    /// Picture, log and latency; the pages come in on the right.
    #[default]
    Show,
    /// What is set before a show: source, sound, server, beside the picture and the check.
    Setup,
    /// Latency and log only, for a small window or a weak machine: no picture is drawn.
    Compact,
}

impl Layout {
    /// All, in the menu's order.
    pub const ALL: [Self; 3] = [Self::Show, Self::Setup, Self::Compact];

    /// The key of its name.
    pub fn title(self) -> &'static str {
        match self {
            Self::Show => "layout-show",
            Self::Setup => "layout-setup",
            Self::Compact => "layout-compact",
        }
    }

    /// As it is shipped.
    pub fn plan(self) -> Node {
        use Side::{
            Audio, Check, Encoder, Gpu, Latency, Log, Network, Preview, Server, Settings, Source,
            Viewers,
        };
        let pages = [
            Settings, Encoder, Check, Network, Viewers, Source, Audio, Server, Gpu,
        ];
        match self {
            Self::Show => Node::Row(vec![
                (
                    1.0,
                    Node::Column(vec![
                        (0.66, Node::tabs(&[Preview], &[])),
                        (0.34, Node::tabs(&[Log], &[])),
                    ]),
                ),
                (1.0, Node::tabs(&[Latency], &[])),
                (0.8, Node::tabs(&pages, &pages)),
            ]),
            Self::Setup => Node::Row(vec![
                (
                    1.0,
                    Node::tabs(&[Source, Settings, Encoder, Gpu], &[Settings, Encoder, Gpu]),
                ),
                (
                    1.0,
                    Node::Column(vec![
                        (0.55, Node::tabs(&[Audio], &[])),
                        (
                            0.45,
                            Node::tabs(&[Server, Network, Viewers], &[Network, Viewers]),
                        ),
                    ]),
                ),
                (
                    1.0,
                    Node::Column(vec![
                        (0.5, Node::tabs(&[Preview, Latency], &[Latency])),
                        (0.5, Node::tabs(&[Check, Log], &[])),
                    ]),
                ),
            ]),
            Self::Compact => Node::Row(vec![
                (1.2, Node::tabs(&[Latency, Preview], &[Preview])),
                (1.0, Node::tabs(&[Log], &[])),
                (0.8, Node::tabs(&pages, &pages)),
            ]),
        }
    }
}

/// A part of a layout.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Node {
    /// Beside each other, each with its share of the width.
    Row(Vec<(f32, Node)>),
    /// One over another, each with its share of the height.
    Column(Vec<(f32, Node)>),
    /// Panels in one place, one of them in front.
    Tabs(Tabs),
}

/// Panels in one place, by their names ([`Side::name`]).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tabs {
    /// Which belong here, from left to right.
    pub panels: Vec<String>,
    /// Which of them are put away.
    pub away: Vec<String>,
    /// Which of the others is in front.
    pub front: String,
    /// Whether only the heading is shown.
    pub folded: bool,
}

impl Node {
    /// Panels in one place, some of them put away; the first of the others is in front.
    pub fn tabs(panels: &[Side], away: &[Side]) -> Self {
        let names = |all: &[Side]| all.iter().map(|side| side.name().to_owned()).collect();
        let front = panels.iter().find(|side| !away.contains(side));
        Self::Tabs(Tabs {
            panels: names(panels),
            away: names(away),
            front: front.map_or_else(String::new, |side| side.name().to_owned()),
            folded: false,
        })
    }

    /// The same with each panel that there is once and only once, shares in bounds, nothing empty. What this
    /// version does not know is left out; what the layout does not name is put away beside the settings.
    pub fn mended(self) -> Self {
        let mut seen = Vec::new();
        let mended = self.sound(0, &mut seen);
        let missing: Vec<Side> = Side::ALL
            .into_iter()
            .filter(|side| !seen.contains(side))
            .collect();
        let Some(mut node) = mended else {
            return Layout::default().plan();
        };
        if !missing.is_empty() {
            let away = Self::tabs(&missing, &missing);
            if let Some(tabs) = node.tabs_with(Side::Settings.name()) {
                let Self::Tabs(new) = away else { return node };
                tabs.panels.extend(new.panels);
                tabs.away.extend(new.away);
            } else {
                node = match node {
                    Self::Row(mut parts) => {
                        parts.push((0.8, away));
                        Self::Row(parts)
                    }
                    other => Self::Row(vec![(2.0, other), (0.8, away)]),
                };
            }
        }
        node
    }

    /// The group of tabs that has the panel of this name.
    fn tabs_with(&mut self, name: &str) -> Option<&mut Tabs> {
        match self {
            Self::Row(parts) | Self::Column(parts) => {
                parts.iter_mut().find_map(|(_, node)| node.tabs_with(name))
            }
            Self::Tabs(tabs) => tabs.panels.iter().any(|n| n == name).then_some(tabs),
        }
    }

    fn sound(self, depth: usize, seen: &mut Vec<Side>) -> Option<Self> {
        let parts = |parts: Vec<(f32, Self)>, seen: &mut Vec<Side>| {
            let sound = parts.into_iter().filter_map(|(share, node)| {
                let share = if share.is_finite() {
                    share.clamp(*SHARES.start(), *SHARES.end())
                } else {
                    1.0
                };
                Some((share, node.sound(depth + 1, seen)?))
            });
            let parts: Vec<_> = sound.collect();
            (!parts.is_empty()).then_some(parts)
        };
        if depth > DEEPEST {
            return None;
        }
        match self {
            Self::Row(all) => parts(all, seen).map(Self::Row),
            Self::Column(all) => parts(all, seen).map(Self::Column),
            Self::Tabs(mut tabs) => {
                tabs.panels.retain(|name| {
                    let side = Side::named(name).filter(|side| !seen.contains(side));
                    seen.extend(side);
                    side.is_some()
                });
                tabs.away.retain(|name| tabs.panels.contains(name));
                (!tabs.panels.is_empty()).then_some(Self::Tabs(tabs))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Each panel's place count in a layout.
    fn names(node: &Node) -> Vec<String> {
        match node {
            Node::Row(parts) | Node::Column(parts) => {
                parts.iter().flat_map(|(_, node)| names(node)).collect()
            }
            Node::Tabs(tabs) => tabs.panels.clone(),
        }
    }

    fn is_whole(node: &Node) -> bool {
        let mut found = names(node);
        let mut wanted: Vec<_> = Side::ALL.iter().map(|s| s.name().to_owned()).collect();
        found.sort();
        wanted.sort();
        found == wanted
    }

    #[test]
    fn each_shipped_layout_has_each_panel_once() {
        for layout in Layout::ALL {
            let plan = layout.plan().mended();
            assert!(is_whole(&plan), "{layout:?}: {plan:?}");
        }
    }

    #[test]
    fn a_layout_of_another_version_is_mended() {
        let text = r#"Row([(NaN, Tabs((panels: ["latency", "teleprompter", "latency"], front: "teleprompter"))),
            (1e9, Column([(1.0, Tabs((panels: ["log", "latency"], away: ["preview"])))])), (1.0, Row([]))])"#;
        let plan = ron::from_str::<Node>(text).expect("its form is good");
        let mended = plan.mended();
        assert!(is_whole(&mended), "{mended:?}");
        let Node::Row(parts) = &mended else {
            panic!("{mended:?}");
        };
        assert_eq!(parts.len(), 3, "latency, log, and what was not named");
        assert!(parts.iter().all(|(share, _)| SHARES.contains(share)));
        assert_eq!(Node::Row(Vec::new()).mended(), Layout::Show.plan());
    }

    fn any_node() -> impl Strategy<Value = Node> {
        let known = prop::sample::select(Side::ALL.map(Side::name).to_vec());
        let name = prop_oneof![known.prop_map(str::to_owned), "[a-z]{1,6}"];
        let list = prop::collection::vec(name.clone(), 0..5);
        let tabs =
            (list.clone(), list, name, any::<bool>()).prop_map(|(panels, away, front, folded)| {
                Node::Tabs(Tabs {
                    panels,
                    away,
                    front,
                    folded,
                })
            });
        tabs.prop_recursive(9, 40, 4, |inner| {
            let parts = prop::collection::vec((any::<f32>(), inner), 0..4);
            prop_oneof![
                parts.clone().prop_map(Node::Row),
                parts.prop_map(Node::Column)
            ]
        })
    }

    proptest! {
        #[test]
        fn whatever_was_written_becomes_a_whole_layout(node in any_node()) {
            let mended = node.mended();
            prop_assert!(is_whole(&mended), "{:?}", mended);
            prop_assert_eq!(mended.clone().mended(), mended);
        }
    }
}
