//! The whole chain on one machine: what it takes in, and how late its last words are at a steady rate.
//!
//! Place: after the contests, over a fleet of one gep, one demux and one dep. The rate is an open loop: latencies count
//! from the time at which an event was to be sent, so that a stall counts for every event that it delays.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use da_model::event::Event;
use da_model::schema::codec;
use da_runtime::io::sql::postgres::{Connection, PostgresSettings};
use rdkafka::consumer::Consumer;
use rdkafka::message::Message;
use rdkafka::{Offset, TopicPartitionList};

use super::contest::Score;
use super::ground::{Ground, Size, full};
use super::race::ratio;
use crate::bench::cpu;
use crate::bench::whole::visit;
use crate::fleet::member::SERVICES;
use crate::process::{deadline, now, pause, pause_until};
use crate::rank;

/// Figures: client CPU-s per million events of the whole chain, one process per service and two.
pub const CLIENTS: [&str; 2] = ["CPU-s/M of all clients, one each", "CPU-s/M of all clients, two each"];
/// Figures: events per second of the whole chain; p99 from the scheduled request to the last record of demux (two hops),
/// to the learner's course (three) and to the class row (four).
pub const RATE: &str = "events/s of the whole chain";
/// See [`RATE`].
pub const TO_RECORD: &str = "p99 to the last demux record, ms";
/// See [`RATE`].
pub const TO_COURSE: &str = "p99 to the record of the learner's course, ms";
/// See [`RATE`].
pub const TO_ROW: &str = "p99 to the class row, ms";

/// What a visit leads to in demux. Nothing else is read: whoever waits on the topics that it never writes lets the
/// broker look at all of their partitions at every record.
const RECORDS: [&str; 2] = ["demux.resource.timespent", "demux.collection.timespent"];
/// What it ends in for its learner; the row stands before the record is said.
const COURSE: [&str; 1] = ["dep.course.timespent"];
const CONNECTIONS: u64 = 8;
const PER_SECOND: u64 = 500;
/// The broker is warm where a round costs it less than this share below the round before, twice, or after so long, s.
const SETTLED: f64 = 0.05;
const WARM_S: u64 = 300;
/// Events of a round.
const WARM_EVENTS: u64 = 10_000;
/// The first seconds of single events are warm-up: the broker was warm for requests of a hundred.
const WARM: usize = 15_000;

/// Posts the bench profile again and again until the broker is warm: a new JVM spends half of its time on compiling
/// itself (performance.md §5).
///
/// # Errors
/// As [`throughput`].
pub fn warm_up(ground: &mut Ground, size: &Size, say: &dyn Fn(&str)) -> anyhow::Result<()> {
    let (to, until) = (ground.fleet.member("gep", 0)?.http(), deadline(WARM_S));
    let (mut costs, mut calm) = (Vec::new(), 0);
    while !until.passed() && calm < 2 {
        let before = ground.track().broker();
        ground.post(&size.programs, (to, 100 + costs.len() as u64), WARM_EVENTS)?;
        drained(ground)?;
        let cost = (ground.track().broker() - before) / ratio(WARM_EVENTS) * 1e6;
        calm = if costs.last().is_some_and(|last| cost > last * (1.0 - SETTLED)) { calm + 1 } else { 0 };
        costs.push(cost);
    }
    let told: Vec<String> = costs.iter().map(|cost| format!("{cost:.0}")).collect();
    say(&format!("  warming up: CPU-s/M of the broker, round by round: {}", told.join(", ")));
    Ok(())
}

/// Waits until every group has read everything.
fn drained(ground: &Ground) -> anyhow::Result<()> {
    ground.drained(&["gep.accepted"], "gep")?;
    ground.drained(&["gep.usage"], "demux")?;
    let read = da_model::Handler::topics(&dep::pipeline::Dep::default());
    ground.drained(&read.iter().map(|t| t.0).collect::<Vec<_>>(), "dep")
}

/// Posts the bench profile as fast as it is taken, and waits until every group is drained.
///
/// # Errors
/// When the load fails or a group does not come to its end.
pub fn throughput(ground: &mut Ground, size: &Size, score: &mut Score, say: &dyn Fn(&str)) -> anyhow::Result<()> {
    let events = (size.events / 4).max(1_000);
    let to = ground.fleet.member("gep", 0)?.http();
    let pids = pids(ground)?;
    let (before, started) = (spent(ground, &pids), now());
    ground.post(&size.programs, (to, 7), events)?;
    let posted = started.elapsed().as_secs_f64();
    drained(ground)?;
    let seconds = started.elapsed().as_secs_f64();
    let each = each(&before, &spent(ground, &pids), events);
    let rate = ratio(events) / seconds;
    let processes = pids.first().map_or(1, Vec::len);
    score.figures.entry(RATE).or_insert(rate);
    let clients = each.iter().take(SERVICES.len()).sum();
    score.figures.insert(CLIENTS.get(processes - 1).context("one process or two")?, clients);
    say(&format!(
        "  {processes} per service: {events} events in {seconds:.1} s ({posted:.1} s to post them): {rate:.0} events/s; \
         CPU-s/M of gep, demux, dep, broker, database: {}",
        listed(&each)
    ));
    Ok(())
}

