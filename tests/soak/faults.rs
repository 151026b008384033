//! The faults, each befalling the show and being over when its function returns. By the driver's
//! thread; how long and how much is the generator's, so that a seed gives the same faults again.

use super::desk::Scene;
use super::remote::Remote;
use super::show::{KBPS, Show};
use super::usage::with_role;
use crate::common::console::kill;
use crate::common::link::Terms;
use rustix::process::Signal;
use serde_json::json;
use std::io::Write as _;
use std::net::TcpStream;
use std::time::Duration;

/// A kind of fault, or of something that operators do.
pub struct Fault {
    /// In the report.
    pub name: &'static str,
    /// Without it there is no such fault.
    pub needs: Option<Need>,
    /// Befalls the show.
    pub befall: fn(&mut Show, &mut fastrand::Rng) -> Result<(), String>,
}

/// What a fault befalls that need not be there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Need {
    /// The sound server.
    Sound,
    /// MediaMTX: viewers and the latency at a viewer.
    Mediamtx,
    /// A disk that may be filled.
    Disk,
}

const fn fault(
    name: &'static str,
    befall: fn(&mut Show, &mut fastrand::Rng) -> Result<(), String>,
) -> Fault {
    Fault {
        name,
        needs: None,
        befall,
    }
}

impl Fault {
    const fn of(self, need: Need) -> Self {
        Self {
            needs: Some(need),
            ..self
        }
    }

    /// Whether it can befall this show.
    pub fn is_possible(&self, show: &Show) -> bool {
        match self.needs {
            None => true,
            Some(Need::Sound) => show.sound.is_some(),
            Some(Need::Mediamtx) => show.receiver.is_mediamtx(),
            Some(Need::Disk) => show.disk.is_some(),
        }
    }
}

/// All of them. The order is part of what a seed means.
pub const FAULTS: &[Fault] = &[
    fault("encoder killed", |show, _| end(show, "encoder")),
    fault("publisher killed", |show, _| end(show, "publisher")),
    fault("encoder frozen", |show, chance| {
        freeze(show, "encoder", chance)
    }),
    fault("publisher frozen", |show, chance| {
        freeze(show, "publisher", chance)
    }),
    fault("console frozen", console_frozen),
    fault("server killed", server_killed),
    fault("network cut", |show, chance| {
        network(show, Terms::PULLED, hold(chance, 1.0, 8.0))
    }),
    fault("5 % lost", |show, chance| {
        let lossy = Terms {
            loss_permille: 50,
            ..Terms::GOOD
        };
        network(show, lossy, hold(chance, 4.0, 10.0))
    }),
    fault("narrow network", |show, chance| {
        network(show, Terms::GOOD.rate(1200), hold(chance, 3.0, 8.0))
    }),
    fault("bitrate moved", bitrate_moved),
    fault("size changed", |show, chance| {
        let sizes = ["640x360", "960x540", "854x480", "1024x576"];
        let other = sizes[chance.usize(..sizes.len())];
        changed(show, "size-set", other, "1280x720", hold(chance, 3.0, 8.0))
    }),
    fault("frame rate changed", |show, chance| {
        let rates = ["15", "25", "30000/1001"];
        let other = rates[chance.usize(..rates.len())];
        changed(show, "fps-set", other, "30", hold(chance, 3.0, 8.0))
    }),
    fault("window resized", window_resized),
    fault("window closed", |show, chance| {
        show.scene.close();
        sleep(hold(chance, 1.0, 8.0));
        show.scene.open();
        Ok(())
    }),
    fault("other source", |show, chance| {
        changed(show, "source-set", "pattern", "x11", hold(chance, 2.0, 6.0))
    }),
    fault("sink gone", |show, chance| {
        let Some(sound) = &show.sound else {
            return Ok(());
        };
        sound.unplug();
        sleep(hold(chance, 1.0, 8.0));
        sound.plug();
        Ok(())
    })
    .of(Need::Sound),
    fault("sound server killed", |show, chance| {
        let Some(sound) = &mut show.sound else {
            return Ok(());
        };
        sound.kill();
        sleep(hold(chance, 0.5, 5.0));
        sound.back();
        Ok(())
    })
    .of(Need::Sound),
    fault("mixer moved", mixer_moved),
    fault("recorded", recorded),
    fault("replay saved", |show, _| {
        show.remote.ask("SaveReplayBuffer", json!({}))?;
        // A busy machine is slow to start the ffmpeg that writes it.
        let is_there = || is_something(show.on_disk()).is_ok();
        crate::common::wait_until(Duration::from_secs(20), is_there);
        sleep(Duration::from_secs(1));
        is_something(show.recorded())
    }),
    fault("viewers come and go", viewers).of(Need::Mediamtx),
    fault("probe off", |show, chance| {
        show.remote.operation("probe-toggle")?;
        sleep(hold(chance, 2.0, 6.0));
        show.remote.operation("probe-toggle")
    })
    .of(Need::Mediamtx),
    fault("strangers at the ports", strangers),
    fault("show ended and begun", |show, chance| {
        show.remote.ask("StopStream", json!({}))?;
        let remote = &mut show.remote;
        let idle = || remote.status().is_ok_and(|status| status.state == "idle");
        if !crate::common::wait_until(Duration::from_secs(20), idle) {
            return Err("the show does not end".into());
        }
        sleep(hold(chance, 0.2, 3.0));
        show.remote.ask("StartStream", json!({}))?;
        Ok(())
    }),
    fault("disk full", disk_full).of(Need::Disk),
    fault("X server killed", |show, chance| {
        show.scene.end();
        show.screen.kill();
        sleep(hold(chance, 1.0, 8.0));
        show.screen.back();
        show.scene = Scene::start(&show.screen.display);
        Ok(())
    }),
];

