//! Installing MediaMTX and ffmpeg from a local HTTP server: good, torn, wrong sum, no network, not there, no
//! room; what was there before stays in every case but the first.

#![allow(clippy::unwrap_used)]

use pd_console::fetch::{self, InstallError, Parcel};
use pd_console::mediamtx::release;
use pd_console::stop::StopToken;
use sha2::{Digest, Sha256};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Command, Output};

const PROGRAM: &[u8] = b"#!/bin/sh\necho v1.20.0\n";

/// Answers each connection with `head` and `body` after a whole request.
fn server(head: String, body: Vec<u8>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/dl", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = Vec::new();
            let mut byte = [0];
            while !request.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap_or(0) == 1 {
                request.push(byte[0]);
            }
            let _ = stream.write_all(head.as_bytes());
            let _ = stream.write_all(&body);
        }
    });
    url
}

fn ok(body: &[u8]) -> String {
    let length = body.len();
    server(
        format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n"),
        body.to_vec(),
    )
}

fn tar_gz(name: &str, content: &[u8]) -> Vec<u8> {
    let gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut tar = tar::Builder::new(gz);
    for (name, content) in [
        ("LICENSE", &b"MIT"[..]),
        (name, content),
        ("mediamtx.yml", b"x"),
    ] {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o755);
        header.set_cksum();
        tar.append_data(&mut header, name, content).unwrap();
    }
    tar.into_inner().unwrap().finish().unwrap()
}

fn zip(name: &str, content: &[u8]) -> Vec<u8> {
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default();
    zip.start_file(name, options).unwrap();
    zip.write_all(content).unwrap();
    zip.finish().unwrap().into_inner()
}

/// SHA-256 in hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    let sum = Sha256::digest(bytes);
    sum.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn parcel(archive: &str, program: &'static str, bytes: &[u8]) -> Parcel {
    Parcel {
        entry: program.into(),
        archive: archive.into(),
        program,
        sha256: hex(bytes),
    }
}

fn download(release: &Parcel, url: &str, folder: &Path) -> Result<u64, InstallError> {
    let mut got = 0;
    let mut progress = |bytes, _| got = bytes;
    fetch::download(release, url, folder, &mut progress, &StopToken::new())?;
    Ok(got)
}

/// What is in the folder: names and contents.
fn content(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all: Vec<_> = std::fs::read_dir(folder)
        .map(|entries| {
            let entry = |e: std::fs::DirEntry| {
                let name = e.file_name().into_string().unwrap();
                (name, std::fs::read(e.path()).unwrap())
            };
            entries.map(|e| entry(e.unwrap())).collect()
        })
        .unwrap_or_default();
    all.sort();
    all
}

#[test]
fn each_kind_of_archive_is_installed_whole() {
    for (archive, name, bytes) in [
        ("m.tar.gz", "mediamtx", tar_gz("mediamtx", PROGRAM)),
        ("m.tar.gz", "mediamtx", tar_gz("./mediamtx", PROGRAM)),
        ("m.zip", "mediamtx.exe", zip("mediamtx.exe", PROGRAM)),
        // No archive at all: the program itself.
        ("ffmpeg-v7.1.exe", "ffmpeg.exe", PROGRAM.to_vec()),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let bin = folder.path().join("new").join("bin");
        let parcel = parcel(archive, name, &bytes);
        let got = download(&parcel, &ok(&bytes), &bin).unwrap();
        assert_eq!(got, bytes.len() as u64);
        assert_eq!(content(&bin), [(name.to_owned(), PROGRAM.to_vec())]);
        // Again, over what is there, and by hand.
        download(&parcel, &ok(&bytes), &bin).unwrap();
        let file = folder.path().join("by-hand");
        std::fs::write(&file, &bytes).unwrap();
        let path = fetch::from_file(&parcel, &file, &bin).unwrap();
        assert_eq!(content(&bin).len(), 1);
        #[cfg(unix)]
        if name == "mediamtx" {
            let output = Command::new(&path).arg("--version").output().unwrap();
            assert_eq!(output.stdout, b"v1.20.0\n");
        }
        assert_eq!(path, bin.join(name));
    }
}