/// CPU seconds of every service so far, and of the broker and the database.
fn spent(ground: &Ground, pids: &[Vec<u32>]) -> Vec<f64> {
    let track = ground.track();
    let own = pids.iter().map(|pids| pids.iter().map(|pid| cpu::of_tree(*pid)).sum());
    own.chain([track.broker(), track.database()]).collect()
}

/// What so many events cost each of them, CPU-s/M.
fn each(before: &[f64], after: &[f64], events: u64) -> Vec<f64> {
    after.iter().zip(before).map(|(after, before)| (after - before) / ratio(events) * 1e6).collect()
}

fn listed(costs: &[f64]) -> String {
    costs.iter().map(|cost| format!("{cost:.0}")).collect::<Vec<_>>().join(", ")
}

/// The processes of every service.
fn pids(ground: &mut Ground) -> anyhow::Result<Vec<Vec<u32>>> {
    let of = |service: &&'static str| {
        let members = ground.fleet.members().iter().filter(|member| member.service == *service);
        members.map(|member| member.pid().context("a member runs")).collect()
    };
    SERVICES.iter().map(of).collect()
}

/// When what was seen of every event, ms after it was to be sent.
#[derive(Debug)]
struct Seen {
    answer: Vec<f64>,
    record: Vec<f64>,
    course: Vec<f64>,
    row: Vec<f64>,
}

struct Open<'g> {
    ground: &'g Ground,
    url: String,
    events: u64,
    started: Instant,
    over: AtomicBool,
}

/// Single events at a steady rate, each timed to its answer, to its last record of demux, to the record of its learner's
/// course and to its class row.
///
/// # Errors
/// When a request fails, or a record or row does not appear.
pub fn latency(ground: &mut Ground, size: &Size, score: &mut Score, say: &dyn Fn(&str)) -> anyhow::Result<()> {
    let url = format!("http://{}/v1/events", ground.fleet.member("gep", 0)?.http());
    let events = PER_SECOND * size.seconds + WARM as u64;
    let pids = pids(ground)?;
    let (before, own) = (spent(ground, &pids), cpu::of_process(std::process::id()).unwrap_or(0.0));
    // A little later than now: all threads are there when it begins.
    let open = Open { ground, url, events, started: now() + Duration::from_secs(1), over: AtomicBool::new(false) };
    let seen = open.run()?;
    let own = cpu::of_process(std::process::id()).unwrap_or(0.0) - own;
    let costs = each(&before, &spent(ground, &pids), events);
    say(&format!(
        "  single events, CPU-s/M of gep, demux, dep, broker, database: {}; of the bench itself: {:.0}",
        listed(&costs),
        own / ratio(events) * 1e6
    ));
    let told = [
        ("the answer", None, seen.answer),
        ("the last demux record", Some(TO_RECORD), seen.record),
        ("the learner's course", Some(TO_COURSE), seen.course),
        ("the class row", Some(TO_ROW), seen.row),
    ];
    for (what, name, mut values) in told {
        let mut late: Vec<f64> = values.drain(WARM.min(values.len().saturating_sub(1))..).collect();
        late.sort_unstable_by(f64::total_cmp);
        let at = |share| rank::at(&late, share);
        say(&format!(
            "  {PER_SECOND} events/s for {} s, scheduled request to {what}: p50 {:.0} ms, p90 {:.0} ms, p99 {:.0} ms, most {:.0} ms",
            size.seconds,
            at(50),
            at(90),
            at(99),
            at(100)
        ));
        score.figures.extend(name.map(|name| (name, at(99))));
    }
    Ok(())
}

