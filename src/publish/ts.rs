//! MPEG-TS (ISO/IEC 13818-1) to access units, with the least delay that the format allows.
//!
//! Pure: fed bytes and the time at which they were read, run by the receiver's reader thread. A
//! PES packet that says its length is given out with its last byte; one without a length (only
//! video may leave it out) ends where the next one starts. What has bytes missing is dropped and
//! counted, never handed on.
//!
//! Tables and packets are `mpeg2ts-reader`'s; its PES filter is not used, for it reports an end
//! only at the next start. One PES packet is taken to be one access unit, as ffmpeg writes it.

use crate::clock::MonoTime;
use crate::relay::annexb::nal_units;
use crate::relay::{Arrival, ArrivalEvent, opus_hash};
use mpeg2ts_reader::StreamType;
use mpeg2ts_reader::demultiplex::{
    Demultiplex, DemuxContext, FilterChangeset, FilterRequest, NullPacketFilter, PacketFilter,
    PatPacketFilter, PmtPacketFilter,
};
use mpeg2ts_reader::descriptor::{CoreDescriptors, UnknownDescriptor};
use mpeg2ts_reader::packet::{ContinuityCounter, Packet};
use mpeg2ts_reader::psi::pat::PAT_PID;
use mpeg2ts_reader::psi::pmt::StreamInfo;
use mpeg2ts_reader::smptera::FormatIdentifier;

/// Size of a transport packet in bytes (ISO/IEC 13818-1 2.4.3.2).
const PACKET: usize = Packet::SIZE;
/// First byte of every transport packet.
const SYNC: u8 = 0x47;
/// A PES packet beyond this size is given up: at 10 Mb/s it would be six seconds of video.
const PES_MAX: usize = 8 << 20;

