//! Ways out of the console: the publisher and what receives.

pub mod audio_pipe;
pub mod publisher;
