//! Recording while live: all of it decodes, over a change of bitrate and of size, a lost publisher, a
//! full disk, a disk that stalls, and a console that is killed; the stream never notices.
#![cfg(target_os = "linux")]
// Every function here is a test or serves one.
#![allow(clippy::unwrap_used)]

mod common;

use common::console::{Ended, Plan, kill};
use common::disk::SmallDisk;
use common::lip::{median, offsets};
use common::stream::{self, Listener, Stream};
use common::{alone, ffmpegs, first_and_last_ffmpeg, output, wait_until};
use pd_console::relay::annexb::{nal_type, nal_units};
use pd_console::units::Size;
use rustix::process::Signal;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

const SIZE: Size = Size::new(640, 360);

fn words(folder: &Path, more: &str) -> String {
    let folder = folder.display();
    format!(
        "live --defaults --source pattern --audio beep --set video.size={SIZE} --record {folder} \
         --json {more}"
    )
}

fn files(ended: &Ended) -> Vec<PathBuf> {
    let result = ended.json();
    let files = result["recording"]["files"].as_array();
    let files = files.unwrap_or_else(|| panic!("{result:#}\n{}", ended.stderr));
    let path = |file: &serde_json::Value| file["file"].as_str().unwrap().into();
    files.iter().map(path).collect()
}

/// Frames that each of the tested ffmpegs decodes without a complaint.
fn decoded(file: &Path) -> usize {
    let mut all = Vec::new();
    for ffmpeg in first_and_last_ffmpeg() {
        let figures = stream::decoded(&ffmpeg, file);
        let mut frames = figures
            .lines()
            .filter_map(|line| line.strip_prefix("frame="));
        all.push(frames.next_back().unwrap().trim().parse::<usize>().unwrap());
    }
    assert!(all.iter().all(|frames| *frames == all[0]), "{all:?}");
    all[0]
}

/// Whether so many frames are all that the relay gave out, by its own count. The result is taken
/// before the show's end: some more may be in the file.
fn all_of_it(frames: usize, result: &serde_json::Value) {
    let given = result["encode"]["frames"].as_u64().unwrap();
    println!(
        "{frames} frames recorded, {given} given out, {} paced",
        result["frames"]
    );
    assert!((given..given + 15).contains(&(frames as u64)), "{result:#}");
}

/// Slices of a file, in order.
fn slices(file: &Path) -> Vec<Vec<u8>> {
    let mut command = Command::new("ffmpeg");
    command.args(["-v", "error", "-nostdin", "-i"]).arg(file);
    let stream = output(command.args(["-map", "0:v", "-c", "copy", "-f", "h264", "pipe:1"]));
    nal_units(&stream)
        .filter(|nal| matches!(nal_type(nal), 1 | 5))
        .map(<[u8]>::to_vec)
        .collect()
}

fn size(file: &Path) -> String {
    let mut command = Command::new("ffprobe");
    command.args([
        "-v",
        "error",
        "-select_streams",
        "v:0",
        "-of",
        "csv=p=0:s=x",
    ]);
    let words = output(
        command
            .args(["-show_entries", "stream=width,height"])
            .arg(file),
    );
    String::from_utf8(words)
        .unwrap()
        .trim()
        .trim_end_matches('x')
        .to_owned()
}

fn as_stream(file: &Path) -> Stream {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join(file.file_name().unwrap());
    std::fs::copy(file, &copy).unwrap();
    Stream::at(copy, folder)
}

#[test]
fn it_is_byte_for_byte_what_is_published_over_a_change_of_bitrate_and_in_sync() {
    let _alone = alone();
    for ffmpeg in first_and_last_ffmpeg() {
        for form in ["mkv", "mp4"] {
            let folder = tempfile::tempdir().unwrap();
            let listener = Listener::start("");
            let port = listener.port;
            let more = format!(
                "--host 127.0.0.1 --set target.srt_port={port} --set recording.form={form} \
                 --bitrate-at 4:800 --seconds 9"
            );
            let ended =
                Plan::new(&ffmpeg, &words(folder.path(), &more)).run(Duration::from_secs(60));
            assert!(ended.status.success(), "{}", ended.stderr);
            let files = files(&ended);
            assert_eq!(files.len(), 1, "{files:?}");
            let result = ended.json();
            let frames = decoded(&files[0]);
            all_of_it(frames, &result);
            assert_eq!(result["recording"]["lost"], 0);

            let published = listener.received();
            let (recorded, published) = (slices(&files[0]), slices(published.path()));
            println!(
                "{} slices published, {} recorded",
                published.len(),
                recorded.len()
            );
            assert!(published.len() > 250);
            let all = published.as_slice();
            assert!(recorded.windows(all.len()).any(|part| part == all));

            let offsets = offsets(&as_stream(&files[0]), SIZE);
            let off = median(&offsets);
            println!("{ffmpeg:?} {form}: sound minus picture {off:+.2} ms {offsets:.1?}");
            assert!(offsets.len() >= 6 && off.abs() < 20.0);
        }
    }
}