/// What a stream carries, for whoever looks at the bytes themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payload<'a> {
    /// An access unit, Annex B.
    Picture(&'a [u8]),
    /// An Opus packet (RFC 6716 3).
    Opus(&'a [u8]),
    /// How many channels the tables say that the Opus stream has.
    OpusChannels(u8),
}

/// What is called with each payload.
pub type OnPayload = Box<dyn FnMut(Payload<'_>) + Send>;

/// Demultiplexer of one transport stream with one H.264 and one Opus stream.
pub struct TsDemux {
    demux: Demultiplex<Context>,
    context: Context,
    /// Bytes of a packet not yet whole.
    pending: Vec<u8>,
    /// Whether the last packet ended where the next one is looked for.
    in_step: bool,
}

impl Default for TsDemux {
    fn default() -> Self {
        Self::new()
    }
}

impl TsDemux {
    /// A demultiplexer that waits for the stream's tables.
    pub fn new() -> Self {
        let mut context = Context {
            changeset: FilterChangeset::default(),
            at: MonoTime::ZERO,
            video: Pes::default(),
            opus: Pes::default(),
            events: Vec::new(),
            damaged: 0,
            on_payload: None,
        };
        Self {
            demux: Demultiplex::new(&mut context),
            context,
            pending: Vec::new(),
            in_step: false,
        }
    }

    /// As [`TsDemux::new`]; `look` is called with everything that comes whole, before its event is
    /// given out.
    pub fn looking(look: OnPayload) -> Self {
        let mut demux = Self::new();
        demux.context.on_payload = Some(look);
        demux
    }

    /// Takes `bytes`, cut anywhere, read at `at`, and appends what they complete to `out`.
    pub fn feed(&mut self, bytes: &[u8], at: MonoTime, out: &mut Vec<ArrivalEvent>) {
        self.context.at = at;
        self.pending.extend_from_slice(bytes);
        let mut start = 0;
        while let Some(packet) = self.pending.get(start..start + PACKET) {
            // Out of step, a packet's beginning is a sync byte with another one a packet later.
            let next = self.pending.get(start + PACKET);
            if packet[0] == SYNC && (self.in_step || next.is_none_or(|&b| b == SYNC)) {
                self.in_step = true;
                self.demux.push(&mut self.context, packet);
                start += PACKET;
            } else {
                self.in_step = false;
                start += 1;
            }
        }
        self.pending.drain(..start);
        out.append(&mut self.context.events);
    }

    /// Gives out what the end of the stream at `at` completes: a video PES packet without length.
    pub fn finish(&mut self, at: MonoTime, out: &mut Vec<ArrivalEvent>) {
        self.context.at = at;
        self.context.end_unbounded(Kind::Video);
        out.append(&mut self.context.events);
    }

    /// Access units and Opus PES packets dropped because bytes were missing or made no sense.
    pub fn damaged(&self) -> u64 {
        self.context.damaged
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Video,
    Opus,
}

/// One elementary stream's PES packet on its way together.
#[derive(Default)]
struct Pes {
    /// Header and payload so far; empty outside a packet.
    bytes: Vec<u8>,
    /// Whether bytes belong to a packet that is still wanted.
    open: bool,
    counter: Option<ContinuityCounter>,
}

/// What a PES header says: where the payload begins, and the packet's size where it is told
/// (ISO/IEC 13818-1 2.4.3.6).
fn pes_sizes(bytes: &[u8]) -> Result<Option<(usize, Option<usize>)>, ()> {
    let Some(header) = bytes.get(..9) else {
        return Ok(None);
    };
    if header[..3] != [0, 0, 1] || header[6] & 0xc0 != 0x80 {
        return Err(());
    }
    let start = 9 + usize::from(header[8]);
    match usize::from(header[4]) << 8 | usize::from(header[5]) {
        0 => Ok(Some((start, None))),
        length if 6 + length >= start => Ok(Some((start, Some(6 + length)))),
        _ => Err(()),
    }
}

struct Context {
    changeset: FilterChangeset<Filter>,
    at: MonoTime,
    video: Pes,
    opus: Pes,
    events: Vec<ArrivalEvent>,
    damaged: u64,
    on_payload: Option<OnPayload>,
}

impl Context {
    fn look(&mut self, payload: Payload<'_>) {
        if let Some(look) = &mut self.on_payload {
            look(payload);
        }
    }

    fn pes(&mut self, kind: Kind) -> &mut Pes {
        match kind {
            Kind::Video => &mut self.video,
            Kind::Opus => &mut self.opus,
        }
    }

    fn packet(&mut self, kind: Kind, packet: &Packet<'_>) {
        let Some(payload) = packet.payload() else {
            return; // no payload: the counter does not move
        };
        let counter = packet.continuity_counter();
        let pes = self.pes(kind);
        let before = pes.counter.replace(counter);
        let announced = packet
            .adaptation_field()
            .is_some_and(|field| field.discontinuity_indicator());
        if !announced && before.is_some_and(|before| before.count() == counter.count()) {
            return; // a packet may be sent twice (2.4.3.3)
        }
        let broken = !announced && before.is_some_and(|before| !counter.follows(before));
        if broken && pes.open {
            self.damage(kind);
        }
        if packet.payload_unit_start_indicator() {
            self.end_unbounded(kind);
            let pes = self.pes(kind);
            pes.bytes.clear();
            pes.open = true;
        }
        let pes = self.pes(kind);
        if pes.open {
            pes.bytes.extend_from_slice(payload);
            self.end_bounded(kind);
        }
    }

    /// Ends a packet whose size is told and reached.
    fn end_bounded(&mut self, kind: Kind) {
        let pes = self.pes(kind);
        match pes_sizes(&pes.bytes) {
            Ok(Some((start, Some(end)))) if pes.bytes.len() >= end => {
                self.complete(kind, start, end);
            }
            Ok(_) if pes.bytes.len() <= PES_MAX => {}
            _ => self.damage(kind),
        }
    }

    /// Ends a packet because the next one starts: whole only where its size was left open.
    fn end_unbounded(&mut self, kind: Kind) {
        let pes = self.pes(kind);
        if !pes.open {
            return;
        }
        let end = pes.bytes.len();
        match pes_sizes(&pes.bytes) {
            Ok(Some((start, None))) if start <= end && kind == Kind::Video => {
                self.complete(kind, start, end);
            }
            _ => self.damage(kind),
        }
    }

    fn damage(&mut self, kind: Kind) {
        self.damaged += 1;
        self.pes(kind).open = false;
    }

    fn complete(&mut self, kind: Kind, start: usize, end: usize) {
        let at = self.at;
        let pes = self.pes(kind);
        pes.open = false;
        let bytes = std::mem::take(&mut pes.bytes);
        let payload = &bytes[start..end];
        match kind {
            Kind::Video => {
                self.look(Payload::Picture(payload));
                let arrival = Arrival::of(nal_units(payload), at);
                self.events.extend(arrival.map(ArrivalEvent::Video));
            }
            Kind::Opus => match opus_packets(payload) {
                Some(packets) => {
                    for packet in packets {
                        self.look(Payload::Opus(packet));
                        let hash = opus_hash(packet);
                        self.events.push(ArrivalEvent::Audio { hash, at });
                    }
                }
                None => self.damaged += 1,
            },
        }
        self.pes(kind).bytes = bytes; // keeps its memory for the next packet
    }
}

/// The Opus packets of a PES payload, each behind its control header (`opus_control_header()` of
/// the draft ETSI_TS_opus-v0.1.3 on opus-codec.org, which ffmpeg follows); none where the headers
/// make no sense.
fn opus_packets(mut payload: &[u8]) -> Option<Vec<&[u8]>> {
    let mut packets = Vec::new();
    while !payload.is_empty() {
        // control_header_prefix (11 bits, 0x3ff), start trim, end trim, extension, 2 reserved.
        let (header, mut rest) = payload.split_first_chunk::<2>()?;
        if header[0] != 0x7f || header[1] & 0xe0 != 0xe0 {
            return None;
        }
        let mut size = 0;
        loop {
            let (&byte, after) = rest.split_first()?;
            rest = after;
            size += usize::from(byte);
            if byte != 0xff {
                break;
            }
        }
        for trim in [0x10, 0x08] {
            if header[1] & trim != 0 {
                rest = rest.get(2..)?;
            }
        }
        if header[1] & 0x04 != 0 {
            let (&length, after) = rest.split_first()?;
            rest = after.get(usize::from(length)..)?;
        }
        let (packet, after) = rest.split_at_checked(size)?;
        packets.push(packet);
        payload = after;
    }
    Some(packets)
}

// Not the crate's `packet_filter_switch!`: it makes its types public.
enum Filter {
    Stream(StreamFilter),
    Pat(PatPacketFilter<Context>),
    Pmt(PmtPacketFilter<Context>),
    Null(NullPacketFilter<Context>),
}

impl PacketFilter for Filter {
    type Ctx = Context;

    fn consume(&mut self, context: &mut Context, packet: &Packet<'_>) {
        match self {
            Self::Stream(filter) => filter.consume(context, packet),
            Self::Pat(filter) => filter.consume(context, packet),
            Self::Pmt(filter) => filter.consume(context, packet),
            Self::Null(filter) => filter.consume(context, packet),
        }
    }
}

struct StreamFilter(Kind);

impl PacketFilter for StreamFilter {
    type Ctx = Context;

    fn consume(&mut self, context: &mut Context, packet: &Packet<'_>) {
        context.packet(self.0, packet);
    }
}

impl DemuxContext for Context {
    type F = Filter;

    fn filter_changeset(&mut self) -> &mut FilterChangeset<Filter> {
        &mut self.changeset
    }

    fn construct(&mut self, request: FilterRequest<'_, '_>) -> Filter {
        match request {
            FilterRequest::ByPid(PAT_PID) => Filter::Pat(PatPacketFilter::default()),
            FilterRequest::Pmt {
                pid,
                program_number,
            } => Filter::Pmt(PmtPacketFilter::new(pid, program_number)),
            FilterRequest::ByStream {
                stream_type: StreamType::H264,
                ..
            } => Filter::Stream(StreamFilter(Kind::Video)),
            FilterRequest::ByStream {
                stream_type: StreamType::H222_0_PES_PRIVATE_DATA,
                stream_info,
                ..
            } if is_opus(stream_info) => {
                if let Some(channels) = opus_channels(stream_info) {
                    self.look(Payload::OpusChannels(channels));
                }
                Filter::Stream(StreamFilter(Kind::Opus))
            }
            _ => Filter::Null(NullPacketFilter::default()),
        }
    }
}

/// Whether a stream of private data is registered as Opus.
fn is_opus(stream: &StreamInfo<'_>) -> bool {
    stream.descriptors().any(|descriptor| {
        matches!(descriptor, Ok(CoreDescriptors::Registration(registration))
            if registration.is_format(FormatIdentifier::from(&b"Opus"[..])))
    })
}

/// The channels of an Opus stream's descriptor (`opus_audio_descriptor()` of the same draft: DVB's
/// extension descriptor 0x7f, of type 0x80; up to 8 its code is their number).
fn opus_channels(stream: &StreamInfo<'_>) -> Option<u8> {
    stream
        .descriptors()
        .find_map(|descriptor| match descriptor {
            Ok(CoreDescriptors::UserPrivate(UnknownDescriptor {
                tag: 0x7f,
                payload: [0x80, channels, ..],
            })) => Some(*channels),
            _ => None,
        })
}

#[cfg(test)]
#[path = "ts_tests.rs"]
pub(crate) mod tests;
