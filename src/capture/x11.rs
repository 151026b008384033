//! The X11 screen, a monitor or a window of it as a picture source: MIT-SHM pictures, taken when
//! XDamage says so.
//!
//! Runs on the capture thread. A change before the pacer can use a frame is not grabbed until
//! then; changes in between are merged, none is queued. Without the DAMAGE extension the screen is
//! grabbed by the clock; without MIT-SHM through the socket; without XFIXES without its pointer.

mod changes;
mod connection;
mod cursor;
mod grab;
mod shape;
mod target;

use super::{CaptureError, Choice, Frame, FramePool, FrameSlot, VideoSource};
use crate::clock::now;
use crate::settings::{ScreenPart, VideoSettings};
use crate::stop::StopToken;
use crate::units::Region;
use changes::Changes;
use connection::{Connection, OrLost, STOP_CHECK};
use cursor::CursorImage;
use grab::{Grabber, check_format};
use shape::{area_of, touches, watch_shape};
use std::time::Duration;
use target::Target;
use x11rb::connection::{Connection as _, RequestConnection as _};
use x11rb::errors::ReplyError;
use x11rb::protocol::Event;
use x11rb::protocol::damage::{self, ConnectionExt as _, ReportLevel};
use x11rb::protocol::xfixes::{self, ConnectionExt as _, CursorNotifyMask};
use x11rb::protocol::xproto::{ConnectionExt as _, Drawable, Window};

/// Where a rate is not set: 60 looks a second, the pointer seems to move smoothly.
const POLL_EVERY: Duration = Duration::from_micros(16_666);

/// An X11 screen, or a part of it.
#[derive(Debug)]
pub struct X11Source {
    connection: Connection,
    name: String,
    root: Window,
    target: Target,
    region: Option<Region>,
    /// The target's rectangle of its window.
    place: Region,
    /// What of the window is grabbed: the target, or a region of it.
    area: Region,
    /// Where the pixels are: the root, or the pixmap of a window, which has its border too.
    drawable: Drawable,
    border: u32,
    /// A window that is not on the screen (minimised, on another desktop) has no pixels.
    is_mapped: bool,
    grabber: Grabber,
    damage: Option<damage::Damage>,
    pointer: Option<Pointer>,
    pool: FramePool,
    poll_every: Duration,
}

/// The pointer as last drawn.
#[derive(Debug, Default)]
struct Pointer {
    image: CursorImage,
    stale: bool,
    at: Option<(i32, i32)>,
}

/// What of the display that DISPLAY names, or of `display`, can be captured.
///
/// # Errors
/// Those of [`X11Source::open`].
pub fn list(display: Option<&str>) -> Result<Vec<Choice>, CaptureError> {
    let (connection, screen) = connection::connect(display)?;
    let screen = &connection.setup().roots[screen];
    target::list(&connection, screen, &name_of(display))
}

fn name_of(display: Option<&str>) -> String {
    display.map_or_else(
        || std::env::var("DISPLAY").unwrap_or_default(),
        str::to_owned,
    )
}

impl X11Source {
    /// Opens what `settings` name on `display` (":0", "host:0.1"), or on the one that DISPLAY names.
    ///
    /// # Errors
    /// [`CaptureError::NoDisplay`] where no server answers or it refuses us, [`CaptureError::Gone`]
    /// where it has no such monitor or window, [`CaptureError::RegionOutside`] where the region has
    /// nothing of it, [`CaptureError::Unsupported`] where its pixels are not 24 or 32 bit colour,
    /// and [`CaptureError::Lost`] where it goes away meanwhile.
    pub fn open(display: Option<&str>, settings: &VideoSettings) -> Result<Self, CaptureError> {
        let (connection, screen) = connection::connect(display)?;
        let screen = &connection.setup().roots[screen];
        check_format(&connection, screen)?;
        let root = screen.root;
        let has_xfixes = negotiated(&connection, xfixes::X11_EXTENSION_NAME, || {
            connection.xfixes_query_version(5, 0)?.reply().map(|_| ())
        })?;
        let has_damage = has_xfixes
            && negotiated(&connection, damage::X11_EXTENSION_NAME, || {
                connection.damage_query_version(1, 1)?.reply().map(|_| ())
            })?;
        let target = Target::find(&connection, root, &settings.part)?;
        watch_shape(&connection, root, target.window(root))?;
        if let Target::Window { id, .. } = target {
            target::redirect(&connection, id)?;
        }
        let place = target.place(&connection, root)?;
        let area = area_of(place, settings.region)?;
        let damage = if has_damage {
            let damage = connection.generate_id().or_lost("watching for changes")?;
            // The whole drawable is told once; a part needs to know where the change was.
            let level = if settings.part == ScreenPart::Whole && settings.region.is_none() {
                ReportLevel::NON_EMPTY
            } else {
                ReportLevel::BOUNDING_BOX
            };
            connection
                .damage_create(damage, target.window(root), level)
                .or_lost("watching for changes")?;
            Some(damage)
        } else {
            tracing::warn!("the X server reports no changes (DAMAGE): grabbing by the clock");
            None
        };
        let pointer = if settings.cursor && has_xfixes {
            connection
                .xfixes_select_cursor_input(root, CursorNotifyMask::DISPLAY_CURSOR)
                .or_lost("watching the pointer")?;
            Some(Pointer {
                stale: true,
                ..Pointer::default()
            })
        } else {
            if settings.cursor {
                tracing::warn!("the X server has no XFIXES: the pointer will not be seen");
            }
            None
        };
        let grabber = Grabber::new(&connection, area.size)?;
        let mut source = Self {
            connection,
            name: name_of(display),
            root,
            target,
            region: settings.region,
            place,
            area,
            drawable: root,
            border: 0,
            is_mapped: true,
            grabber,
            damage,
            pointer,
            pool: FramePool::new(),
            poll_every: POLL_EVERY,
        };
        source.name_pixels()?;
        Ok(source)
    }