#[test]
fn another_encoders_parameter_sets_decode_in_the_same_file() {
    let _alone = alone();
    for ffmpeg in first_and_last_ffmpeg() {
        let list = output(Command::new(&ffmpeg).args(["-v", "error", "-encoders"]));
        if !String::from_utf8_lossy(&list).contains("libopenh264") {
            println!("SKIPPED: {} has no libopenh264", ffmpeg.display());
            continue;
        }
        for form in ["mkv", "mp4"] {
            let folder = tempfile::tempdir().unwrap();
            let more = format!(
                "--set recording.form={form} --seconds 6 --at 2:encoder.family=libopenh264"
            );
            let ended =
                Plan::new(&ffmpeg, &words(folder.path(), &more)).run(Duration::from_secs(60));
            assert!(ended.status.success(), "{}", ended.stderr);
            assert!(
                ended.stderr.contains("encoder 2: libopenh264"),
                "{}",
                ended.stderr
            );
            let files = files(&ended);
            assert_eq!(files.len(), 1, "{files:?}");
            all_of_it(decoded(&files[0]), &ended.json());
        }
    }
}

#[test]
fn a_change_of_size_begins_a_new_file_and_a_lost_publisher_none() {
    let _alone = alone();
    for ffmpeg in first_and_last_ffmpeg() {
        let folder = tempfile::tempdir().unwrap();
        let more = "--at 3:video.size=480x270 --seconds 10";
        let console = Plan::new(&ffmpeg, &words(folder.path(), more)).start();
        console.wait_live(1);
        console.wait_for("the picture has another size", 1, Duration::from_secs(20));
        std::thread::sleep(Duration::from_secs(1));
        kill(console.children_with("mode=caller")[0], Signal::KILL);
        let ended = console.end_within(Duration::from_secs(60));
        assert!(ended.status.success(), "{}", ended.stderr);
        let result = ended.json();
        assert_eq!(result["reconnects"], 1, "{}", ended.stderr);
        let files = files(&ended);
        assert_eq!(files.len(), 2, "{files:?}");
        assert!(files[1].to_str().unwrap().ends_with("-2.mkv"), "{files:?}");
        assert_eq!(
            (size(&files[0]), size(&files[1])),
            ("640x360".into(), "480x270".into())
        );
        let frames: usize = files.iter().map(|file| decoded(file)).sum();
        all_of_it(frames, &result);
        // No picture is missing where one file ends, nor while nobody published.
        for file in &files {
            let gap = stream::longest_gap_s(&as_stream(file).pictures());
            println!("{}: longest gap {:.0} ms", file.display(), gap * 1e3);
            assert!(gap < 0.5, "{gap}");
        }
    }
}

#[test]
fn a_killed_console_leaves_a_file_that_plays_to_its_last_second() {
    let _alone = alone();
    for ffmpeg in first_and_last_ffmpeg() {
        // Fragments end with a group of pictures, which is a second.
        for (form, may_miss_s) in [("mkv", 1.0), ("mp4", 2.2)] {
            let folder = tempfile::tempdir().unwrap();
            let more = format!("--set recording.form={form}");
            let console = Plan::new(&ffmpeg, &words(folder.path(), &more)).start();
            console.wait_for("recording: writing", 1, Duration::from_secs(30));
            let began = Instant::now();
            console.wait_live(1);
            std::thread::sleep(Duration::from_secs(4));
            console.signal(Signal::KILL);
            let lasted = began.elapsed().as_secs_f64();
            console.end_within(Duration::from_secs(10));
            let file = std::fs::read_dir(folder.path()).unwrap().next().unwrap();
            let stream = as_stream(&file.unwrap().path());
            let (picture, sound) = (stream.frames("v:0"), stream.frames("a:0"));
            let last = picture.last().unwrap().0.min(sound.last().unwrap().0);
            println!("{ffmpeg:?} {form}: killed after {lasted:.2} s, plays {last:.2} s");
            assert!(last > lasted - may_miss_s);
            assert!(
                picture.len() as f64 > (last - 0.5) * 30.0 * 0.9,
                "{}",
                picture.len()
            );
        }
    }
}

