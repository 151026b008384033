//! The server: one's own by its API and its WebRTC port, the embedded one by its program.

use super::guard::{Case, Lane, Look, within};
use super::{Area, Outcome};
use crate::ffmpeg::launch;
use crate::mediamtx::{ApiError, Client, PathInfo, locate, url};
use crate::settings::TargetKind;
use crate::stop::StopToken;
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// A server holds back "wrong password" for up to 4 s.
const LIMIT: Duration = Duration::from_secs(8);
/// A program says its version within some milliseconds.
const VERSION_LIMIT: Duration = Duration::from_secs(3);
const CONNECT_LIMIT: Duration = Duration::from_secs(1);
const ANSWER_LIMIT: Duration = Duration::from_secs(2);

pub(super) fn check(lane: &Lane) {
    lane.look(Area::Server, LIMIT, |case, stop| {
        match case.settings.target.kind {
            TargetKind::Embedded => embedded(case, stop),
            TargetKind::Srt => own(case),
        }
    });
}

fn embedded(case: &Case, stop: &StopToken) -> Vec<Look> {
    let mut looks = vec![match locate(case.settings.mediamtx_path.as_deref()) {
        Ok(program) => match version(&program, stop) {
            Ok(version) => Look::ok(format!("MediaMTX {version} at {}", program.display())),
            Err(why) => Look::failed(
                format!("{} cannot be run as MediaMTX: {why}", program.display()),
                "set mediamtx_path to a working MediaMTX",
            ),
        },
        Err(error @ locate::LocateError::Named { .. }) => {
            Look::of_message(Outcome::Failed, error, "correct mediamtx_path")
        }
        Err(error) => {
            let fix = "put mediamtx beside pd-console";
            let mut look = Look::of_message(Outcome::Warning, error, fix);
            look.found += ". A show can be measured without it; nobody can watch";
            look
        }
    }];
    let path = &case.settings.target.path;
    if !path.starts_with("pd_") {
        looks.push(Look::failed(
            format!("target.path is {path:?}: the embedded server takes names with pd_ only"),
            "set target.path to a name that begins with pd_",
        ));
    }
    looks
}

/// What `mediamtx --version` says, such as "v1.20.0".
pub(super) fn version(program: &Path, stop: &StopToken) -> Result<String, String> {
    let mut command = Command::new(program);
    command
        .arg("--version")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut child = launch::spawn(command).map_err(|e| e.to_string())?;
    let mut stdout = child.stdout.take().ok_or("no output")?;
    let said = within(VERSION_LIMIT, stop, move |_| {
        let mut bytes = Vec::new();
        // An answer has a line.
        let _ = stdout.by_ref().take(4096).read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).trim().to_owned()
    });
    if said.is_err() {
        let _ = child.kill();
    }
    let status = child.wait().map_err(|e| e.to_string())?;
    match said {
        Ok(text) if status.success() => match text.lines().next_back() {
            Some(line) if !line.is_empty() => Ok(line.to_owned()),
            _ => Err("it says no version".into()),
        },
        Ok(_) => Err(format!("it ended with {status}")),
        Err(_) => Err(format!("no answer within {} s", VERSION_LIMIT.as_secs())),
    }
}

fn own(case: &Case) -> Vec<Look> {
    let target = &case.settings.target;
    let api = target.api_url.trim();
    let mut looks = if api.is_empty() {
        vec![Look::skipped(
            "API: its address is not set (target.api_url), so LIVE is confirmed by the handshake only",
        )]
    } else {
        let client = Client::new(api, &target.user, case.secrets.password_text());
        by_api(&client, &target.path, case.now.live)
    };
    let webrtc = target.webrtc_url.trim();
    looks.push(if webrtc.is_empty() {
        Look::skipped(
            "WebRTC: its address is not set (target.webrtc_url), so arrival is not measured",
        )
    } else {
        whep(webrtc, &target.path)
    });
    looks
}

fn by_api(client: &Client, path: &str, live: bool) -> Vec<Look> {
    // Without it a show works, but is not confirmed.
    let unusable = |error: ApiError| {
        Look::of_message(
            Outcome::Warning,
            error,
            "correct target.api_url, or leave it empty",
        )
    };
    match client.version() {
        Ok(version) => {
            let mut looks = vec![Look::ok(format!("MediaMTX {version} answers at its API"))];
            match client.srt_connections() {
                Err(ApiError::NotFound { .. }) => looks.push(Look::failed(
                    "SRT is switched off on the server",
                    "set `srt: yes` in its configuration",
                )),
                Err(error) => looks.push(unusable(error)),
                Ok(_) => {}
            }
            looks.push(match client.path(path) {
                Ok(info) => path_look(path, info.as_ref(), live),
                Err(error) => unusable(error),
            });
            looks
        }
        Err(error) => vec![unusable(error)],
    }
}

/// Whether the path can be taken, as far as the API tells: a password is tried by going live only.
fn path_look(path: &str, info: Option<&PathInfo>, live: bool) -> Look {
    let publisher = info.and_then(|info| info.source.as_deref());
    match (publisher, info) {
        (Some(_), Some(info)) if live => Look::ok(format!(
            "{path} is published to, {} viewers",
            info.viewers()
        )),
        (Some(publisher), _) => Look::warning(
            format!(
                "somebody publishes to {path} already ({publisher}): going live asks before it throws that one out"
            ),
            "end that publisher, or set another target.path",
        ),
        (None, _) => Look::ok(format!("nobody publishes to {path}")),
    }
}