#[test]
fn what_goes_wrong_leaves_the_old_one_in_place() {
    let bytes = tar_gz("mediamtx", PROGRAM);
    let good = parcel("m.tar.gz", "mediamtx", &bytes);
    let folder = tempfile::tempdir().unwrap();
    let bin = folder.path();
    std::fs::write(bin.join("mediamtx"), b"old").unwrap();
    let failed = |release: &Parcel, url: &str| {
        let error = download(release, url, bin).unwrap_err();
        assert_eq!(
            content(bin),
            [("mediamtx".to_owned(), b"old".to_vec())],
            "{error}"
        );
        error
    };
    let half = &bytes[..bytes.len() / 2];
    let torn = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", bytes.len());
    let error = failed(&good, &server(torn, half.to_vec()));
    assert!(
        matches!(error, InstallError::Torn { got, expected: Some(all), .. }
            if got <= half.len() as u64 && all == bytes.len() as u64),
        "{error}"
    );
    // Torn without an announced length: only the sum can tell.
    let open = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n".to_owned();
    let error = failed(&good, &server(open, half.to_vec()));
    assert!(matches!(error, InstallError::WrongSum { .. }), "{error}");
    let mut changed = bytes.clone();
    *changed.last_mut().unwrap() ^= 1;
    let error = failed(&good, &ok(&changed));
    assert!(matches!(error, InstallError::WrongSum { .. }), "{error}");
    assert!(error.to_string().contains(&good.sha256), "{error}");
    let missing = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    let error = failed(&good, &server(missing.into(), Vec::new()));
    assert!(
        matches!(error, InstallError::Status { status: 404, .. }),
        "{error}"
    );
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let error = failed(&good, &format!("http://{closed}"));
    assert!(matches!(error, InstallError::Unreachable { .. }), "{error}");
    assert!(error.to_string().contains("--file"), "{error}");
    // The right sum over what is no archive, or has another program in it.
    let error = failed(
        &parcel("m.tar.gz", "mediamtx", b"no archive"),
        &ok(b"no archive"),
    );
    assert!(matches!(error, InstallError::Archive { .. }), "{error}");
    let other = tar_gz("mediamtx2", PROGRAM);
    let error = failed(&parcel("m.tar.gz", "mediamtx", &other), &ok(&other));
    assert!(error.to_string().contains("no mediamtx in it"), "{error}");
    let stop = StopToken::new();
    stop.stop();
    let error = fetch::download(&good, &ok(&bytes), bin, &mut |_, _| {}, &stop).unwrap_err();
    assert!(matches!(error, InstallError::Cancelled), "{error}");
    let error = fetch::from_file(&good, Path::new("/no/such/file"), bin).unwrap_err();
    assert!(matches!(error, InstallError::File { .. }), "{error}");
    assert_eq!(content(bin).len(), 1);
}

fn console(config: &Path, words: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pd-console"));
    command
        .args(words.split_whitespace())
        .env("PD_CONSOLE_CONFIG_DIR", config)
        .env_remove("HTTP_PROXY")
        .env_remove("http_proxy")
        .stdin(std::process::Stdio::null());
    command
}

fn failed(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(8), "{output:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn the_command_asks_first_and_trusts_no_other_file() {
    if release::of_this_system().is_none() {
        println!("SKIPPED: no release is known for this system");
        return;
    }
    let config = tempfile::tempdir().unwrap();
    let output = console(config.path(), "server install").output().unwrap();
    let text = failed(&output);
    assert!(text.contains("--yes") && text.contains("SHA-256"), "{text}");
    let bytes = tar_gz("mediamtx", PROGRAM);
    let output = console(config.path(), "server install --yes --base-url")
        .arg(ok(&bytes))
        .output()
        .unwrap();
    let text = failed(&output);
    assert!(text.contains("the release's is"), "{text}");
    assert_eq!(content(&config.path().join("bin")), []);
}

