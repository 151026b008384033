//! Whether the window is on another virtual desktop than the one in sight. X11 tells a program
//! nothing of that: to winit such a window is as visible as before, and it would be painted for nobody.
//! Asked of the X server by thread `pd-window`, on a connection of its own, twice a second.

use x11rb::connection::Connection as _;
use x11rb::protocol::xproto::{AtomEnum, ConnectionExt as _};
use x11rb::rust_connection::RustConnection;

/// What a window manager says of no desktop in particular (EWMH 1.5, _NET_WM_DESKTOP).
const ALL_DESKTOPS: u32 = 0xFFFF_FFFF;

/// The X server's word on where a window is.
pub struct Desk {
    connection: RustConnection,
    root: u32,
    window: u32,
    desktop_of: u32,
    current: u32,
}

impl Desk {
    /// Of the X11 window with this identifier; None where the server cannot be asked.
    pub fn of(window: u32) -> Option<Self> {
        let (connection, screen) = RustConnection::connect(None).ok()?;
        let root = connection.setup().roots.get(screen)?.root;
        let atom = |name: &str| {
            let asked = connection.intern_atom(false, name.as_bytes()).ok()?;
            Some(asked.reply().ok()?.atom)
        };
        let desktop_of = atom("_NET_WM_DESKTOP")?;
        let current = atom("_NET_CURRENT_DESKTOP")?;
        Some(Self {
            root,
            window,
            desktop_of,
            current,
            connection,
        })
    }

    /// Whether the window is on another desktop than that in sight; false where nobody says so.
    pub fn is_away(&self) -> bool {
        let number = |window: u32, property: u32| {
            let asked =
                self.connection
                    .get_property(false, window, property, AtomEnum::CARDINAL, 0, 1);
            asked.ok()?.reply().ok()?.value32()?.next()
        };
        let of = number(self.window, self.desktop_of);
        let current = number(self.root, self.current);
        is_other(of, current)
    }
}

fn is_other(of: Option<u32>, current: Option<u32>) -> bool {
    matches!((of, current), (Some(of), Some(current)) if of != current && of != ALL_DESKTOPS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_another_desktop_that_somebody_names_is_away() {
        assert!(is_other(Some(0), Some(1)));
        assert!(!is_other(Some(1), Some(1)));
        assert!(!is_other(Some(ALL_DESKTOPS), Some(1)), "on all of them");
        assert!(!is_other(None, Some(1)), "no window manager says so");
        assert!(!is_other(Some(1), None));
    }
}
