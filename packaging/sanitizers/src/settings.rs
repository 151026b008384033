//! What `launch` asks of the settings.

#[path = "../../../src/settings/secrets.rs"]
pub mod secrets;

/// As the console's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Priority {
    /// As other programs.
    #[default]
    Normal,
    /// Above them.
    High,
}

/// As the console's.
#[derive(Clone, Debug, Default)]
pub struct PerformanceSettings {
    /// Of the children.
    pub priority: Priority,
    /// Of the pipe into the encoder.
    pub pipe_kib: u32,
}
