//! What was found of each thing that the setting up asks for, out of the check, the running sources and
//! the look at the server. Pure; called by the window's thread.

use super::Scene;
use crate::doctor::{Area, Line, Outcome};
use crate::session::ahead::PingStatus;
use crate::session::install::InstallStatus;
use crate::settings::TargetKind;
use crate::ui::widgets::block::Verdict;

/// How one thing stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Good, poor, bad, or on its way.
    pub verdict: Verdict,
    /// What was found; empty while it is being looked at.
    pub text: String,
    /// What to do; empty where nothing is.
    pub fix: String,
}

impl Found {
    fn of(verdict: Verdict, text: impl Into<String>) -> Self {
        Self {
            verdict,
            text: text.into(),
            fix: String::new(),
        }
    }

    /// The key of a word for the verdict.
    pub fn word(&self) -> &'static str {
        match self.verdict {
            Verdict::Good => "wizard-found",
            Verdict::Poor => "check-warning",
            Verdict::Bad => "wizard-missing",
            Verdict::Unknown => "step-pending",
            Verdict::Busy => "step-running",
        }
    }
}

/// All, for how many are missing.
pub fn all(scene: &Scene<'_>) -> [Found; 4] {
    [ffmpeg(scene), picture(scene), sound(scene), server(scene)]
}

/// The newest lines of the check about `area`.
fn lines<'a>(scene: &Scene<'a>, area: Area) -> impl Iterator<Item = &'a Line> {
    let doctor = &scene.snapshot.doctor;
    let report = doctor.so_far.as_ref().or(doctor.report.as_ref());
    let lines = report.into_iter().flat_map(|report| &report.lines);
    lines.filter(move |line| line.area == area)
}

fn waiting(scene: &Scene<'_>) -> Found {
    let busy = scene.examining || scene.snapshot.doctor.running;
    Found::of(
        if busy {
            Verdict::Busy
        } else {
            Verdict::Unknown
        },
        "",
    )
}

fn of_line(line: &Line) -> Found {
    let verdict = match line.outcome {
        Outcome::Ok => Verdict::Good,
        Outcome::Skipped => Verdict::Unknown,
        Outcome::Warning => Verdict::Poor,
        Outcome::Failed => Verdict::Bad,
    };
    Found {
        verdict,
        text: line.found.clone(),
        fix: line.fix.clone(),
    }
}

/// ffmpeg, and an encoder that works with it.
pub fn ffmpeg(scene: &Scene<'_>) -> Found {
    let Some(line) = lines(scene, Area::Ffmpeg).max_by_key(|line| line.outcome) else {
        return waiting(scene);
    };
    let found = of_line(line);
    if line.outcome == Outcome::Failed {
        return found;
    }
    // Most machines have no more than one of the many encoders: one is enough.
    let mut encoders = lines(scene, Area::Encoder);
    match encoders.find(|line| line.outcome == Outcome::Ok) {
        Some(encoder) => Found {
            // Each by itself: the translator knows no two messages in one.
            text: format!("{}. {}", scene.say(&found.text), scene.say(&encoder.found)),
            ..found
        },
        None if scene.snapshot.doctor.running => Found {
            verdict: Verdict::Busy,
            ..found
        },
        None => match lines(scene, Area::Encoder).max_by_key(|line| line.outcome) {
            Some(line) => of_line(line),
            None => found,
        },
    }
}

/// The captured picture.
pub fn picture(scene: &Scene<'_>) -> Found {
    let snapshot = scene.snapshot;
    let picture = &snapshot.picture;
    if let Some(problem) = &picture.problem {
        return Found::of(Verdict::Bad, problem);
    }
    if let Some(asks) = &picture.asks {
        return Found::of(Verdict::Poor, asks);
    }
    if picture.label.is_empty() || snapshot.preview.is_none() {
        return Found::of(Verdict::Busy, "");
    }
    Found::of(Verdict::Good, &picture.label)
}

/// The sound. A show goes on without, so it is never bad.
pub fn sound(scene: &Scene<'_>) -> Found {
    let audio = &scene.snapshot.audio;
    match &audio.problem {
        Some(problem) => Found::of(Verdict::Poor, problem),
        None if audio.label.is_empty() => Found::of(Verdict::Busy, ""),
        None => Found::of(Verdict::Good, &audio.label),
    }
}

/// Who takes the stream.
pub fn server(scene: &Scene<'_>) -> Found {
    let snapshot = scene.snapshot;
    if snapshot.settings.target.kind == TargetKind::Srt {
        return match &snapshot.ping {
            PingStatus::None => Found::of(Verdict::Unknown, ""),
            PingStatus::Failed(why) => Found::of(Verdict::Bad, why),
            PingStatus::Answered { ms, address, .. } => {
                let text = format!("{address}: {}", crate::ui::panels::latency::ms(*ms));
                let answered = Found::of(Verdict::Good, format!("{text} ms"));
                match &snapshot.api_problem {
                    Some(why) if !snapshot.settings.target.api_url.is_empty() => Found {
                        verdict: Verdict::Poor,
                        fix: why.clone(),
                        ..answered
                    },
                    _ => answered,
                }
            }
        };
    }
    // The check after an installation says it better; until then this is so.
    if let InstallStatus::Done(path) = &snapshot.install
        && snapshot.doctor.running
    {
        return Found::of(Verdict::Good, path.display().to_string());
    }
    match lines(scene, Area::Server).max_by_key(|line| line.outcome) {
        // Where it was looked for is the check's to say; here a button fetches it.
        Some(line) if line.outcome == Outcome::Warning => {
            Found::of(Verdict::Poor, scene.t("wizard-server-none"))
        }
        Some(line) => of_line(line),
        None => waiting(scene),
    }
}

/// Whether an ffmpeg is known that can be fetched for this system.
pub fn can_fetch_ffmpeg() -> bool {
    use std::sync::OnceLock;
    static KNOWN: OnceLock<bool> = OnceLock::new();
    *KNOWN.get_or_init(|| crate::ffmpeg::release::of_this_system().is_some())
}

/// Whether MediaMTX is missing and can be fetched.
pub fn wants_server(scene: &Scene<'_>) -> bool {
    let missing = lines(scene, Area::Server).any(|line| line.outcome >= Outcome::Warning);
    missing && !matches!(scene.snapshot.install, InstallStatus::Running { .. })
}
