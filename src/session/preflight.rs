//! Before a show: is everything there that it needs?
//!
//! Runs on its own thread `pd-preflight` (it starts children and asks the network); its answer is
//! an event, and on its way each step is told to the list that the operator sees (`steps`). What it opened is in the answer, and ends with it if nobody wants it any more.

use super::ahead::NO_API;
use super::claim::{Claim, claim};
use super::failure::{Failure, FailureKind};
use super::journal::Journal;
use super::knock::Door;
use super::lineup::Lineup;
use super::steps::{Board, StepKind, StepState};
use crate::clock;
use crate::ffmpeg::plan::EncoderWish;
use crate::ffmpeg::{Capabilities, Ffmpeg, capabilities, choose};
use crate::mediamtx::server::OnLog;
use crate::mediamtx::{ApiError, Client, ManagedServer, Need, Offers, locate};
use crate::publish::{
    Place, Target, TargetError, WayStatus, first_that_answers, invited, occupant, parse_host_box,
    ping_best, ways,
};
use crate::settings::{Secrets, Settings, TargetKind, Way, sentences};
use crate::stop::StopToken;
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
    /// Someone else's server, or a file.
    Own {
        /// Where and how.
        entry: Box<Entry>,
        /// Host and port as the operator wrote them, or the file.
        address: String,
        /// Its WHEP endpoint, where known.
        whep_url: Option<String>,
        /// Where to knock.
        door: Option<Door>,
    },
    /// Our own MediaMTX on loopback.
    Managed(Box<ManagedServer>),
    /// An ffmpeg listener on loopback, started with the show.
    Loopback,
}

/// A server's ways in.
pub struct Entry {
    /// Its addresses.
    pub target: Target,
    /// Which ways are open, and why not.
    pub ways: Vec<WayStatus>,
    /// Round trip, ms, where it answered.
    pub ping_ms: Option<f64>,
    /// Its API, where known.
    pub client: Option<Client>,
    /// Ours alone among the consoles of this machine, as long as this is held.
    pub claim: Option<Arc<Claim>>,
}

/// What a show is to be.
#[derive(Clone, Copy)]
pub struct Wish<'a> {
    /// Its settings.
    pub settings: &'a Settings,
    /// Its secrets.
    pub secrets: &'a Secrets,
    /// Whoever has the path is thrown out.
    pub takes_over: bool,
}

/// What a look without success leaves.
pub struct Missed {
    /// The first thing that is missing, with what to do.
    pub failure: Failure,
    /// A managed server that runs: its viewers stay for the next try.
    pub server: Option<ManagedServer>,
}

/// Looks at everything that does not depend on something missing, and tells `board` of each.
/// `server` is a managed server from the show before, used again while it runs.
///
/// # Errors
/// What is missing.
pub fn run(
    wish: &Wish<'_>,
    server: Option<ManagedServer>,
    journal: &Journal,
    board: &Board,
    stop: &StopToken,
) -> Result<Ready, Box<Missed>> {
    let settings = wish.settings;
    let good = step(board, StepKind::Settings, || {
        let good = settings.check().map(|()| ((), Words::none()));
        good.map_err(|bad| Failure::new(FailureKind::Settings, sentences(&bad)))
    });
    let ffmpeg = step(board, StepKind::Ffmpeg, || {
        let ffmpeg = capabilities::look(settings.ffmpeg_path.as_deref())
            .map_err(|e| Failure::new(FailureKind::Ffmpeg, e))?;
        let words = format!(
            "ffmpeg {} at {}",
            ffmpeg.capabilities.version_text,
            ffmpeg.path.display()
        );
        journal.info(words.clone());
        Ok((ffmpeg, Words::good(words)))
    });
    if let Err(failure) = good {
        for kind in [StepKind::Encoder, StepKind::Server] {
            skip(board, kind, "the settings must be right first");
        }
        return Err(Box::new(Missed { failure, server }));
    }
    // The encoders' test and the server's start take their time at once.
    let found = ffmpeg.as_ref().ok();
    let (lineup, destination) = std::thread::scope(|scope| {
        let lineup = found.map(|ffmpeg| {
            scope.spawn(move || {
                step(board, StepKind::Encoder, || {
                    let lineup = lineup(ffmpeg, settings, stop)?;
                    let words = encoder_words(&lineup);
                    Ok((lineup, words))
                })
            })
        });
        if lineup.is_none() {
            skip(board, StepKind::Encoder, "ffmpeg must be there first");
        }
        let found = found.map(|ffmpeg| &ffmpeg.capabilities);
        let destination = step(board, StepKind::Server, || {
            look_at_destination(wish, server, found, journal, stop)
        });
        (lineup.map(|thread| thread.join()), destination)
    });
    let lineup = match lineup {
        None => Err(None),
        Some(Ok(lineup)) => lineup.map_err(Some),
        Some(Err(panic)) => {
            let text = crate::panics::text_of(&*panic);
            Err(Some(Failure::new(FailureKind::Internal, text)))
        }
    };
    match (ffmpeg, lineup, destination) {
        (Ok(ffmpeg), Ok(lineup), Ok(Some(destination))) => Ok(Ready {
            ffmpeg,
            lineup,
            destination,
        }),
        (ffmpeg, lineup, destination) => {
            let mut failures = [ffmpeg.err(), lineup.err().flatten(), None];
            let server = match destination {
                Ok(Some(Destination::Managed(server))) => Some(*server),
                Ok(_) => None,
                Err(failure) => {
                    failures[2] = Some(failure);
                    None
                }
            };
            let failure = failures.into_iter().flatten().next().unwrap_or_else(|| {
                Failure::new(
                    FailureKind::Internal,
                    "the look before the show was cut off",
                )
            });
            Err(Box::new(Missed { failure, server }))
        }
    }
}