impl Open<'_> {
    fn run(&self) -> anyhow::Result<Seen> {
        std::thread::scope(|scope| {
            let record = scope.spawn(|| self.records(&RECORDS));
            let course = scope.spawn(|| self.records(&COURSE));
            let row = scope.spawn(|| self.rows());
            let posts: Vec<_> = (0..CONNECTIONS).map(|c| scope.spawn(move || self.posts(c))).collect();
            let mut answer = vec![0.0; usize::try_from(self.events)?];
            for post in posts {
                let posted = post.join().unwrap_or_else(|_| bail!("a connection panicked"));
                keep(&mut answer, &posted.inspect_err(|_| self.over.store(true, Ordering::SeqCst))?)?;
            }
            let of = |read: std::thread::ScopedJoinHandle<'_, anyhow::Result<Vec<f64>>>| {
                read.join().unwrap_or_else(|_| bail!("the reader of records panicked"))
            };
            let (record, course) = (of(record)?, of(course)?);
            let row = row.join().unwrap_or_else(|_| bail!("the reader of rows panicked"))?;
            Ok(Seen { answer, record, course, row })
        })
    }

    fn scheduled(&self, n: u64) -> Instant {
        self.started + Duration::from_micros(n * 1_000_000 / PER_SECOND)
    }

    fn since(&self, n: u64) -> f64 {
        now().saturating_duration_since(self.scheduled(n)).as_secs_f64() * 1e3
    }

    fn note(&self, events: impl Iterator<Item = u64>, late: &mut [f64]) -> anyhow::Result<()> {
        for n in events {
            *late.get_mut(usize::try_from(n)?).context("an event")? = self.since(n);
        }
        Ok(())
    }

    fn posts(&self, connection: u64) -> anyhow::Result<Vec<(u64, f64)>> {
        let client = reqwest::blocking::Client::new();
        let mut took = Vec::new();
        for n in (connection..self.events).step_by(usize::try_from(CONNECTIONS)?) {
            pause_until(self.scheduled(n));
            let request = client.post(&self.url).bearer_auth(self.ground.fleet.key());
            let body = visit(n, &word(connection)).to_string();
            let answer = request.header("content-type", "application/json").body(body).send()?;
            ensure!(answer.status() == 202, "{}: {}", answer.status(), answer.text()?);
            took.push((n, self.since(n)));
        }
        Ok(took)
    }

    /// The last record of these topics that an event led to; each topic has one.
    fn records(&self, topics: &[&str]) -> anyhow::Result<Vec<f64>> {
        let ids: HashMap<String, u64> = (0..self.events).map(|n| (id(n), n)).collect();
        let names: Vec<String> = topics.iter().map(|name| full(name)).collect();
        let consumer = self.ground.log.reader()?;
        let mut list = TopicPartitionList::new();
        for ((topic, partition), (_, end)) in self.ground.log.bounds(&names)? {
            list.add_partition_offset(&topic, partition, Offset::Offset(end))?;
        }
        consumer.assign(&list)?;
        let mut last = vec![0.0; usize::try_from(self.events)?];
        let (mut seen, mut until) = (0, deadline(120));
        let all = self.events * topics.len() as u64;
        while seen < all {
            ensure!(!self.over.load(Ordering::SeqCst) && !until.passed(), "{seen} of {all} records seen");
            let Some(Ok(message)) = consumer.poll(Duration::from_millis(200)) else { continue };
            let Ok((_, Event::Discrete(de))) =
                codec::decode(message.payload().unwrap_or_default(), &self.ground.schemas)
            else {
                continue;
            };
            let Some(n) = ids.get(&*de.event_id) else { continue };
            let Some(late) = last.get_mut(usize::try_from(*n)?) else { continue };
            seen += 1;
            *late = self.since(*n);
            until = deadline(30);
        }
        Ok(last)
    }

    /// The row of a class counts its visits; the n-th is there when it says n.
    fn rows(&self) -> anyhow::Result<Vec<f64>> {
        let url = self.ground.fleet.servers.address("DATABASE_URL")?;
        let mut connection = Connection::new(PostgresSettings::of(url), "bench")?;
        let classes: Vec<_> = (0..CONNECTIONS).map(|c| format!("'{}-class'", word(c))).collect();
        // By the key: who looks a hundred times a second must not look at every class.
        let sql = format!(
            "SELECT class || ' ' || sum(visits) FROM class_time WHERE tenant_id = 'drill' AND class IN ({}) GROUP BY class",
            classes.join(", ")
        );
        connection.texts("SET enable_seqscan = off")?;
        let mut counts = vec![0_u64; usize::try_from(CONNECTIONS)?];
        let mut late = vec![0.0; usize::try_from(self.events)?];
        let until = deadline(120 + self.events / PER_SECOND);
        while counts.iter().sum::<u64>() < self.events {
            ensure!(!self.over.load(Ordering::SeqCst) && !until.passed(), "the class rows do not move");
            for told in connection.texts(&sql)?.into_iter().flatten() {
                let (class, count) = told.split_once(' ').context("class and count")?;
                let place = (0..CONNECTIONS).find(|c| class == format!("{}-class", word(*c))).context("a class")?;
                let of = counts.get_mut(usize::try_from(place)?).context("a count")?;
                let new = *of..count.parse()?;
                *of = new.end.max(new.start);
                self.note(new.map(|k| k * CONNECTIONS + place), &mut late)?;
            }
            pause(10);
        }
        Ok(late)
    }
}

/// Puts latencies where their events stand.
fn keep(late: &mut [f64], took: &[(u64, f64)]) -> anyhow::Result<()> {
    for (n, ms) in took {
        *late.get_mut(usize::try_from(*n)?).context("an event")? = *ms;
    }
    Ok(())
}

fn word(connection: u64) -> String {
    format!("open-{connection}")
}

/// The id of the event that is the n-th to be sent.
fn id(n: u64) -> String {
    da_model::identity::id_of(&["event", &word(n % CONNECTIONS), &n.to_string()]).to_string()
}
