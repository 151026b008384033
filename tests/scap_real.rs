//! scap itself, in its child, against a portal that the test plays. By hand: `PD_CONSOLE_SCAP` names the child, which `packaging/test.sh`
//! does not build; without it nothing is tested, and a line says so.
#![cfg(all(target_os = "linux", feature = "scap", feature = "pipewire"))]
// Every function here is a test or serves one.
#![allow(clippy::unwrap_used)]

mod common;
#[path = "portal_capture/portal.rs"]
#[allow(dead_code, reason = "shared with the portal's test")]
mod portal;
#[path = "portal_capture/rig.rs"]
#[allow(dead_code, reason = "shared with the portal's test")]
mod rig;

use common::alone;
use common::running::Running;
use pd_console::capture::scap::{PROGRAM_ENV, ScapSource};
use pd_console::capture::{CaptureError, Frame};
use pd_console::settings::VideoSettings;
use portal::{Operator, Portal};
use rig::Rig;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

fn scap() -> Option<PathBuf> {
    let named = std::env::var_os(PROGRAM_ENV).map(PathBuf::from);
    if named.is_none() {
        println!("SKIPPED: {PROGRAM_ENV} is not set, scap itself was not tested");
    }
    named
}

/// scap with the surroundings of the daemons in `folder`.
fn program(scap: &Path, folder: &Path, address: &str) -> PathBuf {
    let script = folder.join("scap.sh");
    let text = format!(
        "#!/bin/sh\nexport DBUS_SESSION_BUS_ADDRESS='{address}' XDG_RUNTIME_DIR='{0}' \
         PIPEWIRE_RUNTIME_DIR='{0}' HOME='{0}'\nexec '{1}' \"$@\"\n",
        folder.display(),
        scap.display()
    );
    std::fs::write(&script, text).unwrap();
    std::fs::set_permissions(&script, PermissionsExt::from_mode(0o755)).unwrap();
    script
}

/// The source on a thread of its own.
fn start(program: &Path) -> Running {
    let source = ScapSource::start(program, &VideoSettings::default()).unwrap();
    Running::start(source, Duration::from_secs(20))
}

fn rgb(frame: &Frame, x: usize, y: usize) -> [u8; 3] {
    let at = y * frame.stride + x * 4;
    [frame.data[at + 2], frame.data[at + 1], frame.data[at]]
}

#[test]
fn a_drawn_picture_comes_in_its_colours() {
    let _alone = alone();
    let (Some(scap), Some(rig)) = (scap(), Rig::start()) else {
        return;
    };
    let portal = Portal::start(&rig.address, rig.socket(), Operator::Cancels);
    let socket = rig.socket();
    let program = program(&scap, socket.parent().unwrap(), &rig.address);
    for format in ["BGRx", "RGBx"] {
        let caps = format!("format={format},width=1366,height=768,framerate=30/1");
        let (_drawn, node) = rig.draw("pattern=smpte100", &caps);
        portal.script.lock().unwrap().operator = Operator::Chooses(node);
        let running = start(&program);
        let frame = running.next();
        assert_eq!((frame.size.width, frame.size.height), (1366, 768));
        // The first and the last of the seven bars, in the first and the last row of theirs.
        for y in [0, 511] {
            assert_eq!(rgb(&frame, 50, y), [255, 255, 255], "{format} {y}");
            assert_eq!(rgb(&frame, 1300, y), [0, 0, 255], "{format} {y}");
        }
        std::thread::sleep(Duration::from_secs(1));
        println!(
            "{format}: {} pictures in a second",
            running.slot.put_count()
        );
        let (took, ended) = running.end();
        ended.unwrap();
        println!("{format}: ended within {took:?}");
        assert!(took < Duration::from_millis(300), "{took:?}");
    }
}

#[test]
fn the_operator_says_no() {
    let _alone = alone();
    let (Some(scap), Some(rig)) = (scap(), Rig::start()) else {
        return;
    };
    let _portal = Portal::start(&rig.address, rig.socket(), Operator::Cancels);
    let socket = rig.socket();
    let program = program(&scap, socket.parent().unwrap(), &rig.address);
    let error = start(&program).ends().1.unwrap_err();
    println!("{error}");
    assert!(matches!(error, CaptureError::Refused(_)), "{error:?}");
}

#[test]
fn a_desktop_without_a_portal_is_a_loss() {
    let _alone = alone();
    let (Some(scap), Some(rig)) = (scap(), Rig::start()) else {
        return;
    };
    let socket = rig.socket();
    let program = program(&scap, socket.parent().unwrap(), &rig.address);
    let error = start(&program).ends().1.unwrap_err();
    println!("{error}");
    let CaptureError::Lost(text) = error else {
        panic!("{error:?}");
    };
    assert!(text.contains("scap failed inside"), "{text}");
}

#[test]
fn a_format_that_scap_asks_for_and_cannot_take_is_a_loss() {
    let _alone = alone();
    let (Some(scap), Some(rig)) = (scap(), Rig::start()) else {
        return;
    };
    let caps = "format=RGBA,width=640,height=480,framerate=30/1";
    let (_drawn, node) = rig.draw("pattern=smpte100", caps);
    let _portal = Portal::start(&rig.address, rig.socket(), Operator::Chooses(node));
    let socket = rig.socket();
    let program = program(&scap, socket.parent().unwrap(), &rig.address);
    let error = start(&program).ends().1.unwrap_err();
    let CaptureError::Lost(text) = error else {
        panic!("{error:?}");
    };
    assert!(text.contains("Unsupported frame format received"), "{text}");
}
