//! GO LIVE and STOP: one button, whose face follows the state.

use super::Scene;
use crate::control::Op;
use crate::session::snapshot::State;
use crate::settings::StopWay;
use crate::ui::actions::Action;
use crate::ui::keys;
use crate::ui::theme;
use crate::ui::widgets::big_button::{self, Face, Mark};
use eframe::egui::{Rect, Ui};

/// Why GO LIVE cannot be pressed just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Block {
    /// The settings have a fault.
    BadSettings,
    /// A show has only just ended.
    Rest,
}

/// Draws the button into `rect`. `left` is the share of time left to press STOP again.
pub fn show(
    ui: &mut Ui,
    rect: Rect,
    scene: &Scene<'_>,
    left: Option<f32>,
    block: Option<Block>,
    actions: &mut Vec<Action>,
) {
    let state = &scene.snapshot.state;
    let hold = scene.snapshot.settings.controls.stop == StopWay::Hold
        && matches!(state, State::Live | State::Reconnecting { .. });
    let (label, hint) = if hold {
        ("button-hold", Some("button-hint-hold"))
    } else {
        words(state, left.is_some(), block)
    };
    let op = match state {
        State::Idle | State::Failed { .. } => Op::GoLive,
        _ => Op::Stop,
    };
    let keys = scene.keys_of(op);
    let hint = match hint {
        Some(key) => scene.texts.f(key, &[("key", &keys)]),
        // Its keys, where there is nothing else to say.
        None if matches!(state, State::Stopping) => String::new(),
        None => keys,
    };
    let label = scene.t(label);
    let face = Face {
        label: &label,
        hint: &hint,
        held: hold,
        ..look(state, left, block)
    };
    let press = big_button::show(ui, rect, &face);
    if hold {
        if press.down {
            actions.push(Action::HoldStop);
        }
        // An assistive program cannot hold: it presses twice.
        super::push(actions, press.by_assistance.then_some(Action::PressStop));
        return;
    }
    if press.clicked {
        let action = keys::begin(state, block.is_none()).or_else(|| keys::end(state));
        super::push(actions, action);
    }
}

fn words(state: &State, armed: bool, block: Option<Block>) -> (&'static str, Option<&'static str>) {
    let go_hint = block.map(|block| match block {
        Block::BadSettings => "button-hint-blocked",
        Block::Rest => "button-hint-wait",
    });
    match state {
        State::Idle => ("button-go", go_hint),
        State::Failed { .. } => ("button-retry", go_hint),
        State::Preflight | State::Starting => ("button-cancel", None),
        State::Live | State::Reconnecting { .. } if armed => {
            ("button-stop-again", Some("button-hint-again"))
        }
        State::Live | State::Reconnecting { .. } => ("button-stop", Some("button-hint-stop")),
        State::Stopping => ("button-stopping", None),
    }
}

fn look(state: &State, left: Option<f32>, block: Option<Block>) -> Face<'static> {
    let face = Face {
        label: "",
        hint: "",
        mark: Mark::None,
        fill: theme::button(),
        hover: theme::button_hover(),
        edge: theme::line(),
        ink: theme::text(),
        enabled: true,
        held: false,
        left: None,
    };
    match state {
        State::Idle | State::Failed { .. } if block.is_some() => Face {
            fill: theme::well(),
            ink: theme::text_soft(),
            enabled: false,
            ..face
        },
        State::Idle | State::Failed { .. } => Face {
            mark: Mark::Go,
            fill: theme::go(),
            hover: theme::go_hover(),
            edge: theme::green(),
            ink: theme::bright(),
            ..face
        },
        State::Preflight | State::Starting => Face {
            mark: Mark::Stop,
            edge: theme::text_soft(),
            ..face
        },
        State::Live | State::Reconnecting { .. } if left.is_some() => Face {
            mark: Mark::Stop,
            fill: theme::warning().0,
            hover: theme::warning().0,
            edge: theme::warning().1,
            ink: theme::warning().1,
            left,
            ..face
        },
        State::Live | State::Reconnecting { .. } => Face {
            mark: Mark::Stop,
            fill: theme::stop(),
            hover: theme::stop_hover(),
            edge: theme::stop_edge(),
            ..face
        },
        State::Stopping => Face {
            fill: theme::well(),
            ink: theme::text_soft(),
            enabled: false,
            ..face
        },
    }
}
