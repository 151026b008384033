//! Reads the encoder's FLV stream as it comes, an access unit the moment its last byte is there.
//!
//! Pure: fed bytes in any pieces. Adobe Flash Video File Format Specification 10.1, annex E.
//! A tag larger than `LARGEST_TAG` or a stream that is not FLV is an error, never a large
//! allocation.

/// What the stream holds for us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FlvEvent {
    /// AVCDecoderConfigurationRecord (ISO/IEC 14496-15 5.3.3.1): SPS and PPS.
    Config(Vec<u8>),
    /// One access unit: NAL units, each behind its length.
    Picture {
        /// Presentation time, ms.
        pts_ms: u32,
        /// Marked as a key frame.
        key: bool,
        /// AVCC: `u32` big-endian length, NAL unit, and so on.
        avcc: Vec<u8>,
    },
}

/// Why a stream cannot be read on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FlvError {
    /// Does not begin with `FLV`.
    #[error("the encoder's output is not FLV")]
    NotFlv,
    /// A tag of an impossible size: bytes were lost.
    #[error("the encoder's output is broken: a tag of {0} bytes")]
    TagTooLarge(usize),
    /// Video other than H.264.
    #[error("the encoder's output is not H.264 (FLV codec {0})")]
    NotH264(u8),
}

/// 4 MiB: thirty times the largest access unit that rate control allows.
const LARGEST_TAG: usize = 4 << 20;
const TAG_HEADER: usize = 11;
const VIDEO: u8 = 9;
const CODEC_AVC: u8 = 7;

/// The reader's state: what has come and is not yet a whole tag.
#[derive(Debug, Default)]
pub struct FlvReader {
    pending: Vec<u8>,
    started: bool,
    /// Bytes of the last tag's trailing size still to be skipped. They are not waited for: the
    /// access unit before them is whole.
    skip: usize,
}

impl FlvReader {
    /// A reader at the stream's beginning.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes and calls `out` for each event that they complete.
    ///
    /// # Errors
    /// See [`FlvError`]; the reader is of no use afterwards.
    pub fn push(&mut self, bytes: &[u8], mut out: impl FnMut(FlvEvent)) -> Result<(), FlvError> {
        self.pending.extend_from_slice(bytes);
        let mut at = 0;
        if !self.started {
            let Some(header) = self.pending.get(..9) else {
                return Ok(());
            };
            if !header.starts_with(b"FLV") {
                return Err(FlvError::NotFlv);
            }
            let offset = u32::from_be_bytes([header[5], header[6], header[7], header[8]]) as usize;
            if !(9..=1024).contains(&offset) {
                return Err(FlvError::NotFlv);
            }
            self.started = true;
            self.skip = offset + 4;
        }
        loop {
            let skipped = self.skip.min(self.pending.len() - at);
            at += skipped;
            self.skip -= skipped;
            let rest = &self.pending[at..];
            let Some(header) = rest.get(..TAG_HEADER) else {
                break;
            };
            let size = u32::from_be_bytes([0, header[1], header[2], header[3]]) as usize;
            if size > LARGEST_TAG {
                return Err(FlvError::TagTooLarge(size));
            }
            let Some(body) = rest.get(TAG_HEADER..TAG_HEADER + size) else {
                break;
            };
            if header[0] & 0x1f == VIDEO {
                let dts_ms = u32::from_be_bytes([header[7], header[4], header[5], header[6]]);
                video(body, dts_ms)?.into_iter().for_each(&mut out);
            }
            at += TAG_HEADER + size;
            self.skip = 4;
        }
        self.pending.drain(..at);
        Ok(())
    }
}

