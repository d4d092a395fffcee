//! The program `da` as people and scripts meet it: help, exit codes, keys, settings, one process from start to stop.
//!
//! Place: runs the built binary in folders of its own, on free ports. What the pipeline computes is tested elsewhere.

use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::LazyLock;

use serde_json::Value;
use tests::measure;

/// The program, built once and on free ports.
pub(crate) fn da() -> Command {
    static PROGRAM: LazyLock<PathBuf> = LazyLock::new(built);
    let mut command = Command::new(&*PROGRAM);
    command.env("DA__HTTP__LISTEN", "127.0.0.1:0").env("DA__ADMIN__LISTEN", "127.0.0.1:0");
    command
}

/// Builds it beside this test's own binary: `cargo test -p tests` builds the libraries only.
fn built() -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let folder = own.parent().and_then(Path::parent).unwrap();
    let mut build = Command::new(option_env!("CARGO").unwrap_or("cargo"));
    build.args(["build", "--locked", "--quiet", "-p", "cli", "--bin", "da"]);
    if folder.ends_with("release") {
        build.arg("--release");
    }
    build.current_dir(measure::root()).env("CARGO_TARGET_DIR", folder.parent().unwrap());
    assert!(build.status().unwrap().success(), "da was not built");
    folder.join("da")
}

/// A folder of its own for one test, removed at the end.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("da-cli-{name}-{}", std::process::id()));
        let _absent = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        da().current_dir(&self.0).args(arguments).output().unwrap()
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn up(&self, arguments: &[&str]) -> Up {
        self.up_telling(arguments, Stdio::piped())
    }

    /// `da up` whose lines go there.
    fn up_telling(&self, arguments: &[&str], lines: Stdio) -> Up {
        let mut command = da();
        command.current_dir(&self.0).args(["--json", "up"]).args(arguments).stdout(Stdio::piped()).stderr(lines);
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let told = serde_json::from_str(&line).unwrap_or_else(|e| panic!("{line:?}: {e}"));
        Up { child, told }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _gone = fs::remove_dir_all(&self.0);
    }
}

/// A running `da up`; killed if a test fails.
pub(crate) struct Up {
    child: Child,
    told: Value,
}

impl Up {
    pub(crate) fn text(&self, name: &str) -> String {
        self.told[name].as_str().unwrap_or_else(|| panic!("{name} in {}", self.told)).to_owned()
    }

    fn post(&self, body: &str) -> String {
        let key = format!("Authorization: Bearer {}", self.text("key"));
        let url = format!("{}/v1/events", self.text("url"));
        let mut curl = Command::new("curl");
        let curl =
            curl.args(["-sS", "-X", "POST", "-H", &key, "-H", "Content-Type: application/json", "-d", body, &url]);
        text(&curl.output().unwrap().stdout)
    }

