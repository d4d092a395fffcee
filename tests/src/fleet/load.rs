//! The load on a fleet: `da simulate` in a process of its own, and how far it came by its ledger.
//!
//! Place: below [`super::Fleet`]. Judges nothing: the ledger is for `da audit`.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use anyhow::{Context, ensure};

use crate::process::{bound, deadline, pause};

/// What is posted.
#[derive(Debug, Clone, Copy)]
pub struct Offer {
    /// Events in all.
    pub events: u64,
    /// Seed of the learners.
    pub seed: u64,
    /// Events per second; 0 is as fast as they are taken.
    pub rate: u64,
}

/// A running `da simulate`; killed when dropped.
#[derive(Debug)]
pub struct Load {
    child: Child,
    log: PathBuf,
    /// Its ledger.
    pub ledger: PathBuf,
    file: Option<File>,
    answered: u64,
}

impl Load {
    /// Begins to post to an address with a key.
    ///
    /// # Errors
    /// When the program cannot be started.
    pub fn start(da: &Path, (to, key): (SocketAddr, &str), dir: &Path, offer: Offer) -> anyhow::Result<Self> {
        let ledger = dir.join(format!("ledger-{}.jsonl", offer.seed));
        let path = dir.join(format!("load-{}.log", offer.seed));
        let log = File::create(&path)?;
        let number = |n: u64| n.to_string();
        let child = bound(da)
            .args(["simulate", "--profile", "soak", "--tenant", "drill", "--partner", "drill"])
            .args(["--url", &format!("http://{to}"), "--key", key, "--events", &number(offer.events)])
            .args(["--seed", &number(offer.seed), "--rate", &number(offer.rate), "--ledger"])
            .arg(&ledger)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("start {}", da.display()))?;
        Ok(Self { child, log: path, ledger, file: None, answered: 0 })
    }

    /// Requests answered so far.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn answered(&mut self) -> anyhow::Result<u64> {
        if self.file.is_none() && self.ledger.exists() {
            self.file = Some(File::open(&self.ledger)?);
        }
        let Some(file) = &mut self.file else { return Ok(0) };
        let mut text = Vec::new();
        let at = file.stream_position()?;
        file.read_to_end(&mut text)?;
        let whole = text.iter().rposition(|b| *b == b'\n').map_or(0, |n| n + 1);
        file.seek(SeekFrom::Start(at + u64::try_from(whole)?))?;
        let lines = text.get(..whole).unwrap_or_default().split(|b| *b == b'\n');
        let answers = lines.filter(|line| line.windows(10).take(60).any(|w| w == b"\"answer\":{"));
        self.answered += u64::try_from(answers.count())?;
        Ok(self.answered)
    }

    /// Requests that it had to send again, because they were refused or not answered; told when it has ended.
    ///
    /// # Errors
    /// When it does not tell.
    pub fn repeats(&self) -> anyhow::Result<u64> {
        let told = std::fs::read_to_string(&self.log)?;
        let word = told.split_whitespace().find_map(|word| word.strip_prefix("repeats="));
        Ok(word.context("the load does not tell its repeats")?.parse()?)
    }

    /// Whether it has ended.
    ///
    /// # Errors
    /// When it failed.
    pub fn over(&mut self) -> anyhow::Result<bool> {
        let Some(status) = self.child.try_wait()? else { return Ok(false) };
        let told = std::fs::read_to_string(&self.log).unwrap_or_default();
        ensure!(status.success(), "da simulate ended with {status}: {}", told.trim());
        Ok(true)
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// When it failed, or does not end in so many seconds.
    pub fn wait(&mut self, seconds: u64) -> anyhow::Result<()> {
        let until = deadline(seconds);
        while !self.over()? {
            ensure!(
                !until.passed(),
                "the load does not end within {seconds} s; {} requests answered",
                self.answered()?
            );
            pause(50);
        }
        Ok(())
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        // Already ended is fine; there is nobody to tell.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
