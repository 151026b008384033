//! Memory of pictures goes back to the system when they are let go, whichever thread made them, and
//! threads do not get a heap each. Alone in its process: what is looked at is all of its memory.
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

/// Heaps beside the main one: glibc reserves 64 MiB for each, at a multiple of that (its malloc/arena.c).
fn heaps() -> usize {
    const WHOLE: u64 = 64 << 20;
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
    let (mut count, mut begin, mut before) = (0, 0, 0);
    for line in maps.lines() {
        let (from, rest) = line.split_once('-').unwrap();
        let (to, rest) = rest.split_once(' ').unwrap();
        let [from, to] = [from, to].map(|text| u64::from_str_radix(text, 16).unwrap());
        // What is in use of it, then what is not yet.
        if rest.starts_with("rw-p") && from % WHOLE == 0 {
            begin = from;
        } else if rest.starts_with("---p") && from == before && to - begin == WHOLE {
            count += 1;
        }
        before = to;
    }
    count
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
fn memory_that_was_let_go_is_no_longer_there() {
    pd_console::memory::settle();
    let before = anonymous_kib();
    let (done, all_done) = std::sync::mpsc::sync_channel(8);
    let threads: Vec<_> = (0..8)
        .map(|number| {
            let done = done.clone();
            std::thread::spawn(move || {
                let stay = changes(number);
                done.send(()).unwrap();
                // The thread lives on, as those of a show do.
                std::thread::park();
                drop(stay);
            })
        })
        .collect();
    for _ in &threads {
        all_done.recv_timeout(Duration::from_secs(60)).unwrap();
    }
    let (grown, heaps) = (anonymous_kib().saturating_sub(before), heaps());
    for thread in &threads {
        thread.thread().unpark();
    }
    for thread in threads {
        thread.join().unwrap();
    }
    println!("{grown} KiB more after pictures of eight threads, {heaps} heaps of their own");
    // What stays has 2.7 MiB, each thread's stack and arena some KiB.
    assert!(grown < 6 * 1024, "{grown} KiB more");
    // Two in all, and one is the main one.
    assert!(heaps <= 1, "{heaps} heaps");
}
