//! Bytes as hexadecimal digits, and random ones: passwords, passphrases and nonces of one show. Pure
//! but for [`random`], which asks the system.

use std::io;

/// Two small digits a byte.
pub fn of(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// 128 random bits as 32 digits: letters that every server, URL and page takes as they are.
///
/// # Errors
/// Where the system gives no random bytes.
pub fn random() -> io::Result<String> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(of(&bytes))
}
