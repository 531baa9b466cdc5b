//! What servers logged: panics and errors fail a test, and so does a server that repeats itself.

use std::collections::BTreeMap;

/// Lines of every server's log that a failed test shows.
const TAIL_LINES: usize = 25;

/// A server that logs the same words more often than this goes round in circles.
const SAME_WORDS_MAX: usize = 1000;

/// Panics when a server panicked, logged an error that is not expected, or logged the same again and
/// again. `logs` are names of servers and what each of them logged; a line that contains an expected
/// text is none of these errors.
pub(crate) fn check(logs: &[(String, String)], expected: &[&str]) {
    for (server, log) in logs {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for words in log.lines().filter_map(|line| Some(line.split_once("] ")?.1)) {
            *counts.entry(words).or_default() += 1;
        }
        let most = counts.into_iter().max_by_key(|(_, count)| *count);
        let (words, count) = most.unwrap_or_default();
        assert!(count <= SAME_WORDS_MAX, "{server} logged {count} times: {words}");
    }
    let unexpected: Vec<String> = logs
        .iter()
        .flat_map(|(server, log)| log.lines().map(move |line| (server, line)))
        .filter(|(_, line)| is_error(line) && !expected.iter().any(|it| line.contains(it)))
        .map(|(server, line)| format!("{server}: {line}"))
        .collect();
    assert!(unexpected.is_empty(), "servers logged errors:\n{}", unexpected.join("\n"));
}

/// Prints the end of every log.
pub(crate) fn show_tails(logs: &[(String, String)]) {
    for (server, log) in logs {
        let lines: Vec<&str> = log.lines().collect();
        let tail = &lines[lines.len().saturating_sub(TAIL_LINES)..];
        eprintln!("--- {server}\n{}", tail.join("\n"));
    }
}

/// Whether a line of a log reports something that must not happen: `[TIME] ERROR ...`, a panic.
fn is_error(line: &str) -> bool {
    let level = line.strip_prefix('[').and_then(|line| line.split_once("] "));
    level.is_some_and(|(_, rest)| rest.starts_with("ERROR "))
        || (line.starts_with("thread '") && line.contains(" panicked at "))
        || line.contains("fatal runtime error")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_and_panics_are_told_from_everything_else() {
        assert!(is_error("[2026-11-24 07:01:02,961] ERROR disk full (janus_broker::run)"));
        assert!(is_error("thread 'main' (71) panicked at broker/src/main.rs:1:1:"));
        assert!(!is_error("[2026-11-24 07:01:02,961] INFO no ERROR here (janus_broker::run)"));
        assert!(!is_error("ERROR is only a word"));
    }
}
