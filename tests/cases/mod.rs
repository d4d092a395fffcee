//! The acceptance cases of domain.md §10, one file each; the numbers are the document's.
//!
//! Place: a module of the one integration binary. A case states its input in the document's notation and the exact
//! list of discrete events that follow, then the rows it is about.

mod a01_full_session;
mod a02_three_deliveries;
mod a03_second_answer;
mod a04_waits_for_grading;
mod a05_two_grades;
mod a06_three_sessions;
mod a07_late_stop;
mod a08_late_grade;
mod a09_late_question;
mod a10_class_mean;
mod a11_collection;
mod a12_reactions;
mod a13_external;
mod a14_skipped;
mod a15_suggested_path;
mod a16_same_millisecond;
mod a17_time_bounds;
mod a18_seconds;
mod a19_over_night;
mod a20_mixed_array;
pub(crate) mod a21_poison;
mod a23_local_date;
mod a24_teacher;
mod a25_override;
mod a26_secrets;
mod a27_code_parts;
mod a28_rebuilt;
mod b01_dup_4x;
mod b02_crash_points;
mod b03_zero_vs_null;
mod b04_fractional;
mod b05_raw_above_max;
mod b06_same_ms_two_parts;
mod b07_others_isolated;
mod b08_bad_bytes_preserved;
mod b09_empty_key_stream;
mod b10_clock_30_days_ahead;
mod b11_late_repeat;
mod b12_corrections;
mod b13_one_metric_fails;
mod b14_chain_loop_refused;
mod b16_low_traffic_flush;
mod b18_id_conflict;
mod b19_reaction_first;
mod b20_reaction_changed;

use tests::stack::Stack;

/// Question Q4 of domain.md §9 for learner A and one assessment, from the view that answers it; percents scaled by 100.
fn q4(stack: &Stack, item: &str) -> String {
    let told = "'latest %d best %d first %d average %d attempts %d'";
    let numbers = "round(latest * 100), round(best * 100), round(first * 100), round(average * 100), attempts";
    let from = format!("learner_assessment WHERE learner = 'A' AND item = '{item}'");
    stack.rows("told", &format!("(SELECT printf({told}, {numbers}) AS told FROM {from})")).join("; ")
}
