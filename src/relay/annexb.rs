//! NAL units in their two wrappings: behind start codes (ITU-T H.264 Annex B) and behind lengths
//! (ISO/IEC 14496-15). Pure.

/// Bytes that are not what they should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("broken H.264: {0}")]
pub struct Broken(pub &'static str);

/// Parameter sets of an AVCDecoderConfigurationRecord.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// Sequence parameter sets.
    pub sps: Vec<Vec<u8>>,
    /// Picture parameter sets.
    pub pps: Vec<Vec<u8>>,
}

/// Reads an AVCDecoderConfigurationRecord (ISO/IEC 14496-15 5.3.3.1).
///
/// # Errors
/// Where it is cut short, or its NAL lengths do not have four bytes (ffmpeg always writes four).
pub fn parse_config(record: &[u8]) -> Result<Config, Broken> {
    let short = Broken("the decoder configuration is cut short");
    let [1, _profile, _compatible, _level, lengths, sps, rest @ ..] = record else {
        return Err(short);
    };
    if lengths & 3 != 3 {
        return Err(Broken("NAL lengths of other than four bytes"));
    }
    let (sps, rest) = parameter_sets(sps & 0x1f, rest).ok_or(short.clone())?;
    let (count, rest) = rest.split_first().ok_or(short.clone())?;
    let (pps, _) = parameter_sets(*count, rest).ok_or(short)?;
    Ok(Config { sps, pps })
}

/// So many sets, each behind a `u16` length, and what follows them.
fn parameter_sets(count: u8, mut rest: &[u8]) -> Option<(Vec<Vec<u8>>, &[u8])> {
    let mut sets = Vec::new();
    for _ in 0..count {
        let (length, after) = rest.split_first_chunk::<2>()?;
        let (set, after) = after.split_at_checked(u16::from_be_bytes(*length).into())?;
        sets.push(set.to_vec());
        rest = after;
    }
    Some((sets, rest))
}

/// The NAL units of an access unit in AVCC form, trailing zero bytes removed as in
/// [`annexb_nals`].
///
/// # Errors
/// Where a length reaches beyond the end.
pub fn avcc_nals(avcc: &[u8]) -> Result<Vec<&[u8]>, Broken> {
    let mut nals = Vec::new();
    let mut rest = avcc;
    while !rest.is_empty() {
        let (length, after) = rest
            .split_first_chunk::<4>()
            .ok_or(Broken("a length is cut short"))?;
        let (nal, after) = after
            .split_at_checked(u32::from_be_bytes(*length) as usize)
            .ok_or(Broken("a NAL unit is cut short"))?;
        let nal = trimmed(nal);
        if !nal.is_empty() {
            nals.push(nal);
        }
        rest = after;
    }
    Ok(nals)
}

/// The NAL units behind start codes; what precedes the first start code is left out. Zero bytes
/// behind a NAL unit belong to the next start code or are trailing_zero_8bits (B.1.1): a NAL unit
/// never ends in a zero byte (7.4.1).
pub fn annexb_nals(data: &[u8]) -> Vec<&[u8]> {
    let mut nals = Vec::new();
    let mut start = None;
    let mut at = 0;
    while at + 3 <= data.len() {
        if data[at + 2] > 1 {
            at += 3;
        } else if data[at..at + 3] == [0, 0, 1] {
            if let Some(start) = start {
                nals.push(trimmed(&data[start..at]));
            }
            start = Some(at + 3);
            at += 3;
        } else {
            at += 1;
        }
    }
    if let Some(start) = start {
        nals.push(trimmed(&data[start..]));
    }
    nals.retain(|nal| !nal.is_empty());
    nals
}

/// NAL units behind four-byte start codes.
pub fn to_annexb<'a>(nals: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut data = Vec::new();
    for nal in nals {
        data.extend_from_slice(&[0, 0, 0, 1]);
        data.extend_from_slice(nal);
    }
    data
}

fn trimmed(nal: &[u8]) -> &[u8] {
    &nal[..nal.iter().rposition(|b| *b != 0).map_or(0, |last| last + 1)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_configuration_is_read_and_a_cut_one_refused() {
        let record = [
            1, 0x42, 0xc0, 0x1f, 0xff, 0xe1, 0, 2, 0x67, 9, 1, 0, 1, 0x68,
        ];
        let config = parse_config(&record).unwrap();
        assert_eq!(
            (config.sps, config.pps),
            (vec![vec![0x67, 9]], vec![vec![0x68]])
        );
        for end in 0..record.len() {
            assert!(parse_config(&record[..end]).is_err(), "{end}");
        }
    }

    /// NAL units without emulation: no two zeros in a row, none at the end.
    fn nal() -> impl Strategy<Value = Vec<u8>> {
        proptest::collection::vec(1_u8.., 1..40)
    }

    proptest! {
        #[test]
        fn both_wrappings_give_the_units_back(nals in proptest::collection::vec(nal(), 0..6), short: bool) {
            let mut annexb = Vec::new();
            let mut avcc = Vec::new();
            for nal in &nals {
                annexb.extend_from_slice(if short { &[0, 0, 1] } else { &[0, 0, 0, 1] });
                annexb.extend_from_slice(nal);
                avcc.extend_from_slice(&(nal.len() as u32).to_be_bytes());
                avcc.extend_from_slice(nal);
            }
            prop_assert_eq!(&annexb_nals(&annexb), &nals);
            prop_assert_eq!(&avcc_nals(&avcc).unwrap(), &nals);
            let again = to_annexb(nals.iter().map(Vec::as_slice));
            prop_assert_eq!(&annexb_nals(&again), &nals);
        }

        #[test]
        fn arbitrary_bytes_never_panic(data in proptest::collection::vec(0_u8..3, 0..200)) {
            let _ = (annexb_nals(&data), avcc_nals(&data), parse_config(&data));
        }
    }
}
