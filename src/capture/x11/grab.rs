//! Getting the screen's pixels: through MIT-SHM where the server shares memory with us, otherwise
//! through the connection.

use super::connection::{Connection, OrLost};
use crate::capture::sys::shm::SharedMemory;
use crate::capture::{CaptureError, FramePool};
use crate::units::{Region, Size};
use x11rb::connection::{Connection as _, RequestConnection as _};
use x11rb::cookie::Cookie;
use x11rb::errors::ReplyError;
use x11rb::protocol::shm::{self, ConnectionExt as _};
use x11rb::protocol::xproto::{
    self, ConnectionExt as _, Drawable, ImageFormat, ImageOrder, Screen,
};

/// The way to the pixels.
#[derive(Debug)]
pub(super) enum Grabber {
    /// The server writes into memory of ours.
    Shared {
        segment: shm::Seg,
        memory: SharedMemory,
    },
    /// The pixels come through the socket.
    Plain,
}

/// An image asked for.
pub(super) enum Asked<'c> {
    Shared(Cookie<'c, Connection, shm::GetImageReply>),
    Plain(Cookie<'c, Connection, xproto::GetImageReply>),
}

impl Asked<'_> {
    /// Waits until the server has the image; the pixels themselves where they came along.
    pub(super) fn wait(self) -> Result<Option<Vec<u8>>, ReplyError> {
        match self {
            Self::Shared(cookie) => cookie.reply().map(|_| None),
            Self::Plain(cookie) => cookie.reply().map(|reply| Some(reply.data)),
        }
    }
}

impl Grabber {
    /// The fastest way that the server has, for pictures of `size`.
    pub(super) fn new(connection: &Connection, size: Size) -> Result<Self, CaptureError> {
        match Self::shared(connection, size) {
            Ok(Some(shared)) => Ok(shared),
            Ok(None) => Ok(Self::Plain),
            Err(ReplyError::ConnectionError(e)) => Err(e).or_lost("sharing memory"),
            Err(ReplyError::X11Error(e)) => {
                tracing::warn!("the X server shares no memory, capture will be slower: {e:?}");
                Ok(Self::Plain)
            }
        }
    }

    fn shared(connection: &Connection, size: Size) -> Result<Option<Self>, ReplyError> {
        if connection
            .extension_information(shm::X11_EXTENSION_NAME)?
            .is_none()
        {
            return Ok(None);
        }
        let version = connection.shm_query_version()?.reply()?;
        // Segments with a file descriptor came with 1.2.
        if (version.major_version, version.minor_version) < (1, 2) {
            return Ok(None);
        }
        let Ok(segment) = connection.generate_id() else {
            return Ok(None);
        };
        let (memory, file) = match SharedMemory::new(size.pixels() * 4) {
            Ok(made) => made,
            Err(error) => {
                tracing::warn!("no memory to share with the X server: {error}");
                return Ok(None);
            }
        };
        connection.shm_attach_fd(segment, file, false)?.check()?;
        Ok(Some(Self::Shared { segment, memory }))
    }

    /// Asks for `area` of `drawable`; the request is sent with the next flush.
    pub(super) fn ask<'c>(
        &self,
        connection: &'c Connection,
        drawable: Drawable,
        area: Region,
    ) -> Result<Asked<'c>, CaptureError> {
        // The protocol's own widths: 16 bits for places and sizes.
        let (x, y) = (area.x as i16, area.y as i16);
        let (width, height) = (area.size.width as u16, area.size.height as u16);
        match self {
            Self::Shared { segment, .. } => connection
                .shm_get_image(
                    drawable,
                    x,
                    y,
                    width,
                    height,
                    !0,
                    ImageFormat::Z_PIXMAP.into(),
                    *segment,
                    0,
                )
                .map(Asked::Shared),
            Self::Plain => connection
                .get_image(ImageFormat::Z_PIXMAP, drawable, x, y, width, height, !0)
                .map(Asked::Plain),
        }
        .or_lost("asking for the picture")
    }

    /// The pixels of the image waited for, in a buffer of `pool` where possible.
    pub(super) fn pixels(
        &self,
        came: Option<Vec<u8>>,
        size: Size,
        pool: &FramePool,
    ) -> Result<Vec<u8>, CaptureError> {
        let len = size.pixels() * 4;
        match (self, came) {
            (Self::Shared { memory, .. }, _) => {
                let mut bytes = pool.take(len);
                memory.copy_into(&mut bytes);
                Ok(bytes)
            }
            (Self::Plain, Some(mut bytes)) if bytes.len() >= len => {
                bytes.truncate(len);
                Ok(bytes)
            }
            (Self::Plain, _) => Err(CaptureError::Lost(
                "X11, the server sent too few pixels".into(),
            )),
        }
    }

    /// Gives the segment back to the server.
    pub(super) fn release(&self, connection: &Connection) -> Result<(), CaptureError> {
        if let Self::Shared { segment, .. } = self {
            connection
                .shm_detach(*segment)
                .or_lost("giving memory back")?;
        }
        Ok(())
    }
}

/// Whether the screen's pixels are BGRA as a [`crate::capture::Frame`] has them.
pub(super) fn check_format(connection: &Connection, screen: &Screen) -> Result<(), CaptureError> {
    let setup = connection.setup();
    let depth = screen.root_depth;
    let wide = setup
        .pixmap_formats
        .iter()
        .any(|format| format.depth == depth && format.bits_per_pixel == 32);
    let blue_first = setup.image_byte_order == ImageOrder::LSB_FIRST
        && screen
            .allowed_depths
            .iter()
            .flat_map(|allowed| &allowed.visuals)
            .any(|visual| {
                visual.visual_id == screen.root_visual
                    && (visual.red_mask, visual.green_mask, visual.blue_mask)
                        == (0xFF_0000, 0xFF00, 0xFF)
            });
    if matches!(depth, 24 | 32) && wide && blue_first {
        return Ok(());
    }
    Err(CaptureError::Unsupported(format!(
        "an X11 screen of depth {depth} (it takes 24 or 32, four bytes a pixel, blue first)"
    )))
}
