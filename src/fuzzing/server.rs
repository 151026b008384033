//! What the media server says, and the archive that it comes in.

use super::input::Input;
use crate::fetch::{Parcel, unpack};
use crate::mediamtx::server_log::{Tail, drain};
use crate::mediamtx::types::{
    Offers, PathInfo, Reader, SrtConnection, WebRtcSession, items, list_of, name_and_source,
};
use std::cell::RefCell;
use std::io::Write;
use std::sync::Mutex;

/// The API's answers: any JSON is read, nothing is invented, a broken field is none.
pub fn api_json(data: &[u8]) {
    let mut input = Input::new(data);
    // The first bit: answers, or the server's log.
    if input.flag() {
        return log(input.rest());
    }
    let Ok(json) = serde_json::from_slice::<serde_json::Value>(input.rest()) else {
        return;
    };
    let bytes = json.to_string().len();
    let path = PathInfo::from_json(&json);
    assert!(path.viewers() <= path.readers.len());
    assert!(
        path.name.len() <= bytes && path.tracks.iter().map(String::len).sum::<usize>() <= bytes
    );
    let offers = Offers::from_json(&json);
    assert!(offers.webrtc || offers.webrtc_port.is_none());
    let _ = (
        SrtConnection::from_json(&json),
        WebRtcSession::from_json(&json),
        name_and_source(&json),
    );
    for connection in items(&json, SrtConnection::from_json) {
        assert!(connection.rtt_ms.is_none_or(f64::is_finite));
    }
    for kind in &path.readers {
        if list_of(kind).is_some() {
            let readers = items(&json, |item| Reader::from_json(kind, item));
            assert!(readers.iter().all(|reader| reader.kind == *kind));
        }
    }
}

fn log(bytes: &[u8]) {
    let tail = Tail::default();
    let heard = Mutex::new(Vec::new());
    drain(bytes, &tail, &|_, line| {
        if let Ok(mut heard) = heard.lock() {
            heard.push(line);
        }
    });
    let heard = heard.into_inner().unwrap_or_default();
    let kept = tail.lines();
    assert!(kept.len() <= crate::ffmpeg::child::KEPT_LINES);
    assert!(heard.ends_with(&kept));
    for line in &heard {
        // What is no UTF-8 takes three bytes instead of one.
        assert!(line.len() as u64 <= 3 * crate::ffmpeg::child::LONGEST_LINE);
        assert!(!line.contains('\n'));
    }
}

thread_local! {
    /// One folder for all inputs of a thread: making one each time would take most of the time.
    static FOLDER: RefCell<Option<tempfile::TempDir>> = const { RefCell::new(None) };
}

/// An archive writes the program at its place and nothing anywhere else, whatever its names say.
pub fn archive(data: &[u8]) {
    FOLDER.with_borrow_mut(|folder| {
        let folder = folder.get_or_insert_with(|| tempfile::tempdir().expect("a temporary folder"));
        let inner = folder.path().join("a/b");
        std::fs::create_dir_all(&inner).expect("a folder in it");
        let mut input = Input::new(data);
        let zip = input.flag();
        let release = Parcel {
            entry: "mediamtx".into(),
            archive: if zip { "x.zip" } else { "x.tar.gz" }.into(),
            program: "mediamtx",
            sha256: String::new(),
        };
        let mut file = tempfile::tempfile().expect("a temporary file");
        if zip {
            file.write_all(input.rest()).expect("room");
        } else {
            // Nobody finds the sum of a gzip file by chance: the fuzzer writes what is in it.
            let packer = flate2::write::GzEncoder::new(&mut file, flate2::Compression::none());
            let mut packer = packer;
            packer.write_all(input.rest()).expect("room");
            packer.finish().expect("room");
        }
        let made = unpack(&release, &mut file, &inner);
        let program = inner.join("mediamtx");
        assert!(made.is_err() || made.is_ok_and(|path| path == program));
        let within: Vec<_> = std::fs::read_dir(&inner).expect("it").flatten().collect();
        for entry in &within {
            assert_eq!(entry.path(), program, "a file beside the program");
            assert!(entry.file_type().expect("a kind").is_file());
        }
        for (above, only) in [
            (folder.path().to_path_buf(), "a"),
            (folder.path().join("a"), "b"),
        ] {
            let names: Vec<_> = std::fs::read_dir(above)
                .expect("it")
                .flatten()
                .map(|e| e.file_name())
                .collect();
            assert_eq!(names, [only], "a file outside of the folder");
        }
        let _ = std::fs::remove_file(program);
    });
}
