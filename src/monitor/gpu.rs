//! Graphics cards: name, driver and load.

/// One graphics card; None where the system does not tell ("not available", never zero).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gpu {
    /// Its name.
    pub name: String,
    /// Driver's name and version.
    pub driver: Option<String>,
    /// Load of its cores, percent.
    pub load_percent: Option<f32>,
    /// Memory in use and in all, bytes.
    pub memory_bytes: Option<(u64, u64)>,
    /// Temperature, degrees Celsius.
    pub temperature_c: Option<f32>,
    /// Load of its video encoder, percent.
    pub encoder_percent: Option<f32>,
    /// Encoding sessions that run on it, of all programs.
    pub encoder_sessions: Option<u32>,
}