/// What a step found, for the operator.
struct Words {
    state: StepState,
    text: String,
}

impl Words {
    fn none() -> Self {
        Self::good(String::new())
    }

    fn good(text: impl Into<String>) -> Self {
        Self {
            state: StepState::Good,
            text: text.into(),
        }
    }

    fn warning(text: impl Into<String>) -> Self {
        Self {
            state: StepState::Warning,
            text: text.into(),
        }
    }
}

fn step<T>(
    board: &Board,
    kind: StepKind,
    look: impl FnOnce() -> Result<(T, Words), Failure>,
) -> Result<T, Failure> {
    board.begin(kind, clock::now());
    match look() {
        Ok((found, words)) => {
            board.end(kind, words.state, words.text, clock::now());
            Ok(found)
        }
        Err(failure) => {
            let text = failure.message.clone();
            board.end(kind, StepState::Failed, text, clock::now());
            Err(failure)
        }
    }
}

fn skip(board: &Board, kind: StepKind, why: &str) {
    board.end(kind, StepState::Skipped, why, clock::now());
}

fn encoder_words(lineup: &Lineup) -> Words {
    let Some(pick) = lineup.pick() else {
        return Words::none();
    };
    let name = crate::ffmpeg::encoder::row(pick.family).name;
    match pick.fallback {
        None => Words::good(format!("{name}: {}", pick.why)),
        Some(fallback) => Words::warning(fallback),
    }
}

/// Finds out who takes the stream of these settings' target. Blocks.
///
/// # Errors
/// What is missing, with what to do.
pub fn destination(
    settings: &Settings,
    secrets: &Secrets,
    server: Option<ManagedServer>,
    found: &Capabilities,
    journal: &Journal,
    stop: &StopToken,
) -> Result<Destination, Failure> {
    let wish = Wish {
        settings,
        secrets,
        takes_over: false,
    };
    let (destination, _) = look_at_destination(&wish, server, Some(found), journal, stop)?;
    destination.ok_or_else(|| Failure::new(FailureKind::Internal, "no destination"))
}

