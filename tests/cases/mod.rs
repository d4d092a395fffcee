//! The acceptance cases of domain.md §10, one file each; the numbers are the document's.
//!
//! Place: a module of the one integration binary. A case states its input in the document's notation and the exact
//! list of discrete events that follow, then the rows it is about. A case runs on both forms of the pipeline (`both!`);
//! on one alone run:
//! - A26's second half, a program's own log: the program is `da up`;
//! - A27: no pipeline is in it;
//! - B14's first half, the cycle by its name: it is found before anything is opened.
//!
//! B2 has a test for each form, with the crash points of each.

/// Each case on both forms; where there is no cluster, its test says what it skipped.
macro_rules! both {
    ($($name:ident),+) => {
        mod embedded {
            $(#[test] fn $name() { super::$name(tests::stack::Form::Embedded); })+
        }
        mod cluster {
            $(#[test] fn $name() {
                let form = tests::stack::Form::Cluster;
                if form.at_hand(stringify!($name)) { super::$name(form); }
            })+
        }
    };
}

pub(crate) mod a01_full_session;
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
    let names = ["latest", "best", "first", "average", "attempts"];
    let numbers = "round(latest * 100) AS latest, round(best * 100) AS best, round(first * 100) AS first, \
                   round(average * 100) AS average, attempts";
    let rows = stack.rows(numbers, &format!("learner_assessment WHERE learner = 'A' AND item = '{item}'"));
    let told = |row: &String| -> String {
        // SQLite rounds to a number with a point.
        let words = row.split(' ').map(|word| word.trim_end_matches(".0"));
        names.iter().zip(words).map(|(name, word)| format!("{name} {word}")).collect::<Vec<_>>().join(" ")
    };
    rows.iter().map(told).collect::<Vec<_>>().join("; ")
}
