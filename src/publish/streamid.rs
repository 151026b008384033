//! SRT stream ids as MediaMTX reads them. Pure.
//!
//! Facts (MediaMTX `internal/servers/srt/streamid.go`, measured on 1.20): `publish:PATH` and
//! `publish:PATH:USER:PASS` are cut at every `:`; `#!::m=publish,r=PATH,u=USER,s=PASS` (SRT access
//! control) at every `,`. Neither has an escape. libsrt takes 512 bytes. The id must reach ffmpeg as
//! `-srt_streamid`: in a URL its bytes are changed or cut, differently by version (cases.md B16).

/// The longest stream id, bytes (SRTO_STREAMID).
pub const MAX_STREAM_ID_BYTES: usize = 512;

/// What is asked of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// To send a stream.
    Publish,
    /// To receive one.
    Read,
}

/// Why no stream id can be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StreamIdError {
    /// No path.
    #[error("the path (stream name) is empty; enter one such as pd_main")]
    NoPath,
    /// A line end or another control character.
    #[error(
        "the {part} has a control character (line end, tab); type it again instead of pasting it"
    )]
    Control {
        /// Which part.
        part: &'static str,
    },
    /// `:` and `,` together.
    #[error(
        "the {colon} has a colon and the {comma} a comma: the server can take one of the two, not both. Change one of them."
    )]
    ColonAndComma {
        /// Which part has the colon.
        colon: &'static str,
        /// Which part has the comma.
        comma: &'static str,
    },
    /// Too long.
    #[error(
        "path, user and password make a stream id of {bytes} bytes; SRT takes {MAX_STREAM_ID_BYTES}. Shorten them (letters beyond ASCII count 2 to 4 bytes)."
    )]
    TooLong {
        /// Its length.
        bytes: usize,
    },
}

/// A stream id taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamIdParts {
    /// Publish or read.
    pub mode: Mode,
    /// Path (stream name).
    pub path: String,
    /// User, empty for none.
    pub user: String,
    /// Password, empty for none.
    pub password: String,
}

/// The stream id for these parts: the short form, or the `#!::` form where a part has a colon.
///
/// # Errors
/// Where the server could not read the parts back exactly as they are.
pub fn stream_id(
    mode: Mode,
    path: &str,
    user: &str,
    password: &str,
) -> Result<String, StreamIdError> {
    if path.is_empty() {
        return Err(StreamIdError::NoPath);
    }
    let parts = [("path", path), ("user", user), ("password", password)];
    let with = |wanted: fn(char) -> bool| {
        parts
            .iter()
            .find(|(_, text)| text.contains(wanted))
            .map(|(part, _)| *part)
    };
    if let Some(part) = with(char::is_control) {
        return Err(StreamIdError::Control { part });
    }
    let (colon, comma) = (with(|c| c == ':'), with(|c| c == ','));
    if let (Some(colon), Some(comma)) = (colon, comma) {
        return Err(StreamIdError::ColonAndComma { colon, comma });
    }
    let has_login = !user.is_empty() || !password.is_empty();
    let last = if has_login { password } else { path };
    // The server cuts this ending off the short form (a habit of some encoders).
    let long_form = colon.is_some() || last.ends_with("#feedbackplay");
    if long_form && let Some(comma) = comma {
        return Err(StreamIdError::ColonAndComma {
            colon: "password",
            comma,
        });
    }
    let mut id = match (long_form, mode) {
        (false, Mode::Publish) => format!("publish:{path}"),
        (false, Mode::Read) => format!("read:{path}"),
        (true, Mode::Publish) => format!("#!::m=publish,r={path}"),
        (true, Mode::Read) => format!("#!::m=request,r={path}"),
    };
    if has_login {
        id += &if long_form {
            format!(",u={user},s={password}")
        } else {
            format!(":{user}:{password}")
        };
    }
    if id.len() > MAX_STREAM_ID_BYTES {
        return Err(StreamIdError::TooLong { bytes: id.len() });
    }
    Ok(id)
}

/// Takes a stream id apart as MediaMTX does; None where it would refuse it. For pasted URLs.
pub fn parse_stream_id(id: &str) -> Option<StreamIdParts> {
    let mut parts = StreamIdParts {
        mode: Mode::Read,
        path: String::new(),
        user: String::new(),
        password: String::new(),
    };
    if let Some(fields) = id.strip_prefix("#!::") {
        for field in fields.split(',') {
            let (key, value) = field.split_once('=')?;
            match key {
                "r" => parts.path = value.into(),
                "u" => parts.user = value.into(),
                "s" => parts.password = value.into(),
                "m" if value == "publish" => parts.mode = Mode::Publish,
                "m" if value == "request" => parts.mode = Mode::Read,
                "m" => return None,
                _ => {}
            }
        }
    } else {
        let id = id.strip_suffix("#feedbackplay").unwrap_or(id);
        let fields: Vec<&str> = id.split(':').collect();
        parts.mode = match fields[0] {
            "publish" => Mode::Publish,
            "read" => Mode::Read,
            _ => return None,
        };
        match fields[..] {
            [_, path] | [_, path, _] => parts.path = path.into(),
            [_, path, user, password] | [_, path, user, password, _] => {
                (parts.path, parts.user, parts.password) =
                    (path.into(), user.into(), password.into());
            }
            _ => return None,
        }
    }
    (!parts.path.is_empty()).then_some(parts)
}

