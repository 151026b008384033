//! What a viewer's page says of itself twice a second: read and judged before anything is kept of it.
//!
//! Pure. The page runs on machines of others: whatever comes is either a report within the bounds
//! below, or refused. Nothing of it is kept but numbers, and the page's random name.

use serde::Deserialize;

/// Longest report, bytes: 150 pictures of 30 letters and the figures.
pub const REPORT_MAX: usize = 8 << 10;
/// Pictures in one report: a second at 144 fps.
pub const SHOWN_MAX: usize = 150;
/// The latest time on a page's clock: it has been open for a hundred days.
const PAGE_TIME_MAX_MS: f64 = 8.64e9;

/// A report.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// The page's name: random, made when it was loaded.
    pub id: String,
    /// Number of this report; its answer ends the exchange of that number.
    pub n: u32,
    /// An earlier exchange on the page's clock: number, asked, heard, ms.
    #[serde(default)]
    pub exchange: Option<(u32, f64, f64)>,
    /// Smallest step of the page's clock, ms.
    pub grain: f64,
    /// Whether the show's picture plays.
    pub playing: bool,
    /// Whether the page is hidden: behind another tab, minimised.
    pub hidden: bool,
    /// Whether the picture is paused.
    pub paused: bool,
    /// Whether the browser tells when it shows which picture.
    pub tells: bool,
    /// Pictures shown since the last report: RTP timestamp, time on the page's clock, ms.
    #[serde(default)]
    pub shown: Vec<(u32, f64)>,
    /// Its figures.
    #[serde(default)]
    pub figures: PageFigures,
}

/// What the browser says of its playing. None where it does not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PageFigures {
    /// A picture's time in the jitter buffer, ms.
    pub buffer_ms: Option<f64>,
    /// Decoding a picture, ms.
    pub decode_ms: Option<f64>,
    /// A picture's last packet to its display, median, ms, all on the page's clock.
    pub own_ms: Option<f64>,
    /// Round trip to the media server, ms.
    pub rtt_ms: Option<f64>,
    /// Pictures decoded a second.
    pub fps: Option<f64>,
    /// Pictures decoded.
    pub frames: Option<u64>,
    /// Freezes.
    pub freezes: Option<u64>,
    /// Packets of the picture lost for good.
    pub lost: Option<u64>,
}

impl Report {
    /// Reads a report.
    ///
    /// # Errors
    /// What is wrong with it, in words that repeat nothing of it.
    pub fn read(body: &[u8]) -> Result<Self, &'static str> {
        if body.len() > REPORT_MAX {
            return Err("the report is too long");
        }
        let mut report: Self =
            serde_json::from_slice(body).map_err(|_| "this is no report of a viewer")?;
        let is_name =
            (8..=32).contains(&report.id.len()) && report.id.bytes().all(|b| b.is_ascii_hexdigit());
        if !is_name {
            return Err("the report has no proper name");
        }
        if report.shown.len() > SHOWN_MAX {
            return Err("the report has too many pictures");
        }
        let times = report.shown.iter().map(|(_, at)| *at);
        let exchange = report
            .exchange
            .iter()
            .flat_map(|(_, asked, heard)| [*asked, *heard]);
        let is_time = |ms: f64| ms.is_finite() && (0.0..PAGE_TIME_MAX_MS).contains(&ms);
        if !times.chain(exchange).all(is_time) || !(0.0..=1000.0).contains(&report.grain) {
            return Err("the report has an impossible time");
        }
        let figures = &mut report.figures;
        for (figure, most) in [
            (&mut figures.buffer_ms, 60_000.0),
            (&mut figures.decode_ms, 60_000.0),
            (&mut figures.own_ms, 60_000.0),
            (&mut figures.rtt_ms, 60_000.0),
            (&mut figures.fps, 1000.0),
        ] {
            *figure = figure.filter(|value| value.is_finite() && (0.0..=most).contains(value));
        }
        for count in [&mut figures.frames, &mut figures.freezes, &mut figures.lost] {
            // More than a browser can count exactly is no count.
            *count = count.filter(|count| *count < 1 << 53);
        }
        Ok(report)
    }
}

/// Microseconds of milliseconds on a page's clock, which [`Report::read`] has bounded.
pub fn page_us(ms: f64) -> i64 {
    (ms * 1000.0).round() as i64
}

