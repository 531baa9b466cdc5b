//! `janus bench`: what it measures can be read by scripts, and nothing of it stays behind.

use serde_json::Value;
use tests::{Mode, janus};

#[test]
fn a_quick_run_measures_and_leaves_nothing_behind() {
    let temporary = tempfile::tempdir().unwrap();
    for mode in Mode::ALL {
        let words = "bench run cold-start requests --quick --peer none -o json --mode";
        let text = janus(words)
            .words(&mode.to_string())
            .variable("TMPDIR", temporary.path().to_str().unwrap())
            .success();
        let report: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(report["verdict"], "none", "a quick run judges nothing: {report}");
        assert_eq!(report["failures"], serde_json::json!([]));
        let rows = report["rows"].as_array().unwrap();
        for (scenario, metric) in [
            ("cold-start", "to the first acknowledged record"),
            ("cold-start", "memory without work"),
            ("requests", "requests"),
        ] {
            let row =
                rows.iter().find(|row| row["scenario"] == scenario && row["metric"] == metric);
            let figure = row.and_then(|row| row["janus"][0].as_f64());
            assert!(figure.is_some_and(|figure| figure > 0.0), "{scenario} {metric}: {row:?}");
        }
        let left: Vec<_> = std::fs::read_dir(temporary.path()).unwrap().collect();
        assert!(left.is_empty(), "{left:?}");
    }
}
