//! `pd-console viewer-link`: the viewers' page as a link and a QR code; another link with `--new`.

use super::SettingsArgs;
use crate::session::failure::{Failure, FailureKind};
use crate::viewer::key::{Keeper, KeyError};
use crate::viewer::{links, qr::Qr};
use clap::Args;
use std::fmt::Write as _;
use std::io::IsTerminal;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// Arguments of `viewer-link`.
#[derive(Debug, Args)]
pub struct ViewerArgs {
    /// Settings.
    #[command(flatten)]
    pub settings: SettingsArgs,
    /// Make another link; the old one leads nowhere within 5 s.
    #[arg(long)]
    pub new: bool,
}

/// The link, who can open it, and its QR code, as text.
///
/// # Errors
/// Settings that cannot be used, or no place for the link's key.
pub fn viewer_link(args: &ViewerArgs) -> Result<String, Failure> {
    let viewer = args.settings.settings()?.viewer;
    let bad = |error: KeyError| Failure::new(FailureKind::Settings, error);
    let keeper = Keeper::of_user().map_err(bad)?;
    let key = if args.new {
        keeper.renew()
    } else {
        keeper.read()
    };
    let bare = links::links(viewer.port, viewer.lan, &links::networks());
    let all = links::with_key(&bare, &key.map_err(bad)?);
    let mut out = String::new();
    // Writing into a String cannot fail.
    for link in &all {
        let _ = writeln!(out, "{link}");
    }
    let here = SocketAddr::from((Ipv4Addr::LOCALHOST, viewer.port));
    let is_served = TcpStream::connect_timeout(&here, Duration::from_millis(500)).is_ok();
    let state = match (viewer.on, is_served) {
        (false, _) => "The page is switched off: set viewer.on=true.",
        (true, false) => "Nothing answers there now: the page is served while pd-console runs.",
        (true, true) => "Something answers there now.",
    };
    let who = if viewer.lan {
        "Whoever is on this network and has this link can watch; no password is asked for."
    } else {
        "Only this machine can open it. To let this network watch, set viewer.lan=true."
    };
    let _ = writeln!(out, "{who}\n{state}");
    if let Some(code) = all.first().and_then(|link| Qr::of(link)) {
        let _ = write!(out, "{}", code.text(std::io::stdout().is_terminal()));
    }
    Ok(out)
}
