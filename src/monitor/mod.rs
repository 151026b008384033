//! What the console costs.

pub mod load;
pub mod thread_time;