    /// Sets how often to look where the server does not tell: for moves of the pointer, and for
    /// everything where it lacks DAMAGE. At least a millisecond; 16.7 ms unless set.
    #[must_use]
    pub fn poll_every(mut self, interval: Duration) -> Self {
        self.poll_every = interval.max(Duration::from_millis(1));
        self
    }

    /// Whether the pixels come through shared memory; otherwise they come through the socket, which
    /// takes two to three times as long.
    pub fn is_memory_shared(&self) -> bool {
        matches!(self.grabber, Grabber::Shared { .. })
    }

    fn capture(&mut self, slot: &FrameSlot, stop: &StopToken) -> Result<(), CaptureError> {
        let mut changes = Changes::default();
        let mut is_first = true;
        self.tell(slot);
        let mut look_at = now();
        changes.changed(now());
        while !stop.is_stopped() {
            self.drain(&mut changes, slot)?;
            let time = now();
            slot.beat(time);
            if time >= look_at {
                look_at = time + self.poll_every;
                self.look(&mut changes)?;
            }
            let wanted = changes.grab_from(slot.wanted_from());
            if changes.is_pending() && self.is_mapped && (is_first || time >= wanted) {
                if let Some(frame) = self.grab(&mut changes)? {
                    slot.put(frame);
                    is_first = false;
                    look_at = now() + self.poll_every;
                }
                continue;
            }
            if changes.is_rearm_due(time) {
                self.subtract()?;
                changes.rearmed(time);
            }
            self.connection.flush().or_lost("sending")?;
            let mut until = time + STOP_CHECK;
            if self.pointer.is_some() || self.damage.is_none() {
                until = until.min(look_at);
            }
            if changes.is_pending() && self.is_mapped {
                until = until.min(wanted);
            }
            if let Some(at) = changes.rearm_at() {
                until = until.min(at);
            }
            self.connection.stream().wait_readable(until.since(now()))?;
        }
        Ok(())
    }

    /// Takes in everything that the server has told.
    fn drain(&mut self, changes: &mut Changes, slot: &FrameSlot) -> Result<(), CaptureError> {
        let window = self.target.window(self.root);
        let mut is_reshaped = false;
        while let Some((event, sequence)) = self
            .connection
            .poll_for_event_with_sequence()
            .or_lost("reading events")?
        {
            match event {
                Event::DamageNotify(event) => {
                    changes.damaged(sequence, now(), touches(event.area, self.area));
                }
                Event::XfixesCursorNotify(_) => {
                    if let Some(pointer) = &mut self.pointer {
                        pointer.stale = true;
                        changes.changed(now());
                    }
                }
                Event::ConfigureNotify(event) if event.window == window => is_reshaped = true,
                Event::MapNotify(event) if event.window == window => is_reshaped = true,
                Event::UnmapNotify(event) if event.window == window => is_reshaped = true,
                Event::DestroyNotify(event) if event.window == window => {
                    let label = self.target.label(&self.name, self.place.size);
                    return Err(CaptureError::Gone(label));
                }
                Event::RandrScreenChangeNotify(_) | Event::RandrNotify(_) => is_reshaped = true,
                Event::Error(error) => tracing::debug!("X11 error: {error:?}"),
                _ => {}
            }
        }
        // Asked anew: the event has the size before rotation.
        if is_reshaped && self.reshape()? {
            changes.changed(now());
            self.tell(slot);
        }
        Ok(())
    }

