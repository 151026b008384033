//! Which nodes PipeWire's session manager takes for the default sink and source: cpal has stand-ins
//! for them that know neither their name nor their channels.
//!
//! Called on a device's thread, before it is opened; waits for the server 1 s at most.

use pipewire as pw;
use pw::metadata::{Metadata, MetadataListener};
use pw::types::ObjectType;
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant};

/// How long the server may take.
const LIMIT: Duration = Duration::from_secs(1);

/// Names of the default nodes; None where there is none or it is not known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Defaults {
    /// Of the sink.
    pub sink: Option<String>,
    /// Of the source.
    pub source: Option<String>,
}

/// Asks the server.
pub fn defaults() -> Defaults {
    ask().unwrap_or_else(|error| {
        tracing::debug!("PipeWire does not tell its default nodes: {error}");
        Defaults::default()
    })
}

fn ask() -> Result<Defaults, pw::Error> {
    pw::init();
    let mainloop = pw::main_loop::MainLoopRc::new(None)?;
    let context = pw::context::ContextRc::new(&mainloop, None)?;
    let core = context.connect_rc(None)?;
    let registry = core.get_registry_rc()?;
    let found: Rc<RefCell<Defaults>> = Rc::default();
    let kept: Rc<RefCell<Option<(Metadata, MetadataListener)>>> = Rc::default();
    let answered = Rc::new(Cell::new(0));
    let (on_done, on_found, on_kept) = (answered.clone(), found.clone(), kept.clone());
    let binding = registry.clone();
    let _core_listener = core
        .add_listener_local()
        .done(move |id, _| {
            if id == pw::core::PW_ID_CORE {
                on_done.set(on_done.get() + 1);
            }
        })
        .register();
    let _registry_listener = registry
        .add_listener_local()
        .global(move |global| {
            let name = global.props.and_then(|props| props.get("metadata.name"));
            if global.type_ != ObjectType::Metadata || name != Some("default") {
                return;
            }
            let Ok(metadata) = binding.bind::<Metadata, _>(global) else {
                return;
            };
            let found = on_found.clone();
            let listener = metadata
                .add_listener_local()
                .property(move |_, key, _, value| {
                    let name = value.and_then(name_in);
                    match key {
                        Some("default.audio.sink") => found.borrow_mut().sink = name,
                        Some("default.audio.source") => found.borrow_mut().source = name,
                        _ => {}
                    }
                    0
                })
                .register();
            *on_kept.borrow_mut() = Some((metadata, listener));
        })
        .register();
    let deadline = Instant::now() + LIMIT;
    // The first answer comes behind the list of objects, the second behind the metadata.
    for round in 1..=2 {
        core.sync(0)?;
        while answered.get() < round && Instant::now() < deadline {
            mainloop
                .loop_()
                .iterate(pw::loop_::Timeout::Finite(Duration::from_millis(20)));
        }
    }
    let defaults = found.borrow().clone();
    Ok(defaults)
}

/// The name in `{"name":"..."}`.
fn name_in(value: &str) -> Option<String> {
    let json: serde_json::Value = serde_json::from_str(value).ok()?;
    json.get("name")?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_read() {
        assert_eq!(
            name_in(r#"{"name":"alsa_input.usb"}"#).as_deref(),
            Some("alsa_input.usb")
        );
        assert_eq!(
            name_in(r#"{ "name": "a \"b\"" }"#).as_deref(),
            Some("a \"b\"")
        );
        assert_eq!(name_in("null"), None);
    }

    #[test]
    fn without_a_server_there_is_an_answer_soon() {
        // Whatever this machine has.
        let began = Instant::now();
        let _ = defaults();
        assert!(began.elapsed() < 2 * LIMIT);
    }
}