fn video(body: &[u8], dts_ms: u32) -> Result<Option<FlvEvent>, FlvError> {
    let [kind, packet, c0, c1, c2, data @ ..] = body else {
        return Ok(None);
    };
    if kind & 0x0f != CODEC_AVC {
        return Err(FlvError::NotH264(kind & 0x0f));
    }
    // Composition offset: 24 bits, signed; zero without B-frames.
    let offset = i32::from_be_bytes([*c0, *c1, *c2, 0]) >> 8;
    Ok(match packet {
        0 => Some(FlvEvent::Config(data.to_vec())),
        1 => Some(FlvEvent::Picture {
            pts_ms: dts_ms.wrapping_add_signed(offset),
            key: kind >> 4 == 1,
            avcc: data.to_vec(),
        }),
        // End of sequence.
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tag(kind: u8, ts: u32, body: &[u8]) -> Vec<u8> {
        let size = (body.len() as u32).to_be_bytes();
        let t = ts.to_be_bytes();
        let mut tag = vec![
            kind, size[1], size[2], size[3], t[1], t[2], t[3], t[0], 0, 0, 0,
        ];
        tag.extend_from_slice(body);
        tag.extend_from_slice(&(11 + body.len() as u32).to_be_bytes());
        tag
    }

    fn stream(pictures: &[Vec<u8>]) -> (Vec<u8>, Vec<FlvEvent>) {
        let mut bytes = b"FLV\x01\x01\0\0\0\x09\0\0\0\0".to_vec();
        bytes.extend(tag(18, 0, b"metadata"));
        bytes.extend(tag(9, 0, &[0x17, 0, 0, 0, 0, 1, 2, 3]));
        let mut events = vec![FlvEvent::Config(vec![1, 2, 3])];
        for (n, picture) in pictures.iter().enumerate() {
            let kind = if n == 0 { 0x17 } else { 0x27 };
            let pts_ms = 0x00ff_fff0 + n as u32 * 33;
            let body = [&[kind, 1, 0, 0, 0], picture.as_slice()].concat();
            bytes.extend(tag(9, pts_ms, &body));
            events.push(FlvEvent::Picture {
                pts_ms,
                key: n == 0,
                avcc: picture.clone(),
            });
        }
        (bytes, events)
    }

    #[test]
    fn an_access_unit_is_out_with_its_last_byte() {
        let (bytes, events) = stream(&[vec![7; 100]]);
        let mut reader = FlvReader::new();
        let mut got = Vec::new();
        reader
            .push(&bytes[..bytes.len() - 5], |e| got.push(e))
            .unwrap();
        assert_eq!(got.len(), 1);
        // All but the trailing PreviousTagSize.
        reader
            .push(&bytes[bytes.len() - 5..bytes.len() - 4], |e| got.push(e))
            .unwrap();
        assert_eq!(got, events);
    }

    #[test]
    fn nonsense_is_an_error_and_never_a_large_allocation() {
        let push = |bytes: &[u8]| FlvReader::new().push(bytes, |_| ());
        assert_eq!(push(b"RIFF12345"), Err(FlvError::NotFlv));
        let mut huge = stream(&[]).0;
        huge.extend([9, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0]);
        assert_eq!(push(&huge), Err(FlvError::TagTooLarge(0x00ff_ffff)));
        let mut vp6 = stream(&[]).0;
        vp6.extend(tag(9, 0, &[0x14, 1, 0, 0, 0]));
        assert_eq!(push(&vp6), Err(FlvError::NotH264(4)));
    }

    proptest! {
        #[test]
        fn any_cutting_gives_the_same(
            pictures in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..300), 0..8),
            cuts in proptest::collection::vec(1_usize..200, 1..50),
        ) {
            let (bytes, events) = stream(&pictures);
            let mut reader = FlvReader::new();
            let mut got = Vec::new();
            let mut rest = bytes.as_slice();
            for cut in cuts.iter().cycle() {
                if rest.is_empty() {
                    break;
                }
                let (now, later) = rest.split_at((*cut).min(rest.len()));
                reader.push(now, |e| got.push(e)).unwrap();
                rest = later;
            }
            prop_assert_eq!(got, events);
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
            let _ = FlvReader::new().push(&bytes, |_| ());
            let mut after = stream(&[]).0;
            after.extend(bytes);
            let _ = FlvReader::new().push(&after, |_| ());
        }
    }
}