fn hold(chance: &mut fastrand::Rng, low_s: f64, high_s: f64) -> Duration {
    Duration::from_secs_f64(low_s + chance.f64() * (high_s - low_s))
}

fn sleep(time: Duration) {
    std::thread::sleep(time);
}

/// The child that does this now. Just ended and not yet back is waited for.
fn child(show: &Show, role: &str) -> Result<u32, String> {
    let mut found = None;
    crate::common::wait_until(Duration::from_secs(5), || {
        found = with_role(show.console.id(), role).last().copied();
        found.is_some()
    });
    found.ok_or_else(|| format!("there is no {role}"))
}

fn end(show: &mut Show, role: &str) -> Result<(), String> {
    kill(child(show, role)?, Signal::KILL);
    Ok(())
}

/// For so long that it is sometimes taken for hung, and ended by the console.
fn freeze(show: &mut Show, role: &str, chance: &mut fastrand::Rng) -> Result<(), String> {
    let pid = child(show, role)?;
    kill(pid, Signal::STOP);
    sleep(hold(chance, 0.3, 8.0));
    if with_role(show.console.id(), role).contains(&pid) {
        kill(pid, Signal::CONT);
    }
    Ok(())
}

/// As a machine that sleeps.
fn console_frozen(show: &mut Show, chance: &mut fastrand::Rng) -> Result<(), String> {
    show.console.signal(Signal::STOP);
    sleep(hold(chance, 0.3, 4.0));
    show.console.signal(Signal::CONT);
    Ok(())
}

fn server_killed(show: &mut Show, chance: &mut fastrand::Rng) -> Result<(), String> {
    show.receiver.kill();
    sleep(hold(chance, 0.2, 5.0));
    show.receiver.back();
    Ok(())
}

fn network(show: &mut Show, terms: Terms, time: Duration) -> Result<(), String> {
    show.link.set(terms);
    sleep(time);
    show.link.set(Terms::GOOD);
    Ok(())
}

fn bitrate_moved(show: &mut Show, chance: &mut fastrand::Rng) -> Result<(), String> {
    for _ in 0..chance.u32(2..8) {
        set_bitrate(&mut show.remote, chance.u32(300..5000))?;
        sleep(hold(chance, 0.1, 2.0));
    }
    set_bitrate(&mut show.remote, KBPS)
}

