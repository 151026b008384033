//! One window a settings folder: a second start brings the first window to the front and ends, so that two windows
//! never write the same files without anybody's having wished it. `--another` opens a second one all the same.
//!
//! The first holds `window.lock` locked (the system gives it back with the process, however that dies) and listens on a
//! port of loopback that the system chose; `window.door` (mode 0600) says which, and a token without which nobody is
//! heard. Owns `pd-door`, asleep until somebody knocks; under pressure it drops callers that do not speak at once.

use crate::hex;
use crate::private;
use crate::whole_file;
use eframe::egui::{Context, UserAttentionType, ViewportCommand};
use serde::{Deserialize, Serialize};
use std::fs::{self, File, TryLockError};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

const LOCK: &str = "window.lock";
const DOOR: &str = "window.door";
/// A caller speaks, and is answered, within this time.
const SPEAKS_WITHIN: Duration = Duration::from_millis(500);
/// A first window that is only just starting is waited for so long.
const ANSWERS_WITHIN: Duration = Duration::from_secs(3);

/// What the door's file says.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
struct Door {
    port: u16,
    token: String,
    process: u32,
    since: String,
}

/// The only window of a settings folder, as long as this is held.
pub struct Alone {
    _locked: File,
    door: PathBuf,
    context: Arc<OnceLock<Context>>,
}

/// Another window has the settings folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Other {
    /// Its process and since when, as far as known.
    pub who: String,
    /// It has come to the front.
    pub raised: bool,
    /// It has none any more: its screen is gone, its show goes on.
    pub is_windowless: bool,
}

/// Takes `folder` for this window. Ok(None) where files cannot be locked: then nobody is alone, and nobody refused.
///
/// # Errors
/// The other window, which was asked to come to the front where `raise`.
pub fn alone(folder: &Path, raise: bool) -> Result<Option<Alone>, Other> {
    match lock(folder) {
        Ok(Some(locked)) => Ok(open_door(folder, locked).ok()),
        Ok(None) => Err(ask(folder, raise)),
        Err(error) => {
            tracing::debug!("{}: {error}", folder.display());
            Ok(None)
        }
    }
}

fn lock(folder: &Path) -> io::Result<Option<File>> {
    private::folder(folder)?;
    let file = private::lock_file(&folder.join(LOCK), true)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

fn open_door(folder: &Path, locked: File) -> io::Result<Alone> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let token = hex::random()?;
    let said = Door {
        port: listener.local_addr()?.port(),
        token: token.clone(),
        process: std::process::id(),
        since: jiff::Zoned::now().strftime("%H:%M:%S").to_string(),
    };
    let door = folder.join(DOOR);
    let json = serde_json::to_vec(&said).map_err(io::Error::other)?;
    whole_file::write(&door, &json)?;
    let context = Arc::new(OnceLock::new());
    let window = context.clone();
    std::thread::Builder::new()
        .name("pd-door".into())
        .spawn(move || {
            for caller in listener.incoming() {
                match caller {
                    Ok(caller) => answer(caller, &token, &window),
                    // Too many files open, say: not at full speed.
                    Err(_) => std::thread::sleep(SPEAKS_WITHIN),
                }
            }
        })?;
    Ok(Alone {
        _locked: locked,
        door,
        context,
    })
}

fn answer(mut caller: TcpStream, token: &str, window: &OnceLock<Context>) {
    let _ = caller.set_read_timeout(Some(SPEAKS_WITHIN));
    let _ = caller.set_write_timeout(Some(SPEAKS_WITHIN));
    let mut line = String::new();
    let Ok(other) = caller.try_clone() else {
        return;
    };
    let heard = BufReader::new(other.take(200)).read_line(&mut line);
    let said = line.trim().strip_prefix("raise ");
    if heard.is_err() || said != Some(token) {
        return;
    }
    if super::windowless::is() {
        let _ = caller.write_all(b"gone\n");
        return;
    }
    let Some(context) = window.get() else { return };
    context.send_viewport_cmd(ViewportCommand::Minimized(false));
    context.send_viewport_cmd(ViewportCommand::Focus);
    // Where the desktop lets no window come to the front by itself, it is at least marked.
    let call = UserAttentionType::Informational;
    context.send_viewport_cmd(ViewportCommand::RequestUserAttention(call));
    context.request_repaint();
    tracing::info!("the console was started a second time: this window comes to the front");
    let _ = caller.write_all(b"ok\n");
}