/// The pinned ffmpeg, bare and out of its wheel, goes where the console finds it; no other does.
#[test]
fn the_pinned_ffmpeg_is_taken_and_no_other() {
    let Some((build, _)) = pd_console::ffmpeg::release::of_this_system() else {
        println!("SKIPPED: no ffmpeg is pinned for this system");
        return;
    };
    let config = tempfile::tempdir().unwrap();
    let bin = config.path().join("bin");
    let ffmpeg_failed = |output: &Output| {
        assert_eq!(output.status.code(), Some(4), "{output:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    };
    let output = console(config.path(), "ffmpeg install").output().unwrap();
    let text = ffmpeg_failed(&output);
    for word in ["--yes", &build.sha256, "GPL", &build.version] {
        assert!(text.contains(word), "{word} in {text}");
    }
    let output = console(config.path(), "ffmpeg install --yes --base-url")
        .arg(ok(PROGRAM))
        .output()
        .unwrap();
    let text = ffmpeg_failed(&output);
    assert!(text.contains("the release's is"), "{text}");
    assert_eq!(content(&bin), []);
    // Tests are given the very file by packaging/test.sh.
    let given = std::env::var_os("PD_TEST_FFMPEGS").unwrap_or_default();
    let Some(pinned) = std::env::split_paths(&given).find(|path| {
        let bytes = std::fs::read(path).unwrap_or_default();
        hex(&bytes) == build.sha256
    }) else {
        println!("SKIPPED: the pinned ffmpeg is not in PD_TEST_FFMPEGS");
        return;
    };
    let output = console(config.path(), "ffmpeg install --yes --file")
        .arg(&pinned)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    // Found with nothing beside the program and nothing in PATH, and good.
    let output = console(config.path(), "ffmpeg-args --defaults")
        .env("PATH", "")
        .env_remove("PD_CONSOLE_FFMPEG")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let program = bin.join(pd_console::ffmpeg::locate::NAME);
    assert!(text.contains(program.to_str().unwrap()), "{output:?}");
}

/// A disk of 256 kB, in a namespace of its own.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told() {
    let disk = tempfile::tempdir().unwrap();
    let unshare = |script: &str| {
        let mut command = Command::new("unshare");
        command
            .args(["-rm", "sh", "-c", script, "sh"])
            .arg(disk.path());
        command
    };
    let mount = "mount -t tmpfs -o size=256k tmpfs \"$1\"";
    if !unshare(mount)
        .output()
        .is_ok_and(|output| output.status.success())
    {
        println!("SKIPPED: no mount in a namespace of one's own here");
        return;
    }
    let url = ok(&vec![7; 1 << 20]);
    let program = env!("CARGO_BIN_EXE_pd-console");
    let script = format!("{mount} && exec \"{program}\" server install --yes --base-url {url}");
    let output = unshare(&script)
        .env("PD_CONSOLE_CONFIG_DIR", disk.path())
        .output()
        .unwrap();
    let text = failed(&output);
    assert!(
        text.contains("No space left") && text.contains("Make room"),
        "{text}"
    );
}

/// An archive with one entry of this name and kind, whatever the name; `size` zeros as its content.
fn odd(name: &str, kind: tar::EntryType, size: u64) -> Vec<u8> {
    let gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut tar = tar::Builder::new(gz);
    let mut header = tar::Header::new_gnu();
    // Past `append_data`, which takes no such name.
    header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name.as_bytes());
    header.set_entry_type(kind);
    header.set_size(size);
    header.set_mode(0o755);
    if kind == tar::EntryType::Symlink {
        header.set_link_name("/bin/sh").unwrap();
    }
    header.set_cksum();
    tar.append(&header, std::io::repeat(0).take(size)).unwrap();
    tar.into_inner().unwrap().finish().unwrap()
}

/// Though its sum were right: names lead nowhere, a link is no program, what is unpacked has a bound.
#[test]
fn an_archive_full_of_tricks_installs_nothing() {
    use tar::EntryType;
    let outer = tempfile::tempdir().unwrap();
    let bin = outer.path().join("bin");
    std::fs::create_dir(&bin).unwrap();
    std::fs::write(bin.join("mediamtx"), "old").unwrap();
    let absolute = outer.path().join("evil");
    for (name, kind, size) in [
        ("../mediamtx", EntryType::Regular, 9),
        ("../../mediamtx", EntryType::Regular, 9),
        ("x/../mediamtx", EntryType::Regular, 9),
        (absolute.to_str().unwrap(), EntryType::Regular, 9),
        ("mediamtx", EntryType::Symlink, 0),
        ("mediamtx", EntryType::Link, 0),
        ("mediamtx", EntryType::Directory, 0),
        // 401 MiB of zeros in some hundred kilobytes.
        ("mediamtx", EntryType::Regular, 401 << 20),
    ] {
        let bytes = odd(name, kind, size);
        assert!(bytes.len() < 4 << 20);
        let parcel = parcel("m.tar.gz", "mediamtx", &bytes);
        let file = outer.path().join("archive");
        std::fs::write(&file, &bytes).unwrap();
        let error = fetch::from_file(&parcel, &file, &bin).unwrap_err();
        assert!(
            matches!(error, InstallError::Archive { .. }),
            "{name} {kind:?}: {error}"
        );
        assert_eq!(
            content(&bin),
            [("mediamtx".to_owned(), b"old".to_vec())],
            "{name} {kind:?}"
        );
        std::fs::remove_file(&file).unwrap();
        assert_eq!(content_names(outer.path()), ["bin"], "{name} {kind:?}");
    }
}

fn content_names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap().flatten();
    entries
        .map(|e| e.file_name().into_string().unwrap())
        .collect()
}

/// A file by hand may be another user's, who could change it between the look at its sum and the unpacking: it
/// is read once, which a pipe in its place shows.
#[cfg(unix)]
#[test]
fn an_archive_by_hand_is_read_once() {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    use std::os::unix::fs::PermissionsExt;
    let bytes = tar_gz("mediamtx", PROGRAM);
    let parcel = parcel("m.tar.gz", "mediamtx", &bytes);
    let folder = tempfile::tempdir().unwrap();
    let given = folder.path().join("given");
    mknodat(CWD, &given, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let to = given.clone();
    let writer = std::thread::spawn(move || std::fs::write(to, bytes).unwrap());
    let bin = folder.path().join("bin");
    let path = fetch::from_file(&parcel, &given, &bin).unwrap();
    writer.join().unwrap();
    assert_eq!(std::fs::read(path).unwrap(), PROGRAM);
    let mode = std::fs::metadata(&bin).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700, "nobody else may put a program there");
}
