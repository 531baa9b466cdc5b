//! A real text of a million lines goes in and comes out byte for byte, while leaders are killed.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use tests::with_cluster;

const LINES: usize = 1_000_000;
const PARTITIONS: i32 = 3;

#[test]
fn a_million_lines_come_out_as_they_went_in_although_leaders_die() {
    let text = text();
    with_cluster(&[], |cluster| {
        cluster.create_topic("text", PARTITIONS, &[]);
        // kcat holds at most 100,000 records: when it has taken a third of the text, some of it is
        // written and some is on its way.
        let mut producer = cluster
            .kcat(
                "-P -t text -X acks=all -X enable.idempotence=true -X socket.timeout.ms=3000 \
                 -X reconnect.backoff.max.ms=200",
            )
            .argument("-K\t")
            .start();
        let parts = thirds(&text);
        producer.write(parts[0].as_bytes());
        let first = cluster.kill("leader text 0");
        producer.write(parts[1].as_bytes());
        cluster.json(&format!("start broker {first}"));
        cluster.wait_until_in_sync();
        let second = cluster.kill("leader text 1");
        producer.write(parts[2].as_bytes());
        cluster.json(&format!("start broker {second}"));
        let (status, said) = producer.finish();
        assert!(status.success(), "{status}: {said:?}");
        let failed = said.iter().filter(|line| line.contains("Delivery failed")).count();
        assert_eq!(failed, 0, "{said:?}");

        let mut lines: Vec<String> = Vec::new();
        for partition in 0..PARTITIONS {
            let file = cluster.folder().join(format!("partition-{partition}"));
            cluster
                .kcat(&format!("-C -t text -p {partition} -o beginning -e -q"))
                .argument("-f")
                .argument("%k\t%s\n")
                .output_to(&file)
                .success();
            let read = std::fs::read_to_string(&file).unwrap();
            let before = lines.len();
            lines.extend(read.lines().map(str::to_owned));
            let ordered = lines[before..].is_sorted_by(|a, b| a[..7] < b[..7]);
            assert!(ordered, "partition {partition} is out of order or has a line twice");
            assert!(lines.len() > before + LINES / 10, "partition {partition} has few lines");
        }
        lines.sort_unstable();
        let came_out: String = lines.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
        assert_eq!(came_out.len(), text.len());
        assert!(came_out == text, "the text has changed");
    });
}

/// The documentation of this machine, numbered line by line, and again from its beginning if need be.
fn text() -> String {
    let mut files = Vec::new();
    for folder in ["/usr/share/common-licenses", "/usr/share/doc", "/usr/share/perl"] {
        collect(Path::new(folder), &mut files);
    }
    files.sort();
    let lines: Vec<String> = files
        .iter()
        .filter_map(|path| std::fs::read_to_string(path).ok())
        .flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>())
        // A line is a record here, and kcat cuts records only at line feeds.
        .filter(|line| !line.contains(['\r', '\0']) && line.len() < 10_000)
        .take(LINES)
        .collect();
    assert!(!lines.is_empty(), "this machine has no documentation");
    let mut text = String::new();
    for (number, line) in lines.iter().cycle().take(LINES).enumerate() {
        writeln!(text, "{number:07}\t{line}").unwrap();
    }
    text
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        match path.symlink_metadata() {
            Ok(metadata) if metadata.is_dir() => collect(&path, files),
            Ok(metadata) if metadata.is_file() => files.push(path),
            _ => {}
        }
    }
}

/// The text in three parts of whole lines.
fn thirds(text: &str) -> [&str; 3] {
    let after_line = |at: usize| at + text[at..].find('\n').map_or(0, |end| end + 1);
    let boundary = |at: usize| (at..text.len()).find(|at| text.is_char_boundary(*at)).unwrap();
    let first = after_line(boundary(text.len() / 3));
    let second = after_line(boundary(2 * text.len() / 3));
    [&text[..first], &text[first..second], &text[second..]]
}