/// Why MediaMTX would refuse this path (`internal/conf/path.go`); None where it takes it. Other
/// servers may take more, so this is for a warning.
pub fn path_problem(path: &str) -> Option<&'static str> {
    if path.is_empty() {
        Some("it is empty")
    } else if path.starts_with('/') || path.ends_with('/') {
        Some("it must not begin or end with a slash")
    } else if !path
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || "_-/.".contains(c))
    {
        Some("it may have letters a-z, digits, underscore, dot, minus and slash only")
    } else if path
        .split('/')
        .any(|segment| segment == "." || segment == "..")
    {
        Some("it must not have . or .. between slashes")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn publish(user: &str, password: &str) -> Result<String, StreamIdError> {
        stream_id(Mode::Publish, "pd_main", user, password)
    }

    #[test]
    fn passwords_of_the_b16_list() {
        for password in [
            "a&b", "a%b", "a%26b", "a+b", "a#b", "a=b", "a b", "a,b", "한글",
        ] {
            assert_eq!(
                publish("me", password).unwrap(),
                format!("publish:pd_main:me:{password}")
            );
        }
        assert_eq!(
            publish("me", "a:b").unwrap(),
            "#!::m=publish,r=pd_main,u=me,s=a:b"
        );
        let error = publish("me", "a:b,c").unwrap_err();
        assert_eq!(
            error,
            StreamIdError::ColonAndComma {
                colon: "password",
                comma: "password"
            }
        );
        assert!(error.to_string().contains("colon"));
        let error = publish("a,b", "c:d").unwrap_err();
        assert_eq!(
            error,
            StreamIdError::ColonAndComma {
                colon: "password",
                comma: "user"
            }
        );
        assert!(matches!(
            publish("", &"x".repeat(513)),
            Err(StreamIdError::TooLong { .. })
        ));
    }

    #[test]
    fn the_limit_is_in_bytes_of_the_whole_id() {
        let fits = "x".repeat(512 - "publish:pd_main:u:".len());
        assert_eq!(publish("u", &fits).unwrap().len(), 512);
        assert_eq!(
            publish("u", &(fits + "x")),
            Err(StreamIdError::TooLong { bytes: 513 })
        );
        assert!(publish("u", &"한".repeat(170)).is_err());
    }

    #[test]
    fn forms_without_login_and_odd_endings() {
        assert_eq!(publish("", "").unwrap(), "publish:pd_main");
        assert_eq!(publish("me", "").unwrap(), "publish:pd_main:me:");
        assert_eq!(publish("", "token").unwrap(), "publish:pd_main::token");
        assert_eq!(
            stream_id(Mode::Read, "a:b", "", "").unwrap(),
            "#!::m=request,r=a:b"
        );
        assert_eq!(
            publish("u", "x#feedbackplay").unwrap(),
            "#!::m=publish,r=pd_main,u=u,s=x#feedbackplay"
        );
        assert_eq!(
            stream_id(Mode::Publish, "", "", ""),
            Err(StreamIdError::NoPath)
        );
        assert_eq!(
            publish("u", "a\nb"),
            Err(StreamIdError::Control { part: "password" })
        );
    }

    #[test]
    fn what_the_server_refuses_is_none() {
        for id in [
            "",
            "pd_main",
            "publish",
            "publish:",
            "a:b",
            "publish:a:b:c:d:e",
            "#!::m=x,r=a",
            "#!::r",
        ] {
            assert_eq!(parse_stream_id(id), None, "{id}");
        }
        assert_eq!(parse_stream_id("publish:a:q=1").unwrap().path, "a");
    }

    #[test]
    fn paths_that_mediamtx_refuses() {
        assert_eq!(path_problem("pd_main/cam-1.b"), None);
        for bad in ["", "/a", "a/", "a b", "한글", "a:b", "a/../b", "a?b"] {
            assert!(path_problem(bad).is_some(), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn the_server_reads_back_what_was_meant(
            path in "[a-z0-9_/.:,=#&%가-힣 -]{1,40}", user in "[a-z:,=@#]{0,20}", password in "\\PC{0,60}"
        ) {
            if let Ok(id) = stream_id(Mode::Publish, &path, &user, &password) {
                prop_assert!(id.len() <= MAX_STREAM_ID_BYTES);
                let expected = StreamIdParts { mode: Mode::Publish, path, user, password };
                prop_assert_eq!(parse_stream_id(&id), Some(expected));
            }
        }
    }
}
