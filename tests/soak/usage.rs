//! What a process has of the machine, as /proc tells it: memory, threads by name, handles by kind,
//! descendants by what they do. No thread of its own; one look takes some milliseconds.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::Path;

/// So many of each name.
pub type Counts = BTreeMap<String, usize>;

/// One look.
#[derive(Clone, Debug, Default)]
pub struct Usage {
    /// Resident, KiB.
    pub rss_kib: u64,
    /// Its share of what it has in common with others counted by halves, KiB.
    pub pss_kib: u64,
    /// Heap and stacks, KiB: what a leak grows.
    pub anonymous_kib: u64,
    /// CPU time since the start, s.
    pub cpu_s: f64,
    /// Threads by name, without trailing numbers.
    pub threads: Counts,
    /// Open handles by kind.
    pub handles: Counts,
    /// Descendants that run, by what they do.
    pub children: Counts,
    /// Descendants that have ended and were not reaped.
    pub zombies: usize,
}

impl Usage {
    /// Of this process now; None where it has ended.
    pub fn of(pid: u32) -> Option<Self> {
        let root = format!("/proc/{pid}");
        let memory = fs::read_to_string(format!("{root}/smaps_rollup")).ok()?;
        let kib = |name: &str| {
            let line = memory.lines().find(|line| line.starts_with(name));
            let figure = line.and_then(|line| line.split_whitespace().nth(1)?.parse().ok());
            figure.unwrap_or_default()
        };
        let mut usage = Self {
            rss_kib: kib("Rss:"),
            pss_kib: kib("Pss:"),
            anonymous_kib: kib("Anonymous:"),
            cpu_s: cpu_s(&root)?,
            threads: threads(&root),
            handles: handles(&root),
            ..Self::default()
        };
        for child in descendants(pid) {
            if child.is_zombie {
                usage.zombies += 1;
            } else {
                *usage.children.entry(role(child.pid)).or_default() += 1;
            }
        }
        Some(usage)
    }
}

/// A descendant.
struct Descendant {
    pid: u32,
    is_zombie: bool,
}

/// Process ids of the descendants that do `wanted`, as [`Usage::children`] names it.
pub fn with_role(pid: u32, wanted: &str) -> Vec<u32> {
    let all = descendants(pid).into_iter().filter(|one| !one.is_zombie);
    all.map(|one| one.pid)
        .filter(|pid| role(*pid) == wanted)
        .collect()
}

/// What `more` has that `base` has not, as words.
pub fn excess(base: &Counts, more: &Counts) -> Vec<String> {
    let beyond = more.iter().filter_map(|(name, count)| {
        let was = base.get(name).copied().unwrap_or_default();
        (*count > was).then(|| format!("{name} {was}->{count}"))
    });
    beyond.collect()
}

/// As `name×count`, for a table's cell.
pub fn in_words(counts: &Counts) -> String {
    let all = counts.iter().map(|(name, count)| format!("{name}×{count}"));
    all.collect::<Vec<_>>().join(" ")
}

/// Its arguments tell what an ffmpeg does. Its file may be named after its version (`ffmpeg-linux-x86_64-v7.0.2`).
fn role(pid: u32) -> String {
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let line = String::from_utf8_lossy(&line).replace('\0', " ");
    let comm = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
    role_of(comm.trim(), &line).to_owned()
}

fn role_of<'a>(name: &'a str, line: &str) -> &'a str {
    const ROLES: [(&str, &str); 3] = [
        ("-f rawvideo", "encoder"),
        ("-f flv -i pipe:0", "publisher"),
        ("-mode listener", "receiver"),
    ];
    if !name.starts_with("ffmpeg") {
        return name;
    }
    let role = ROLES.iter().find(|(words, _)| line.contains(words));
    role.map_or("ffmpeg", |(_, role)| role)
}

fn cpu_s(root: &str) -> Option<f64> {
    let stat = fs::read_to_string(format!("{root}/stat")).ok()?;
    let (_, after) = stat.rsplit_once(") ")?;
    let fields: Vec<&str> = after.split(' ').collect();
    // utime and stime, fields 14 and 15 of proc(5); after the name comes field 3.
    let ticks = |number: usize| fields.get(number - 3)?.parse::<f64>().ok();
    Some((ticks(14)? + ticks(15)?) / 100.0)
}

fn threads(root: &str) -> Counts {
    let mut counts = Counts::new();
    for task in fs::read_dir(format!("{root}/task")).into_iter().flatten() {
        let Ok(task) = task else { continue };
        // It may have ended meanwhile.
        if let Ok(name) = fs::read_to_string(task.path().join("comm")) {
            let name = name.trim().trim_end_matches(|c: char| c.is_ascii_digit());
            *counts.entry(name.to_owned()).or_default() += 1;
        }
    }
    counts
}

fn handles(root: &str) -> Counts {
    let mut counts = Counts::new();
    for entry in fs::read_dir(format!("{root}/fd")).into_iter().flatten() {
        let Ok(target) = entry.and_then(|entry| fs::read_link(entry.path())) else {
            continue;
        };
        *counts.entry(kind(&target)).or_default() += 1;
    }
    counts
}

fn kind(target: &Path) -> String {
    let text = target.to_string_lossy();
    match text.split_once(":[") {
        Some(("anon_inode", name)) => name.trim_matches(['[', ']']).to_owned(),
        Some((kind, _)) => kind.to_owned(),
        None if text.starts_with("/memfd") || text.starts_with("/SYSV") => "memory".into(),
        None if text.starts_with("anon_inode:") => text["anon_inode:".len()..].to_owned(),
        None if text.starts_with("/dev/") => text.into_owned(),
        None => "file".into(),
    }
}

fn descendants(root: u32) -> Vec<Descendant> {
    let mut children: HashMap<u32, Vec<Descendant>> = HashMap::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let name = entry.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let Some((_, after)) = stat.rsplit_once(") ") else {
            continue;
        };
        let mut fields = after.split(' ');
        let is_zombie = fields.next() == Some("Z");
        if let Some(parent) = fields.next().and_then(|parent| parent.parse().ok()) {
            let of_parent = children.entry(parent).or_default();
            of_parent.push(Descendant { pid, is_zombie });
        }
    }
    let (mut found, mut open) = (Vec::new(), vec![root]);
    while let Some(parent) = open.pop() {
        for child in children.remove(&parent).unwrap_or_default() {
            open.push(child.pid);
            found.push(child);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::role_of;

    /// The kernel keeps 15 letters of a name.
    #[test]
    fn an_ffmpeg_is_known_by_what_it_does_whatever_its_file_is_called() {
        for name in ["ffmpeg", "ffmpeg9", "ffmpeg-linux-x8"] {
            let is = |line: &str| role_of(name, line);
            assert_eq!(is("ffmpeg -f rawvideo -i pipe:0 -f flv"), "encoder");
            assert_eq!(is("ffmpeg -nostdin -f flv -i pipe:0 srt://"), "publisher");
            assert_eq!(
                is("ffmpeg -i srt://127.0.0.1:1?x -mode listener"),
                "receiver"
            );
            assert_eq!(is("ffmpeg -i file.flv"), "ffmpeg");
        }
        assert_eq!(role_of("sh", "sh -c ffmpeg -f rawvideo"), "sh");
    }
}