    /// Looks for what is not told: moves of the pointer, or any change where DAMAGE is missing.
    fn look(&mut self, changes: &mut Changes) -> Result<(), CaptureError> {
        if self.damage.is_none() {
            changes.changed(now());
        } else if let Some(pointer) = &self.pointer {
            let at = self
                .connection
                .query_pointer(self.target.window(self.root))
                .or_lost("asking for the pointer")?
                .reply()
                .or_lost("asking for the pointer")?;
            if self.seen_at(&at) != pointer.at {
                changes.changed(now());
            }
        }
        Ok(())
    }

    /// Tells the server that the damage so far is known; the request's sequence number.
    fn subtract(&self) -> Result<Option<u64>, CaptureError> {
        let Some(damage) = self.damage else {
            return Ok(None);
        };
        let sent = self
            .connection
            .damage_subtract(damage, x11rb::NONE, x11rb::NONE)
            .or_lost("watching for changes")?;
        Ok(Some(sent.sequence_number()))
    }

    /// Grabs the screen as it is now. None where its size changed meanwhile: try again.
    fn grab(&mut self, changes: &mut Changes) -> Result<Option<Frame>, CaptureError> {
        let started = now();
        // Before the picture, never after: what is drawn between the two is then told anew.
        let sequence = self.subtract()?;
        let asked = self
            .grabber
            .ask(&self.connection, self.drawable, self.area_of_drawable())?;
        // In the same flight as the picture, so that the pointer is where it was in it.
        let pointer = match &self.pointer {
            None => None,
            Some(pointer) => {
                let window = self.target.window(self.root);
                let at = self.connection.query_pointer(window);
                let image = pointer
                    .stale
                    .then(|| self.connection.xfixes_get_cursor_image())
                    .transpose();
                let what = "asking for the pointer";
                Some((at.or_lost(what)?, image.or_lost(what)?))
            }
        };
        let came = match asked.wait() {
            Ok(came) => came,
            Err(ReplyError::X11Error(error)) => {
                // BadMatch: the screen became smaller, or the window went, before its event was read.
                drop(pointer);
                if !self.reshape()? {
                    return Err(CaptureError::Lost(format!(
                        "X11, the server refused the picture: {error:?}"
                    )));
                }
                return Ok(None);
            }
            Err(error) => return Err(error).or_lost("waiting for the picture"),
        };
        let newest = changes.grabbed(sequence.unwrap_or(0), started);
        let mut bytes = self.grabber.pixels(came, self.area.size, &self.pool)?;
        let stride = self.area.size.width as usize * 4;
        if let Some((at, image)) = pointer {
            let what = "waiting for the pointer";
            let at = self.seen_at(&at.reply().or_lost(what)?);
            let Some(pointer) = &mut self.pointer else {
                return Ok(None);
            };
            pointer.at = at;
            if let Some(image) = image {
                pointer.image = image.reply().or_lost(what)?.into();
                pointer.stale = false;
            }
            if let Some(at) = pointer.at {
                pointer.image.blend(&mut bytes, stride, self.area.size, at);
            }
        }
        // By the clock nobody knows when the change was: the grab's start is the time.
        let told = newest.filter(|_| self.damage.is_some());
        Ok(Some(Frame {
            captured_at: told.unwrap_or(started),
            in_memory_at: now(),
            size: self.area.size,
            stride,
            data: self.pool.share(bytes),
        }))
    }
}

impl VideoSource for X11Source {
    fn label(&self) -> String {
        self.target.label(&self.name, self.place.size)
    }

    /// Each frame's `captured_at` is the time at which the newest change in it was seen, the first
    /// moment at which its picture could be had. Waiting for the pacer counts as latency.
    fn run(&mut self, slot: &FrameSlot, stop: &StopToken) -> Result<(), CaptureError> {
        self.connection.stream().end_with(stop);
        match self.capture(slot, stop) {
            // A wait that the stop cut short is no fault.
            Err(_) if stop.is_stopped() => Ok(()),
            // Closed between two requests, a window is an error of the protocol's.
            Err(CaptureError::Lost(_)) if self.is_closed() => Err(CaptureError::Gone(self.label())),
            ended => ended,
        }
    }
}

/// Whether the server has the extension and agreed on a version of it.
fn negotiated(
    connection: &Connection,
    name: &'static str,
    ask: impl FnOnce() -> Result<(), ReplyError>,
) -> Result<bool, CaptureError> {
    let known = connection.extension_information(name);
    if known.or_lost("asking for extensions")?.is_none() {
        return Ok(false);
    }
    match ask() {
        Ok(()) => Ok(true),
        Err(ReplyError::X11Error(_)) => Ok(false),
        Err(error) => Err(error).or_lost("asking for extensions"),
    }
}
