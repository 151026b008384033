//! The network's page: how far the server is, which way into it is in force and what each costs, the SRT
//! latency in force, who watches. A figure is shown only where it was measured; a dash stands for all others.

use super::Scene;
use super::latency::ms;
use crate::clock::MonoTime;
use crate::mediamtx::Reader;
use crate::publish::WayStatus;
use crate::session::ahead::PingStatus;
use crate::session::snapshot::State;
use crate::ui::actions::Action;
use crate::ui::guard::StopGuard;
use crate::ui::numbers;
use crate::ui::theme;
use crate::ui::widgets;
use crate::ui::widgets::block::{self, Verdict};
use eframe::egui::{Align, Button, Layout, RichText, Ui, vec2};

/// The kick, or the new connection, that waits for its second press.
#[derive(Clone, Debug, Default)]
pub struct KickGuard {
    id: String,
    guard: StopGuard,
}

impl KickGuard {
    /// The new connection's place among the viewers' ids: no id is empty.
    pub const RECONNECT: &str = "";

    /// A press on this viewer's button; true where it is the second in time, on the same viewer.
    pub fn press(&mut self, id: &str, now: MonoTime) -> bool {
        if self.id != id {
            id.clone_into(&mut self.id);
            self.guard.disarm();
        }
        self.guard.press(now)
    }

    /// Whether a second press on this viewer's button would count.
    pub fn is_armed(&self, id: &str, now: MonoTime) -> bool {
        self.id == id && self.guard.left(now).is_some()
    }
}

/// Draws the page's contents.
pub fn show(ui: &mut Ui, scene: &Scene<'_>, guard: &KickGuard, actions: &mut Vec<Action>) {
    ui.push_id("ping", |ui| ping(ui, scene));
    ui.push_id("latency", |ui| latency(ui, scene));
    ui.push_id("ways", |ui| ways(ui, scene, guard, actions));
    ui.push_id("viewers", |ui| viewers(ui, scene, guard, actions));
}

fn ping(ui: &mut Ui, scene: &Scene<'_>) {
    let title = scene.t("network-ping");
    match &scene.snapshot.ping {
        PingStatus::None => {
            let text = scene.t("network-ping-none");
            block::head(ui, &title, Some((Verdict::Unknown, &text)));
        }
        PingStatus::Answered {
            ms: time, address, ..
        } => {
            let text = format!("{} ms", ms(*time));
            block::head(ui, &title, Some((Verdict::Good, &text)));
            let at = scene
                .texts
                .f("network-ping-at", &[("address", &address.to_string())]);
            block::words(ui, at, theme::regular(12.5), theme::text_soft());
        }
        PingStatus::Failed(why) => {
            let text = scene.t("network-ping-failed");
            block::head(ui, &title, Some((Verdict::Bad, &text)));
            block::words(ui, scene.say(why), theme::regular(12.5), theme::text_soft());
        }
    }
    if let Some(why) = &scene.snapshot.api_problem {
        let text = scene
            .texts
            .f("network-api-problem", &[("why", &scene.say(why))]);
        block::words(ui, text, theme::regular(12.5), theme::text_soft());
    }
}

/// The SRT latency: asked for, in force, and a warning where the server raised it.
fn latency(ui: &mut Ui, scene: &Scene<'_>) {
    let snapshot = scene.snapshot;
    let Some(wished) = snapshot.route.wished_latency_ms else {
        return;
    };
    let in_force = snapshot.network.and_then(|network| network.latency_ms);
    let (verdict, key) = match in_force {
        None => (Verdict::Unknown, "network-latency-unknown"),
        Some(in_force) if in_force > u64::from(wished) => (Verdict::Poor, "network-latency-raised"),
        Some(_) => (Verdict::Good, "network-latency-good"),
    };
    let title = scene.t("network-latency");
    block::head(ui, &title, Some((verdict, &scene.t(key))));
    block::tiles(
        ui,
        &[
            (
                &scene.t("network-latency-asked"),
                Some(format!("{wished} ms")),
            ),
            (
                &scene.t("network-latency-in-force"),
                in_force.map(|value| format!("{value} ms")),
            ),
        ],
        "—",
    );
    if let Some(more) = snapshot.route.held_beyond_ms {
        let text = scene
            .texts
            .f("network-latency-held", &[("ms", &more.to_string())]);
        block::words(ui, text, theme::regular(13.0), theme::amber());
    }
    if verdict == Verdict::Poor {
        let text = scene.t("network-latency-raised-hint");
        block::words(ui, text, theme::regular(12.5), theme::text_soft());
    }
}

fn ways(ui: &mut Ui, scene: &Scene<'_>, guard: &KickGuard, actions: &mut Vec<Action>) {
    let route = &scene.snapshot.route;
    let title = scene.t("network-ways");
    let in_force = route.way.map(|way| {
        scene
            .texts
            .f("network-way-in-force", &[("way", way.name())])
    });
    let verdict = if route.fallback.is_some() {
        Verdict::Poor
    } else {
        Verdict::Good
    };
    block::head(ui, &title, in_force.as_deref().map(|text| (verdict, text)));
    if let Some(why) = &route.fallback {
        let text = scene
            .texts
            .f("network-fallback", &[("why", &scene.say(why))]);
        block::words(ui, text, theme::regular(13.0), theme::amber());
        if scene.snapshot.state == State::Live {
            let again = Button::new(scene.t("network-again")).min_size(vec2(0.0, 28.0));
            let hint = scene.t("network-again-hint");
            if ui.add(again).on_hover_text(hint).clicked() {
                actions.push(Action::FastestWay);
            }
        }
    }
    if route.way.is_some() && scene.snapshot.state == State::Live {
        let armed = guard.is_armed(KickGuard::RECONNECT, scene.now);
        let key = if armed {
            "network-reconnect-again"
        } else {
            "network-reconnect"
        };
        let mut button = Button::new(scene.t(key)).min_size(vec2(0.0, 28.0));
        if armed {
            button = button.fill(theme::stop());
        }
        let hint = scene.t("network-again-hint");
        let name = scene.t("network-reconnect");
        let response = ui.add(button).on_hover_text(hint);
        if response.accessible_name(&name).clicked() {
            actions.push(Action::PressReconnect);
        }
    }
    for status in &route.ways {
        ui.push_id(status.way.name(), |ui| way(ui, scene, status));
    }
}

