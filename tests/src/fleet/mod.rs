//! The whole system as processes: gep, demux and dep over Kafka, registry and PostgreSQL, in a folder of its own.
//!
//! Place: what the cluster drills are run on. Topics, tables and schemas are made as a deployment makes them, by `da`.
//! Everything it started ends with it, by pid.

pub mod load;
pub mod member;
pub mod proxy;
pub mod servers;
pub mod witness;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use anyhow::{Context, ensure};
use da_model::ids::{Offset, TopicName, TopicPartition};
use da_model::topics;
use da_runtime::config::{self, Sources};
use da_runtime::io::kafka::client::KafkaSettings;
use da_runtime::io::kafka::positions::Positions;
use da_runtime::io::kafka::reader::KafkaReader;

use load::{Load, Offer};
use member::{Member, SERVICES};
use proxy::{Cut, Proxy};
use servers::{Servers, Started};

use crate::process::{deadline, pause};

/// Three stacks that start at once take three times as long, and some of it is too late for the services.
static STARTING: Mutex<()> = Mutex::new(());

/// What the limited key may post, events per second.
const LIMIT: u64 = 200;

/// How large a fleet is, and which programs it runs.
#[derive(Debug, Clone)]
pub struct Plan {
    /// Folder of the programs.
    pub programs: PathBuf,
    /// Folder for data, logs and ledgers.
    pub dir: PathBuf,
    /// Processes per service.
    pub processes: usize,
    /// Partitions per topic.
    pub partitions: u32,
    /// Brokers, and replicas of every topic.
    pub brokers: usize,
    /// What a proxy before the database or the one broker cuts off; without it there is none.
    pub cut: Option<Cut>,
}

/// A running fleet.
#[derive(Debug)]
pub struct Fleet {
    // First, so that the services end before what they stand on.
    members: Vec<Member>,
    /// What they stand on.
    pub servers: Servers,
    /// What stands before them, if anything does.
    pub proxy: Option<Proxy>,
    /// Its folder.
    pub dir: PathBuf,
    programs: PathBuf,
    da: PathBuf,
    settings: PathBuf,
    key: String,
    limited: String,
}

/// Where a group stands, partition by partition.
pub type Standing = Vec<(TopicPartition, Offset)>;

impl Fleet {
    /// Starts it and waits until it is ready; `Err` in the inner place names what is missing here.
    ///
    /// # Errors
    /// When something is there and does not start.
    pub fn start(plan: &Plan) -> anyhow::Result<Result<Self, String>> {
        let _alone = STARTING.lock().unwrap_or_else(PoisonError::into_inner);
        let mut fleet = match Self::prepared(plan)? {
            Ok(fleet) => fleet,
            missing => return Ok(missing),
        };
        for service in SERVICES {
            for slot in 0..plan.processes {
                let member = fleet.recruit((service, slot), &[])?;
                fleet.members.push(member);
            }
        }
        fleet.members.iter_mut().try_for_each(Member::start)?;
        fleet.members.iter_mut().try_for_each(Member::ready)?;
        Ok(Ok(fleet))
    }

    /// What services stand on, with topics, tables, schemas and a key, and no process of a service.
    ///
    /// # Errors
    /// When something is there and does not start.
    pub fn prepared(plan: &Plan) -> anyhow::Result<Result<Self, String>> {
        std::fs::create_dir_all(&plan.dir)?;
        let proxy = plan.cut.map(Proxy::start).transpose()?;
        let advertised = proxy.as_ref().filter(|_| plan.cut != Some(Cut::Commit)).map(|proxy| proxy.address.port());
        let servers = match Servers::start(&plan.dir.join("run"), plan.brokers, advertised)? {
            Started::Here(servers) => servers,
            Started::Missing(what) => return Ok(Err(what)),
        };
        let settings = plan.dir.join("da.yaml");
        let mut fleet = Self {
            members: Vec::new(),
            servers,
            proxy,
            dir: plan.dir.clone(),
            programs: plan.programs.clone(),
            da: plan.programs.join("da"),
            settings,
            key: String::new(),
            limited: String::new(),
        };
        std::fs::write(&fleet.settings, fleet.yaml(plan.cut)?)?;
        fleet.prepare(plan.partitions)?;
        Ok(Ok(fleet))
    }