/// The same with words for the operator. Without an ffmpeg (`found`) nothing is started and it stays
/// open by which way the stream could go: None.
fn look_at_destination(
    wish: &Wish<'_>,
    server: Option<ManagedServer>,
    found: Option<&Capabilities>,
    journal: &Journal,
    stop: &StopToken,
) -> Result<(Option<Destination>, Words), Failure> {
    let settings = wish.settings;
    match settings.target.kind {
        _ if settings.target.way == Way::File => {
            let claim = claimed(&format!("file {}", settings.target.file), wish.takes_over)?;
            let words = Words::good(format!("into the file {}", settings.target.file));
            Ok((found.map(|found| file(settings, found, claim)), words))
        }
        TargetKind::Srt => own_server(wish, found, journal),
        TargetKind::Embedded => embedded(settings, server, found.is_some(), journal, stop),
    }
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
    wish: &Wish<'_>,
    found: Option<&Capabilities>,
    journal: &Journal,
) -> Result<(Option<Destination>, Words), Failure> {
    let (settings, secrets) = (wish.settings, wish.secrets);
    let set = &settings.target;
    let choose = |all: &[_]| first_that_answers(all, PING_LIMIT);
    let mut target = Target::resolve(set, secrets, None, choose).map_err(|e| bad_target(&e))?;
    let claim = claimed(&format!("{}/{}", target.srt, set.path), wish.takes_over)?;
    let given = |url: &str| (!url.trim().is_empty()).then(|| url.trim().to_owned());
    let client =
        given(&set.api_url).map(|url| Client::new(&url, &set.user, secrets.password_text()));
    // What Auto comes to is not known yet; taking over without a gap is for two that both pull.
    let pulls = matches!(set.way, Way::SrtPull | Way::Auto);
    // Each may take its second or more.
    let (pong, asked) = std::thread::scope(|scope| {
        let asked = client
            .as_ref()
            .map(|client| scope.spawn(|| ask(client, &target, pulls, wish.takes_over)));
        let pong = ping_best(target.srt, PING_LIMIT);
        (pong, asked.and_then(|thread| thread.join().ok()))
    });
    let (ping_ms, mut words) = match pong {
        Ok(pong) => {
            let (address, ms) = (target.srt, pong.round_trip_ms);
            let text = format!("SRT ping of {address}: {ms:.1} ms");
            journal.info(text.clone());
            (Some(pong.round_trip_ms), Words::good(text))
        }
        // Not the end: a server may come up later, and some firewalls answer no ping.
        Err(error) => {
            journal.warn(error.to_string());
            (None, Words::warning(error.to_string()))
        }
    };
    let (offers, path_is_set) = match asked {
        None => (Err(NO_API.to_owned()), false),
        Some(Ok(Asked::Taken(who))) => return Err(taken(&set.path, &who)),
        Some(Ok(Asked::Free(offers, stale, is_set))) => {
            for name in stale {
                journal.info(format!(
                    "the path {name} that a console had left on the server was taken away"
                ));
            }
            target = Target::at(target.srt, set, secrets, Some(&offers));
            (Ok(offers), is_set)
        }
        Some(Err(error)) => {
            // The server itself refuses this user: no way to have it call.
            if set.way == Way::SrtPull && matches!(error, ApiError::Unauthorised { .. }) {
                return Err(Failure::new(FailureKind::Refused, error));
            }
            if words.state == StepState::Good {
                words.state = StepState::Warning;
                words.text = format!("{}; {error}", words.text);
            }
            (Err(error.to_string()), false)
        }
    };
    let host = parse_host_box(&set.host).map_err(|e| bad_target(&e.into()))?;
    let Some(found) = found else {
        return Ok((None, words));
    };
    let place = Place {
        target: &target,
        found,
        offers: offers.as_ref().map_err(String::as_str),
        path_is_set,
        adaptive: settings.encoder.adaptive,
        ping_ms,
    };
    let ways = ways(&place);
    check_wished(set.way, &ways)?;
    let own = Destination::Own {
        address: format!("{}:{}", host.host, host.port.unwrap_or(set.srt_port)),
        door: Some(Door::Srt(target.srt)),
        whep_url: given(&set.webrtc_url)
            .map(|url| format!("{}/{}/whep", url.trim_end_matches('/'), set.path)),
        entry: Box::new(Entry {
            target,
            ways,
            ping_ms,
            client,
            claim,
        }),
    };
    Ok((Some(own), words))
}

/// What the server's API says.
enum Asked {
    /// Another publishes to our path.
    Taken(String),
    /// What it offers; the paths of dead consoles that were taken away; whether our path is configured by someone
    /// else.
    Free(Offers, Vec<String>, bool),
}

fn ask(client: &Client, target: &Target, pulls: bool, takes_over: bool) -> Result<Asked, ApiError> {
    let offers = client.offers()?;
    // Before anything is taken away: a path that a living console has pulled is its stream.
    if !takes_over && let Some(occupant) = occupant(client, &target.path)? {
        return Ok(Asked::Taken(occupant.who));
    }
    let (stale, is_set) = invited::remove_stale(client, &target.path, target.srt, pulls)?;
    Ok(Asked::Free(offers, stale, is_set))
}

fn taken(path: &str, who: &str) -> Failure {
    let text = format!(
        "another publishes to the path {path} already ({who}) and would be thrown out. End that show, choose another \
         path, or take the path over"
    );
    Failure::new(FailureKind::Taken, text)
}

