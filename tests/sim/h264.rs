//! H.264 as the played encoders make it: parameter sets that say a size, slices whose bytes say which
//! encoder made which of its pictures. Pure.

use pd_console::clock::MonoTime;
use pd_console::relay::AccessUnit;
use pd_console::relay::annexb::write_annexb;
use pd_console::units::Size;
use std::time::Duration;

/// Writes bits, exponential Golomb codes among them (ITU-T H.264 9.1).
#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: u32,
}

impl Bits {
    fn bit(&mut self, bit: bool) {
        if self.used.is_multiple_of(8) {
            self.bytes.push(0);
        }
        if let Some(last) = self.bytes.last_mut() {
            *last |= u8::from(bit) << (7 - self.used % 8);
        }
        self.used += 1;
    }

    fn ue(&mut self, value: u32) {
        let code = value + 1;
        let length = code.ilog2();
        for _ in 0..length {
            self.bit(false);
        }
        for shift in (0..=length).rev() {
            self.bit(code >> shift & 1 == 1);
        }
    }
}

/// Sequence parameter set of a baseline picture (ITU-T H.264 7.3.2.1.1).
pub fn sps(size: Size) -> Vec<u8> {
    let mut bits = Bits::default();
    // Id, log2_max_frame_num - 4, order count of type 2, one reference.
    for value in [0, 0, 2, 1] {
        bits.ue(value);
    }
    bits.bit(false);
    let (across, down) = (size.width.div_ceil(16), size.height.div_ceil(16));
    bits.ue(across - 1);
    bits.ue(down - 1);
    // Frames only, direct_8x8_inference.
    bits.bit(true);
    bits.bit(true);
    let (right, bottom) = (across * 16 - size.width, down * 16 - size.height);
    bits.bit(right + bottom > 0);
    if right + bottom > 0 {
        for value in [0, right / 2, 0, bottom / 2] {
            bits.ue(value);
        }
    }
    // No VUI, the stop bit.
    bits.bit(false);
    bits.bit(true);
    [&[0x67, 66, 0xc0, 31][..], &bits.bytes].concat()
}

/// A picture of encoder `encoder`, the `index`-th that it gives out, of about `bytes`.
pub fn picture(encoder: u32, index: u64, idr: bool, bytes: usize, size: Size) -> AccessUnit {
    let mut slice = vec![if idr { 0x65 } else { 0x41 }];
    // Seven bits a byte, never zero: no start code, no emulation.
    let number = u128::from(encoder) << 64 | u128::from(index);
    slice.extend((0..14).map(|k| 0x80 | (number >> (7 * k) & 0x7f) as u8));
    slice.resize(bytes.max(slice.len()), 0xa5);
    let (sps, pps) = (sps(size), [0x68, 0xce, 0x3c, 0x80]);
    let mut data = Vec::new();
    if idr {
        write_annexb([&sps[..], &pps[..], &slice], &mut data);
    } else {
        write_annexb([&slice[..]], &mut data);
    }
    AccessUnit {
        frame: index,
        captured_at: MonoTime::ZERO,
        begun_at: MonoTime::ZERO,
        frame_time: Duration::ZERO,
        encoded_at: MonoTime::ZERO,
        idr,
        data: data.into(),
        hash: 0,
    }
}

/// Which encoder's picture a slice is, and the how manieth; None where it is none of ours.
pub fn maker(slice: &[u8]) -> Option<(u32, u64)> {
    let number = slice.get(1..15)?.iter().rev();
    let number = number.fold(0_u128, |sum, byte| sum << 7 | u128::from(byte & 0x7f));
    Some((u32::try_from(number >> 64).ok()?, number as u64))
}
