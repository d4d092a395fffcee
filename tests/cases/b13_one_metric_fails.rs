//! B13 one_metric_fails: a metric that fails for one event costs that discrete event alone.

use std::sync::Arc;

use da_model::event::{Change, MetricKind};
use da_model::fault::Rejection;
use da_model::outcome::Reason;
use da_runtime::driver::{DriverOptions, Stage, stage};
use da_runtime::ports::Append;
use da_runtime::probe::Silent;
use demux::metrics::{Metric, reaction, score, timespent, view};
use demux::objects::Object;
use demux::pipeline::Demux;
use tests::line::{self, Line};
use tests::lineup::Lineup;
use tests::rounds::{Rounds, recorded};
use tests::stack::{Form, Logged};

use super::a01_full_session::{expected, input};

both! { b13_its_siblings_go_on }

/// The metric score, but for question q1.
struct Failing;

impl Metric for Failing {
    fn name(&self) -> &'static str {
        score::Score.name()
    }

    fn kind(&self) -> MetricKind {
        score::Score.kind()
    }

    fn objects(&self) -> &'static [Object] {
        score::Score.objects()
    }

    fn check(&self, change: &Change<'_>) -> Result<(), Rejection> {
        if change.resource_id.as_deref() == Some("q1") {
            return Err(Rejection::new(Reason::HandlerFailed, "made to fail"));
        }
        score::Score.check(change)
    }
}

fn broken(options: &DriverOptions) -> Box<dyn Stage> {
    let metrics = vec![&timespent::Timespent as &dyn Metric, &Failing, &reaction::Reaction, &view::View];
    stage(Demux::of(metrics), options.clone())
}

/// What the pipeline with the broken metric says of what A1 posted.
fn said(form: Form, accepted: Vec<Append>) -> Vec<Logged> {
    match form {
        Form::Embedded => {
            let mut rounds = Rounds::new(Arc::new(Silent));
            let options = DriverOptions::new(rounds.clock() as _);
            let at = rounds.stages().iter().position(|s| s.name() == "demux").unwrap();
            rounds.stages()[at] = broken(&options);
            drop(rounds.append(accepted));
            rounds.drain();
            rounds.log()
        }
        Form::Cluster | Form::Secured => {
            let mut lineup = Lineup::new(Arc::new(Silent)).with("demux", Box::new(broken));
            lineup.append(accepted);
            lineup.drain().unwrap();
            lineup.log()
        }
    }
}

fn b13_its_siblings_go_on(form: Form) {
    let stack = form.start();
    stack.play(&input());
    let log = said(form, recorded(&stack.log(), "gep.accepted"));
    let lines: Vec<Line> = log.iter().filter_map(Logged::discrete).map(|de| Line::of(&de)).collect();
    let all = expected();
    let left: Vec<&str> = all.lines().filter(|l| !l.contains("usage.question.score s1/a1/q1 ")).collect();
    line::expect_exactly(&lines, &left.join("\n"));
    assert_eq!(lines.len(), 37);
    let dead: Vec<_> = log.iter().filter(|l| l.topic.ends_with(".dead")).collect();
    assert_eq!(dead.len(), 1);
    assert_eq!(dead[0].topic, "demux.dead");
    let letter = dead[0].dead();
    assert_eq!((letter.rejection.reason, letter.handler.as_ref()), (Reason::HandlerFailed, "score"));
    assert_eq!(letter.topic, "gep.usage");
}