/// A browser's name and system out of its `User-Agent`: words of ours, never the browser's own.
pub fn browser(agent: &str) -> (&'static str, &'static str) {
    // In this order: each one also says that it is some of those after it.
    let name = [
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("SamsungBrowser", "Samsung Internet"),
        ("FxiOS", "Firefox"),
        ("Firefox", "Firefox"),
        ("CriOS", "Chrome"),
        ("Chrome", "Chrome"),
        ("Safari", "Safari"),
    ];
    let system = [
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("CrOS", "ChromeOS"),
        ("Linux", "Linux"),
    ];
    let first = |table: &[(&str, &'static str)]| {
        let found = table.iter().find(|(word, _)| agent.contains(word));
        found.map_or("", |(_, name)| *name)
    };
    (first(&name), first(&system))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn good() -> Value {
        json!({
            "id": "0123456789abcdef", "n": 3, "exchange": [2, 1000.1, 1002.4], "grain": 0.1,
            "playing": true, "hidden": false, "paused": false, "tells": true,
            "shown": [[4_294_967_295_u32, 1500.2], [2999, 1533.5]],
            "figures": { "buffer_ms": 3.1, "decode_ms": 2.0, "frames": 77, "freezes": 0 },
        })
    }

    fn read(report: &Value) -> Result<Report, &'static str> {
        Report::read(report.to_string().as_bytes())
    }

    fn with(change: impl FnOnce(&mut Value)) -> Result<Report, &'static str> {
        let mut report = good();
        change(&mut report);
        read(&report)
    }

    #[test]
    fn a_report_is_read() {
        let report = read(&good()).unwrap();
        assert_eq!(report.shown, [(u32::MAX, 1500.2), (2999, 1533.5)]);
        assert_eq!(report.exchange, Some((2, 1000.1, 1002.4)));
        assert_eq!(report.figures.decode_ms, Some(2.0));
        assert_eq!(report.figures.rtt_ms, None, "never zero for unknown");
        assert_eq!(page_us(1500.2), 1_500_200);
    }

    #[test]
    fn what_is_no_report_is_refused() {
        for bytes in [&b""[..], b"{}", b"[]", b"\xff\xfe", b"{\"id\":1}", b"null"] {
            assert!(Report::read(bytes).is_err());
        }
        assert!(with(|r| r["id"] = json!("<script>alert(1)</script>")).is_err());
        assert!(with(|r| r["id"] = json!("a".repeat(33))).is_err());
        assert!(with(|r| r["n"] = json!(-1)).is_err());
        assert!(with(|r| r["more"] = json!(1)).is_err());
        assert!(with(|r| r["grain"] = json!(1e9)).is_err());
        assert!(with(|r| r["shown"] = json!([[-1, 2]])).is_err());
        assert!(with(|r| r["shown"] = json!([[1, -2]])).is_err());
        assert!(with(|r| r["shown"] = json!([[1, 1e300]])).is_err());
        assert!(with(|r| r["shown"] = json!(vec![[1, 2]; SHOWN_MAX + 1])).is_err());
        assert!(with(|r| r["exchange"] = json!([1, 2, 1e18])).is_err());
        let endless = good().to_string().replace("1500.2", "1e999");
        assert!(Report::read(endless.as_bytes()).is_err());
        let nan = good().to_string().replace("1500.2", "NaN");
        assert!(Report::read(nan.as_bytes()).is_err());
        assert!(Report::read(&vec![b' '; REPORT_MAX + 1]).is_err());
        let deep = format!("{}{}", "[".repeat(4000), "]".repeat(4000));
        assert!(Report::read(deep.as_bytes()).is_err());
    }

    #[test]
    fn figures_beyond_reason_are_none() {
        let report = with(|r| {
            r["figures"] = json!({ "buffer_ms": 1e12, "fps": -3, "rtt_ms": 5, "lost": u64::MAX });
        });
        let figures = report.unwrap().figures;
        assert_eq!(
            (figures.buffer_ms, figures.fps, figures.lost),
            (None, None, None)
        );
        assert_eq!(figures.rtt_ms, Some(5.0));
    }

    #[test]
    fn browsers_are_named_in_our_words() {
        let chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/140.0.0.0 Safari/537.36";
        assert_eq!(browser(chrome), ("Chrome", "Linux"));
        let edge = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0";
        assert_eq!(browser(edge), ("Edge", "Windows"));
        let phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1";
        assert_eq!(browser(phone), ("Safari", "iPhone"));
        let fox = "Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0";
        assert_eq!(browser(fox), ("Firefox", "Android"));
        assert_eq!(browser("<b>evil</b>"), ("", ""));
    }

    proptest! {
        #[test]
        fn whatever_comes_is_read_within_bounds_or_refused(
            at in any::<f64>(), grain in any::<f64>(), own in any::<f64>(), rtp in any::<u32>(),
        ) {
            // serde_json writes what is not finite as null.
            let report = with(|r| {
                r["shown"] = json!([[rtp, at]]);
                r["grain"] = json!(grain);
                r["figures"] = json!({ "own_ms": own });
            });
            if let Ok(report) = report {
                prop_assert!((0..=8_640_000_000_000).contains(&page_us(report.shown[0].1)));
                prop_assert!((0.0..=1000.0).contains(&report.grain));
                prop_assert!(report.figures.own_ms.is_none_or(|own| (0.0..=60_000.0).contains(&own)));
            }
        }

        #[test]
        fn nothing_that_is_sent_makes_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Report::read(&bytes);
        }
    }
}
