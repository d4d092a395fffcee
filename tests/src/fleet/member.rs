//! One process of a service, and its supervisor: started, killed, frozen, gone on with, stopped, each by its pid.
//!
//! Place: below [`super::Fleet`]. A process that ends without being asked is a finding, never restarted in silence.

use std::fs::OpenOptions;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use anyhow::{Context, bail, ensure};

use crate::port::Port;
use crate::process::{bound, deadline, page_of, pause};

/// The services, in the order in which events flow.
pub const SERVICES: [&str; 3] = ["gep", "demux", "dep"];

/// A place that a process of a service holds: the same after every restart.
#[derive(Debug)]
pub struct Member {
    /// Name of its service.
    pub service: &'static str,
    /// Its slot.
    pub slot: usize,
    http: Port,
    admin: Port,
    program: PathBuf,
    dir: PathBuf,
    settings: PathBuf,
    variables: Vec<(String, String)>,
    child: Option<Child>,
}

impl Member {
    /// A place that nobody holds yet.
    ///
    /// # Errors
    /// When no port is free.
    pub fn new((service, slot): (&'static str, usize), programs: &Path, settings: &Path) -> anyhow::Result<Self> {
        let dir = settings.parent().context("a settings file lies in a folder")?;
        Ok(Self {
            service,
            slot,
            http: Port::hold()?,
            admin: Port::hold()?,
            program: programs.join(service),
            dir: dir.to_path_buf(),
            settings: settings.to_path_buf(),
            variables: Vec::new(),
            child: None,
        })
    }

    /// The same place with settings of its own, as variables of the environment.
    #[must_use]
    pub fn with(mut self, variables: &[(String, String)]) -> Self {
        self.variables = variables.to_vec();
        self
    }

    /// Where partners post; used by gep alone.
    #[must_use]
    pub const fn http(&self) -> SocketAddr {
        self.http.address
    }

    /// The process that holds the place.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// A page of its admin listener, if it answers 200.
    #[must_use]
    pub fn page(&self, path: &str) -> Option<String> {
        page_of(self.admin.address, path)
    }

    /// Its name for people.
    #[must_use]
    pub fn name(&self) -> String {
        format!("{}-{}", self.service, self.slot)
    }

    /// The file of its words.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.dir.join(format!("{}.log", self.name()))
    }

    /// Whether a process holds the place.
    #[must_use]
    pub const fn is_there(&self) -> bool {
        self.child.is_some()
    }

    /// Starts a process.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn start(&mut self) -> anyhow::Result<()> {
        ensure!(self.child.is_none(), "{} runs already", self.name());
        let log = OpenOptions::new().create(true).append(true).open(self.log())?;
        let child = bound(&self.program)
            .arg("--settings")
            .arg(&self.settings)
            .env("DA__SERVICE__SLOT", format!("r{}", self.slot))
            .env("DA__HTTP__LISTEN", self.http.address.to_string())
            .env("DA__ADMIN__LISTEN", self.admin.address.to_string())
            .envs(self.variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn();
        self.child = Some(child.with_context(|| format!("start {}", self.program.display()))?);
        Ok(())
    }

    /// Fails when the process ended by itself.
    ///
    /// # Errors
    /// Its exit code and its last words.
    pub fn check(&mut self) -> anyhow::Result<()> {
        let Some(child) = &mut self.child else { return Ok(()) };
        if let Some(status) = child.try_wait()? {
            self.child = None;
            bail!("{} ended by itself with {status}: {}", self.name(), self.last_words());
        }
        Ok(())
    }

    /// Waits until the process says that it is ready.
    ///
    /// # Errors
    /// When it dies or is not ready within two minutes.
    pub fn ready(&mut self) -> anyhow::Result<()> {
        let until = deadline(120);
        while page_of(self.admin.address, "/readyz").is_none() {
            self.check()?;
            ensure!(!until.passed(), "{} is not ready after two minutes: {}", self.name(), self.last_words());
            pause(20);
        }
        Ok(())
    }

    /// Kills it as a power switch would.
    ///
    /// # Errors
    /// When it had ended before.
    pub fn kill(&mut self) -> anyhow::Result<()> {
        self.check()?;
        let mut child = self.child.take().with_context(|| format!("{} does not run", self.name()))?;
        child.kill()?;
        child.wait()?;
        Ok(())
    }

    /// Sends a signal: `STOP`, `CONT`, `TERM`.
    ///
    /// # Errors
    /// When it does not run.
    pub fn signal(&self, signal: &str) -> anyhow::Result<()> {
        let child = self.child.as_ref().with_context(|| format!("{} does not run", self.name()))?;
        let done = Command::new("kill").arg(format!("-{signal}")).arg(child.id().to_string()).status()?;
        ensure!(done.success(), "kill -{signal} of {} failed", self.name());
        Ok(())
    }

    /// Asks it to stop and waits.
    ///
    /// # Errors
    /// When it does not end within a minute, or not with 0.
    pub fn stop(&mut self) -> anyhow::Result<()> {
        self.check()?;
        self.signal("TERM")?;
        let status = self.ended(60)?;
        ensure!(status.success(), "{} ended with {status} when asked to stop: {}", self.name(), self.last_words());
        Ok(())
    }

    /// The most memory that the process had so far, MB.
    ///
    /// # Errors
    /// When it does not run.
    pub fn peak_mb(&self) -> anyhow::Result<u64> {
        let child = self.child.as_ref().with_context(|| format!("{} does not run", self.name()))?;
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no peak of memory")?;
        Ok(line.trim().trim_end_matches(" kB").trim().parse::<u64>()? >> 10)
    }

    /// Waits for an end that is expected.
    ///
    /// # Errors
    /// When it does not come in so many seconds.
    pub fn ended(&mut self, seconds: u64) -> anyhow::Result<ExitStatus> {
        let until = deadline(seconds);
        let mut child = self.child.take().with_context(|| format!("{} does not run", self.name()))?;
        loop {
            if let Some(status) = child.try_wait()? {
                return Ok(status);
            }
            if until.passed() {
                self.child = Some(child);
                bail!("{} does not end within {seconds} s", self.name());
            }
            pause(10);
        }
    }

    /// The last lines of its log.
    #[must_use]
    pub fn last_words(&self) -> String {
        let text = std::fs::read(self.log()).unwrap_or_default();
        let text = String::from_utf8_lossy(&text).into_owned();
        let lines: Vec<&str> = text.lines().collect();
        lines.get(lines.len().saturating_sub(5)..).unwrap_or_default().join(" | ")
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            // Already ended is fine; there is nobody to tell.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
