//! The disk is full: one process on a small file system of its own fails closed, and goes on by itself once there is room.
//!
//! Place: one of the drills, on `da up`. Nothing that was answered may be lost. Where no file system can be mounted, it
//! is skipped.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, bail, ensure};

use super::figures::Figures;
use super::{Plan, Verdict};
use crate::fleet::load::{Load, Offer};
use crate::process::{Site, deadline, now, pause};

/// Bytes of the file system per event, and at rest.
const PER_EVENT: u64 = 28_000;
const AT_REST: u64 = 96 << 20;
/// Events of one request.
const REQUEST: u64 = 100;
/// How long the disk stays full once the process says so, ms.
const FULL_MS: u64 = 1_000;
/// So long without an answer says that requests are refused, s.
const STILL: u64 = 3;
/// How long the process may take to say that it cannot write, and to go on afterwards, s.
const PATIENCE: u64 = 60;
/// Lines of the log that a failure shows.
const LAST_LINES: usize = 30;

/// A file system in memory; gone when dropped.
struct Disk(PathBuf);

impl Disk {
    fn mount(at: &Path, bytes: u64) -> anyhow::Result<Result<Self, String>> {
        std::fs::create_dir_all(at)?;
        let size = format!("size={bytes}");
        let output = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(at).output()?;
        let told = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Ok(if output.status.success() { Ok(Self(at.to_path_buf())) } else { Err(told) })
    }

    /// Takes every byte that is left.
    fn fill(&self) -> anyhow::Result<()> {
        let mut file = File::create(self.0.join("ballast"))?;
        let piece = vec![0; 64 << 10];
        while file.write_all(&piece).is_ok() {}
        Ok(())
    }

    fn free(&self) -> anyhow::Result<()> {
        Ok(std::fs::remove_file(self.0.join("ballast"))?)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // There is nobody to tell; what is still open there goes with its process.
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).output();
    }
}

pub(super) fn run(plan: &Plan, dir: &Path, tell: &dyn Fn(&str)) -> anyhow::Result<Verdict> {
    let size = plan.size;
    let disk = match Disk::mount(&dir.join("disk"), size.events * PER_EVENT + AT_REST)? {
        Ok(disk) => disk,
        Err(told) => return Ok(Verdict::Skipped(format!("no small file system can be mounted: {told}"))),
    };
    let begun = now();
    let site = Site::new(&plan.programs.join("da"), &disk.0)?;
    let key = site.key()?;
    let mut server = site.start()?;
    site.ready(&mut server)?;
    let offer = Offer { events: size.events, seed: plan.seed, rate: plan.rate };
    let mut load = Load::start(&site.program, (site.http.address, &key), dir, offer)?;
    let mut figures = Figures::default();
    for fault in 1..=size.faults {
        let requests = fault * (size.events / REQUEST) * 9 / 10 / (size.faults + 1);
        wait(&format!("request {requests} is not answered"), || Ok(load.answered()? >= requests))?;
        disk.fill()?;
        // Small rounds may still find room, and say that all is well between two refusals: then nothing is answered.
        let mut last = (load.answered()?, deadline(STILL));
        wait("the process goes on as if there were room", || {
            let answered = load.answered()?;
            if answered > last.0 {
                last = (answered, deadline(STILL));
            }
            Ok(site.admin_page("/readyz").is_none() || last.1.passed())
        })?;
        pause(FULL_MS);
        let (stood, freed) = (load.answered()?, now());
        disk.free()?;
        wait("nothing is answered although there is room again", || Ok(load.answered()? > stood))?;
        let seconds = freed.elapsed().as_secs_f64();
        figures.recovered("da", seconds);
        tell(&format!(
            "{:8.2} full {fault}/{}: answers again after {seconds:.2} s",
            begun.elapsed().as_secs_f64(),
            size.faults
        ));
    }
    load.wait(1_800)?;
    tell(&audit(&site, &load.ledger)?);
    let status = server.stop()?;
    if !status.success() {
        bail!("da up ended with {status} when asked to stop; its last words:\n{}", last_words(&site.log()?));
    }
    let panics = site.log()?.matches("panicked at").count();
    ensure!(panics == 0, "{panics} panics in the log");
    Ok(Verdict::Ok(format!("{} took={:.0}s", figures.line(), begun.elapsed().as_secs_f64())))
}

fn wait(told: &str, mut done: impl FnMut() -> anyhow::Result<bool>) -> anyhow::Result<()> {
    let until = deadline(PATIENCE);
    while !done()? {
        ensure!(!until.passed(), "{told} within {PATIENCE} s");
        pause(5);
    }
    Ok(())
}

fn audit(site: &Site, ledger: &Path) -> anyhow::Result<String> {
    let output =
        Command::new(&site.program).args(["audit", "--ledger"]).arg(ledger).arg("--dir").arg(&site.dir).output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(output.status.success(), "the audit does not agree:\n{text}{}", String::from_utf8_lossy(&output.stderr));
    text.lines().last().map(str::to_owned).context("the audit says nothing")
}

/// The end of a log: the file system it lies on goes with the drill.
fn last_words(log: &str) -> String {
    let lines: Vec<&str> = log.lines().collect();
    lines.get(lines.len().saturating_sub(LAST_LINES)..).unwrap_or_default().join("\n")
}
