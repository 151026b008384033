//! Ways from the console to a server: the publisher, addresses and stream ids, the look whether
//! anything listens, and the loopback receiver where there is no server.

pub mod audio_pipe;
pub mod framehash;
pub mod host_box;
pub mod invited;
pub mod loopback;
mod occupant;
pub mod publisher;
pub mod receiver;
pub mod srt_ping;
pub mod srt_url;
pub mod streamid;
pub mod target;
pub mod ts;
pub mod undelayed;
pub mod ways;

pub use host_box::{HostBox, HostError, parse_host_box};
pub use occupant::{Occupant, occupant};
pub use srt_ping::{PingError, Pong, first_that_answers, ping, ping_best};
pub use srt_url::{
    CONNECT_TIMEOUT_MS, ResolveError, check_passphrase, resolve, resolve_all, srt_listen_url,
    srt_url,
};
pub use streamid::{Mode, StreamIdError, StreamIdParts, parse_stream_id, stream_id};
pub use target::{PullPlan, Target, TargetError, pulled_from, wished_latency_ms};
pub use ways::{Place, SRT_PUSH_FLOOR_MS, WayStatus, order, ways};