/// Asks the first window to come to the front.
fn ask(folder: &Path, raise: bool) -> Other {
    let until = Instant::now() + ANSWERS_WITHIN;
    let mut who = "another process".to_owned();
    loop {
        let text = fs::read(folder.join(DOOR)).unwrap_or_default();
        let door: Option<Door> = serde_json::from_slice(&text).ok();
        if let Some(door) = &door {
            who = format!("process {}, since {}", door.process, door.since);
            let said = if raise {
                knock(door)
            } else {
                Ok(Said::Nothing)
            };
            if let Ok(said) = said {
                return Other {
                    who,
                    raised: said == Said::Raised,
                    is_windowless: said == Said::Gone,
                };
            }
        }
        if !raise || Instant::now() >= until {
            return Other {
                who,
                raised: false,
                is_windowless: false,
            };
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// What the first window answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    /// It was not asked.
    Nothing,
    Raised,
    Gone,
}

fn knock(door: &Door) -> io::Result<Said> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, door.port));
    let mut stream = TcpStream::connect_timeout(&address, SPEAKS_WITHIN)?;
    stream.set_read_timeout(Some(SPEAKS_WITHIN))?;
    stream.write_all(format!("raise {}\n", door.token).as_bytes())?;
    let mut said = String::new();
    stream.take(10).read_to_string(&mut said)?;
    match said.as_str() {
        "ok\n" => Ok(Said::Raised),
        "gone\n" => Ok(Said::Gone),
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

impl Alone {
    /// This window comes to the front when somebody asks.
    pub fn watch(&self, context: &Context) {
        let _ = self.context.set(context.clone());
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.door);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_start_raises_the_first_and_a_dead_one_is_no_other() {
        let dir = tempfile::tempdir().unwrap();
        let first = alone(dir.path(), true).unwrap().unwrap();
        let context = Context::default();
        first.watch(&context);
        let other = alone(dir.path(), true).err().unwrap();
        assert!(other.raised, "{other:?}");
        let own = format!("process {}, since ", std::process::id());
        assert!(other.who.starts_with(&own), "{other:?}");
        // A second window is wished for: nobody is disturbed.
        assert!(!alone(dir.path(), false).err().unwrap().raised);
        // A folder of one's own is another console.
        let elsewhere = tempfile::tempdir().unwrap();
        assert!(alone(elsewhere.path(), true).unwrap().is_some());
        drop(first);
        assert!(alone(dir.path(), true).unwrap().is_some());
        // What a killed one leaves: a door that leads nowhere, and no lock.
        let said = Door {
            port: 1,
            ..Door::default()
        };
        fs::write(dir.path().join(DOOR), serde_json::to_vec(&said).unwrap()).unwrap();
        assert!(alone(dir.path(), true).unwrap().is_some());
    }

    #[test]
    fn who_does_not_know_the_token_is_not_heard() {
        let dir = tempfile::tempdir().unwrap();
        let first = alone(dir.path(), true).unwrap().unwrap();
        first.watch(&Context::default());
        let text = fs::read(dir.path().join(DOOR)).unwrap();
        let mut door: Door = serde_json::from_slice(&text).unwrap();
        assert!(knock(&door).is_ok());
        door.token = hex::random().unwrap();
        assert!(knock(&door).is_err());
        // Nor does one that says nothing hold the door for others.
        let silent = TcpStream::connect((Ipv4Addr::LOCALHOST, door.port)).unwrap();
        assert!(!alone(dir.path(), false).err().unwrap().raised);
        assert!(alone(dir.path(), true).err().unwrap().raised);
        drop(silent);
    }
}