    pub(crate) fn stop(mut self) -> Option<i32> {
        let pid = self.told["pid"].to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
        self.child.wait().unwrap().code()
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _reaped = self.child.wait();
    }
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn failed(output: &Output, code: i32, words: &[&str]) {
    let told = text(&output.stderr) + &text(&output.stdout);
    assert_eq!(output.status.code(), Some(code), "{told}");
    for word in words {
        assert!(told.contains(word), "`{word}` is not in: {told}");
    }
}

/// What the printed sample request posts.
pub(crate) fn sample() -> String {
    let line = cli::commands::up::sample_request("URL", "KEY");
    line.split(" -d '").nth(1).unwrap().trim_end_matches('\'').to_owned()
}

#[test]
fn help_names_every_command_and_wrong_use_ends_with_2() {
    let folder = Folder::new("help");
    let help = folder.run(&["--help"]);
    assert_eq!(help.status.code(), Some(0));
    for command in cli::commands::COMMANDS {
        assert!(text(&help.stdout).contains(&format!("\n  {} ", command.name())), "{}", command.name());
        assert_eq!(folder.run(&[command.name(), "--help"]).status.code(), Some(0), "{}", command.name());
    }
    failed(&folder.run(&["tapp"]), 2, &["tapp"]);
    failed(&folder.run(&["tap", "demux.asessment.score"]), 2, &["demux.assessment.score"]);
    failed(&folder.run(&["tap", "*", "--where", "x"]), 2, &["compares nothing"]);
}

#[test]
fn the_page_of_commands_is_the_help_of_the_program() {
    let page = cli::papers::pages().unwrap().into_iter().find(|page| page.path.ends_with("commands.md")).unwrap();
    let file = fs::read_to_string(measure::root().join(page.path)).unwrap();
    assert!(file == page.text, "docs/generated/commands.md is stale: make docs");
}

#[test]
fn what_is_not_there_ends_with_3() {
    let folder = Folder::new("absent");
    failed(&folder.run(&["tap", "*", "--dir", "none"]), 3, &["none/da.sqlite", "try: da up"]);
    fs::write(folder.0.join("file"), "").unwrap();
    failed(&folder.run(&["up", "--dir", "file/below"]), 3, &["file/below", "cannot be used"]);
    failed(&folder.run(&["up", "--dir", "/proc/nothing"]), 3, &["/proc/nothing", "cannot be used"]);
}

/// `da up` as somebody whom the rights of files bind: root without what lifts root above them.
fn up_within_rights(folder: &Folder) -> Output {
    let root = text(&Command::new("id").arg("-u").output().unwrap().stdout).trim() == "0";
    let mut command = if root { Command::new("setpriv") } else { da() };
    if root {
        command.arg("--bounding-set=-dac_override,-dac_read_search").arg(da().get_program());
    }
    let free = [("DA__HTTP__LISTEN", "127.0.0.1:0"), ("DA__ADMIN__LISTEN", "127.0.0.1:0")];
    command.envs(free).current_dir(&folder.0).args(["up", "--dir", "d"]).output().unwrap()
}

#[test]
fn a_folder_that_may_not_be_written_to_is_named_and_keeps_what_it_has() {
    let folder = Folder::new("rights");
    let dir = folder.0.join("d");
    let allow = |mode: u32| {
        let files = fs::read_dir(&dir).unwrap().map(|file| file.unwrap().path());
        let all = files.map(|path| (path, mode & 0o666)).chain([(dir.clone(), mode)]);
        all.for_each(|(path, mode)| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap());
    };
    fs::create_dir(&dir).unwrap();
    allow(0o555);
    failed(&up_within_rights(&folder), 3, &["d cannot be used", "Permission denied", "try: da up --dir FOLDER"]);
    assert_eq!(fs::read_dir(&dir).unwrap().count(), 0);
    allow(0o755);
    let up = folder.up(&["--dir", "d"]);
    up.post(&sample());
    assert_eq!(up.stop(), Some(0));
    allow(0o555);
    failed(&up_within_rights(&folder), 3, &["d cannot be used", "Permission denied", "try: da up --dir FOLDER"]);
    allow(0o755);
    let kept = folder.run(&["tap", "gep.accepted", "--dir", "d"]);
    assert_eq!(text(&kept.stdout).lines().count(), 2, "{}", text(&kept.stderr));
}

#[test]
fn a_wrong_setting_is_named_with_its_place_and_near_miss() {
    let folder = Folder::new("settings");
    fs::write(folder.0.join("da.yaml"), "http:\n  lissten: 127.0.0.1:0\n").unwrap();
    failed(&folder.run(&["validate", "da.yaml"]), 1, &["da.yaml:2:3", "E102", "did you mean `listen`?", "skipped"]);
    failed(&folder.run(&["up"]), 2, &["da.yaml:2:3", "did you mean `listen`?"]);
    fs::write(folder.0.join("da.yaml"), "parking: {}\n").unwrap();
    failed(&folder.run(&["up"]), 2, &["E104", "later release"]);
    fs::write(folder.0.join("da.yaml"), "kafka: {bootstrap: '127.0.0.1:9092'}\n").unwrap();
    failed(&folder.run(&["up"]), 2, &["the settings name Kafka", "gep, demux and dep"]);
}

#[test]
fn the_systems_behind_the_settings_are_asked_and_what_is_not_named_is_skipped() {
    let folder = Folder::new("connect");
    let settings = "kafka: {bootstrap: '127.0.0.1:1'}\npostgres: {url: 'postgres://u@127.0.0.1:1/d'}\n";
    fs::write(folder.0.join("da.yaml"), settings).unwrap();
    let said = ["kafka     error: connect to Kafka at 127.0.0.1:1", "registry  skipped", "postgres  error"];
    failed(&folder.run(&["validate", "da.yaml", "--connect"]), 1, &said);
}

#[test]
fn every_setting_has_a_schema_a_sample_and_an_origin() {
    let folder = Folder::new("config");
    let schema: Value = serde_json::from_slice(&folder.run(&["config", "schema"]).stdout).unwrap();
    assert_eq!(schema["properties"]["http"]["properties"]["listen"]["default"], "127.0.0.1:8080");
    let shown = text(&folder.run(&["config", "show"]).stdout);
    assert!(shown.contains("http.listen = \"127.0.0.1:0\"  # DA__HTTP__LISTEN"), "{shown}");
    let sample = measure::root().join("deploy/settings/full.yaml");
    let valid = folder.run(&["validate", sample.to_str().unwrap()]);
    assert_eq!(valid.status.code(), Some(0), "{}", text(&valid.stdout));
}

#[test]
fn a_posted_event_is_tapped_from_a_running_and_from_a_stopped_process() {
    let folder = Folder::new("up");
    let up = folder.up(&["--dir", "d"]);
    let answer: Value = serde_json::from_str(&up.post(&sample())).unwrap();
    assert_eq!(answer["accepted"], 2, "{answer}");
    let repeated: Value = serde_json::from_str(&up.post(&sample())).unwrap();
    assert_eq!(repeated["accepted"], 2, "{repeated}");
    let tap = |arguments: &[&str]| text(&folder.run(&[&["tap", "--dir", "d"], arguments].concat()).stdout);
    let accepted = tap(&["gep.accepted"]);
    assert_eq!(accepted.lines().count(), 4, "{accepted}");
    let second = folder.run(&["up", "--dir", "d"]);
    failed(&second, 3, &["in use by another process"]);
    assert_eq!(up.stop(), Some(0));

    let score = tap(&["dep.class.score", "--where", "result.score == 100"]);
    let record: Value = serde_json::from_str(&score).unwrap();
    assert_eq!(record["payload"]["context"]["classId"], "try-class");
    assert_eq!(record["payload"]["revision"], 1, "the repeat counts nothing");
    let names: Vec<usize> =
        ["topic", "partition", "offset", "tstype", "ts", "broker", "headers", "key", "payload", "value_schema_id"]
            .map(|name| score.find(&format!("\"{name}\":")).unwrap())
            .to_vec();
    assert!(names.is_sorted(), "{score}");
    assert!(!tap(&["*", "--mask"]).contains("try-learner"));
    assert_eq!(tap(&["demux.*", "--limit", "1"]).lines().count(), 1);
    assert_eq!(tap(&["demux.*", "--from", "end"]), "");
}

#[test]
fn a_log_that_cannot_be_written_stops_nothing() {
    let folder = Folder::new("full");
    let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let up = folder.up_telling(&["--dir", "d"], full.into());
    let refused: Value = serde_json::from_str(&up.post("nonsense")).unwrap();
    assert!(refused["code"].is_string(), "{refused}");
    let answer: Value = serde_json::from_str(&up.post(&sample())).unwrap();
    assert_eq!(answer["accepted"], 2, "{answer}");
    assert_eq!(up.stop(), Some(0));
}

#[test]
fn a_taken_port_is_named_and_nothing_else_is_started() {
    let folder = Folder::new("port");
    let up = folder.up(&["--dir", "d"]);
    let address = up.text("url").trim_start_matches("http://").to_owned();
    let second =
        da().current_dir(&folder.0).args(["up", "--dir", "e"]).env("DA__HTTP__LISTEN", &address).output().unwrap();
    failed(&second, 3, &["http.listen", &address]);
    assert_eq!(up.stop(), Some(0));
}

#[test]
fn keys_are_made_listed_and_taken_away() {
    let folder = Folder::new("keys");
    let made = folder.run(&["keys", "create", "--partner", "quizlab", "--tenant", "t-north"]);
    let key = text(&made.stdout).trim().to_owned();
    let id = key.split('.').next().unwrap().to_owned();
    let list = text(&folder.run(&["keys", "list"]).stdout);
    assert!(list.contains(&id) && list.contains("t-north"), "{list}");
    let stored = fs::read_to_string(folder.0.join("da-data/keys.json")).unwrap();
    assert!(!stored.contains(key.split('.').nth(1).unwrap()), "the secret is kept nowhere");
    assert_eq!(folder.run(&["keys", "revoke", &id, "--dry-run"]).status.code(), Some(0));
    assert!(text(&folder.run(&["keys", "list"]).stdout).contains(&id));
    assert_eq!(folder.run(&["keys", "revoke", &id]).status.code(), Some(0));
    assert!(!text(&folder.run(&["keys", "list"]).stdout).contains(&id));
    failed(&folder.run(&["keys", "revoke", &id]), 2, &["no key"]);
    failed(&folder.run(&["keys", "create", "--partner", "a b", "--tenant", "t"]), 2, &["partner"]);
}

#[test]
fn lists_have_a_form_for_people_and_one_for_programs() {
    let folder = Folder::new("lists");
    let topics = text(&folder.run(&["--json", "topics", "list"]).stdout);
    assert_eq!(topics.lines().count(), da_model::topics::all().len());
    topics.lines().for_each(|line| drop(serde_json::from_str::<Value>(line).unwrap()));
    let graph: Value = serde_json::from_slice(&folder.run(&["graph", "--format", "json"]).stdout).unwrap();
    assert!(graph["edges"].as_array().unwrap().iter().any(|edge| edge["from"] == "gep.usage" && edge["to"] == "demux"));
    assert!(text(&folder.run(&["graph", "--format", "dot"]).stdout).starts_with("digraph"));
    assert!(text(&folder.run(&["completions", "bash"]).stdout).contains("_da()"));
}
