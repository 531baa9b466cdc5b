//! One small history per rule of the checker, in the file form, with what it must find.

use lab::history::{self, FinalRead, Judgement, Verdict};

fn check(text: &str) -> Verdict {
    let history = history::read(text.as_bytes()).unwrap();
    history::check(&history, FinalRead::Partial)
}

/// Asserts that exactly these anomalies break the history.
fn finds(text: &str, expected: &[&str]) {
    let verdict = check(text);
    let found: Vec<_> = verdict.violations().map(|(name, _)| name).collect();
    assert_eq!(found, expected, "{verdict}");
}

const FOUR_SENDS: &str = r#"
{"process":9,"outcome":"ok","send":["x",1,1]}
{"process":9,"outcome":"ok","send":["x",2,2]}
{"process":9,"outcome":"ok","send":["x",3,3]}
{"process":9,"outcome":"ok","send":["x",4,4]}
"#;

fn four_sends_and(polls: &str) -> String {
    format!("{FOUR_SENDS}{polls}")
}

#[test]
fn a_clean_history_has_no_findings() {
    let text = r#"
{"process":0,"outcome":"ok","send":["x",0,1]}
{"process":0,"outcome":"ok","send":["x",1,2]}
{"process":1,"outcome":"ok","poll":[["x",[[0,1],[1,2]]]]}"#;
    finds(text, &[]);
    let history = history::read(text.as_bytes()).unwrap();
    let verdict = history::check(&history, FinalRead::Complete);
    assert_eq!(verdict.verdict, Judgement::Pass);
    assert_eq!((verdict.acknowledged, verdict.values_read), (2, 2));
}

#[test]
fn nothing_broken_without_a_final_read_is_unknown() {
    assert_eq!(check(FOUR_SENDS).verdict, Judgement::Unknown);
    assert_eq!(history::check(&history::History::new(), FinalRead::Complete).verdict, {
        Judgement::Unknown
    });
}

#[test]
fn two_values_at_one_offset_are_inconsistent() {
    finds(
        r#"{"process":0,"outcome":"ok","send":["x",0,1]}
{"process":1,"outcome":"ok","poll":[["x",[[0,2]]]]}
{"process":2,"outcome":"info","send":["x",null,2]}"#,
        &["lost", "inconsistent"],
    );
}

#[test]
fn a_failed_send_that_is_read_is_an_aborted_read() {
    finds(
        r#"{"process":0,"outcome":"fail","transaction":[{"send":["x",null,2]},{"send":["y",null,3]}]}
{"process":1,"outcome":"ok","poll":[["x",[[0,2]]]]}"#,
        &["aborted_read"],
    );
}

#[test]
fn acknowledged_records_below_the_highest_read_are_lost() {
    let text = r#"
{"process":0,"outcome":"ok","send":["x",0,1]}
{"process":0,"outcome":"ok","send":["x",1,2]}
{"process":0,"outcome":"ok","send":["x",2,3]}
{"process":1,"outcome":"ok","poll":[["x",[[2,3]]]]}"#;
    finds(text, &["lost"]);
    assert_eq!(check(text).lost.count, 2);
}

#[test]
fn a_tail_that_nobody_read_is_lost_only_after_a_final_read() {
    let text = r#"
{"process":0,"outcome":"ok","send":["x",0,1]}
{"process":0,"outcome":"ok","send":["x",1,2]}
{"process":1,"outcome":"ok","poll":[["x",[[0,1]]]]}"#;
    finds(text, &[]);
    assert_eq!(check(text).unseen.count, 1);
    let history = history::read(text.as_bytes()).unwrap();
    let verdict = history::check(&history, FinalRead::Complete);
    assert_eq!((verdict.verdict, verdict.lost.count), (Judgement::Fail, 1));
}

#[test]
fn a_transaction_seen_in_part_must_be_there_in_whole() {
    finds(
        r#"{"process":0,"outcome":"info","transaction":[{"send":["x",0,1]},{"send":["y",0,9]}]}
{"process":1,"outcome":"ok","poll":[["y",[[0,9]]]]}
{"process":2,"outcome":"ok","send":["x",1,2]}
{"process":1,"outcome":"ok","poll":[["x",[[1,2]]]]}"#,
        &["lost"],
    );
}

#[test]
fn a_send_of_unknown_outcome_that_is_never_seen_is_not_lost() {
    let text = r#"{"process":0,"outcome":"info","send":["x",0,1]}
{"process":2,"outcome":"ok","send":["x",1,2]}
{"process":1,"outcome":"ok","poll":[["x",[[1,2]]]]}"#;
    finds(text, &[]);
    let history = history::read(text.as_bytes()).unwrap();
    assert_eq!(history::check(&history, FinalRead::Complete).verdict, Judgement::Pass);
}

#[test]
fn a_value_at_two_offsets_is_duplicated() {
    let text = r#"{"process":0,"outcome":"ok","send":["x",0,1]}
{"process":1,"outcome":"ok","poll":[["x",[[0,1],[1,1],[2,1]]]]}"#;
    assert_eq!(check(text).duplicated.count, 1);
}

#[test]
fn an_acknowledgement_that_names_another_offset_than_the_log_is_found() {
    let text = r#"{"process":0,"outcome":"ok","send":["x",5,1]}
{"process":1,"outcome":"ok","poll":[["x",[[0,1]]]]}"#;
    assert_eq!(check(text).duplicated.count, 1);
}

