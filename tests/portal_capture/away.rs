//! A portal or a PipeWire that is away for a while: what the operator chose outlives it.

use super::portal::{Operator, Portal};
use super::rig::Rig;
use super::{open, settings, start};
use crate::common::alone;
use pd_console::capture::CaptureError;

/// The token in the rig's folder.
fn kept(rig: &Rig) -> Option<String> {
    let text = std::fs::read_to_string(rig.state().join("portal-screen.token")).ok()?;
    Some(text.trim().to_owned())
}

#[test]
fn a_portal_that_is_away_does_not_cost_the_choice() {
    let _alone = alone();
    let Some(rig) = Rig::start() else { return };
    let (_drawn, node) = rig.draw("", "format=BGRx,width=64,height=48,framerate=30/1");
    let portal = Portal::start(&rig.address, rig.socket(), Operator::Chooses(node));
    let running = start(open(&rig, &settings()));
    running.next();
    running.end().1.unwrap();
    assert_eq!(kept(&rig).as_deref(), Some("token-1"));
    drop(portal);
    // The portal is being restarted; then its whole bus cannot be reached.
    for bus in [&*rig.address, "unix:path=/nonexistent/bus"] {
        let source = open(&rig, &settings()).on_bus(bus);
        let error = start(source).ends().1.unwrap_err();
        assert!(matches!(error, CaptureError::NoPortal(_)), "{error}");
        assert_eq!(kept(&rig).as_deref(), Some("token-1"), "after {bus}");
    }
    let portal = Portal::start(&rig.address, rig.socket(), Operator::Chooses(node));
    let running = start(open(&rig, &settings()));
    running.next();
    running.end().1.unwrap();
    let shown = portal.script.lock().unwrap().tokens.clone();
    assert_eq!(shown, [Some("token-1".into())]);
}

#[test]
fn a_missing_pipewire_is_named_and_does_not_cost_the_choice() {
    let _alone = alone();
    let Some(rig) = Rig::start() else { return };
    let portal = Portal::start(&rig.address, rig.socket(), Operator::Chooses(1));
    portal.script.lock().unwrap().lacks_pipewire = true;
    for starts in [1, 2] {
        let error = start(open(&rig, &settings())).ends().1;
        let error = error.unwrap_err();
        println!("{error}");
        assert!(matches!(error, CaptureError::NoPortal(_)), "{error}");
        assert!(error.to_string().contains("no PipeWire"), "{error}");
        // The operator is asked once a start, and what they chose is kept.
        assert_eq!(portal.script.lock().unwrap().given, starts);
        assert_eq!(kept(&rig), Some(format!("token-{starts}")));
    }
}
