//! The PipeWire stream of a screen or window. Its loop runs on the capture thread, a tenth of a
//! second at most at a time.
//!
//! PipeWire's callbacks only note what they hear, so that none can panic into C; buffers are taken
//! between two rounds of the loop. The newest buffer is held until the pacer can use it and then
//! copied; one that comes meanwhile takes its place. So nothing is copied that nobody would send,
//! and the last picture before a stillness is never lost.

use super::dialog::Cast;
use super::format::{self, Format};
use super::{PortalSource, picture};
use crate::capture::copy::Copier;
use crate::capture::{CaptureError, FrameSlot, SourceNote};
use crate::clock::{MonoTime, now};
use crate::stop::StopToken;
use crate::units::Size;
use pipewire::buffer::Buffer;
use pipewire::context::ContextBox;
use pipewire::keys;
use pipewire::loop_::Timeout;
use pipewire::main_loop::MainLoopBox;
use pipewire::properties::properties;
use pipewire::spa::param::ParamType;
use pipewire::spa::pod::Pod;
use pipewire::spa::utils::Direction;
use pipewire::stream::{Stream, StreamBox, StreamFlags, StreamState};
use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

/// Between two looks at stop and at the session.
const STEP: Duration = Duration::from_millis(100);
/// For the connection to be made. WirePlumber does it in some 10 ms.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// With fewer buffers none is held back: the desktop would have none to draw into.
const FEWEST_TO_HOLD: usize = 4;
/// A buffer that does not hold its picture happens at a change of size; so many in a row do not.
const BAD_IN_A_ROW: u32 = 30;

/// What the callbacks heard.
#[derive(Debug, Default)]
struct Heard {
    format: Cell<Option<Format>>,
    buffers: Cell<usize>,
    removals: Cell<u64>,
    is_streaming: Cell<bool>,
    has_streamed: Cell<bool>,
    /// Why it is over, as it was first told.
    over: RefCell<Option<String>>,
}

impl Heard {
    fn ends(&self, why: impl Into<String>) {
        if let Ok(mut over) = self.over.try_borrow_mut() {
            over.get_or_insert_with(|| why.into());
        }
    }

    fn state(&self, old: &StreamState, new: &StreamState) {
        tracing::debug!("PipeWire stream: {old:?} to {new:?}");
        self.is_streaming.set(*new == StreamState::Streaming);
        match new {
            StreamState::Error(why) => self.ends(format!("PipeWire reports: {why}")),
            StreamState::Unconnected => self.ends("PipeWire ended the stream"),
            StreamState::Streaming => self.has_streamed.set(true),
            StreamState::Connecting | StreamState::Paused => {}
        }
    }
}

/// Puts the stream's pictures into `slot` until `stop` or an end.
///
/// # Errors
/// [`CaptureError::Lost`] where PipeWire, the node or the session ends, and
/// [`CaptureError::RegionOutside`].
pub(super) fn capture(
    source: &PortalSource,
    cast: &mut Cast,
    slot: &FrameSlot,
    stop: &StopToken,
) -> Result<(), CaptureError> {
    let remote = cast
        .remote
        .take()
        .ok_or_else(|| CaptureError::Lost("the portal's PipeWire was used up".into()))?;
    let main_loop = MainLoopBox::new(None).map_err(no_pipewire)?;
    let context = ContextBox::new(main_loop.loop_(), None).map_err(no_pipewire)?;
    let core = context.connect_fd(remote, None).map_err(no_pipewire)?;
    let heard = Rc::new(Heard::default());
    // Where no session manager tells the stream that its node is gone.
    let registry = core.get_registry().map_err(no_pipewire)?;
    let (node, told) = (cast.node, heard.clone());
    let _removals = registry
        .add_listener_local()
        .global_remove(move |id| {
            if id == node {
                told.ends("what was shared is gone");
            }
        })
        .register();
    let properties = properties! {
        *keys::MEDIA_TYPE => "Video",
        *keys::MEDIA_CATEGORY => "Capture",
        *keys::MEDIA_ROLE => "Screen",
    };
    let stream = StreamBox::new(&core, "pd-console", properties).map_err(no_pipewire)?;
    let replies = [format::buffers()].into_iter().chain(format::metas());
    let replies: Vec<Vec<u8>> = replies.collect();
    let _listener = stream
        .add_local_listener_with_user_data(heard.clone())
        .state_changed(|_, heard, old, new| heard.state(&old, &new))
        .param_changed(move |stream, heard, id, param| {
            let Some(param) = param.filter(|_| id == ParamType::Format.as_raw()) else {
                return;
            };
            heard.format.set(format::agreed(param));
            let mut params: Vec<&Pod> = replies.iter().filter_map(|p| Pod::from_bytes(p)).collect();
            if let Err(error) = stream.update_params(&mut params) {
                heard.ends(format!("PipeWire takes no buffers: {error}"));
            }
        })
        .add_buffer(|_, heard, _| heard.buffers.set(heard.buffers.get() + 1))
        .remove_buffer(|_, heard, _| {
            heard.buffers.set(heard.buffers.get().saturating_sub(1));
            heard.removals.set(heard.removals.get() + 1);
        })
        .register()
        .map_err(no_pipewire)?;
    let offer = format::offer(source.fps);
    let mut params: Vec<&Pod> = Pod::from_bytes(&offer).into_iter().collect();
    // Not to be connected to anything else afterwards: the next best source may be a camera.
    let flags = StreamFlags::AUTOCONNECT | StreamFlags::MAP_BUFFERS | StreamFlags::DONT_RECONNECT;
    stream
        .connect(Direction::Input, Some(node), flags, &mut params)
        .map_err(no_pipewire)?;
    let mut pictures = Pictures {
        stream: &stream,
        heard: &heard,
        slot,
        kind: cast.kind,
        copier: Copier::new(source.region),
        held: None,
        is_first: true,
        noted: None,
        bad: 0,
    };
    let connect_by = now() + CONNECT_LIMIT;
    while !stop.is_stopped() {
        slot.beat(now());
        cast.check()?;
        // Before the end is told: a last picture may have come with it.
        pictures.take_newest();
        pictures.put()?;
        if let Some(why) = heard.over.take() {
            return Err(CaptureError::Lost(why));
        }
        if !heard.has_streamed.get() && now() > connect_by {
            return Err(CaptureError::Lost(
                "PipeWire does not connect the stream; see that its session manager (WirePlumber) runs".into(),
            ));
        }
        let wait = pictures.wait();
        main_loop.loop_().iterate(Timeout::Finite(wait));
        pictures.forget_removed();
    }
    Ok(())
}

