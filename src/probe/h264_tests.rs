//! Tests of the depacketizer: whatever a packetizer does to NAL units is undone, and nothing that
//! comes over the network makes it panic.

use super::*;
use proptest::prelude::*;

/// A packetizer as RFC 6184 describes one: small NAL units together in a STAP-A (where `stap`),
/// large ones in FU-A, payloads of at most `mtu` bytes.
fn packetize(nals: &[Vec<u8>], mtu: usize, stap: bool) -> Vec<Vec<u8>> {
    let mut payloads = Vec::new();
    let mut batch: Vec<&Vec<u8>> = Vec::new();
    let flush = |batch: &mut Vec<&Vec<u8>>, payloads: &mut Vec<Vec<u8>>| {
        if batch.len() > 1 {
            let mut payload = vec![STAP_A];
            for nal in batch.iter() {
                payload.extend((nal.len() as u16).to_be_bytes());
                payload.extend(*nal);
            }
            payloads.push(payload);
        } else {
            payloads.extend(batch.iter().map(|nal| nal.to_vec()));
        }
        batch.clear();
    };
    for nal in nals {
        let together: usize = 1 + batch.iter().map(|nal| nal.len() + 2).sum::<usize>();
        if !stap || together + nal.len() + 2 > mtu {
            flush(&mut batch, &mut payloads);
        }
        if nal.len() <= mtu {
            batch.push(nal);
            continue;
        }
        flush(&mut batch, &mut payloads);
        let count = nal[1..].chunks(mtu - 2).count();
        for (i, chunk) in nal[1..].chunks(mtu - 2).enumerate() {
            let start = if i == 0 { 0x80 } else { 0 };
            let end = if i + 1 == count { 0x40 } else { 0 };
            let mut payload = vec![nal[0] & 0xe0 | FU_A, start | end | nal[0] & 0x1f];
            payload.extend(chunk);
            payloads.push(payload);
        }
    }
    flush(&mut batch, &mut payloads);
    payloads
}

fn packets(units: &[Vec<Vec<u8>>], mtu: usize, stap: bool) -> Vec<Packet> {
    let mut all: Vec<Packet> = Vec::new();
    for (i, unit) in units.iter().enumerate() {
        let payloads = packetize(unit, mtu, stap);
        let count = payloads.len();
        for (k, payload) in payloads.into_iter().enumerate() {
            let seq = all.len() as u64 + 65_530;
            all.push(Packet {
                seq,
                rtp_time: i as u32 * 3000,
                marker: k + 1 == count,
                payload: payload.into(),
                at: MonoTime::from_micros(seq * 10),
            });
        }
    }
    all
}

fn depacketize(packets: &[Packet]) -> (Vec<Unit>, u64) {
    let mut depacketizer = Depacketizer::default();
    let mut out = Vec::new();
    for packet in packets {
        depacketizer.push(packet, &mut out);
    }
    (out, depacketizer.damaged())
}

/// Three pictures of one slice, the first with its parameter sets, in packets of 10 bytes.
fn three_pictures() -> (Vec<Vec<Vec<u8>>>, Vec<Packet>) {
    let slice = |header, fill| [vec![header, 0x88], vec![fill; 40]].concat();
    let units = vec![
        vec![vec![0x67, 1, 2], vec![0x68, 3], slice(0x65, 9)],
        vec![slice(0x41, 8)],
        vec![slice(0x41, 7)],
    ];
    let packets = packets(&units, 10, true);
    (units, packets)
}

#[test]
fn a_unit_comes_with_its_marker_at_the_time_of_its_last_packet() {
    let (units, packets) = three_pictures();
    let mut depacketizer = Depacketizer::default();
    let mut out = Vec::new();
    for packet in &packets {
        let before = out.len();
        depacketizer.push(packet, &mut out);
        assert_eq!(out.len() > before, packet.marker);
        if packet.marker {
            assert_eq!(out[before].at, packet.at);
            assert_eq!(out[before].nal_units, units[before]);
        }
    }
    assert_eq!((out.len(), depacketizer.damaged()), (3, 0));
}

#[test]
fn every_single_loss_costs_the_unit_it_belongs_to() {
    let (units, packets) = three_pictures();
    for lost in 1..packets.len() - 1 {
        let victim = packets[lost].rtp_time as usize / 3000;
        let mut rest = packets.clone();
        rest.remove(lost);
        let (out, damaged) = depacketize(&rest);
        let wanted: Vec<_> = (0..3).filter(|&i| i != victim).collect();
        assert_eq!(out.len(), 2, "packet {lost} of unit {victim}");
        for (unit, &i) in out.iter().zip(&wanted) {
            assert_eq!(unit.nal_units, units[i]);
        }
        assert_eq!(damaged, 1, "packet {lost}");
    }
}