    /// A place for a process of a service, with settings of its own as variables; nobody holds it yet.
    ///
    /// # Errors
    /// When no port is free.
    pub fn recruit(&self, at: (&'static str, usize), variables: &[(String, String)]) -> anyhow::Result<Member> {
        Ok(Member::new(at, &self.programs, &self.settings)?.with(variables))
    }

    /// The key with which may be posted.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The file of its settings.
    #[must_use]
    pub fn settings(&self) -> &Path {
        &self.settings
    }

    fn yaml(&self, cut: Option<Cut>) -> anyhow::Result<String> {
        let dir = self.dir.display();
        let mut kafka = self.servers.address("KAFKA_BOOTSTRAP")?.to_owned();
        let mut database = self.servers.address("DATABASE_URL")?.to_owned();
        if let Some(proxy) = &self.proxy {
            let behind = if cut == Some(Cut::Commit) { &mut database } else { &mut kafka };
            let address = address_of(behind)?;
            proxy.leads_to(address);
            *behind = behind.replace(&address.to_string(), &proxy.address.to_string());
        }
        Ok(format!(
            "embedded: {{dir: \"{dir}/data\"}}\nkafka: {{bootstrap: \"{}\"}}\npostgres: {{url: \"{}\"}}\n\
             registry: {{url: \"{}\", cache_dir: \"{dir}/registry-cache\"}}\n",
            kafka,
            database,
            self.servers.address("REGISTRY_URL")?,
        ))
    }

    fn prepare(&mut self, partitions: u32) -> anyhow::Result<()> {
        let (partitions, replicas) = (partitions.to_string(), self.servers.brokers.to_string());
        self.tool(&["topics", "apply", "--partitions", &partitions, "--replicas", &replicas])?;
        self.tool(&["migrate"])?;
        self.tool(&["schemas", "register"])?;
        self.known_everywhere()?;
        self.key = self.new_key(1_000_000)?;
        self.limited = self.new_key(LIMIT)?;
        Ok(())
    }

    /// Waits until every broker knows every topic: a service asks any of them, and ends where one is missing.
    fn known_everywhere(&self) -> anyhow::Result<()> {
        let until = deadline(60);
        for address in self.servers.address("KAFKA_BOOTSTRAP")?.split(',') {
            let kafka = KafkaSettings::new(address.to_owned());
            while !knows_all(&kafka)? {
                ensure!(!until.passed(), "{address} does not know every topic after a minute");
                pause(100);
            }
        }
        Ok(())
    }

    fn new_key(&self, events_per_second: u64) -> anyhow::Result<String> {
        let data = self.dir.join("data");
        let output = Command::new(&self.da)
            .args(["keys", "create", "--partner", "drill", "--tenant", "drill", "--json", "--dir"])
            .arg(&data)
            .args(["--events-per-second", &events_per_second.to_string(), "--bytes-per-second", "2000000000"])
            .output()?;
        ensure!(output.status.success(), "da keys create: {}", String::from_utf8_lossy(&output.stderr));
        let made: serde_json::Value = serde_json::from_slice(&output.stdout)?;
        let key = made.get("key").and_then(|k| k.as_str());
        Ok(key.context("the answer of da keys create has no key")?.to_owned())
    }

    /// What a `da` command on the settings of the fleet prints.
    ///
    /// # Errors
    /// When it does not end with 0.
    pub fn tool(&self, words: &[&str]) -> anyhow::Result<String> {
        let output = Command::new(&self.da).args(words).arg("--settings").arg(&self.settings).output()?;
        let (text, told) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        ensure!(output.status.success(), "da {}: {} {}", words.join(" "), text.trim(), told.trim());
        Ok(text.into_owned())
    }

    /// Its processes.
    #[must_use]
    pub fn members(&mut self) -> &mut [Member] {
        &mut self.members
    }

    /// The process that holds a place.
    ///
    /// # Errors
    /// When the fleet has no such place.
    pub fn member(&mut self, service: &str, slot: usize) -> anyhow::Result<&mut Member> {
        let found = self.members.iter_mut().find(|m| m.service == service && m.slot == slot);
        found.with_context(|| format!("the fleet has no {service}-{slot}"))
    }

    /// Fails when a process ended by itself.
    ///
    /// # Errors
    /// Its last words.
    pub fn check(&mut self) -> anyhow::Result<()> {
        self.members.iter_mut().try_for_each(Member::check)
    }

    /// Begins to post to the gep of a slot.
    ///
    /// # Errors
    /// When the load cannot be started.
    pub fn load(&mut self, slot: usize, offer: Offer) -> anyhow::Result<Load> {
        let to = self.member("gep", slot)?.http();
        Load::start(&self.da, (to, &self.key), &self.dir, offer)
    }

    /// Begins to post to the gep of slot 0 with a key that may post little.
    ///
    /// # Errors
    /// When the load cannot be started.
    pub fn limited_load(&mut self, offer: Offer) -> anyhow::Result<Load> {
        let to = self.member("gep", 0)?.http();
        Load::start(&self.da, (to, &self.limited), &self.dir, offer)
    }

    /// Another process for a place that is held.
    ///
    /// # Errors
    /// When no port is free.
    pub fn twin(&self, service: &'static str, slot: usize) -> anyhow::Result<Member> {
        let programs = self.da.parent().context("programs lie in a folder")?;
        Member::new((service, slot), programs, &self.settings)
    }

    /// A look at the positions of a service's groups.
    ///
    /// # Errors
    /// When the brokers do not answer.
    pub fn positions(&self, group: &str) -> anyhow::Result<Positions> {
        let kafka = KafkaSettings::new(self.servers.address("KAFKA_BOOTSTRAP")?.to_owned());
        Ok(Positions::open(&kafka, group, &self.topics_of(group)?)?)
    }

    /// The topics that a group reads.
    ///
    /// # Errors
    /// When there is no such group.
    pub fn topics_of(&self, group: &str) -> anyhow::Result<Vec<TopicName>> {
        let text = std::fs::read_to_string(&self.settings)?;
        let sources = Sources { file: Some(("da.yaml".to_owned(), text)), environment: Vec::new() };
        let loaded = config::read(&sources);
        let settings = loaded.map_err(|findings| anyhow::anyhow!("{findings:?}"))?.settings;
        let found = cli::cluster::groups(&settings)?.into_iter().find(|(name, _)| *name == group);
        Ok(found.with_context(|| format!("no group {group}"))?.1)
    }

    /// The audit of ledgers; its last line.
    ///
    /// # Errors
    /// When it does not agree; the findings are in the message.
    pub fn audit(&self, ledgers: &[&Path]) -> anyhow::Result<String> {
        let mut command = Command::new(&self.da);
        command.args(["audit", "--wait", "300", "--settings"]).arg(&self.settings);
        for ledger in ledgers {
            command.arg("--ledger").arg(ledger);
        }
        let output = command.output()?;
        let (text, told) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        ensure!(output.status.success(), "the audit does not agree:\n{}{}", text, told);
        let last = text.lines().last().unwrap_or_default();
        ensure!(last.starts_with("audit: ok"), "the audit's last line is {last:?}");
        Ok(last.to_owned())
    }

    /// Panics in the logs of all processes.
    ///
    /// # Errors
    /// When a log cannot be read.
    pub fn panics(&self) -> anyhow::Result<usize> {
        let mut panics = 0;
        for member in &self.members {
            let text = std::fs::read(member.log())?;
            panics += String::from_utf8_lossy(&text).matches("panicked at").count();
        }
        Ok(panics)
    }

    /// Asks all processes to stop, all at once, and waits.
    ///
    /// # Errors
    /// When one does not end in order.
    pub fn stop(&mut self) -> anyhow::Result<()> {
        self.check()?;
        for member in self.members.iter().filter(|m| m.is_there()) {
            member.signal("TERM")?;
        }
        for member in self.members.iter_mut().filter(|m| m.is_there()) {
            let status = member.ended(60)?;
            ensure!(status.success(), "{} stopped with {status}: {}", member.name(), member.last_words());
        }
        Ok(())
    }
}

/// The address in `user:password@host:port/name`, or alone.
fn address_of(text: &str) -> anyhow::Result<std::net::SocketAddr> {
    let behind = text.rsplit('@').next().unwrap_or(text);
    let address = behind.split('/').next().unwrap_or(behind);
    address.parse().with_context(|| format!("{address} is no address of one server"))
}

fn knows_all(kafka: &KafkaSettings) -> anyhow::Result<bool> {
    let reader = KafkaReader::open(kafka)?;
    Ok(topics::all().iter().all(|topic| reader.partitions(&topic.name) > 0))
}
