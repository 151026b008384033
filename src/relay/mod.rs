//! The relay: access units from the encoders, in order, to every sink.

pub mod access_unit;
pub mod cutover;
pub mod flv;
pub mod ivf;

pub use access_unit::{AccessUnit, slice_hash};
