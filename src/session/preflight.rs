//! Before a show: is everything there that it needs?
//!
//! Runs on its own thread `pd-preflight` (it starts children and asks the network); its answer is
//! an event. What it opened is in the answer, and ends with it if nobody wants it any more.

use super::failure::{Failure, FailureKind};
use super::journal::Journal;
use super::lineup::Lineup;
use crate::ffmpeg::plan::{EncoderWish, SrtOutput};
use crate::ffmpeg::{Ffmpeg, capabilities, choose};
use crate::mediamtx::{Client, ManagedServer, Need, locate};
use crate::publish::{Mode, check_passphrase, parse_host_box, ping, resolve, srt_url, stream_id};
use crate::settings::{Secrets, Settings, TargetKind, mask_values};
use crate::stop::StopToken;
use secrecy::ExposeSecret;
use std::sync::Arc;
use std::time::Duration;

/// How long an SRT server may take to answer a ping.
const PING_LIMIT: Duration = Duration::from_secs(1);

/// What a show runs on.
pub struct Ready {
    /// ffmpeg.
    pub ffmpeg: Ffmpeg,
    /// Which of its encoders work here.
    pub lineup: Lineup,
    /// Who takes the stream.
    pub destination: Destination,
}

/// Who takes the stream.
pub enum Destination {
    /// Someone else's server.
    Own {
        /// Where and how.
        output: SrtOutput,
        /// Host and port as the operator wrote them.
        address: String,
        /// Its API, where known.
        client: Option<Client>,
        /// Its WHEP endpoint, where known.
        whep_url: Option<String>,
    },
    /// Our own MediaMTX on loopback.
    Managed(ManagedServer),
    /// An ffmpeg listener on loopback, started with the show.
    Loopback,
}

/// Looks at everything. `server` is a managed server from the show before, used again while it runs.
///
/// # Errors
/// The first thing that is missing, with what to do.
pub fn run(
    settings: &Settings,
    secrets: &Secrets,
    server: Option<ManagedServer>,
    journal: &Journal,
    stop: &StopToken,
) -> Result<Ready, Failure> {
    settings.check().map_err(|bad| {
        let all = bad
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
            .join("; ");
        Failure::new(FailureKind::Settings, all)
    })?;
    let ffmpeg = capabilities::look(settings.ffmpeg_path.as_deref())
        .map_err(|e| Failure::new(FailureKind::Ffmpeg, e))?;
    journal.info(format!(
        "ffmpeg {} at {}",
        ffmpeg.capabilities.version_text,
        ffmpeg.path.display()
    ));
    // The encoders' test and the server's start take their time at once.
    let (lineup, destination) = std::thread::scope(|scope| {
        let lineup = scope.spawn(|| lineup(&ffmpeg, settings, stop));
        let destination = match settings.target.kind {
            TargetKind::Srt => own_server(settings, secrets, journal),
            TargetKind::Embedded => embedded(settings, server, journal, stop),
        };
        (lineup.join(), destination)
    });
    let lineup = lineup.map_err(|panic| {
        let text = crate::panics::text_of(&*panic);
        Failure::new(FailureKind::Internal, text)
    })??;
    Ok(Ready {
        ffmpeg,
        lineup,
        destination: destination?,
    })
}

/// Tests the encoders ahead, so that the first show need not wait for it: the results are kept. Ends
/// with `stop`; where there is no ffmpeg, going live says so.
pub fn test_ahead(settings: &Settings, stop: &StopToken) {
    if let Ok(ffmpeg) = capabilities::look(settings.ffmpeg_path.as_deref()) {
        let wish = EncoderWish::of(settings);
        choose::rank(&ffmpeg, &wish, settings.encoder.family, stop);
    }
}

fn lineup(ffmpeg: &Ffmpeg, settings: &Settings, stop: &StopToken) -> Result<Lineup, Failure> {
    let chosen = settings.encoder.family;
    let ranking = choose::rank(ffmpeg, &EncoderWish::of(settings), chosen, stop);
    let works = !ranking.candidates.is_empty();
    let lineup = Lineup::new(ranking, chosen);
    if works {
        return Ok(lineup);
    }
    let message = format!(
        "no H.264 encoder of {} works at {} and {} fps. {}",
        ffmpeg.path.display(),
        settings.video.size,
        settings.video.fps,
        lineup.why_none()
    );
    Err(Failure::new(FailureKind::Ffmpeg, message))
}

