//! IVF as the publisher reads it: the container that carries each access unit's own time.
//!
//! Pure. ffmpeg's IVF demuxer takes the fourcc `H264` (tried on 5.1, 7.0 and 9.0).

use crate::units::Size;

/// The file header: time base 1 microsecond, number of frames unknown.
pub fn header(size: Size) -> [u8; 32] {
    let mut header = [0; 32];
    header[..4].copy_from_slice(b"DKIF");
    header[6..8].copy_from_slice(&32_u16.to_le_bytes());
    header[8..12].copy_from_slice(b"H264");
    // 16 bits each: the console's largest picture is 7680x4320.
    header[12..14].copy_from_slice(&(size.width as u16).to_le_bytes());
    header[14..16].copy_from_slice(&(size.height as u16).to_le_bytes());
    header[16..20].copy_from_slice(&1_000_000_u32.to_le_bytes());
    header[20..24].copy_from_slice(&1_u32.to_le_bytes());
    header
}

/// What stands before each access unit of `len` bytes shown at `pts_us`.
pub fn frame_header(len: u32, pts_us: u64) -> [u8; 12] {
    let mut header = [0; 12];
    header[..4].copy_from_slice(&len.to_le_bytes());
    header[4..].copy_from_slice(&pts_us.to_le_bytes());
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_the_formats() {
        let header = header(Size::new(1280, 720));
        assert_eq!(&header[..16], b"DKIF\0\0\x20\0H264\0\x05\xd0\x02");
        assert_eq!(
            frame_header(258, 33_333)[..],
            [2, 1, 0, 0, 0x35, 0x82, 0, 0, 0, 0, 0, 0]
        );
    }
}
