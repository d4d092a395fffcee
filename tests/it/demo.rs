//! Play as people and scripts meet it: `da demo` with the lines it prints, `da simulate` interrupted, `da audit` refusing.
//!
//! Place: runs the built binary in folders of its own, on free ports, without a terminal. What the numbers must be is
//! the audit's business.

use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use da_runtime::io::sql::sqlite::{Access, Database};
use serde_json::Value;
use tests::process::{deadline, pause};

use crate::cli::{Folder, da, text};

/// Waits for something another process does.
fn until(what: &str, mut done: impl FnMut() -> bool) {
    let end = deadline(60);
    while !done() {
        assert!(!end.passed(), "{what} did not come within a minute");
        pause(20);
    }
}

/// A line as a shell runs it, without anything that the tests set for `da`.
fn shell(folder: &Folder, line: &str) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", line]).current_dir(folder.path());
    command
}

fn outcome(folder: &Folder, line: &str) -> String {
    let output = shell(folder, line).output().unwrap();
    assert!(output.status.success(), "{line}: {}", text(&output.stderr));
    text(&output.stdout)
}

fn signal(name: &str, pid: &str) {
    assert!(Command::new("kill").args([name, pid]).status().unwrap().success());
}

/// What a printed `da up` started; ended by its number.
struct Again<'f>(&'f Path, Child);

impl Drop for Again<'_> {
    fn drop(&mut self) {
        if let Ok(pid) = fs::read_to_string(self.0.join("da.pid")) {
            signal("-KILL", &pid);
        }
        let _ended = self.1.wait();
    }
}

/// The lines that the demo says to try.
fn lines_to_try(printed: &str) -> Vec<&str> {
    let (_, below) = printed.split_once("\nTry next:\n").unwrap_or_else(|| panic!("{printed}"));
    below.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
}

#[test]
fn the_demo_proves_itself_and_every_line_it_prints_works_as_printed() {
    let folder = Folder::new("demo");
    let demo = folder.run(&["demo", "--seconds", "3", "--rate", "200"]);
    let (printed, notes) = (text(&demo.stdout), text(&demo.stderr));
    assert_eq!(demo.status.code(), Some(0), "{printed}{notes}");
    let verdict = printed.lines().find(|line| line.starts_with("audit: ")).unwrap();
    assert!(
        verdict.starts_with("audit: ok accepted=") && verdict.ends_with(" lost=0 duplicated=0 misordered=0 wrong=0")
    );
    assert!(printed.contains("assessment") && notes.contains("/600 events answered; "), "{printed}{notes}");
    assert!(!notes.contains("WARN") && !notes.contains("ERROR"), "no log between the lines: {notes}");

    let lines = lines_to_try(&printed);
    let [up, curl, tap, sql] = lines[..] else { panic!("{printed}") };
    let address = up.strip_prefix("DA__HTTP__LISTEN=").and_then(|rest| rest.split(' ').next()).unwrap();
    let child = shell(&folder, up).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let _again = Again(&folder.path().join("da-demo"), child);
    until("da up", || TcpStream::connect(address).is_ok());
    let answer: Value = serde_json::from_str(&outcome(&folder, curl)).unwrap();
    assert_eq!(answer["accepted"], 2, "{answer}");
    let tapped = outcome(&folder, tap);
    assert!((1..=5).contains(&tapped.lines().count()), "{tapped}");
    tapped.lines().for_each(|line| drop(serde_json::from_str::<Value>(line).unwrap()));
    if Command::new("sqlite3").arg("-version").output().is_err() {
        eprintln!("skipped: the SQL line, because sqlite3 is not installed");
        return;
    }
    let table = outcome(&folder, sql);
    assert!(table.starts_with("class ") && table.lines().count() > 2, "{table}");
}

#[test]
fn the_demo_tells_programs_in_json_and_is_quiet_when_told() {
    let folder = Folder::new("demo-json");
    let demo = folder.run(&["--json", "--quiet", "demo", "--seconds", "1", "--rate", "200"]);
    let printed = text(&demo.stdout);
    assert_eq!((demo.status.code(), text(&demo.stderr).as_str()), (Some(0), ""), "{printed}");
    let told: Vec<Value> = printed.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let [classes @ .., verdict, next] = &told[..] else { panic!("{printed}") };
    assert!(!classes.is_empty() && classes.iter().all(|row| row["class"].is_string() && row["learners"].is_u64()));
    assert_eq!((&verdict["ok"], &verdict["lost"]), (&Value::Bool(true), &Value::from(0)), "{verdict}");
    assert_eq!((next["next"].as_array().unwrap().len(), &next["serving"]), (4, &Value::Bool(false)), "{next}");
}

/// Events that the ledger holds an answer for.
fn answered(folder: &Folder) -> usize {
    let ledger = fs::read_to_string(folder.path().join("l.jsonl")).unwrap_or_default();
    ledger.matches("\"verdicts\"").count()
}

fn simulate(up: &[String; 2], options: &[&str]) -> Command {
    let mut command = da();
    let fixed = ["simulate", "--events", "600", "--batch", "10", "--connections", "2", "--ledger", "l.jsonl"];
    command.args(fixed).args(["--url", &up[0], "--key", &up[1]]).args(options);
    command
}

fn refused(output: &Output, code: i32, words: &str) {
    let told = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{told}");
    assert!(told.contains(words), "`{words}` is not in: {told}");
}

#[test]
fn an_interrupted_simulation_goes_on_and_what_retention_cut_is_not_proved() {
    let folder = Folder::new("simulate");
    let up = folder.up(&["--dir", "d"]);
    let site = [up.text("url"), up.text("key")];
    let slow = simulate(&site, &["--rate", "100"]).current_dir(folder.path()).stderr(Stdio::piped()).spawn().unwrap();
    until("the first answers", || answered(&folder) >= 4);
    signal("-INT", &slow.id().to_string());
    refused(
        &slow.wait_with_output().unwrap(),
        4,
        "interrupted; the same call with --ledger l.jsonl goes on from there",
    );
    let so_far = answered(&folder);

    let rest = simulate(&site, &["--quiet"]).current_dir(folder.path()).output().unwrap();
    assert_eq!((rest.status.code(), text(&rest.stderr).as_str()), (Some(0), ""));
    assert!(text(&rest.stdout).starts_with("simulate: events="), "{}", text(&rest.stdout));
    assert!((4..answered(&folder)).contains(&so_far), "{so_far} requests");
    let audit = || folder.run(&["audit", "--json", "--dir", "d", "--ledger", "l.jsonl"]);
    let verdict: Value = serde_json::from_slice(&audit().stdout).unwrap();
    assert_eq!((&verdict["ok"], verdict["findings"].as_array().unwrap().len()), (&Value::Bool(true), 0));

    assert_eq!(up.stop(), Some(0));
    let mut file = Database::open(&folder.path().join("d/da.sqlite"), Access::Write).unwrap();
    let first = "DELETE FROM log_chunk WHERE first_offset = 0 AND \
                 topic_id = (SELECT id FROM log_topic WHERE name = 'gep.usage')";
    file.run(first, Vec::new()).unwrap();
    drop(file);
    refused(&audit(), 2, "no longer starts at offset 0: nothing can be proved");
}
