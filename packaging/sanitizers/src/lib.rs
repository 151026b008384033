//! The console's own files, as they are, with as little as they need around them.

#[path = "../../../src/ffmpeg/guard.rs"]
pub mod guard;
#[path = "../../../src/ffmpeg/launch.rs"]
pub mod launch;
#[path = "../../../src/relay/lend.rs"]
pub mod lend;
#[path = "../../../src/publish/streamid.rs"]
pub mod streamid;
#[path = "../../../src/mediamtx/url.rs"]
pub mod url;

pub mod capture;
pub mod settings;
