//! The operator's settings: what they are, where they are kept, what is secret.

pub mod schema;

pub use schema::*;