#[test]
fn a_value_that_nobody_sent_is_a_phantom() {
    finds(r#"{"process":1,"outcome":"ok","poll":[["x",[[0,1]]]]}"#, &["phantom"]);
}

#[test]
fn a_poll_that_jumps_skips() {
    finds(
        &four_sends_and(r#"{"process":0,"outcome":"ok","poll":[["x",[[1,1],[4,4]]]]}"#),
        &["lost", "skipped"],
    );
}

#[test]
fn a_poll_that_goes_back_is_reordered() {
    finds(
        &four_sends_and(
            r#"{"process":1,"outcome":"ok","poll":[["x",[[1,1],[2,2],[3,3]]]]}
{"process":0,"outcome":"ok","poll":[["x",[[3,3],[1,1]]]]}"#,
        ),
        &["reordered"],
    );
}

const READ_ALL: &str = r#"{"process":8,"outcome":"ok","poll":[["x",[[1,1],[2,2],[3,3],[4,4]]]]}"#;

#[test]
fn polls_of_one_process_may_not_jump_or_go_back_between_operations() {
    let jump = format!(
        r#"{READ_ALL}
{{"process":0,"outcome":"ok","poll":[["x",[[1,1],[2,2]]]]}}
{{"process":0,"outcome":"ok","poll":[["x",[[4,4]]]]}}"#
    );
    finds(&four_sends_and(&jump), &["skipped"]);
    let back = format!(
        r#"{READ_ALL}
{{"process":0,"outcome":"ok","poll":[["x",[[1,1],[2,2]]]]}}
{{"process":0,"outcome":"ok","poll":[["x",[[2,2],[3,3],[4,4]]]]}}"#
    );
    finds(&four_sends_and(&back), &["reordered"]);
}

#[test]
fn a_new_assignment_starts_over() {
    let text = format!(
        r#"{READ_ALL}
{{"process":8,"outcome":"ok","assign":[]}}
{READ_ALL}"#
    );
    finds(&four_sends_and(&text), &[]);
    let kept = format!(
        r#"{READ_ALL}
{{"process":8,"outcome":"ok","assign":["x"]}}
{READ_ALL}"#
    );
    finds(&four_sends_and(&kept), &["reordered"]);
}

#[test]
fn a_rebalance_excuses_the_order_of_its_keys() {
    finds(
        &four_sends_and(
            r#"{"process":0,"outcome":"ok","poll":[["x",[[3,3],[1,1],[2,2],[4,4]]]],"rebalanced":["x"]}"#,
        ),
        &[],
    );
}

#[test]
fn redelivery_to_a_group_is_counted_apart() {
    let text = format!(
        r#"{{"process":8,"outcome":"ok","subscribe":["x"]}}
{READ_ALL}
{{"process":8,"outcome":"ok","poll":[["x",[[3,3],[4,4]]]]}}"#
    );
    finds(&four_sends_and(&text), &[]);
    assert_eq!(check(&four_sends_and(&text)).redelivered.count, 1);
}

#[test]
fn a_later_send_before_an_earlier_one_is_reordered() {
    finds(
        r#"{"process":0,"outcome":"ok","transaction":[{"send":["x",3,3]},{"send":["x",4,4]}]}
{"process":0,"outcome":"ok","transaction":[{"send":["x",1,1]},{"send":["x",2,2]}]}"#,
        &["reordered"],
    );
}

#[test]
fn a_circle_of_writes_is_named_and_allowed() {
    let text = r#"{"process":0,"outcome":"ok","transaction":[{"send":["x",0,1]},{"send":["y",1,1]}]}
{"process":1,"outcome":"ok","transaction":[{"send":["x",1,2]},{"send":["y",0,2]}]}"#;
    finds(text, &[]);
    assert_eq!(check(text).write_cycle.count, 1);
}

#[test]
fn transactions_that_read_each_other_are_circular() {
    finds(
        r#"{"process":0,"outcome":"ok","transaction":[{"send":["x",0,1]},{"poll":[["y",[[0,2]]]]}]}
{"process":1,"outcome":"ok","transaction":[{"send":["y",0,2]},{"poll":[["x",[[0,1]]]]}]}"#,
        &["circular"],
    );
}

#[test]
fn a_transaction_that_reads_itself_is_found() {
    finds(
        r#"{"process":0,"outcome":"ok","transaction":[{"send":["x",0,1]},{"poll":[["x",[[0,1]]]]}]}"#,
        &["precommitted_read"],
    );
}

#[test]
fn holes_in_the_offsets_are_legal() {
    finds(
        r#"{"process":0,"outcome":"ok","send":["x",0,1]}
{"process":0,"outcome":"ok","send":["x",7,2]}
{"process":1,"outcome":"ok","poll":[["x",[[0,1],[7,2]]]]}"#,
        &[],
    );
}

#[test]
fn the_file_form_gives_back_what_was_written() {
    let text = four_sends_and(
        r#"{"process":0,"outcome":"ok","poll":[["x",[[3,3],[1,1]]]],"rebalanced":["x"]}
{"process":0,"outcome":"info","transaction":[{"send":["x",null,9]},{"poll":[["y",[]]]}]}
{"process":3,"outcome":"fail","send":["y",null,1]}
{"process":3,"outcome":"ok","assign":["x"]}
{"process":3,"outcome":"ok","subscribe":[]}"#,
    );
    let first = history::read(text.as_bytes()).unwrap();
    let mut written = Vec::new();
    history::write(&first, &mut written).unwrap();
    let second = history::read(written.as_slice()).unwrap();
    assert_eq!(first.operations(), second.operations());
}

#[test]
fn a_malformed_line_is_named() {
    let error = history::read("\n{\"process\":0}\n".as_bytes()).unwrap_err().to_string();
    assert!(error.contains("line 2"), "{error}");
}
