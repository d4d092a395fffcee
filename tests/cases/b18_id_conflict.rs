//! B18 id_conflict: the same ids with another content: the first counts, the second is a dead letter with its bytes.

use tests::stack::Form;

both! { b18_the_first_one_stays }

const INPUT: &str = "
    q(s1,a1,q1)=correct 0–30 id=e1
    q(s1,a1,q1)=incorrect 0–30 id=e1 -> accepted";

fn b18_the_first_one_stays(form: Form) {
    let stack = form.start();
    stack.play(INPUT);
    stack.expect(
        "
        usage.question.timespent s1/a1/q1 r1 30,000
        usage.question.score s1/a1/q1 r1 100.00 (1/1)",
    );
    let dead = stack.topic("gep.dead");
    assert_eq!(dead.len(), 1);
    let letter = dead[0].dead();
    assert_eq!(
        (letter.rejection.reason.code(), letter.topic.as_ref(), letter.offset.0),
        ("id_conflict", "gep.accepted", 1)
    );
    assert_eq!(letter.value.as_deref(), Some(&stack.topic("gep.accepted")[1].value[..]));
    stack.expect_count("gep.usage", 1);
}
