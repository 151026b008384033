//! The relay: access units from the encoders, in order, to every sink.

pub mod access_unit;
pub mod annexb;

pub use access_unit::{AccessUnit, slice_hash};
