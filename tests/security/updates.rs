//! The one question that goes out by itself, over real TLS: only a server that the system trusts is believed, and whatever
//! it does is one sentence and an end in time.
//!
//! The authority is made for the test and named by SSL_CERT_FILE, as a company's proxy would have its own.

use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The console's own limit is 10 s; a busy machine starts slowly.
const LIMIT: Duration = Duration::from_secs(25);

/// An authority and its certificate for `localhost`, made by openssl; None where that is not here.
fn authority(folder: &Path) -> Option<Arc<ServerConfig>> {
    let openssl = |words: &str| {
        let mut command = Command::new("openssl");
        command.args(words.split(' ')).current_dir(folder);
        command.output().is_ok_and(|output| output.status.success())
    };
    std::fs::write(
        folder.join("of-localhost"),
        "subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\nextendedKeyUsage=serverAuth\n",
    )
    .unwrap();
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    let made = openssl(&format!(
        "req -x509 {key} -keyout ca.key -out ca.pem -days 2 -subj /CN=test-authority"
    )) && openssl(&format!(
        "req {key} -keyout key.pem -out server.csr -subj /CN=localhost"
    )) && openssl(
        "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile of-localhost -out server.pem",
    );
    if !made {
        println!("SKIPPED: no openssl to make certificates");
        return None;
    }
    let certificate = CertificateDer::from_pem_file(folder.join("server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_file(folder.join("key.pem")).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    Some(Arc::new(config))
}

/// What it does with a question that it was asked for `path`.
fn answer(path: &str, port: u16, stream: &mut impl Write) -> std::io::Result<()> {
    let good = r#"{"tag_name": "v99.1.2", "html_url": "https://localhost/release"}"#;
    let (status, headers, body) = match path {
        "/good" => ("200 OK", String::new(), good.to_owned()),
        "/moved" => (
            "302 Found",
            format!("Location: https://localhost:{port}/good\r\n"),
            String::new(),
        ),
        "/to-plain" => (
            "302 Found",
            format!("Location: http://localhost:{port}/good\r\n"),
            String::new(),
        ),
        "/round" => (
            "302 Found",
            format!("Location: https://localhost:{port}/round\r\n"),
            String::new(),
        ),
        "/limited" => (
            "403 Forbidden",
            "X-RateLimit-Remaining: 0\r\n".to_owned(),
            r#"{"message": "API rate limit exceeded"}"#.to_owned(),
        ),
        "/forbidden" => ("403 Forbidden", String::new(), String::new()),
        "/none" => (
            "404 Not Found",
            String::new(),
            r#"{"message": "Not Found"}"#.to_owned(),
        ),
        "/endless" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")?;
            loop {
                stream.write_all(&[b' '; 4096])?;
            }
        }
        _ => {
            // Says nothing, until the other side has gone.
            std::thread::sleep(LIMIT);
            return Ok(());
        }
    };
    let length = body.len();
    let text = format!(
        "HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    );
    stream.write_all(text.as_bytes())?;
    stream.flush()
}

fn serve(config: Arc<ServerConfig>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let one = move |stream: TcpStream, config| -> std::io::Result<()> {
        let connection = ServerConnection::new(config).map_err(std::io::Error::other)?;
        let mut stream = StreamOwned::new(connection, stream);
        let mut line = String::new();
        BufReader::new((&mut stream).take(200)).read_line(&mut line)?;
        let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
        let answered = answer(&path, port, &mut stream);
        stream.conn.send_close_notify();
        let _ = stream.flush();
        // Closing before all of the question is read would be a reset.
        let _ = stream.sock.shutdown(std::net::Shutdown::Write);
        let _ = stream.sock.read_to_end(&mut Vec::new());
        answered
    };
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let config = config.clone();
            std::thread::spawn(move || one(stream, config));
        }
    });
    port
}

#[test]
fn a_real_tls_server_is_asked_for_updates_and_whatever_it_does_is_one_sentence() {
    let folder = tempfile::tempdir().unwrap();
    let Some(config) = authority(folder.path()) else {
        return;
    };
    let port = serve(config);
    let trusted = folder.path().join("ca.pem");
    let ask = |host: &str, path: &str, trusted: Option<&Path>| {
        let home = tempfile::tempdir().unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_pd-console"));
        command
            .arg("updates")
            .env("PD_CONSOLE_CONFIG_DIR", home.path())
            .env(
                "PD_CONSOLE_UPDATE_URL",
                format!("https://{host}:{port}{path}"),
            )
            .env_remove("SSL_CERT_DIR");
        for proxy in ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
            command.env_remove(proxy);
        }
        match trusted {
            Some(file) => command.env("SSL_CERT_FILE", file),
            None => command.env_remove("SSL_CERT_FILE"),
        };
        let began = Instant::now();
        let output = command.output().unwrap();
        let took = began.elapsed();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        println!("{host}{path}: {took:.1?} {said}");
        assert!(took < LIMIT, "{path}: {took:?}");
        assert!(!said.contains("panicked"), "{said}");
        assert_eq!(said.trim().lines().count(), 1, "{said}");
        (output.status.code(), said)
    };
    let trusted = Some(trusted.as_path());
    std::thread::scope(|scope| {
        let hangs = scope.spawn(|| ask("localhost", "/hangs", trusted));
        for (path, code, word) in [
            ("/good", 0, "Version 99.1.2 is there"),
            ("/good", 0, "https://localhost/release"),
            ("/moved", 0, "Version 99.1.2 is there"),
            ("/to-plain", 1, "cannot be told"),
            ("/round", 1, "redirect"),
            ("/limited", 1, "too often"),
            ("/forbidden", 1, "status 403"),
            ("/none", 1, "no release (status 404)"),
            ("/endless", 1, "too long"),
        ] {
            let (got, said) = ask("localhost", path, trusted);
            assert_eq!(got, Some(code), "{path}: {said}");
            assert!(said.contains(word), "{path}: {word:?} in {said}");
        }
        // Not of an authority that the system knows; a certificate of another name.
        for (host, trusted) in [("localhost", None), ("127.0.0.1", trusted)] {
            let (code, said) = ask(host, "/good", trusted);
            assert_eq!(code, Some(1), "{said}");
            assert!(said.contains("is not trusted"), "{said}");
            assert!(!said.contains("99.1.2"), "{said}");
        }
        let (code, said) = hangs.join().unwrap();
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("timeout"), "{said}");
    });
}