fn set_bitrate(remote: &mut Remote, kbps: u32) -> Result<(), String> {
    let data = json!({
        "vendorName": "pd-console", "requestType": "set_bitrate", "requestData": { "kbps": kbps },
    });
    remote.ask("CallVendorRequest", data)?;
    Ok(())
}

/// Sets something to `other`, and back to `usual`.
fn changed(
    show: &mut Show,
    operation: &str,
    other: &str,
    usual: &str,
    time: Duration,
) -> Result<(), String> {
    show.remote.operation(&format!("{operation} {other}"))?;
    sleep(time);
    show.remote.operation(&format!("{operation} {usual}"))
}

fn window_resized(show: &mut Show, chance: &mut fastrand::Rng) -> Result<(), String> {
    for _ in 0..chance.u32(1..8) {
        show.scene
            .resize([chance.u32(200..1280), chance.u32(120..800)]);
        sleep(hold(chance, 0.05, 1.5));
    }
    show.scene.resize(super::desk::SIZE);
    Ok(())
}

fn mixer_moved(show: &mut Show, chance: &mut fastrand::Rng) -> Result<(), String> {
    for _ in 0..chance.u32(2..10) {
        let words = match chance.u32(0..3) {
            0 => "mute-toggle".to_owned(),
            1 => format!("input-gain 1 {}", chance.i32(-20..6)),
            _ => format!("input-delay 1 {}", chance.u32(0..500)),
        };
        show.remote.operation(&words)?;
        sleep(hold(chance, 0.05, 1.0));
    }
    for words in ["unmute", "input-gain 1 0", "input-delay 1 0"] {
        show.remote.operation(words)?;
    }
    Ok(())
}

fn recorded(show: &mut Show, chance: &mut fastrand::Rng) -> Result<(), String> {
    show.remote.operation("record-start")?;
    show.wait_recording(true)?;
    sleep(hold(chance, 2.0, 8.0));
    show.remote.operation("record-stop")?;
    show.wait_recording(false)?;
    is_something(show.recorded())
}

/// While it is recorded: that ends by itself, and goes again once there is room.
fn disk_full(show: &mut Show, chance: &mut fastrand::Rng) -> Result<(), String> {
    show.remote.operation("record-start")?;
    show.wait_recording(true)?;
    sleep(hold(chance, 1.0, 4.0));
    let filler = show.disk.as_ref().map(|disk| disk.fill_but(0));
    let ended = show.wait_recording(false);
    if let Some(filler) = filler {
        std::fs::remove_file(filler).map_err(|e| e.to_string())?;
    }
    ended?;
    is_something(show.recorded())?;
    recorded(show, chance)
}

fn is_something(bytes: u64) -> Result<(), String> {
    if bytes > 10_000 {
        return Ok(());
    }
    Err(format!("{bytes} bytes were recorded"))
}

fn viewers(show: &mut Show, chance: &mut fastrand::Rng) -> Result<(), String> {
    let mut eyes = Vec::new();
    for _ in 0..chance.u32(1..4) {
        eyes.extend(show.receiver.viewer());
        sleep(hold(chance, 0.1, 2.0));
    }
    sleep(hold(chance, 1.0, 4.0));
    Ok(())
}

/// Connections to the remote control and the viewers' page that say nothing, nonsense, or go at once.
fn strangers(show: &mut Show, chance: &mut fastrand::Rng) -> Result<(), String> {
    let mut silent = Vec::new();
    for number in 0..chance.u32(4..12) {
        let port = if number % 2 == 0 {
            show.port
        } else {
            show.page
        };
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else {
            continue;
        };
        match chance.u32(0..3) {
            0 => drop(stream),
            1 => silent.push(stream),
            _ => {
                let _ = stream.write_all(b"\x16\x03\x01 nonsense\r\n\r\n");
                silent.push(stream);
            }
        }
    }
    sleep(hold(chance, 1.0, 5.0));
    Ok(())
}
