//! Asks the desktop portal (org.freedesktop.portal.ScreenCast) for a screen or window. Runs on the
//! capture thread; the operator may take as long as they like, everything else has a limit.

use super::wait::{Waited, wait_for};
use super::{PortalSource, Wanted};
use crate::capture::{CaptureError, FrameSlot, SourceNote};
use crate::clock::now;
use crate::stop::StopToken;
use ashpd::desktop::screencast::{
    CursorMode, Screencast, SelectSourcesOptions, SourceType, Streams,
};
use ashpd::desktop::{PersistMode, ResponseError, Session};
use ashpd::enumflags2::BitFlags;
use ashpd::zbus::{self, MatchRule, MessageStream, connection};
use ashpd::{Error, PortalError};
use futures_lite::StreamExt;
use std::os::fd::OwnedFd;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

/// For what needs no operator. D-Bus gives a service 25 s to start.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
/// For the farewell, which the portal can do without: stop shall not wait for it.
const CLOSE_LIMIT: Duration = Duration::from_millis(100);
const ASKS: &str = "choose a screen or window in the desktop's dialog";

/// A session that the operator agreed to.
pub(super) struct Cast {
    /// PipeWire, as far as the portal lets us see it; taken by the stream.
    pub(super) remote: Option<OwnedFd>,
    /// The stream's node there.
    pub(super) node: u32,
    /// What it shows ("Monitor").
    pub(super) kind: &'static str,
    session: Session<Screencast>,
    closed: MessageStream,
}

impl Cast {
    /// Whether the desktop ended the session: the operator pressed its "stop sharing".
    pub(super) fn check(&mut self) -> Result<(), CaptureError> {
        let mut context = Context::from_waker(Waker::noop());
        match self.closed.poll_next(&mut context) {
            Poll::Pending => Ok(()),
            Poll::Ready(Some(_)) => Err(CaptureError::Lost("the desktop ended it".into())),
            Poll::Ready(None) => Err(CaptureError::Lost(
                "the connection to the desktop's portal broke".into(),
            )),
        }
    }

    /// Tells the portal that we are done. Dropping it tells too, but later.
    pub(super) fn close(self) {
        let _ = wait_for(self.session.close(), Some(CLOSE_LIMIT), || true);
    }
}

/// Asks until there is an answer; None where `stop` came first.
///
/// A token of an earlier choice spares the operator the dialog. One that the portal takes ill is
/// thrown away and asked without.
///
/// # Errors
/// [`CaptureError::NoPortal`], [`CaptureError::Refused`] by the operator, [`CaptureError::Lost`].
pub(super) fn ask(
    source: &PortalSource,
    slot: &FrameSlot,
    stop: &StopToken,
) -> Result<Option<Cast>, CaptureError> {
    let go_on = || {
        slot.beat(now());
        !stop.is_stopped()
    };
    let token = source.tokens.load(source.wanted);
    let answer = match attempt(source, token.as_deref(), slot, &go_on) {
        // An operator's "no" to a restored choice is a "no" all the same, and a portal that is not
        // there (it is being restarted, say) has said nothing against the token.
        Err(error) if token.is_some() && may_be_of_token(&error) => {
            tracing::info!("the kept choice of the screen does not work ({error}): asking anew");
            source.tokens.replace(source.wanted, None);
            attempt(source, None, slot, &go_on)
        }
        answer => answer,
    };
    slot.note(SourceNote::default());
    answer.map_err(in_words)
}

