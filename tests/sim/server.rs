//! The media server, played: who has the path, what its API says as JSON that the real reader reads,
//! and what knocking at it brings through the real judge. No thread; the world moves it.

use super::clock::ms;
use pd_console::clock::MonoTime;
use pd_console::mediamtx::{PathInfo, SrtConnection};
use pd_console::session::knock::{Answer, Judge, Knock};
use pd_console::session::watch::WatchReport;
use serde_json::{Value, json};
use std::time::Duration;

/// How its API does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Api {
    /// It answers in milliseconds.
    #[default]
    Quick,
    /// In seconds.
    Slow,
    /// Not at all.
    Down,
    /// With something else.
    Garbage,
    /// It says that nobody publishes, whoever does.
    Denies,
}

/// Who has the path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// The server's id of it.
    pub id: String,
    /// Ours: the publisher's number.
    pub publisher: Option<u32>,
    /// Its tracks are known from here on.
    pub online_from: MonoTime,
    /// Something came last.
    pub heard_at: MonoTime,
    /// By SRT: what dies without a word is noticed late.
    pub srt: bool,
}

/// The server.
pub struct Server {
    /// It runs.
    pub up: bool,
    /// Nothing passes between it and us.
    pub cut: bool,
    /// It lets nobody publish.
    pub refuses: bool,
    /// Its API.
    pub api: Api,
    /// Who publishes.
    pub connection: Option<Connection>,
    /// What the server's SRT figures count.
    pub lossy: bool,
    /// Knocks are swallowed.
    pub firewall: bool,
    packets: u64,
    lost: u64,
    next: u32,
    judge: Judge,
    answer: Answer,
    dice: fastrand::Rng,
}

/// SRT gives up a silent peer.
const SRT_SILENCE: Duration = ms(5_000);
/// MediaMTX's readTimeout.
const READ_TIMEOUT: Duration = ms(10_000);

impl Server {
    /// A server that runs.
    pub fn new(dice: fastrand::Rng) -> Self {
        Self {
            up: true,
            cut: false,
            refuses: false,
            api: Api::Quick,
            connection: None,
            lossy: false,
            firewall: false,
            packets: 0,
            lost: 0,
            next: 0,
            judge: Judge::default(),
            answer: Answer::Unknown,
            dice,
        }
    }

    /// Whether anything gets there.
    pub fn is_reachable(&self) -> bool {
        self.up && !self.cut
    }

    fn id(&mut self) -> String {
        self.next += 1;
        format!("0000-{:08}", self.next)
    }

    /// A publisher of ours calls: whether it has the path. The newest has it.
    pub fn call(&mut self, publisher: u32, srt: bool, now: MonoTime) -> bool {
        if !self.is_reachable() || self.refuses {
            return false;
        }
        let id = self.id();
        self.connection = Some(Connection {
            id,
            publisher: Some(publisher),
            online_from: now + ms(self.dice.u64(40..400)),
            heard_at: now,
            srt,
        });
        true
    }

    /// Somebody else takes the path.
    pub fn take_over(&mut self, now: MonoTime) {
        if self.up {
            let id = self.id();
            self.connection = Some(Connection {
                id,
                publisher: None,
                online_from: now,
                heard_at: now,
                srt: true,
            });
        }
    }

    /// Somebody else lets go of it.
    pub fn let_go(&mut self) {
        self.connection.take_if(|c| c.publisher.is_none());
    }

    /// It ends, with all its connections.
    pub fn stop(&mut self) {
        (self.up, self.connection) = (false, None);
    }

    /// Whether this publisher's stream is what viewers get.
    pub fn shows(&self, publisher: u32, now: MonoTime) -> bool {
        let connection = self.connection.as_ref();
        self.up
            && connection.is_some_and(|c| c.publisher == Some(publisher) && now >= c.online_from)
    }

    /// Bytes of a publisher's came.
    pub fn heard(&mut self, publisher: u32, now: MonoTime) {
        if let Some(connection) = &mut self.connection
            && connection.publisher == Some(publisher)
        {
            connection.heard_at = now;
            self.packets += 1;
            self.lost += u64::from(self.lossy && self.dice.u8(..3) == 0);
        }
    }

    /// Looks at its connections; `alive` tells of a publisher of ours whether it is there.
    pub fn look(&mut self, now: MonoTime, alive: impl Fn(u32) -> bool) {
        self.connection.take_if(|c| {
            let silence = now.since(c.heard_at);
            match c.publisher {
                None => false,
                // A closed TCP connection is seen at once, where a word gets through.
                Some(publisher) if !c.srt && !self.cut => {
                    !alive(publisher) || silence > READ_TIMEOUT
                }
                Some(_) => silence > if c.srt { SRT_SILENCE } else { READ_TIMEOUT },
            }
        });
    }

    /// How long a question takes that is asked now; None where nobody answers.
    pub fn delay(&mut self) -> Option<Duration> {
        match self.api {
            _ if !self.is_reachable() => None,
            Api::Down => None,
            Api::Slow => Some(ms(self.dice.u64(300..3_000))),
            _ => Some(ms(self.dice.u64(1..20))),
        }
    }

    /// The report of a question begun at `begun_at` that is answered now.
    pub fn report(&mut self, begun_at: MonoTime, now: MonoTime) -> WatchReport {
        let mut report = match self.answers(now) {
            Some((path, connection)) => WatchReport::of(
                &PathInfo::from_json(&path),
                connection.map(|json| SrtConnection::from_json(&json)),
                true,
            ),
            None => WatchReport {
                problem: Some("the API does not answer".into()),
                ..WatchReport::default()
            },
        };
        (report.begun_at, report.at) = (begun_at, now);
        report
    }

    fn answers(&mut self, now: MonoTime) -> Option<(Value, Option<Value>)> {
        self.delay()?;
        if self.api == Api::Garbage {
            let garbage = [
                json!(null),
                json!([1, 2]),
                json!({"online": "yes", "source": 7, "readers": {"a": 1}}),
                json!({"ready": [], "source": {"type": 1, "id": []}, "bytesReceived": -1}),
            ];
            let one = &garbage[self.dice.usize(..garbage.len())];
            return Some((one.clone(), Some(one.clone())));
        }
        let seen = self.connection.as_ref().filter(|_| self.api != Api::Denies);
        let Some(c) = seen.filter(|c| now >= c.online_from) else {
            return Some((json!({"name": "pd", "online": false, "source": null}), None));
        };
        let kind = if c.srt { "srtConn" } else { "rtspSession" };
        let path = json!({
            "name": "pd", "online": true, "source": {"type": kind, "id": c.id},
            "tracks": ["H264", "Opus"], "readers": [{"type": "webRTCSession", "id": "v"}],
        });
        let connection = json!({
            "id": c.id, "remoteAddr": "127.0.0.1:5000", "state": "publish", "path": "pd",
            "msRTT": 1.5, "msReceiveTsbPdDelay": 120, "packetsReceived": self.packets,
            "packetsReceivedLoss": self.lost, "packetsReceivedRetrans": self.lost / 2,
            "packetsReceivedDrop": 0, "msReceiveBuf": 100.0,
        });
        Some((path, c.srt.then_some(connection)))
    }

    /// Somebody knocks.
    pub fn knock(&mut self) -> Answer {
        let knock = match (self.cut || self.firewall, self.up) {
            (true, _) => Knock::Nothing,
            (false, true) => Knock::Answered,
            (false, false) => Knock::Refused,
        };
        self.answer = self.judge.add(knock);
        self.answer
    }

    /// What knocking has brought.
    pub fn answer(&self) -> Answer {
        self.answer
    }
}
