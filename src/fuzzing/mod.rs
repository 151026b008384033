//! What the fuzzer feeds: one function for each thing that reads bytes or text from outside.
//!
//! Compiled for cargo-fuzz (`--cfg fuzzing`, package `fuzz/`) and for the unit tests only, which replay
//! the corpus and the inputs of former faults (`replay`): the bodies are written once, and are no part
//! of the program. Pure but for temporary files and one pipe; any thread. A body panics where the
//! property that it names does not hold. Input of any length is taken; what is too long is cut.

mod config;
mod input;
mod media;
mod network;
mod picture;
mod remote;
mod server;
mod text;
mod viewer;

#[cfg(test)]
mod replay;

/// A target: its name, which is its corpus's folder and its binary's, and its body.
pub struct Target {
    /// The name.
    pub name: &'static str,
    /// What is run with an input.
    pub body: fn(&[u8]),
    /// Bytes of an input at most: `-max_len`.
    pub max_len: usize,
}

const fn target(name: &'static str, body: fn(&[u8]), max_len: usize) -> Target {
    Target {
        name,
        body,
        max_len,
    }
}

/// All targets, by name.
pub const TARGETS: &[Target] = &[
    target("annexb", media::annexb, 4096),
    target("api_json", server::api_json, 8192),
    target("archive", server::archive, 4096),
    target("audio_convert", picture::audio_convert, 4096),
    target("capture_convert", picture::capture_convert, 4096),
    target("capture_copy", picture::capture_copy, 4096),
    target("child_log", text::child_log, 8192),
    target("control", config::control, 512),
    target("ffmpeg_words", text::ffmpeg_words, 8192),
    target("flv", media::flv, 8192),
    target("flv_write", media::flv_write, 4096),
    target("glass", picture::glass, 8192),
    target("h264_bits", media::h264_bits, 2048),
    target("host_box", network::host_box, 512),
    target("lend", picture::lend, 512),
    target("mask", text::mask, 1024),
    target("names", config::names, 512),
    target("origin", remote::origin, 256),
    target("overrides", config::overrides, 512),
    target("profile", config::profile, 4096),
    target("remote_client", remote::client, 4096),
    target("remote_codec", remote::codec, 4096),
    target("rtp", media::rtp, 4096),
    target("rtp_round", media::rtp_round, 4096),
    target("rtp_times", media::rtp_times, 4096),
    target("settings_file", config::settings_file, 4096),
    target("srt_ping", network::srt_ping, 256),
    target("streamid", network::streamid, 1024),
    target("target_urls", network::target_urls, 1024),
    target("ts", media::ts, 8192),
    target("ts_round", media::ts_round, 4096),
    target("units", text::units, 256),
    target("viewer_http", viewer::http, 4096),
    target("viewer_report", viewer::report, 8192),
    target("words", text::words, 2048),
    target("words_format", text::words_format, 2048),
];

/// The target of this name.
///
/// # Panics
/// Where there is none.
pub fn target_named(name: &str) -> &'static Target {
    let found = TARGETS.iter().find(|target| target.name == name);
    found.unwrap_or_else(|| panic!("no fuzz target is called {name}"))
}