/// Why the portal gave nothing.
#[derive(Debug, thiserror::Error)]
enum Unasked {
    #[error("{0}")]
    Portal(#[from] Error),
    #[error("the desktop's portal did not answer within {} s", ANSWER_LIMIT.as_secs())]
    TimedOut,
    #[error("the desktop's portal gives no {0}")]
    Lacks(&'static str),
    #[error("the desktop's portal gave no stream")]
    NoStream,
    #[error("the desktop's portal reaches no PipeWire ({0})")]
    NoPipeWire(Error),
}

impl From<zbus::Error> for Unasked {
    fn from(error: zbus::Error) -> Self {
        Self::Portal(error.into())
    }
}

fn attempt(
    source: &PortalSource,
    token: Option<&str>,
    slot: &FrameSlot,
    go_on: &impl Fn() -> bool,
) -> Result<Option<Cast>, Unasked> {
    macro_rules! answer {
        ($future:expr, $limit:expr) => {
            match wait_for($future, $limit, go_on) {
                Waited::Done(value) => value?,
                Waited::Stopped => return Ok(None),
                Waited::TimedOut => return Err(Unasked::TimedOut),
            }
        };
    }
    let (portal, session, closed) = answer!(prepare(source, token), Some(ANSWER_LIMIT));
    // Also with a token: nobody knows beforehand whether the portal will ask.
    slot.note(SourceNote {
        label: None,
        asks: Some(ASKS.into()),
    });
    let streams: Streams = answer!(
        async {
            let request = portal.start(&session, None, Default::default()).await?;
            request.response()
        },
        None
    );
    slot.note(SourceNote::default());
    source
        .tokens
        .replace(source.wanted, streams.restore_token());
    let stream = streams.streams().first().ok_or(Unasked::NoStream)?;
    let remote = answer!(
        async {
            let remote = portal.open_pipe_wire_remote(&session, Default::default());
            remote.await.map_err(of_remote)
        },
        Some(ANSWER_LIMIT)
    );
    Ok(Some(Cast {
        remote: Some(remote),
        node: stream.pipe_wire_node_id(),
        kind: match stream.source_type() {
            Some(SourceType::Monitor) => "Monitor",
            Some(SourceType::Window) => "Window",
            Some(SourceType::Virtual) => "Virtual screen",
            None => "Screen",
        },
        session,
        closed,
    }))
}

/// Everything up to the dialog.
async fn prepare(
    source: &PortalSource,
    token: Option<&str>,
) -> Result<(Screencast, Session<Screencast>, MessageStream), Unasked> {
    // Not ashpd's own connection, which lives for ever: this one ends with the source, and with it
    // whatever the portal still has open for us.
    let builder = match &source.bus {
        Some(address) => connection::Builder::address(address.as_str())?,
        None => connection::Builder::session()?,
    };
    let bus = builder.build().await?;
    // ashpd's own signal wants a body that old portals do not send.
    let rule = MatchRule::builder()
        .msg_type(zbus::message::Type::Signal)
        .interface("org.freedesktop.portal.Session")?
        .member("Closed")?
        .build();
    let closed = MessageStream::for_match_rule(rule, &bus, Some(4)).await?;
    let portal = Screencast::with_connection(bus).await?;
    let session = portal.create_session(Default::default()).await?;
    let options = SelectSourcesOptions::default()
        .set_multiple(false)
        .set_sources(sources(&portal, source.wanted).await?)
        .set_cursor_mode(cursor_mode(&portal, source.cursor).await?)
        .set_persist_mode(PersistMode::ExplicitlyRevoked)
        .set_restore_token(token);
    portal.select_sources(&session, options).await?.response()?;
    Ok((portal, session, closed))
}

/// What may be chosen, as far as this desktop has it: an unknown kind would end the session.
async fn sources(portal: &Screencast, wanted: Wanted) -> Result<BitFlags<SourceType>, Unasked> {
    let there = portal.available_source_types().await?;
    let (kinds, name) = match wanted {
        Wanted::Screen => (
            SourceType::Monitor | SourceType::Window,
            "screens and no windows",
        ),
        Wanted::Window => (SourceType::Window.into(), "windows"),
    };
    let both = there & kinds;
    if both.is_empty() {
        return Err(Unasked::Lacks(name));
    }
    Ok(both)
}

/// The mode to ask for; None where the portal is too old to be asked.
async fn cursor_mode(portal: &Screencast, seen: bool) -> Result<Option<CursorMode>, Unasked> {
    let wanted = if seen {
        CursorMode::Embedded
    } else {
        CursorMode::Hidden
    };
    match portal.available_cursor_modes().await {
        Ok(modes) if modes.contains(wanted) => Ok(Some(wanted)),
        Ok(_) | Err(Error::RequiresVersion(..)) => {
            let what = if seen { "show" } else { "hide" };
            tracing::warn!("the desktop's portal cannot {what} the pointer");
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}

/// An error that the portal itself answers, and not D-Bus in its place, is PipeWire's.
fn of_remote(error: Error) -> Unasked {
    use zbus::fdo::Error as Fdo;
    let is_portals = match &error {
        Error::Portal(PortalError::Failed(_)) => true,
        Error::Zbus(error) | Error::Portal(PortalError::ZBus(error)) => matches!(
            Fdo::from(error.clone()),
            Fdo::Failed(_) | Fdo::ZBus(zbus::Error::MethodError(..))
        ),
        _ => false,
    };
    if is_portals {
        Unasked::NoPipeWire(error)
    } else {
        Unasked::Portal(error)
    }
}

/// Whether it may have gone wrong because of the token: the portal answered, and said no.
fn may_be_of_token(error: &Unasked) -> bool {
    use zbus::fdo::Error as Fdo;
    match error {
        Unasked::NoStream | Unasked::Portal(Error::Response(ResponseError::Other)) => true,
        Unasked::Portal(Error::Zbus(error) | Error::Portal(PortalError::ZBus(error))) => matches!(
            Fdo::from(error.clone()),
            Fdo::InvalidArgs(_) | Fdo::Failed(_) | Fdo::AccessDenied(_)
        ),
        Unasked::Portal(Error::Portal(_)) => !is_cancel(error),
        _ => false,
    }
}

fn is_cancel(error: &Unasked) -> bool {
    matches!(
        error,
        Unasked::Portal(
            Error::Response(ResponseError::Cancelled) | Error::Portal(PortalError::Cancelled(_))
        )
    )
}

/// What the operator reads.
fn in_words(error: Unasked) -> CaptureError {
    if is_cancel(&error) {
        return CaptureError::Refused(
            "its dialog was cancelled. Start again and choose a screen or window there".into(),
        );
    }
    let error = match error {
        Unasked::Portal(error) => error,
        Unasked::Lacks(_) | Unasked::TimedOut | Unasked::NoPipeWire(_) => {
            return CaptureError::NoPortal(error.to_string());
        }
        Unasked::NoStream => return CaptureError::Lost(error.to_string()),
    };
    match error {
        Error::Response(_) => CaptureError::Refused(
            "its dialog ended without a choice. Start again; if no dialog comes, see that the portal's backend for this desktop runs".into(),
        ),
        Error::Portal(PortalError::NotAllowed(why)) => CaptureError::Refused(why),
        Error::PortalNotFound(name) => CaptureError::NoPortal(format!("there is no {name}")),
        Error::Zbus(error) | Error::Portal(PortalError::ZBus(error)) => of_bus(error),
        error => CaptureError::Lost(format!("the desktop's portal: {error}")),
    }
}

fn of_bus(error: zbus::Error) -> CaptureError {
    use zbus::fdo::Error as Fdo;
    let error = Fdo::from(error);
    match &error {
        Fdo::ServiceUnknown(_) | Fdo::NameHasNoOwner(_) | Fdo::SpawnServiceNotFound(_) => {
            CaptureError::NoPortal("no desktop portal is installed".into())
        }
        Fdo::UnknownMethod(_)
        | Fdo::UnknownInterface(_)
        | Fdo::UnknownObject(_)
        | Fdo::UnknownProperty(_)
        | Fdo::InvalidArgs(_) => CaptureError::NoPortal(format!(
            "the desktop's portal offers no ScreenCast ({error})"
        )),
        Fdo::SpawnExecFailed(_)
        | Fdo::SpawnFailed(_)
        | Fdo::SpawnChildExited(_)
        | Fdo::SpawnChildSignaled(_) => {
            CaptureError::NoPortal(format!("the desktop portal does not start ({error})"))
        }
        Fdo::ZBus(
            zbus::Error::Connection(..) | zbus::Error::InputOutput(_) | zbus::Error::Address(_),
        ) => CaptureError::NoPortal(format!(
            "the desktop's D-Bus session cannot be reached ({error})"
        )),
        _ => CaptureError::Lost(format!("the desktop's portal: {error}")),
    }
}
