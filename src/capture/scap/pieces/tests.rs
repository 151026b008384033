//! Tests of the form on the pipe: there and back, in any pieces, and with hostile headers.

use super::super::wire::{MAGIC, MOST_BYTES, MOST_SIDE};
use super::*;
use proptest::prelude::*;
use std::time::Duration;

fn header(width: u32, height: u32, stride: u32) -> Header {
    Header {
        width,
        height,
        stride,
        pixels: Pixels::Bgrx,
        age: Duration::from_micros(250),
    }
}

fn any_header() -> impl Strategy<Value = Header> {
    let pixels = prop_oneof![Just(Pixels::Bgrx), Just(Pixels::Rgbx), Just(Pixels::Xbgr)];
    (1_u32..40, 1_u32..40, 0_u32..20, pixels, 0_u64..10_000).prop_map(
        |(width, height, padding, pixels, age_us)| Header {
            width,
            height,
            stride: 4 * width + padding,
            pixels,
            age: Duration::from_micros(age_us),
        },
    )
}

/// Pushes `bytes` in pieces of the given lengths, in turn; each whole picture's header, bytes, time.
fn push(
    pieces: &mut Pieces,
    mut bytes: &[u8],
    lengths: &[usize],
) -> Result<Vec<(Size, Vec<u8>, MonoTime)>, String> {
    let now = MonoTime::from_micros(1_000_000);
    let mut whole = Vec::new();
    let mut lengths = lengths.iter().cycle();
    while !bytes.is_empty() {
        let room = pieces.room();
        let wanted = lengths.next().copied().unwrap_or(1);
        let count = wanted.min(room.len()).min(bytes.len());
        room[..count].copy_from_slice(&bytes[..count]);
        bytes = &bytes[count..];
        pieces.filled(count, now)?;
        if let Some((lent, at)) = pieces.picture() {
            whole.push((lent.size, lent.bytes.to_vec(), at));
        }
    }
    Ok(whole)
}

proptest! {
    #[test]
    fn a_header_comes_back_as_it_was(header in any_header()) {
        prop_assert_eq!(Header::decode(&header.encode()), Ok(header));
    }

    #[test]
    fn pictures_come_whole_in_whatever_pieces(
        headers in prop::collection::vec(any_header(), 1..6),
        lengths in prop::collection::vec(1_usize..3000, 1..8),
        torn in 0_usize..40,
    ) {
        let mut bytes = Vec::new();
        for (number, header) in headers.iter().enumerate() {
            bytes.extend(header.encode());
            bytes.extend((0..header.picture_bytes()).map(|at| (at * 7 + number) as u8));
        }
        let all = bytes.len();
        bytes.truncate(all - torn.min(headers[headers.len() - 1].picture_bytes()));
        let is_torn = bytes.len() < all;
        let mut pieces = Pieces::default();
        let whole = push(&mut pieces, &bytes, &lengths).unwrap();
        prop_assert_eq!(whole.len(), headers.len() - usize::from(is_torn));
        prop_assert_eq!(pieces.is_within(), is_torn);
        for (number, ((size, bytes, at), header)) in whole.iter().zip(&headers).enumerate() {
            prop_assert_eq!(*size, Size::new(header.width, header.height));
            prop_assert!(bytes.iter().enumerate().all(|(at, b)| *b == (at * 7 + number) as u8));
            prop_assert_eq!(at.as_micros(), 1_000_000 - header.age.as_micros() as u64);
        }
    }

    #[test]
    fn no_bytes_panic_or_take_memory(
        mut head in prop::array::uniform32(any::<u8>()),
        is_marked: bool,
    ) {
        if is_marked {
            head[..8].copy_from_slice(&MAGIC);
        }
        let mut pieces = Pieces::default();
        if push(&mut pieces, &head, &[32]).is_ok() {
            prop_assert!(pieces.of.is_some_and(|(h, _)| h.picture_bytes() <= MOST_BYTES));
            let room = pieces.room().len();
            prop_assert!(room > 0 && room <= STEP);
        } else {
            prop_assert!(pieces.body.is_empty());
        }
    }
}

#[test]
fn hostile_sizes_are_refused() {
    for (width, height, stride) in [
        (0, 100, 400),
        (100, 0, 400),
        (MOST_SIDE + 1, 1, u32::MAX),
        (1, u32::MAX, 4),
        (u32::MAX, u32::MAX, u32::MAX),
        (100, 100, 399),
        // 4 * 0x4000_0000 would be 0 in 32 bits.
        (0x4000_0000, 1, 0),
        (16, MOST_SIDE, u32::MAX),
        (8192, 8192, 32768),
    ] {
        let bytes = header(width, height, stride).encode();
        assert!(
            Header::decode(&bytes).is_err(),
            "{width}x{height}, {stride}"
        );
    }
    assert!(Header::decode(&header(8192, 4096, 32768).encode()).is_ok());
    let mut unknown = header(16, 16, 64).encode();
    unknown[20] = 4;
    assert!(Header::decode(&unknown).is_err());
    let mut other = header(16, 16, 64).encode();
    other[6] = b'2';
    assert!(Header::decode(&other).is_err());
}

#[test]
fn a_large_header_alone_costs_no_memory() {
    let mut pieces = Pieces::default();
    let bytes = header(8192, 4096, 32768).encode();
    push(&mut pieces, &bytes, &[bytes.len()]).unwrap();
    assert!(pieces.is_within());
    assert_eq!(pieces.room().len(), STEP);
    assert_eq!(pieces.body.len(), STEP);
}
