//! The relay: access units from the encoders, in order, to every sink.

pub mod access_unit;
pub mod annexb;
pub mod arrival;
pub mod arrivals;
pub mod cutover;
pub mod encode_meter;
pub mod encoder;
pub mod flv;
pub mod flv_write;
pub mod h264_bits;
pub mod hub;
pub mod lend;
pub mod rate;
pub mod rtp_times;

pub use access_unit::{AccessUnit, slice_hash};
pub use arrival::{Arrival, ArrivalCounters, ArrivalEvent, opus_hash};
pub use hub::{Relay, RelayEvent};
pub use rtp_times::RtpTimes;
