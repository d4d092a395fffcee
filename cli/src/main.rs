//! The program `da`: reads the command line, runs one command, ends with its exit code.
//!
//! Place: a few lines around [`cli::commands`]. The only place that turns errors into a text and a number.

use std::process::ExitCode;

use cli::commands;
use cli::output::{Exit, Form, Output, Refusal};

fn main() -> ExitCode {
    da_runtime::tls::install();
    let matches = match commands::command_line().try_get_matches() {
        Ok(matches) => matches,
        Err(usage) => {
            let _closed = usage.print();
            return ExitCode::from(if usage.use_stderr() { Exit::WrongUse.code() } else { Exit::Fine.code() });
        }
    };
    match commands::run(&matches) {
        Ok(exit) => ExitCode::from(exit.code()),
        Err(error) => ExitCode::from(report(&error).code()),
    }
}

fn report(error: &anyhow::Error) -> Exit {
    if reader_went_away(error) {
        return Exit::Fine;
    }
    Output::new(Form::People, false).error(format_args!("{error:#}"));
    error.downcast_ref::<Refusal>().map_or(Exit::Unreachable, |refusal| refusal.exit)
}

/// `da tap … | head` closes the pipe when it has seen enough: no error.
fn reader_went_away(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe)
}
