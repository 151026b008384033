//! Memory of pictures goes back to the system when they are let go, whichever thread made them. Alone
//! in its process: what is looked at is all of its memory.
#![cfg(all(target_os = "linux", target_env = "gnu"))]
// Every function here is a test or serves one.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

/// Heap and stacks of this process, KiB.
fn anonymous_kib() -> u64 {
    let text = std::fs::read_to_string("/proc/self/smaps_rollup").unwrap();
    let line = text.lines().find(|line| line.starts_with("Anonymous:"));
    let figure = line.unwrap().split_whitespace().nth(1).unwrap();
    figure.parse().unwrap()
}

/// What a changing show does on one thread: pictures of several sizes, and between them small things
/// that stay (log lines, units that are kept for a replay).
fn changes(number: usize) -> Vec<Vec<u8>> {
    let mut stay = Vec::new();
    for round in 0..12 {
        let pixels = [(1280, 720), (960, 540), (640, 360)][(round + number) % 3];
        let pictures: Vec<Vec<u8>> = (0..6)
            .map(|_| vec![1; pixels.0 * pixels.1 * 3 / 2])
            .collect();
        stay.extend((0..40).map(|_| vec![1; 700]));
        drop(pictures);
        stay.push(vec![1; 700]);
        std::thread::sleep(Duration::from_millis(2));
    }
    stay
}

#[test]
fn pictures_that_were_let_go_are_no_longer_in_memory() {
    pd_console::memory::settle();
    let before = anonymous_kib();
    let threads: Vec<_> = (0..8)
        .map(|number| {
            std::thread::spawn(move || {
                let stay = changes(number);
                // The thread lives on, as those of a show do.
                std::thread::park();
                drop(stay);
            })
        })
        .collect();
    std::thread::sleep(Duration::from_secs(1));
    let grown = anonymous_kib().saturating_sub(before);
    for thread in &threads {
        thread.thread().unpark();
    }
    for thread in threads {
        thread.join().unwrap();
    }
    println!("{grown} KiB more after pictures of eight threads");
    // What stays has 2.7 MiB, each thread's stack and arena some KiB.
    assert!(grown < 6 * 1024, "{grown} KiB more");
}
