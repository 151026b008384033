//! What the console costs.

pub mod gpu;
pub mod load;
pub mod thread_time;
