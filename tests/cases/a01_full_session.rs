//! A1: a whole session of ten questions, one wrong: 22 events, exactly 38 discrete events.

use std::fmt::Write as _;

use tests::stack::{Form, Stack};

both! { a01_exactly_38_discrete_events }

pub(crate) fn input() -> String {
    let mut text = "start(s1,a1)@0\n".to_owned();
    for n in 1..=10 {
        let (from, to) = (30 * (n - 1), 30 * n);
        let status = if n == 10 { "incorrect" } else { "correct" };
        writeln!(text, "qstart(s1,a1,q{n})@{from}\nq(s1,a1,q{n})={status} {from}–{to}").unwrap();
    }
    text + "stop(s1,a1)@301\n"
}

pub(crate) fn expected() -> String {
    let mut text = String::new();
    for n in 1..=10 {
        let score = if n == 10 { "0.00 (0/1) status:incorrect" } else { "100.00 (1/1) status:correct" };
        writeln!(text, "usage.question.timespent s1/a1/q{n} r1 30,000 delta:30,000 wall:30,000 visits:1").unwrap();
        writeln!(text, "usage.question.score s1/a1/q{n} r1 {score} cause:play").unwrap();
    }
    text + "usage.assessment.view s1/a1 r1 1 delta:1 items:1 at:301 date:2026-03-02
        usage.assessment.timespent s1/a1 r1 300,000 delta:300,000 visits:10 at:301
        usage.assessment.score s1/a1 r1 90.00 (9/10) latest count:10 at:301 attempt:1
        usage.^^.view :assessment r1 1 delta:1 items:1 cause:rollup at:301
        usage.^^.timespent :assessment r1 300,000 delta:300,000
        usage.^^.score :assessment r1 90.00 (90/100) count:1"
}

fn a01_exactly_38_discrete_events(form: Form) {
    holds(&form.start());
}

/// Plays the session and checks every number of the case.
pub(crate) fn holds(stack: &Stack) {
    stack.play(&input());
    stack.expect(&expected());
    assert_eq!(stack.lines().len(), 38);
    stack.expect_count("gep.accepted", 22);
    stack.expect_count("gep.usage", 22);
    assert_eq!(
        stack.rows("class,course,item_kind,raw,max,count,percent", "class_score"),
        ["k1 c1 assessment 900000 1000000 1 9000"]
    );
    assert_eq!(stack.rows("time_ms", "class_time"), ["300000"]);
    assert_eq!(stack.rows("views,items", "class_view"), ["1 1"]);
    let levels = stack.rows("level,unit,lesson,percent,count", "level_score ORDER BY level");
    assert_eq!(levels, ["course '' '' 9000 1", "lesson u1 l1 9000 1", "unit u1 '' 9000 1"]);
    assert_eq!(stack.rows("item,score_session,raw,max,percent", "learner_item_score"), ["a1 s1 90000 100000 9000"]);
    assert_eq!(stack.rows("item_kind,local_date,time_ms", "day_time"), ["assessment 2026-03-02 300000"]);
    assert_eq!(stack.rows("item_kind,local_date,views", "day_view"), ["assessment 2026-03-02 1"]);
}
