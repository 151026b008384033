//! A second of the real stream: the encoder and the publisher as a show starts them, a moving
//! picture and a tone in, MPEG-TS out to a loopback port of ours in place of a server.
//!
//! Runs on its check's thread; owns `pd-doctor-ts`, which reads what comes. Both children are ended
//! before it returns.

use super::h264::Pictures;
use crate::audio::{Mixer, Strip, Timeline, supervisor};
use crate::capture::convert;
use crate::clock;
use crate::ffmpeg::Ffmpeg;
use crate::ffmpeg::launch::Launch;
use crate::ffmpeg::output::{Output, SrtOutput};
use crate::ffmpeg::plan::{self, EncoderWish};
use crate::latency::Taken;
use crate::peer;
use crate::publish::publisher::{Publisher, PublisherWish};
use crate::publish::ts::{Payload, TsDemux};
use crate::relay::encoder::{Encoder, RawFrame};
use crate::relay::{Relay, RelayEvent};
use crate::settings::{AudioSourceKind, PerformanceSettings};
use crate::stop::StopToken;
use crossbeam_channel::{Receiver, RecvTimeoutError};
use std::collections::BTreeSet;
use std::io::Read;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The only encoder here.
const ENCODER: u32 = 1;
/// For the encoder's first answer.
const WARM: Duration = Duration::from_secs(4);
/// For all after it.
const SAMPLE: Duration = Duration::from_secs(4);
/// So much of the stream is enough.
const ENOUGH_S: f64 = 1.0;
const ENOUGH_PACKETS: u32 = 80;
const END_GRACE: Duration = Duration::from_millis(300);
const TURN: Duration = Duration::from_millis(20);

/// What was seen of the stream.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Sample {
    pub(super) pictures: Pictures,
    pub(super) sound: Sound,
    /// Packets with bytes missing.
    pub(super) damaged: u64,
}

/// What the Opus packets say.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Sound {
    pub(super) packets: u32,
    /// As the stream's tables say, which is what a server tells browsers.
    pub(super) channels: Option<u8>,
    /// Lengths of packets that came, microseconds.
    pub(super) packet_us: BTreeSet<u32>,
}

impl Sample {
    fn take(&mut self, payload: Payload<'_>) {
        match payload {
            Payload::Picture(annexb) => self.pictures.take(annexb),
            Payload::Opus(packet) => {
                self.sound.packets += 1;
                self.sound.packet_us.extend(opus_us(packet));
            }
            Payload::OpusChannels(channels) => self.sound.channels = Some(channels),
        }
    }
}

/// Length of an Opus packet, microseconds: a frame's (RFC 6716 3.1, Table 2) by how many it has
/// (3.2).
fn opus_us(packet: &[u8]) -> Option<u32> {
    let (&toc, rest) = packet.split_first()?;
    let step = usize::from(toc >> 3 & 3);
    let frame_us = match toc >> 3 {
        0..=11 => [10_000, 20_000, 40_000, 60_000][step],
        12..=15 => [10_000, 20_000][step & 1],
        _ => [2_500, 5_000, 10_000, 20_000][step],
    };
    let frames = match toc & 3 {
        0 => 1,
        1 | 2 => 2,
        _ => u32::from(rest.first()? & 0x3f),
    };
    Some(frame_us * frames)
}

type Shared = Arc<Mutex<Sample>>;

fn lock(sample: &Shared) -> MutexGuard<'_, Sample> {
    sample.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes the sample; some 2 s.
pub(super) fn take(
    ffmpeg: &Ffmpeg,
    wish: EncoderWish,
    audio_kbps: u32,
    stop: &StopToken,
) -> Result<Sample, String> {
    let text = |e: std::io::Error| e.to_string();
    let (relay, events) = Relay::new();
    let launch = Launch::of(&PerformanceSettings::default());
    let encoder = Encoder::start(ENCODER, ffmpeg, wish, launch, relay.clone()).map_err(text)?;
    let sampled = warm(&events, stop)
        .and_then(|()| with_encoder(ffmpeg, &encoder, &relay, &events, audio_kbps, stop));
    encoder.end(END_GRACE);
    sampled
}

