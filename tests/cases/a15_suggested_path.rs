//! A15: a play off the main path has discrete events and rows of its own, and enters no roll-up.

use tests::stack::Form;

both! { a15_seven_discrete_events_and_no_level }

pub(crate) const INPUT: &str = "
    q(s1,a1,q1)=correct 0–10 path=7 pathType=system
    q(s1,a1,q2)=incorrect 10–20 path=7 pathType=system
    stop(s1,a1)@21 path=7 pathType=system";

fn a15_seven_discrete_events_and_no_level(form: Form) {
    let stack = form.start();
    stack.play(INPUT);
    stack.expect(
        "
        usage.question.timespent s1/a1/q1 r1 10,000 track:path path:7
        usage.question.timespent s1/a1/q2 r1 10,000 track:path path:7
        usage.question.score s1/a1/q1 r1 100.00 (1/1) track:path
        usage.question.score s1/a1/q2 r1 0.00 (0/1) track:path
        usage.assessment.view s1/a1 r1 1 track:path path:7
        usage.assessment.timespent s1/a1 r1 20,000 track:path
        usage.assessment.score s1/a1 r1 50.00 (1/2) latest track:path",
    );
    assert_eq!(stack.rows("track,path_id,item,percent", "learner_item_score"), ["path 7 a1 5000"]);
    assert_eq!(stack.rows("track,path_id,item,views", "learner_item_view"), ["path 7 a1 1"]);
    for table in ["level_score", "level_time", "level_view", "class_score", "class_time", "class_view"] {
        assert!(stack.rows("tenant_id", table).is_empty(), "{table}");
    }
}
