//! Real processes: `da up` on free loopback ports over a folder of its own, killed or stopped by pid.
//!
//! Place: under the drills and the benchmark, which are about processes; tests that need no death of one run in
//! process instead. Starts nothing that outlives its value.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};

use crate::port::Port;

/// Where a server listens and keeps its data.
#[derive(Debug, Clone)]
pub struct Site {
    /// The `da` program.
    pub program: PathBuf,
    /// Its data folder.
    pub dir: PathBuf,
    /// Its public listener.
    pub http: Port,
    /// Its admin listener.
    pub admin: Port,
}

/// A running `da up`; killed when dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
}

impl Site {
    /// A site in `dir` on two free ports.
    ///
    /// # Errors
    /// When the folder cannot be made or no port is free.
    pub fn new(program: &Path, dir: &Path) -> anyhow::Result<Self> {
        std::fs::create_dir_all(dir).with_context(|| format!("make {}", dir.display()))?;
        Ok(Self { program: program.into(), dir: dir.into(), http: Port::hold()?, admin: Port::hold()? })
    }

    /// Where to post.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.http.address)
    }

    /// Starts the server; its words go to `server.log` in the folder.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn start(&self) -> anyhow::Result<Server> {
        self.start_with(&[])
    }

    /// Starts the server with more settings, as variables of the environment.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn start_with(&self, settings: &[(&str, String)]) -> anyhow::Result<Server> {
        let log = OpenOptions::new().create(true).append(true).open(self.dir.join("server.log"))?;
        let child = Command::new(&self.program)
            .args(["up", "--dir"])
            .arg(&self.dir)
            .env("DA__HTTP__LISTEN", self.http.address.to_string())
            .env("DA__ADMIN__LISTEN", self.admin.address.to_string())
            .envs(settings.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("start {}", self.program.display()))?;
        Ok(Server { child })
    }

    /// Makes an ingest key without a rate that would slow a drill.
    ///
    /// # Errors
    /// When the command fails.
    pub fn key(&self) -> anyhow::Result<String> {
        let output = Command::new(&self.program)
            .args(["keys", "create", "--partner", "drill", "--tenant", "drill", "--json", "--dir"])
            .arg(&self.dir)
            .args(["--events-per-second", "1000000", "--bytes-per-second", "2000000000"])
            .output()?;
        ensure!(output.status.success(), "da keys create: {}", String::from_utf8_lossy(&output.stderr));
        let made: serde_json::Value = serde_json::from_slice(&output.stdout)?;
        made.get("key").and_then(|k| k.as_str()).map(str::to_owned).context("the answer of da keys create has no key")
    }

    /// The body of a page of the admin listener, if it answers 200.
    #[must_use]
    pub fn admin_page(&self, path: &str) -> Option<String> {
        page_of(self.admin.address, path)
    }

    /// Waits until the server says that it is ready.
    ///
    /// # Errors
    /// When it dies or is not ready within a minute.
    pub fn ready(&self, server: &mut Server) -> anyhow::Result<()> {
        let until = deadline(60);
        while self.admin_page("/readyz").is_none() {
            if let Some(status) = server.child.try_wait()? {
                bail!("da up ended with {status}; see {}", self.dir.join("server.log").display());
            }
            ensure!(!until.passed(), "da up is not ready after a minute");
            pause(10);
        }
        Ok(())
    }

    /// What the server wrote.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn log(&self) -> anyhow::Result<String> {
        let mut text = String::new();
        File::open(self.dir.join("server.log"))?.read_to_string(&mut text)?;
        Ok(text)
    }
}

impl Server {
    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Kills it as a power switch would.
    ///
    /// # Errors
    /// When it cannot be signalled.
    pub fn kill(mut self) -> anyhow::Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Asks it to stop and waits.
    ///
    /// # Errors
    /// When it does not end within a minute.
    pub fn stop(mut self) -> anyhow::Result<ExitStatus> {
        let signalled = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status()?;
        ensure!(signalled.success(), "kill -TERM failed");
        let until = deadline(60);
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            ensure!(!until.passed(), "da up does not stop within a minute");
            pause(10);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Already ended is fine; there is nobody to tell.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The body of a page of an admin listener, if it answers 200.
#[must_use]
pub fn page_of(admin: SocketAddr, path: &str) -> Option<String> {
    let mut stream = TcpStream::connect_timeout(&admin, Duration::from_secs(2)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    head.starts_with("HTTP/1.1 200").then(|| body.to_owned())
}

/// A program that ends when the thread that started it ends, however that ends.
#[must_use]
pub fn bound(program: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]).arg(program);
    command
}

/// A point in time to give up at.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(Instant);

impl Deadline {
    /// Whether it is over.
    #[must_use]
    pub fn passed(self) -> bool {
        now() > self.0
    }
}

/// A deadline in so many seconds.
#[must_use]
pub fn deadline(seconds: u64) -> Deadline {
    Deadline(now() + Duration::from_secs(seconds))
}

/// The monotonic clock of the tools around the product.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "drills and benchmarks measure real processes")]
pub fn now() -> Instant {
    Instant::now()
}

/// Lets a real process go on until then.
pub fn pause_until(then: Instant) {
    let left = then.saturating_duration_since(now());
    pause(u64::try_from(left.as_micros().div_ceil(1_000)).unwrap_or(u64::MAX));
}

/// Lets a real process go on for a while.
#[expect(clippy::disallowed_methods, reason = "a drill watches other processes, which send it no signal")]
pub fn pause(ms: u64) {
    std::thread::sleep(Duration::from_millis(ms));
}
