//! The shape of what is captured: where it lies, where its pixels are, and what changes both.
//!
//! Part of the source; runs on its thread.

use super::connection::{Connection, OrLost};
use super::grab::Grabber;
use super::target::Target;
use super::{X11Source, negotiated};
use crate::capture::{CaptureError, FrameSlot, SourceNote};
use crate::units::Region;
use x11rb::connection::Connection as _;
use x11rb::errors::ReplyError;
use x11rb::protocol::composite::ConnectionExt as _;
use x11rb::protocol::randr::{self, ConnectionExt as _};
use x11rb::protocol::xproto::{
    ChangeWindowAttributesAux, ConnectionExt as _, EventMask, MapState, QueryPointerReply,
    Rectangle, Window,
};

impl X11Source {
    /// Tells the operator what is captured.
    pub(super) fn tell(&self, slot: &FrameSlot) {
        let mut label = self.target.label(&self.name, self.place.size);
        if self.region.is_some() {
            label = format!("{label}, region {}", self.area_in_target());
        }
        if !self.is_mapped {
            label.push_str(" (minimised: the last picture stands)");
        }
        slot.note(SourceNote {
            label: Some(label),
            asks: None,
        });
    }

    /// The area as the operator counts: from the target's own corner.
    fn area_in_target(&self) -> Region {
        Region {
            x: self.area.x - self.place.x,
            y: self.area.y - self.place.y,
            size: self.area.size,
        }
    }

    pub(super) fn area_of_drawable(&self) -> Region {
        Region {
            x: self.area.x + self.border,
            y: self.area.y + self.border,
            size: self.area.size,
        }
    }

    /// Looks at the target's shape again; whether anything changed.
    pub(super) fn reshape(&mut self) -> Result<bool, CaptureError> {
        let (place, was_mapped) = (
            self.target.place(&self.connection, self.root)?,
            self.is_mapped,
        );
        let area = area_of(place, self.region)?;
        let is_window = matches!(self.target, Target::Window { .. });
        if is_window {
            self.name_pixels()?;
        }
        if (place, area, was_mapped) == (self.place, self.area, self.is_mapped) {
            return Ok(false);
        }
        tracing::info!(
            "what is captured of X11 is now {area}, it was {}",
            self.area
        );
        if area.size != self.area.size {
            self.grabber.release(&self.connection)?;
            self.grabber = Grabber::new(&self.connection, area.size)?;
        }
        (self.place, self.area) = (place, area);
        Ok(true)
    }

    /// Finds the drawable with the target's pixels: a window gets a new one with each size.
    pub(super) fn name_pixels(&mut self) -> Result<(), CaptureError> {
        let Target::Window { id, .. } = self.target else {
            return Ok(());
        };
        let what = "asking for the window's pixels";
        let attributes = self.connection.get_window_attributes(id).or_lost(what)?;
        let attributes = attributes
            .reply()
            .map_err(|_| CaptureError::Gone(self.target.label(&self.name, self.place.size)))?;
        if self.drawable != self.root {
            self.connection.free_pixmap(self.drawable).or_lost(what)?;
            self.drawable = self.root;
        }
        let geometry = self.connection.get_geometry(id).or_lost(what)?;
        let geometry = geometry.reply().or_lost(what)?;
        if !matches!(geometry.depth, 24 | 32) {
            let depth = geometry.depth;
            return Err(CaptureError::Unsupported(format!(
                "an X11 window of depth {depth} (it takes 24 or 32)"
            )));
        }
        self.border = geometry.border_width.into();
        self.is_mapped = attributes.map_state == MapState::VIEWABLE;
        if self.is_mapped {
            let pixmap = self.connection.generate_id().or_lost(what)?;
            let named = self.connection.composite_name_window_pixmap(id, pixmap);
            match named.or_lost(what)?.check() {
                Ok(()) => self.drawable = pixmap,
                // It went from the screen in this very moment: its event is on the way.
                Err(ReplyError::X11Error(_)) => self.is_mapped = false,
                Err(error) => return Err(error).or_lost(what),
            }
        }
        Ok(())
    }

    /// Whether the captured window no longer exists on a server that answers.
    pub(super) fn is_closed(&self) -> bool {
        let Target::Window { id, .. } = self.target else {
            return false;
        };
        let asked = self.connection.get_window_attributes(id);
        asked.is_ok_and(|asked| matches!(asked.reply(), Err(ReplyError::X11Error(_))))
    }

    /// Where the pointer is in the area; None while it is on another screen.
    pub(super) fn seen_at(&self, reply: &QueryPointerReply) -> Option<(i32, i32)> {
        // Coordinates of X11 have 16 bits.
        let (left, top) = (self.area.x as i32, self.area.y as i32);
        reply
            .same_screen
            .then(|| (i32::from(reply.win_x) - left, i32::from(reply.win_y) - top))
    }
}

/// The part of a target at `place` that `region` names, in the window's own pixels.
pub(super) fn area_of(place: Region, region: Option<Region>) -> Result<Region, CaptureError> {
    let Some(region) = region else {
        return Ok(place);
    };
    let within = region
        .within(place.size)
        .ok_or(CaptureError::RegionOutside(region, place.size))?;
    Ok(Region {
        x: place.x + within.x,
        y: place.y + within.y,
        size: within.size,
    })
}

/// Whether a rectangle of the window has something of the area.
pub(super) fn touches(rectangle: Rectangle, area: Region) -> bool {
    let overlap = |at: i16, length: u16, from: u32, size: u32| {
        let (start, end) = (i64::from(at), i64::from(at) + i64::from(length));
        start < i64::from(from) + i64::from(size) && i64::from(from) < end
    };
    overlap(rectangle.x, rectangle.width, area.x, area.size.width)
        && overlap(rectangle.y, rectangle.height, area.y, area.size.height)
}

/// Has the server tell of the screen's and the window's changes of shape.
pub(super) fn watch_shape(
    connection: &Connection,
    root: Window,
    window: Window,
) -> Result<(), CaptureError> {
    let structure = ChangeWindowAttributesAux::new().event_mask(EventMask::STRUCTURE_NOTIFY);
    connection
        .change_window_attributes(window, &structure)
        .or_lost("watching the size")?;
    // Not every server sends both this and the event above when its screen changes.
    let has_randr = negotiated(connection, randr::X11_EXTENSION_NAME, || {
        connection.randr_query_version(1, 5)?.reply().map(|_| ())
    })?;
    if has_randr {
        use randr::NotifyMask;
        let mask = NotifyMask::SCREEN_CHANGE | NotifyMask::CRTC_CHANGE | NotifyMask::OUTPUT_CHANGE;
        connection
            .randr_select_input(root, mask)
            .or_lost("watching the screen's size")?;
    }
    Ok(())
}
