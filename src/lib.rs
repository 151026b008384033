//! The PD console: capture, encode, relay, publish and measure a return picture.
//!
//! See ARCHITECTURE.md for the pipeline and the rules that keep it live. Nothing outside `ui`
//! names egui; `ui` depends on `session`, `session` on the rest.

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod audio;
pub mod capture;
pub mod cli;
pub mod clock;
pub mod control;
pub mod crash;
pub mod doctor;
pub mod fetch;
pub mod ffmpeg;
pub mod folders;
#[cfg(any(test, fuzzing))]
#[doc(hidden)]
pub mod fuzzing;
pub mod glass;
pub mod headless;
pub mod hex;
pub mod latency;
pub mod logging;
pub mod measure;
pub mod mediamtx;
pub mod memory;
pub mod monitor;
pub mod panics;
pub mod partial;
pub mod peer;
pub mod private;
#[cfg(feature = "probe")]
pub mod probe;
pub mod publish;
pub mod record;
pub mod relay;
pub mod remote;
pub mod session;
pub mod settings;
pub mod stop;
pub mod tls;
#[cfg(feature = "gui")]
pub mod ui;
pub mod units;
pub mod updates;
pub mod viewer;
pub mod whole_file;
pub mod words;