/// The claim on `stream` against other consoles of this machine. One that takes over goes on without where another
/// has it.
fn claimed(stream: &str, takes_over: bool) -> Result<Option<Arc<Claim>>, Failure> {
    match claim(stream) {
        Ok(claim) => Ok(claim.map(Arc::new)),
        Err(_) if takes_over => Ok(None),
        Err(claimed) => {
            let text = format!(
                "another console on this machine ({}) sends there already: {stream}. End that show, choose another \
                 path, or take the path over",
                claimed.who
            );
            Err(Failure::new(FailureKind::Taken, text))
        }
    }
}

fn bad_target(error: &TargetError) -> Failure {
    let kind = match error {
        TargetError::Resolve(_) => FailureKind::NoReceiver,
        _ => FailureKind::Settings,
    };
    Failure::new(kind, error)
}

/// A way that the operator named must be open; the automatic choice finds one.
fn check_wished(wished: Way, ways: &[WayStatus]) -> Result<(), Failure> {
    let status = ways.iter().find(|status| status.way == wished);
    match status.and_then(|status| status.why_not.as_ref()) {
        None => Ok(()),
        Some(why) => Err(Failure::new(
            FailureKind::Settings,
            format!(
                "{} cannot be used here: {why}. Choose another way, or Auto",
                wished.name()
            ),
        )),
    }
}

/// No server at all: into a file.
fn file(settings: &Settings, found: &Capabilities, claim: Option<Arc<Claim>>) -> Destination {
    let nowhere = (std::net::Ipv4Addr::LOCALHOST, 0).into();
    let target = Target::at(nowhere, &settings.target, &Secrets::default(), None);
    let ways = ways(&Place {
        target: &target,
        found,
        offers: Err("there is no server"),
        path_is_set: false,
        adaptive: false,
        ping_ms: None,
    });
    Destination::Own {
        address: settings.target.file.clone(),
        whep_url: None,
        door: None,
        entry: Box::new(Entry {
            target,
            ways,
            ping_ms: None,
            client: None,
            claim,
        }),
    }
}

/// A managed server's words into the operator's log.
pub(super) fn server_log(journal: &Journal) -> OnLog {
    let journal = journal.clone();
    Arc::new(move |severity, line| journal.add(severity, format!("MediaMTX: {line}")))
}

fn embedded(
    settings: &Settings,
    server: Option<ManagedServer>,
    start: bool,
    journal: &Journal,
    stop: &StopToken,
) -> Result<(Option<Destination>, Words), Failure> {
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
        let words = Words::good(format!("MediaMTX {} runs", server.version()));
        return Ok((Some(Destination::Managed(Box::new(server))), words));
    }
    match locate::locate(settings.mediamtx_path.as_deref()) {
        Ok(bin) if !start => {
            let words = Words::good(format!("MediaMTX at {}", bin.display()));
            Ok((None, words))
        }
        Ok(bin) => {
            let server = ManagedServer::start(&bin, &need, stop, server_log(journal))
                .map_err(|e| Failure::new(FailureKind::Server, e))?;
            let words = format!("MediaMTX {} at {}", server.version(), bin.display());
            journal.info(words.clone());
            let managed = Destination::Managed(Box::new(server));
            Ok((Some(managed), Words::good(words)))
        }
        Err(error @ locate::LocateError::Named { .. }) => {
            Err(Failure::new(FailureKind::Server, error))
        }
        Err(error) => {
            let words = format!(
                "{error} Until then an ffmpeg receiver on loopback measures; no viewer can watch."
            );
            journal.warn(words.clone());
            Ok((Some(Destination::Loopback), Words::warning(words)))
        }
    }
}

/// The ways into a managed server.
pub fn managed_entry(
    server: &ManagedServer,
    settings: &Settings,
    found: &Capabilities,
) -> Result<Entry, Failure> {
    let target = Target::on_loopback(
        &settings.target,
        (server.srt_addr(), server.rtsp_addr()),
        &server.webrtc_url(),
        server.publish_user(),
        server.password().clone(),
    );
    // On loopback a round trip is far below the lowest latency asked for.
    let ping_ms = Some(0.0);
    let offers = Offers::all();
    let ways = ways(&Place {
        target: &target,
        found,
        offers: Ok(&offers),
        path_is_set: false,
        adaptive: settings.encoder.adaptive,
        ping_ms,
    });
    check_wished(settings.target.way, &ways)?;
    Ok(Entry {
        target,
        ways,
        ping_ms,
        client: Some(server.client().clone()),
        // It takes nobody else's publisher.
        claim: None,
    })
}
