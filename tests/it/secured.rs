//! The pipeline as it runs beyond one's own machine.
//!
//! Place: one module of the integration binary, over the listeners with TLS and users of the local stack; skipped
//! without them.

use tests::stack::Form;

use crate::cases::a01_full_session;

#[test]
fn a_whole_session_counts_exactly_over_sasl_and_tls() {
    if !Form::Secured.at_hand("a_whole_session_counts_exactly_over_sasl_and_tls") {
        return;
    }
    let stack = Form::Secured.start();
    a01_full_session::holds(&stack);
    let of_services = "pg_stat_ssl JOIN pg_stat_activity USING (pid) \
                       WHERE datname = current_database() AND application_name NOT IN ('da', 'tests')";
    assert_eq!(stack.rows("DISTINCT ssl", of_services), ["true"], "services and database");
    assert!(stack.rows("count(*) AS sessions", of_services)[0].parse::<u32>().unwrap() >= 2, "gep and dep");
}