/// One way: its name, its floor, and why it is not taken.
fn way(ui: &mut Ui, scene: &Scene<'_>, status: &WayStatus) {
    let in_force = scene.snapshot.route.way == Some(status.way);
    let verdict = match (&status.why_not, &status.not_automatic) {
        _ if in_force => Verdict::Busy,
        (Some(_), _) => Verdict::Bad,
        (None, Some(_)) => Verdict::Poor,
        (None, None) => Verdict::Good,
    };
    let floor = floor(scene, status);
    ui.horizontal_top(|ui| {
        ui.spacing_mut().item_spacing.x = 6.0;
        verdict.show(ui);
        let name = status.way.name();
        widgets::text(ui, name, theme::bold(13.0), theme::text());
        block::words(ui, floor, theme::regular(13.0), theme::text_soft());
    });
    if let Some(why) = status.why_not.as_ref().or(status.not_automatic.as_ref()) {
        block::words(ui, scene.say(why), theme::regular(12.0), theme::text_dim());
    }
}

/// A way's floor in words, such as "120 ms, the server's floor".
pub(super) fn floor(scene: &Scene<'_>, status: &WayStatus) -> String {
    use crate::publish::SRT_PUSH_FLOOR_MS;
    use crate::settings::Way;
    let Some(floor_ms) = status.floor_ms else {
        return scene.t("way-floor-none");
    };
    let text = floor_ms.to_string();
    let key = match status.way {
        Way::SrtPush if floor_ms == SRT_PUSH_FLOOR_MS => "way-floor-server",
        Way::SrtPush | Way::SrtPull => "way-floor-latency",
        _ => "way-floor",
    };
    scene.texts.f(key, &[("ms", &text)])
}

fn viewers(ui: &mut Ui, scene: &Scene<'_>, guard: &KickGuard, actions: &mut Vec<Action>) {
    let snapshot = scene.snapshot;
    let title = scene.t("viewers-title");
    let count = snapshot.viewers.map(numbers::count);
    let unknown = scene.t("viewers-unknown");
    let verdict = match &count {
        Some(count) => (Verdict::Good, count.as_str()),
        None => (Verdict::Unknown, unknown.as_str()),
    };
    block::head(ui, &title, Some(verdict));
    for (index, reader) in snapshot.readers.iter().enumerate() {
        ui.push_id(("viewer", index), |ui| {
            viewer(ui, scene, guard, reader, actions);
        });
    }
}

fn viewer(
    ui: &mut Ui,
    scene: &Scene<'_>,
    guard: &KickGuard,
    reader: &Reader,
    actions: &mut Vec<Action>,
) {
    let armed = guard.is_armed(&reader.id, scene.now);
    widgets::row(ui, 28.0, |ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let key = if armed {
                "viewer-kick-again"
            } else {
                "viewer-kick"
            };
            let mut button = Button::new(RichText::new(scene.t(key)).font(theme::regular(13.0)));
            if armed {
                button = button.fill(theme::stop());
            }
            let name = scene
                .texts
                .f("viewer-kick-name", &[("address", &reader.remote_addr)]);
            let response = ui.add(button.min_size(vec2(0.0, 24.0)));
            if response.accessible_name(&name).clicked() {
                actions.push(Action::PressKick(reader.id.clone()));
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                let text = format!("{}  {}", kind(&reader.kind), reader.remote_addr);
                widgets::short_text(ui, &text, theme::bold(13.0), theme::text());
            });
        });
    });
    let sent = reader.bytes_sent as f64 / 1e6;
    let since = numbers::time_of_day(&reader.created);
    let since = since.as_deref().unwrap_or("—");
    let text = scene.texts.f(
        "viewer-figures",
        &[("since", since), ("mb", &numbers::fixed(sent, 1))],
    );
    let agent = if reader.user_agent.is_empty() {
        text
    } else {
        format!("{text} · {}", reader.user_agent)
    };
    block::words(ui, agent, theme::regular(12.0), theme::text_dim());
}

/// The protocol that a reader of this kind speaks.
fn kind(kind: &str) -> &str {
    match kind {
        "webRTCSession" => "WebRTC",
        "srtConn" => "SRT",
        "rtspSession" | "rtspsSession" => "RTSP",
        "rtmpConn" | "rtmpsConn" => "RTMP",
        "hlsSession" | "hlsMuxer" => "HLS",
        "moqSession" => "MoQ",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_press_counts_on_the_same_viewer_only() {
        let ms = |ms: u64| MonoTime::from_micros(10_000_000 + ms * 1000);
        let mut guard = KickGuard::default();
        assert!(!guard.press("a", ms(0)));
        assert!(guard.is_armed("a", ms(500)) && !guard.is_armed("b", ms(500)));
        assert!(!guard.press("b", ms(1000)));
        assert!(!guard.press("a", ms(1500)));
        assert!(guard.press("a", ms(2000)));
        assert!(!guard.is_armed("a", ms(2000)));
    }
}