fn no_pipewire(error: pipewire::Error) -> CaptureError {
    CaptureError::NoPortal(format!("PipeWire cannot be used ({error})"))
}

/// A buffer on loan, and when it came.
struct Held<'s> {
    buffer: Buffer<'s>,
    came_at: MonoTime,
}

/// From the stream's buffers to the slot.
struct Pictures<'s> {
    stream: &'s Stream,
    heard: &'s Heard,
    slot: &'s FrameSlot,
    kind: &'static str,
    copier: Copier,
    held: Option<Held<'s>>,
    is_first: bool,
    noted: Option<Size>,
    bad: u32,
}

impl Pictures<'_> {
    /// Takes what is queued, holds the newest picture and gives all else back.
    fn take_newest(&mut self) {
        while let Some(mut buffer) = self.stream.dequeue_buffer() {
            // One without a picture (only the pointer moved, say) takes no picture's place.
            if picture::has_one(&mut buffer) {
                let came_at = now();
                self.held = Some(Held { buffer, came_at });
            }
        }
    }

    /// The server took buffers away: the one that is held may be gone, with its memory.
    fn forget_removed(&mut self) {
        if self.heard.removals.replace(0) > 0 {
            // It is not the stream's any more, so it must not be given back either.
            if let Some(held) = self.held.take() {
                std::mem::forget(held.buffer);
            }
        }
    }

    fn is_due(&self, at: MonoTime) -> bool {
        self.is_first || at >= self.slot.wanted_from() || self.heard.buffers.get() < FEWEST_TO_HOLD
    }

    /// How long the loop may sleep.
    fn wait(&self) -> Duration {
        if self.held.is_none() {
            return STEP;
        }
        let left = self.slot.wanted_from().since(now()).min(STEP);
        // PipeWire counts in whole milliseconds: rounded down, the last one would be spent turning.
        Duration::from_millis(u64::try_from(left.as_micros().div_ceil(1000)).unwrap_or(1))
    }

    /// Copies the held picture into the slot once it is due.
    fn put(&mut self) -> Result<(), CaptureError> {
        let at = now();
        if self.held.is_none() || !self.is_due(at) {
            return Ok(());
        }
        let (Some(mut held), Some(format)) = (self.held.take(), self.heard.format.get()) else {
            return Ok(());
        };
        let made_at = picture::made_at(&held.buffer, at).unwrap_or(held.came_at);
        let Some(lent) = picture::lend(&mut held.buffer, format) else {
            return self.count_bad("it lies outside of its buffer".into());
        };
        let size = lent.size;
        match self.copier.copy(&lent, made_at) {
            Ok(frame) => {
                // Given back before anyone is woken.
                drop(held);
                self.slot.put(frame);
                self.is_first = false;
                self.bad = 0;
            }
            Err(CaptureError::Lost(why)) => return self.count_bad(why),
            Err(error) => return Err(error),
        }
        if self.noted != Some(size) {
            self.noted = Some(size);
            self.slot.note(SourceNote {
                label: Some(format!("{}, {size}", self.kind)),
                asks: None,
            });
        }
        Ok(())
    }

    fn count_bad(&mut self, why: String) -> Result<(), CaptureError> {
        self.bad += 1;
        tracing::debug!("a picture is left out: {why}");
        if self.bad < BAD_IN_A_ROW {
            return Ok(());
        }
        Err(CaptureError::Lost(format!("no picture can be read: {why}")))
    }
}