#[test]
fn b28_a_full_disk_ends_the_recording_and_nothing_else() {
    let _alone = alone();
    // What is done about it is the console's own, whatever the ffmpeg.
    for ffmpeg in ffmpegs().into_iter().take(1) {
        // Filled slowly by the recording itself; and at once by someone else.
        for at_once in [false, true] {
            let Some(disk) = SmallDisk::of(20) else {
                return;
            };
            if !at_once {
                disk.fill_but(4_450_000);
            }
            let console = Plan::new(&ffmpeg, &words(disk.path(), "--seconds 9")).start();
            console.wait_live(1);
            std::thread::sleep(Duration::from_secs(3));
            if at_once {
                disk.fill_but(0);
            }
            let ended = console.end_within(Duration::from_secs(60));
            assert!(ended.status.success(), "{}", ended.stderr);
            let result = ended.json();
            let problem = result["recording"]["problem"].as_str().unwrap_or_default();
            println!("{ffmpeg:?}, at once {at_once}: {}", result["recording"]);
            assert!(
                problem.contains("the disk is full"),
                "{result:#}\n{}",
                ended.stderr
            );
            assert_eq!(result["drops"]["network"], 0);
            assert_eq!(result["reconnects"], 0);
            let stream = as_stream(&files(&ended)[0]);
            let pictures = stream.frames("v:0").len();
            println!("{pictures} pictures play");
            assert!(pictures > 60);
        }
    }
}

/// The folder is deleted, or its disk is pulled and the mount goes, while it is recorded to: ffmpeg itself
/// would write on into a file that nobody can find.
#[test]
fn b28_a_folder_that_goes_during_the_show_ends_the_recording_only() {
    let _alone = alone();
    let Some(ffmpeg) = ffmpegs().into_iter().next() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let console = Plan::new(&ffmpeg, &words(folder.path(), "--seconds 7")).start();
    console.wait_live(1);
    console.wait_for("recording: writing", 1, Duration::from_secs(10));
    std::thread::sleep(Duration::from_millis(1_500));
    std::fs::remove_dir_all(folder.path()).unwrap();
    console.wait_for("is not there. Plug in its disk", 1, Duration::from_secs(5));
    let ended = console.end_within(Duration::from_secs(60));
    assert!(ended.status.success(), "{}", ended.stderr);
    let result = ended.json();
    let problem = result["recording"]["problem"].as_str().unwrap_or_default();
    assert!(problem.contains("is not there"), "{result:#}");
    assert_eq!(
        (&result["drops"]["network"], &result["reconnects"]),
        (&0.into(), &0.into())
    );
    let left = ended.left_after(Duration::from_secs(1));
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_disk_that_stalls_costs_pictures_of_the_recording_only_and_stop_does_not_wait_for_it() {
    let _alone = alone();
    let Some(ffmpeg) = ffmpegs().into_iter().next() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    // No replay: the ring holds its ten seconds.
    let more = "--set recording.replay_seconds=0 --set encoder.bitrate_kbps=6000";
    let console = Plan::new(&ffmpeg, &words(folder.path(), more)).start();
    console.wait_live(1);
    std::thread::sleep(Duration::from_secs(2));
    let recorder = console.children_with("file:/")[0];
    kill(recorder, Signal::STOP);
    std::thread::sleep(Duration::from_secs(16));
    kill(recorder, Signal::CONT);
    console.wait_for("the disk is too slow", 1, Duration::from_secs(10));
    std::thread::sleep(Duration::from_secs(2));
    kill(recorder, Signal::STOP);
    let asked = Instant::now();
    console.signal(Signal::TERM);
    let ended = console.end_within(Duration::from_secs(20));
    let took = asked.elapsed();
    println!("ended after {took:?}");
    assert!(took < Duration::from_millis(3500), "{took:?}");
    let left = ended.left_after(Duration::from_secs(2));
    assert!(left.is_empty(), "{left:?}");
    let result = ended.json();
    println!("{}", result["recording"]);
    assert!(result["recording"]["lost"].as_u64().unwrap() > 30);
    assert_eq!(result["drops"]["network"], 0, "{result:#}");
    assert_eq!(result["reconnects"], 0);
    let file = files(&ended).remove(0);
    let stream = as_stream(&file);
    let (_, complaints) = stream.decode("-map 0 -f null");
    println!("{complaints}");
    let offsets = offsets(&stream, SIZE);
    println!("sound minus picture {offsets:.1?}");
    assert!(median(&offsets).abs() < 20.0);
    assert!(wait_until(Duration::ZERO, || file.is_file()));
}