/// Waits until the encoder answers.
fn warm(events: &Receiver<RelayEvent>, stop: &StopToken) -> Result<(), String> {
    let until = Instant::now() + WARM;
    loop {
        match events.recv_timeout(TURN) {
            Ok(RelayEvent::Ready(_)) => return Ok(()),
            Ok(RelayEvent::Gone { why, .. }) => return Err(why),
            Ok(_) => {}
            Err(RecvTimeoutError::Disconnected) => return Err("the encoder is gone".into()),
            Err(RecvTimeoutError::Timeout) if stop.is_stopped() => return Err("ended".into()),
            Err(RecvTimeoutError::Timeout) if Instant::now() > until => {
                return Err(format!("the encoder gives nothing in {} s", WARM.as_secs()));
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

fn with_encoder(
    ffmpeg: &Ffmpeg,
    encoder: &Encoder,
    relay: &Arc<Relay>,
    events: &Receiver<RelayEvent>,
    audio_kbps: u32,
    stop: &StopToken,
) -> Result<Sample, String> {
    let text = |e: std::io::Error| e.to_string();
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(text)?;
    let output = Output::SrtPush(SrtOutput {
        // In a show an srt:// address stands here; all before it is the same.
        url: format!("tcp://{}", listener.local_addr().map_err(text)?),
        ..SrtOutput::default()
    });
    let (sample, done) = (Shared::default(), StopToken::new());
    let (on_sample, on_done) = (sample.clone(), done.clone());
    let (child_is, child) = crossbeam_channel::bounded(1);
    let reader = std::thread::Builder::new()
        .name("pd-doctor-ts".into())
        .spawn(move || {
            // Gone without a word: there is no child.
            if let Ok(child) = child.recv() {
                receive(&listener, child, &on_sample, &on_done);
            }
        })
        .map_err(text)?;
    let timeline = Timeline::new();
    let tone = supervisor::spawn(&AudioSourceKind::Tone, &timeline, &done).map_err(text)?;
    let mixer = Mixer::new();
    mixer.set_strips(vec![Strip::new(timeline)]);
    let wish = PublisherWish {
        programme: true,
        arguments: Box::new(move |audio| plan::publisher(audio, audio_kbps, &output, false)),
        sound: mixer,
        muted: Arc::default(),
        launch: Launch::default(),
    };
    let publisher = Publisher::start(ffmpeg, wish, relay).map_err(text);
    let result = publisher.and_then(|mut publisher| {
        let _ = child_is.send(publisher.pid());
        let result = feed(encoder, relay, events, &mut publisher, &sample, stop);
        publisher.end(END_GRACE);
        result
    });
    drop(child_is);
    done.stop();
    tone.join(END_GRACE);
    crate::stop::ends_by(&reader, Instant::now() + END_GRACE);
    result.map(|()| lock(&sample).clone())
}

/// Gives the encoder moving pictures by the clock until enough has come back.
fn feed(
    encoder: &Encoder,
    relay: &Relay,
    events: &Receiver<RelayEvent>,
    publisher: &mut Publisher,
    sample: &Shared,
    stop: &StopToken,
) -> Result<(), String> {
    let wish = *encoder.wish();
    let mut picture = convert::black(wish.size, wish.pipe);
    let enough = (wish.fps.as_f64() * ENOUGH_S).ceil() as u32;
    let began = Instant::now();
    relay.begin_cutover(ENCODER, 0, clock::now());
    for frame in 0_u64.. {
        if let Some(RelayEvent::Gone { why, .. }) = events.try_iter().last() {
            return Err(format!("the encoder ended: {why}"));
        }
        if let Some(status) = publisher.poll_exit() {
            let last = publisher.tail().lines().pop();
            let why = last.unwrap_or_else(|| status.to_string());
            return Err(format!("the publisher ended: {why}"));
        }
        {
            let seen = lock(sample);
            if seen.pictures.count >= enough && seen.sound.packets >= ENOUGH_PACKETS {
                return Ok(());
            }
        }
        if began.elapsed() > SAMPLE {
            // What has come is judged.
            return Ok(());
        }
        draw(&mut picture, frame);
        let captured_at = clock::now();
        relay.paced(frame, Taken::at(captured_at));
        relay.tick(captured_at);
        encoder.door().offer(RawFrame {
            frame,
            captured_at,
            data: Arc::new(picture.clone()),
        });
        let due = wish.fps.interval() * u32::try_from(frame + 1).unwrap_or(u32::MAX);
        if stop.sleep(due.saturating_sub(began.elapsed())) {
            return Err("ended".into());
        }
    }
    Ok(())
}

/// Something that moves: stripes whose place is the frame's number.
fn draw(picture: &mut [u8], frame: u64) {
    let shift = frame as usize * 4;
    for (at, byte) in picture.iter_mut().enumerate() {
        // Within limited range in every plane (ITU-R BT.709 6.).
        *byte = 64 + ((at + shift) % 128) as u8;
    }
}

/// Takes the publisher's connection, nobody else's, and reads it until `done`.
fn receive(listener: &TcpListener, child: u32, sample: &Shared, done: &StopToken) {
    let Ok(mut stream) = peer::accept_from(child, listener, WARM + SAMPLE, done) else {
        return;
    };
    if stream.set_read_timeout(Some(TURN)).is_err() {
        return;
    }
    let seen = sample.clone();
    let mut demux = TsDemux::looking(Box::new(move |payload| lock(&seen).take(payload)));
    let (mut buffer, mut events) = (vec![0; 1 << 16], Vec::new());
    while !done.is_stopped() {
        match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(length) => {
                demux.feed(&buffer[..length], clock::now(), &mut events);
                events.clear();
                lock(sample).damaged = demux.damaged();
            }
            Err(e)
                if matches!(
                    e.kind(),
                    std::io::ErrorKind::WouldBlock
                        | std::io::ErrorKind::TimedOut
                        | std::io::ErrorKind::Interrupted
                ) => {}
            Err(_) => break,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ffmpeg::capabilities;
    use crate::settings::Settings;

    #[test]
    fn lengths_of_opus_packets_are_read() {
        // CELT, fullband, 10 ms, stereo, one frame: what the publisher makes.
        assert_eq!(opus_us(&[0xf4, 1]), Some(10_000));
        // SILK 60 ms; hybrid 20 ms, two frames; CELT 2.5 ms, three frames.
        assert_eq!(opus_us(&[0x18, 1]), Some(60_000));
        assert_eq!(opus_us(&[0x69, 1]), Some(40_000));
        assert_eq!(opus_us(&[0x83, 3, 1]), Some(7_500));
        assert_eq!(opus_us(&[0x83]), None);
        assert_eq!(opus_us(&[]), None);
    }

    #[test]
    fn the_real_stream_is_sampled() {
        let Ok(ffmpeg) = capabilities::look(None) else {
            println!("SKIPPED: no usable ffmpeg");
            return;
        };
        let wish = EncoderWish {
            size: crate::units::Size::new(320, 180),
            ..EncoderWish::of(&Settings::default())
        };
        let sample = take(&ffmpeg, wish, 96, &StopToken::new()).unwrap();
        println!("{sample:?}");
        let profile = sample.pictures.profile.unwrap();
        assert!(profile.is_constrained_baseline(), "{profile:?}");
        assert!(sample.pictures.count >= 30, "{sample:?}");
        assert!(sample.pictures.idr >= 1, "{sample:?}");
        assert_eq!((sample.pictures.b, sample.pictures.unread), (0, 0));
        assert_eq!(sample.sound.channels, Some(2));
        assert_eq!(sample.sound.packet_us, [10_000].into());
        assert_eq!(sample.damaged, 0);
    }

    #[test]
    fn an_encoder_that_dies_is_told() {
        let (relay, events) = Relay::new();
        drop(relay);
        assert_eq!(
            warm(&events, &StopToken::new()),
            Err("the encoder is gone".into())
        );
    }
}