/// Asks the WebRTC listener for its options: it answers with the path's, or wants a login.
fn whep(base: &str, path: &str) -> Look {
    let base = base.trim_end_matches('/');
    if base.starts_with("https://") {
        return Look::skipped("WebRTC: an https address is not looked at");
    }
    let agent = ureq::Agent::config_builder()
        .timeout_connect(Some(CONNECT_LIMIT))
        .timeout_global(Some(ANSWER_LIMIT))
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(None)
        .build()
        .new_agent();
    let answer = agent.options(format!("{base}/{path}/whep")).call();
    let base = url::shown(base);
    let fix = "check target.webrtc_url, and that the server runs with `webrtc: yes`";
    match answer.map(|answer| answer.status().as_u16()) {
        Ok(200..=299 | 401) => Look::ok(format!("WebRTC answers at {base}")),
        Ok(status) => Look::warning(
            format!("WebRTC: {base} answers {status} where viewers would join"),
            fix,
        ),
        Err(error) => Look::warning(
            format!("WebRTC: {base} cannot be reached ({error}): viewers there cannot either"),
            fix,
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::net::TcpListener;

    fn serve(answers: &'static [&'static str]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        std::thread::spawn(move || {
            for answer in answers {
                let (mut stream, _) = listener.accept().unwrap();
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).unwrap();
                let head = "Connection: close\r\nContent-Length";
                let (status, body) = answer.split_once('|').unwrap();
                let length = body.len();
                write!(
                    stream,
                    "HTTP/1.1 {status}\r\n{head}: {length}\r\n\r\n{body}"
                )
                .unwrap();
            }
        });
        url
    }

    #[test]
    fn a_path_that_is_taken_is_told() {
        let taken = PathInfo {
            source: Some("srtConn".into()),
            readers: vec!["webRTCSession".into()],
            ..PathInfo::default()
        };
        let look = path_look("pd_a", Some(&taken), false);
        assert_eq!(look.outcome, Outcome::Warning);
        assert!(look.fix.contains("target.path"));
        let own = path_look("pd_a", Some(&taken), true);
        assert_eq!(own, Look::ok("pd_a is published to, 1 viewers"));
        let free = PathInfo::default();
        assert_eq!(path_look("pd_a", Some(&free), false).outcome, Outcome::Ok);
        assert_eq!(path_look("pd_a", None, false).outcome, Outcome::Ok);
    }

    #[test]
    fn the_api_is_asked_and_each_answer_told() {
        let client = |answers| Client::new(&serve(answers), "", "");
        let good = by_api(
            &client(&[
                r#"200 OK|{"version":"v1.20.0"}"#,
                r#"200 OK|{"items":[]}"#,
                r#"404 Not Found|{"error":"path not found"}"#,
            ]),
            "pd_a",
            false,
        );
        assert_eq!(
            good,
            [
                Look::ok("MediaMTX v1.20.0 answers at its API"),
                Look::ok("nobody publishes to pd_a")
            ]
        );
        let no_srt = by_api(
            &client(&[
                r#"200 OK|{"version":"v1.20.0"}"#,
                "404 Not Found|404 page not found",
                r#"404 Not Found|{"error":"path not found"}"#,
            ]),
            "pd_a",
            false,
        );
        assert_eq!(no_srt[1].outcome, Outcome::Failed);
        let refused = by_api(&client(&["401 Unauthorized|{}"]), "pd_a", false);
        assert_eq!(refused.len(), 1);
        assert_eq!(refused[0].outcome, Outcome::Warning);
        assert!(refused[0].fix.contains("password"), "{refused:?}");
    }

    #[test]
    fn the_webrtc_port_is_asked() {
        assert_eq!(whep(&serve(&["204 No Content|"]), "a").outcome, Outcome::Ok);
        assert_eq!(
            whep(&serve(&["401 Unauthorized|"]), "a").outcome,
            Outcome::Ok
        );
        let other = whep(&serve(&["404 Not Found|"]), "a");
        assert_eq!(other.outcome, Outcome::Warning);
        assert!(other.found.contains("404"));
        let free = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap();
        let closed = whep(&format!("http://{free}/"), "a");
        assert_eq!(closed.outcome, Outcome::Warning);
        assert!(!closed.fix.is_empty());
        assert_eq!(whep("https://x", "a").outcome, Outcome::Skipped);
    }

    #[cfg(unix)]
    #[test]
    fn a_program_that_is_no_server_is_told() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let said = |script: &str| {
            let path = folder.path().join("mediamtx");
            std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
            version(&path, &StopToken::new())
        };
        assert_eq!(said("echo v1.20.0"), Ok("v1.20.0".into()));
        assert!(said("exit 3").unwrap_err().contains("3"));
        assert!(said("true").unwrap_err().contains("no version"));
        let missing = version(Path::new("/nonexistent"), &StopToken::new());
        assert!(missing.is_err());
    }
}
