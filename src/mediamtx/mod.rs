//! A MediaMTX server: managed child and API client.
