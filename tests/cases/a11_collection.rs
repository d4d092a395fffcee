//! A11: a collection counts the latest answer per question over all sessions; lessons take the ratio of sums.

use tests::stack::Form;

both! { a11_sums_over_sessions_and_items }

pub(crate) const INPUT: &str = "
    q(s1,col1,q1)=correct 0–10
    q(s1,col1,q2)=correct 10–20
    q(s1,col1,q3)=correct 20–30
    q(s1,col1,q4)=incorrect 30–40
    q(s2,col2,p1)=correct 50–60
    q(s3,col1,q4)=correct 70–80";

fn a11_sums_over_sessions_and_items(form: Form) {
    let stack = form.start();
    stack.play(INPUT);
    stack.expect(
        "
        usage.question.timespent s1/col1/q1 r1 10,000
        usage.question.timespent s1/col1/q2 r1 10,000
        usage.question.timespent s1/col1/q3 r1 10,000
        usage.question.timespent s1/col1/q4 r1 10,000
        usage.question.timespent s2/col2/p1 r1 10,000
        usage.question.timespent s3/col1/q4 r1 10,000
        usage.question.score s1/col1/q1 r1 100.00 (1/1)
        usage.question.score s1/col1/q2 r1 100.00 (1/1)
        usage.question.score s1/col1/q3 r1 100.00 (1/1)
        usage.question.score s1/col1/q4 r1 0.00 (0/1)
        usage.question.score s2/col2/p1 r1 100.00 (1/1)
        usage.question.score s3/col1/q4 r1 100.00 (1/1)
        usage.collection.timespent s1/col1 r1 10,000
        usage.collection.timespent s1/col1 r2 20,000
        usage.collection.timespent s1/col1 r3 30,000
        usage.collection.timespent s1/col1 r4 40,000
        usage.collection.timespent s2/col2 r1 10,000
        usage.collection.timespent s3/col1 r1 10,000
        usage.collection.score col1 r1 100.00 (1/1)
        usage.collection.score col1 r2 100.00 (2/2)
        usage.collection.score col1 r3 100.00 (3/3)
        usage.collection.score col1 r4 75.00 (3/4) <- 100.00 (3/3)
        usage.collection.score col1 r5 100.00 (4/4) <- 75.00 (3/4)
        usage.collection.score col2 r1 100.00 (1/1)
        usage.^^.timespent :collection r1 10,000
        usage.^^.timespent :collection r2 20,000
        usage.^^.timespent :collection r3 30,000
        usage.^^.timespent :collection r4 40,000
        usage.^^.timespent :collection r5 50,000
        usage.^^.timespent :collection r6 60,000
        usage.^.score :collection r1 100.00 (1/1)
        usage.^.score :collection r2 100.00 (2/2)
        usage.^.score :collection r3 100.00 (3/3)
        usage.^.score :collection r4 75.00 (3/4)
        usage.^.score :collection r5 80.00 (4/5) count:2
        usage.^.score :collection r6 100.00 (5/5) count:2
        # the class sees percents only: the second and third answer change nothing there
        usage.class.score k1:collection r1 100.00 (100/100)
        usage.class.score k1:collection r2 75.00 (75/100)
        usage.class.score k1:collection r3 80.00 (80/100)
        usage.class.score k1:collection r4 100.00 (100/100)",
    );
    let standing = stack.rows("item,score_session,raw,max", "learner_item_score ORDER BY item");
    assert_eq!(standing, ["col1 '' 40000 40000", "col2 '' 10000 10000"]);
}
