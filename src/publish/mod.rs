//! Ways from the console to a server: addresses, stream ids, and the look whether anything listens.

pub mod host_box;
pub mod srt_ping;
pub mod srt_url;
pub mod streamid;

pub use host_box::{HostBox, HostError, parse_host_box};
pub use srt_ping::{PingError, Pong, ping};
pub use srt_url::{ResolveError, check_passphrase, resolve, resolve_all, srt_url};
pub use streamid::{Mode, StreamIdError, StreamIdParts, parse_stream_id, stream_id};