#[test]
fn joining_in_the_middle_of_a_picture_gives_no_half_picture() {
    let (units, packets) = three_pictures();
    let (out, damaged) = depacketize(&packets[3..]);
    assert_eq!(damaged, 1);
    assert_eq!(out.len(), 2);
    assert_eq!(out[0].nal_units, units[1]);
}

#[test]
fn a_lost_marker_of_a_whole_unit_is_made_good_by_the_timestamp() {
    let (units, mut packets) = three_pictures();
    for packet in &mut packets {
        packet.marker = false;
    }
    let (out, damaged) = depacketize(&packets);
    assert_eq!((out.len(), damaged), (2, 0));
    assert_eq!(out[1].nal_units, units[1]);
}

#[test]
fn a_gap_is_waited_for_but_not_for_ever() {
    let (_, packets) = three_pictures();
    let at = packets[0].at;
    let mut reorder = Reorder::default();
    reorder.push(packets[0].clone());
    assert_eq!(reorder.pop(at), Some(packets[0].clone()));
    reorder.push(packets[2].clone());
    assert_eq!(reorder.pop(at), None);
    reorder.push(packets[1].clone()); // retransmitted in time
    assert_eq!(reorder.pop(at), Some(packets[1].clone()));
    assert_eq!(reorder.pop(at), Some(packets[2].clone()));
    reorder.push(packets[4].clone());
    assert_eq!(
        reorder.pop(packets[4].at + Duration::from_millis(199)),
        None
    );
    let late = packets[4].at + Duration::from_millis(200);
    assert_eq!(reorder.pop(late), Some(packets[4].clone()));
    reorder.push(packets[3].clone()); // too late
    assert_eq!(reorder.pop(late), None);
    for i in 0..GAP_PACKETS as u64 {
        let seq = packets[4].seq + 2 + i;
        let packet = Packet {
            seq,
            ..packets[4].clone()
        };
        assert_eq!(reorder.pop(packets[4].at), None, "{i}");
        reorder.push(packet);
    }
    assert!(reorder.pop(packets[4].at).is_some());
}

#[test]
fn a_sender_that_counts_anew_is_followed() {
    let (_, packets) = three_pictures();
    let mut reorder = Reorder::default();
    let far = Packet {
        seq: packets[0].seq + 10_000,
        ..packets[0].clone()
    };
    reorder.push(far.clone());
    assert_eq!(reorder.pop(far.at), Some(far));
    reorder.push(packets[0].clone());
    assert_eq!(reorder.pop(packets[0].at), Some(packets[0].clone()));
    reorder.push(packets[1].clone());
    assert_eq!(reorder.pop(packets[1].at), Some(packets[1].clone()));
}

fn nal() -> impl Strategy<Value = Vec<u8>> {
    (0x21_u8..0x2c, prop::collection::vec(any::<u8>(), 1..300)).prop_map(|(header, mut body)| {
        body[0] |= 0x80;
        body.insert(0, header);
        body
    })
}

proptest! {
    #[test]
    fn any_units_at_any_mtu_come_back(
        mut units in prop::collection::vec(prop::collection::vec(nal(), 1..6), 1..6),
        mtu in 3_usize..400,
        stap in any::<bool>(),
        swaps in prop::collection::vec(any::<prop::sample::Index>(), 0..4),
    ) {
        // The first packet tells that the stream begins there, so it is an SPS and stays first.
        units[0].insert(0, vec![0x67, 0x42]);
        let mut sent = packets(&units, mtu, stap);
        for swap in swaps {
            if sent.len() > 2 {
                let i = 1 + swap.index(sent.len() - 2);
                sent.swap(i, i + 1);
            }
        }
        let mut reorder = Reorder::default();
        let mut depacketizer = Depacketizer::default();
        let mut out = Vec::new();
        for packet in sent {
            reorder.push(packet);
            while let Some(packet) = reorder.pop(MonoTime::ZERO) {
                depacketizer.push(&packet, &mut out);
            }
        }
        let got: Vec<_> = out.into_iter().map(|unit| unit.nal_units).collect();
        prop_assert_eq!(depacketizer.damaged(), 0);
        prop_assert_eq!(got, units);
    }

    #[test]
    fn arbitrary_packets_never_panic(
        stream in prop::collection::vec(
            (0_u64..3, 0_u32..2, any::<bool>(), prop::collection::vec(
                prop_oneof![Just(STAP_A), Just(FU_A), any::<u8>()], 0..40)),
            0..60),
    ) {
        let mut seq = 0;
        let mut depacketizer = Depacketizer::default();
        let mut out = Vec::new();
        let mut bytes = 0;
        for (step, rtp_time, marker, payload) in stream {
            seq += step;
            bytes += payload.len();
            let packet = Packet { seq, rtp_time, marker, payload: payload.into(), at: MonoTime::ZERO };
            depacketizer.push(&packet, &mut out);
        }
        let given: usize = out.iter().flat_map(|unit| &unit.nal_units).map(Vec::len).sum();
        prop_assert!(given <= bytes);
    }
}
