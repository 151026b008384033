//! What the console costs.

pub mod load;
