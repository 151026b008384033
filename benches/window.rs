//! What the window costs: the console in its real window on a virtual screen (Xvfb, OpenGL by llvmpipe),
//! CPU by group of threads and the time of a frame, beside another build where one is named.
//!
//!     cargo bench --bench window [-- NAME...]
//!
//! Looked at: PD_BENCH_SECONDS (of each measurement, 10 unless set), PD_BENCH_BEFORE (another
//! pd-console, which is measured in turn with this one). Needs Xvfb, xdotool and ffmpeg.
#![allow(clippy::unwrap_used)]

#[cfg(all(target_os = "linux", feature = "gui", feature = "x11"))]
#[path = "../tests/common/mod.rs"]
mod common;

#[cfg(all(target_os = "linux", feature = "gui", feature = "x11"))]
fn main() {
    linux::main();
}

#[cfg(not(all(target_os = "linux", feature = "gui", feature = "x11")))]
fn main() {
    println!("SKIPPED: measured on Linux with X11 only");
}

#[cfg(all(target_os = "linux", feature = "gui", feature = "x11"))]
mod linux {
    use super::common::console::Plan;
    use super::common::desktop::{Cpu, Desktop, Windowed, settings};
    use super::common::ffmpegs;
    use std::path::{Path, PathBuf};
    use std::time::{Duration, Instant};

    /// One way to be measured.
    struct Case {
        name: &'static str,
        settings: &'static str,
        live: bool,
        /// Left alone for so long before.
        rest_s: u64,
    }

    const STILL: &str = "audio: (inputs: [(source: Silence)]), preview: (on: false)";
    const CASES: [Case; 6] = [
        Case {
            name: "idle, no preview, silence",
            settings: STILL,
            live: false,
            rest_s: 6,
        },
        Case {
            name: "idle, preview and tone, in use",
            settings: "preview: (on: true)",
            live: false,
            rest_s: 6,
        },
        Case {
            name: "idle, preview and tone, left alone",
            settings: "preview: (on: true)",
            live: false,
            rest_s: 64,
        },
        Case {
            name: "live, no preview",
            settings: "preview: (on: false)",
            live: true,
            rest_s: 8,
        },
        Case {
            name: "live, preview 10/s",
            settings: "preview: (on: true, fps: 10)",
            live: true,
            rest_s: 8,
        },
        Case {
            name: "live, preview 30/s",
            settings: "preview: (on: true, fps: 30)",
            live: true,
            rest_s: 8,
        },
    ];

    pub fn main() {
        // `cargo bench` and `cargo test` both add words of their own.
        let words: Vec<String> = std::env::args()
            .skip(1)
            .filter(|w| !w.starts_with('-'))
            .collect();
        let seconds = std::env::var("PD_BENCH_SECONDS")
            .ok()
            .and_then(|s| s.parse().ok());
        let seconds: f64 = seconds.unwrap_or(10.0);
        let Some(ffmpeg) = ffmpegs().into_iter().next() else {
            return;
        };
        let mut builds = vec![("this", PathBuf::from(env!("CARGO_BIN_EXE_pd-console")))];
        if let Some(before) = std::env::var_os("PD_BENCH_BEFORE") {
            builds.insert(0, ("before", before.into()));
        }
        println!(
            "{}",
            std::fs::read_to_string("/proc/loadavg").unwrap().trim()
        );
        println!(
            "| | build | window, % of a core: main | OpenGL | all | X server | other threads | frames/s | frame, ms: p50 | p99 | max | its CPU, ms: p50 | p99 |"
        );
        println!("|---|---|---|---|---|---|---|---|---|---|---|---|---|");
        for case in &CASES {
            if !words.is_empty() && !words.iter().any(|word| case.name.contains(word.as_str())) {
                continue;
            }
            for (name, program) in &builds {
                if !measure(case, name, program, &ffmpeg, seconds) {
                    return;
                }
            }
        }
        println!(
            "{}",
            std::fs::read_to_string("/proc/loadavg").unwrap().trim()
        );
    }

    fn measure(case: &Case, build: &str, program: &Path, ffmpeg: &Path, seconds: f64) -> bool {
        let Some(desktop) = Desktop::start(false) else {
            return false;
        };
        let plan = Plan::of(program, ffmpeg, "--log");
        let window = Windowed::of(plan, &desktop, &settings(case.settings));
        if case.live {
            desktop.keys("F5");
            let live = "LIVE: the receiver has the stream";
            window.console.wait_for(live, 1, Duration::from_secs(40));
        }
        std::thread::sleep(Duration::from_secs(case.rest_s));
        let server = desktop.server_id();
        let (cpu, x, from) = (window.cpu(), Cpu::of(server), Instant::now());
        std::thread::sleep(Duration::from_secs_f64(seconds));
        let gone = from.elapsed().as_secs_f64();
        let percent = window.cpu().percent_since(&cpu, gone);
        let x: f64 = Cpu::of(server).percent_since(&x, gone).values().sum();
        let sum = |is: &dyn Fn(&str) -> bool| -> f64 {
            percent
                .iter()
                .filter(|(name, _)| is(name))
                .map(|(_, value)| value)
                .sum()
        };
        let main = sum(&|name| name == "main" || name == "pd-window");
        let gl = sum(&|name| name.starts_with("llvmpipe"));
        let all = main + gl;
        let others = sum(&|_| true) - all;
        // Idle there may be no report, as there are no frames.
        let frames = window.frames().map_or_else(
            || "| — | — | — | — | — | — |".to_owned(),
            |[count, of, p50, p99, max, cpu50, cpu99, _]| {
                let rate = count / of;
                format!("| {rate:.1} | {p50:.1} | {p99:.1} | {max:.1} | {cpu50:.1} | {cpu99:.1} |")
            },
        );
        println!(
            "| {} | {build} | {main:.1} | {gl:.1} | **{all:.1}** | {x:.1} | {others:.1} {frames}",
            case.name
        );
        true
    }
}
