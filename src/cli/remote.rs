//! `pd-console remote`: where the remote control is to be reached, and its password.

use super::SettingsArgs;
use crate::remote::{addresses, password::Keeper};
use crate::session::failure::{Failure, FailureKind};
use crate::settings::Secrets;
use clap::Args;
use serde_json::json;
use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

/// Arguments of `remote`.
#[derive(Debug, Args)]
pub struct RemoteArgs {
    /// Settings.
    #[command(flatten)]
    pub settings: SettingsArgs,
    /// Make another password; who is connected needs it to come back.
    #[arg(long)]
    pub new: bool,
    /// As JSON.
    #[arg(long)]
    pub json: bool,
}

/// Addresses, password, and whether it is served, as text.
///
/// # Errors
/// Settings that cannot be used, or no place for the password.
pub fn remote(args: &RemoteArgs) -> Result<String, Failure> {
    let settings = args.settings.settings()?.remote;
    let bad = |error: &dyn std::fmt::Display| Failure::new(FailureKind::Settings, error);
    let keeper = Keeper::of(&Secrets::from_env()).map_err(|e| bad(&e))?;
    let password = if args.new {
        keeper.renew()
    } else {
        keeper.read()
    };
    let password = password.map_err(|e| bad(&e))?;
    let all = addresses(settings.port, settings.lan);
    let here = SocketAddr::from((Ipv4Addr::LOCALHOST, settings.port));
    let is_served = TcpStream::connect_timeout(&here, Duration::from_millis(500)).is_ok();
    if args.json {
        let json = json!({
            "addresses": all,
            "port": settings.port,
            "password": password.expose(),
            "on": settings.on,
            "lan": settings.lan,
            "answers": is_served,
        });
        return Ok(format!("{json:#}\n"));
    }
    let mut out = String::new();
    // Writing into a String cannot fail.
    for address in &all {
        let _ = writeln!(out, "{address}");
    }
    let _ = writeln!(out, "password  {}", password.expose());
    let who = if settings.lan {
        "Everyone on this network who has the password can steer the console."
    } else {
        "Only this machine can connect. To let the local network connect, set remote.lan=true."
    };
    let state = match (settings.on, is_served) {
        (false, _) => "It is switched off: set remote.on=true, or run `pd-console live --remote`.",
        (true, false) => "Nothing answers there now: it is served while pd-console runs.",
        (true, true) => "Something answers there now.",
    };
    let _ = writeln!(out, "{who}\n{state}");
    Ok(out)
}
