//! The operator's settings: what they are, where they are kept, what is secret.

pub(crate) mod file;
#[cfg(feature = "keyring")]
pub mod keyring;
pub(crate) mod migrate;
pub mod overrides;
pub mod profile_name;
pub mod profiles;
pub mod schema;
pub mod secrets;
pub mod servers;
pub(crate) mod shared;
pub mod store;
pub(crate) mod tree;

pub use overrides::{SetError, sentences, set, set_pair};
pub use profiles::{ProfileError, Profiles};
pub use schema::*;
pub use secrets::{Secrets, mask, mask_cut, mask_values};
pub use servers::RecentServer;
pub use store::{Loaded, Store, StoreError, load};