fn own_server(
    settings: &Settings,
    secrets: &Secrets,
    journal: &Journal,
) -> Result<Destination, Failure> {
    let target = &settings.target;
    let bad = |e: &dyn std::fmt::Display| Failure::new(FailureKind::Settings, e);
    check_passphrase(secrets.passphrase_text()).map_err(|e| bad(&e))?;
    let host = parse_host_box(&target.host).map_err(|e| bad(&e))?;
    let id = |password: &str| stream_id(Mode::Publish, &target.path, &target.user, password);
    let real = id(secrets.password_text()).map_err(|e| bad(&e))?;
    let output_of = |address| SrtOutput {
        url: srt_url(address, target.latency_ms),
        stream_id_shown: if secrets.password_text().is_empty() {
            real.clone()
        } else {
            mask_values(&real, &[secrets.password_text()])
        },
        stream_id: real.clone(),
        passphrase: secrets.passphrase_text().to_owned(),
    };
    let port = host.port.unwrap_or(target.srt_port);
    let address =
        resolve(&host.host, port).map_err(|e| Failure::new(FailureKind::NoReceiver, e))?;
    match ping(address, PING_LIMIT) {
        Ok(pong) => journal.info(format!(
            "SRT ping of {address}: {:.1} ms",
            pong.round_trip_ms
        )),
        // Not the end: a server may come up later, and some firewalls answer no ping.
        Err(error) => journal.warn(error.to_string()),
    }
    let given = |url: &str| (!url.trim().is_empty()).then(|| url.trim().to_owned());
    Ok(Destination::Own {
        output: output_of(address),
        address: format!("{}:{port}", host.host),
        client: given(&target.api_url)
            .map(|url| Client::new(&url, &target.user, secrets.password_text())),
        whep_url: given(&target.webrtc_url)
            .map(|url| format!("{}/{}/whep", url.trim_end_matches('/'), target.path)),
    })
}

fn embedded(
    settings: &Settings,
    server: Option<ManagedServer>,
    journal: &Journal,
    stop: &StopToken,
) -> Result<Destination, Failure> {
    if !settings.target.path.starts_with("pd_") {
        return Err(Failure::new(
            FailureKind::Settings,
            format!(
                "setting target.path is {:?}: the embedded server takes names that begin with pd_",
                settings.target.path
            ),
        ));
    }
    let need = Need::of(settings);
    if let Some(mut server) = server
        && server.is_running()
        && server.fits(&need)
    {
        return Ok(Destination::Managed(server));
    }
    match locate::locate(settings.mediamtx_path.as_deref()) {
        Ok(bin) => {
            let log = journal.clone();
            let server = ManagedServer::start(
                &bin,
                &need,
                stop,
                Arc::new(move |severity, line| log.add(severity, format!("MediaMTX: {line}"))),
            )
            .map_err(|e| Failure::new(FailureKind::Server, e))?;
            journal.info(format!(
                "MediaMTX {} at {}",
                server.version(),
                bin.display()
            ));
            Ok(Destination::Managed(server))
        }
        Err(error @ locate::LocateError::Named { .. }) => {
            Err(Failure::new(FailureKind::Server, error))
        }
        Err(error) => {
            journal.warn(format!(
                "{error} Until then an ffmpeg receiver on loopback measures; no viewer can watch."
            ));
            Ok(Destination::Loopback)
        }
    }
}

/// How the publisher reaches a managed server.
pub fn managed_output(server: &ManagedServer, settings: &Settings) -> Result<SrtOutput, Failure> {
    let id = |password: &str| {
        stream_id(
            Mode::Publish,
            &settings.target.path,
            server.publish_user(),
            password,
        )
        .map_err(|e| Failure::new(FailureKind::Settings, e))
    };
    Ok(SrtOutput {
        url: srt_url(server.srt_addr(), settings.target.latency_ms),
        stream_id: id(server.password().expose_secret())?,
        stream_id_shown: id("***")?,
        passphrase: String::new(),
    })
}
