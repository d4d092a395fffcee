//! Seeded simulated learners for the demo, the bench and the drills.
//!
//! Place: used by `da simulate` and `da demo`. The same [`Settings`] give the same requests, byte for byte, so a run can
//! be taken up again where it stopped. Only `player` sends; nothing here reads a clock of its own.

pub mod behaviour;
pub mod course;
pub mod dirt;
pub mod envelope;
pub mod grading;
pub mod player;
pub mod random;

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use behaviour::{Sitting, Start};
use course::{Size, World};
use dirt::Fate;
use random::{Lognormal, Random};

const MINUTE: i64 = 60_000;
const DAY: i64 = 1_440 * MINUTE;

/// What kind of load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// Small classes in one lesson hour.
    Demo,
    /// performance.md §8: fixed shares, no dirt.
    Bench,
    /// performance.md §6: realistic, with all its dirt.
    Soak,
}

/// Everything that determines the requests of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Profile.
    pub profile: Profile,
    /// Seed.
    pub seed: u64,
    /// Events in all.
    pub events: u64,
    /// Connections; a learner always uses the same one.
    pub connections: usize,
    /// Events per request.
    pub batch: usize,
    /// Classes.
    pub classes: usize,
    /// Learners in all.
    pub learners: usize,
    /// No event is later than this, epoch ms.
    pub base: i64,
}

/// The requests of one connection, one after the other.
#[derive(Debug)]
pub struct Stream<'w> {
    world: &'w World,
    settings: &'w Settings,
    random: Random,
    /// Learners of this connection: index and own time.
    learners: Vec<(usize, i64)>,
    cumulative: Vec<f64>,
    open: Vec<VecDeque<String>>,
    /// Held back: events to wait for, and the body.
    held: Vec<(u64, String)>,
    /// Events sat so far per kind: assessment, collection, single.
    sat: [f64; 3],
    left: u64,
    keyless: bool,
}

impl Settings {
    /// The world of these settings.
    #[must_use]
    pub fn world(&self) -> World {
        World::new(self.seed, Size { classes: self.classes, learners: self.learners }, self.profile)
    }

    /// The stream of one connection; connections share the events evenly.
    #[must_use]
    pub fn stream<'w>(&'w self, world: &'w World, connection: usize) -> Stream<'w> {
        let count = self.connections.max(1);
        let mut random = Random::new(self.seed, connection as u64);
        let mine = (0..world.learners.len()).filter(|n| n % count == connection % world.learners.len().clamp(1, count));
        let learners: Vec<(usize, i64)> = mine.map(|n| (n, self.first_time(&mut random))).collect();
        let mut sum = 0.0;
        let weights = learners.iter().filter_map(|(n, _)| world.learners.get(*n));
        let cumulative = weights
            .map(|l| {
                sum += l.weight;
                sum
            })
            .collect();
        let (events, index, of) = (self.events, connection as u64, count as u64);
        Stream {
            world,
            settings: self,
            random,
            learners,
            cumulative,
            open: Vec::new(),
            held: Vec::new(),
            sat: [0.0; 3],
            left: events / of + u64::from(index < events % of),
            keyless: self.profile == Profile::Soak && connection + 1 == count,
        }
    }

    /// Classes start within the same five minutes.
    fn first_time(&self, random: &mut Random) -> i64 {
        let back = match self.profile {
            Profile::Demo => 50 * MINUTE,
            Profile::Bench => 2 * DAY,
            Profile::Soak => 8 * DAY,
        };
        self.base - back + random.between(0, 5 * MINUTE)
    }
}

impl Stream<'_> {
    /// The body of the next request: a JSON array in one line; `None` when the share of this connection is used up.
    pub fn request(&mut self) -> Option<(String, usize)> {
        let count = self.left.min(self.settings.batch.max(1) as u64);
        if count == 0 || self.learners.is_empty() {
            return None;
        }
        self.left -= count;
        let mut body = String::with_capacity(1_600 * self.settings.batch);
        for n in 0..count {
            body.push(if n == 0 { '[' } else { ',' });
            body.push_str(&self.event());
        }
        body.push(']');
        Some((body, usize::try_from(count).unwrap_or(usize::MAX)))
    }

    fn event(&mut self) -> String {
        for (wait, _) in &mut self.held {
            *wait = wait.saturating_sub(1);
        }
        if let Some(at) = self.held.iter().position(|(wait, _)| *wait == 0) {
            return self.held.swap_remove(at).1;
        }
        let body = self.next_act();
        if self.settings.profile == Profile::Bench {
            return body;
        }
        self.on_its_way(body)
    }

    fn on_its_way(&mut self, body: String) -> String {
        if self.keyless && self.random.chance(0.12) {
            return dirt::keyless(&body);
        }
        if self.settings.profile == Profile::Soak && self.random.chance(0.000_03) {
            return dirt::giant(&body);
        }
        let wait = 1 + self.random.below(30);
        match dirt::fate(&mut self.random) {
            Fate::Plain => body,
            Fate::Broken => dirt::broken(&mut self.random, &body),
            Fate::Twice => {
                self.held.push((wait, body.clone()));
                body
            }
            Fate::Conflict => {
                self.held.extend(dirt::conflicting(&body).map(|other| (wait, other)));
                body
            }
            Fate::Late => {
                self.held.push((wait, body));
                self.next_act()
            }
        }
    }

    /// The next event of one of the sittings that go on at the same time.
    fn next_act(&mut self) -> String {
        let at_once = self.learners.len().clamp(1, 12);
        let mut tries = 0;
        while self.open.len() < at_once && tries < 100 {
            let events = self.sit();
            self.open.extend((!events.is_empty()).then_some(events));
            tries += 1;
        }
        let chosen = self.random.index(self.open.len());
        let Some(events) = self.open.get_mut(chosen) else { return "{}".to_owned() };
        let body = events.pop_front();
        if events.is_empty() {
            self.open.swap_remove(chosen);
        }
        body.unwrap_or_default()
    }

    fn sit(&mut self) -> VecDeque<String> {
        let chosen = self.random.weighted(&self.cumulative);
        let sitting = self.kind();
        let gap = self.gap();
        let (base, world) = (self.settings.base, self.world);
        let again = self.settings.first_time(&mut self.random);
        let Some((index, clock)) = self.learners.get_mut(chosen) else { return VecDeque::new() };
        let Some(learner) = world.learners.get(*index) else { return VecDeque::new() };
        let at = if *clock + gap > base - 2 * MINUTE { again } else { *clock + gap };
        // A thousandth of the sittings are played on a device whose clock is hours to days off.
        let skew = match self.random.below(2_000) {
            0 if self.settings.profile != Profile::Bench => self.random.between(60 * MINUTE, 3 * DAY),
            1 if self.settings.profile != Profile::Bench => -self.random.between(60 * MINUTE, 3 * DAY),
            _ => 0,
        };
        let start = Start { learner, at: at + skew, until: base + skew.max(0) };
        let acts = behaviour::sit(world, &mut self.random, start, sitting);
        *clock = acts.end - skew;
        self.count(sitting, acts.events.len());
        acts.events.into()
    }

    fn gap(&mut self) -> i64 {
        let (of, limit) = match self.settings.profile {
            Profile::Demo => (Lognormal(3.0, 1.0), 300.0),
            Profile::Bench | Profile::Soak => (Lognormal(6.0, 1.5), 86_400.0),
        };
        self.random.seconds(of, limit)
    }

    /// Fixed shares of events: half assessments, three tenths collections, the rest single resources.
    fn kind(&mut self) -> Sitting {
        let [assessment, collection, single] = self.sat;
        let shares = [
            (assessment / 0.5, Sitting::Assessment),
            (collection / 0.3, Sitting::Collection),
            (single / 0.2, Sitting::Single),
        ];
        let fewest = shares.into_iter().min_by(|a, b| a.0.total_cmp(&b.0));
        fewest.map_or(Sitting::Assessment, |(_, kind)| kind)
    }

    #[expect(clippy::cast_precision_loss, reason = "a sitting has few events")]
    fn count(&mut self, sitting: Sitting, events: usize) {
        let [assessment, collection, single] = &mut self.sat;
        *match sitting {
            Sitting::Assessment => assessment,
            Sitting::Collection => collection,
            Sitting::Single => single,
        } += events as f64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(profile: Profile, events: u64) -> Settings {
        Settings {
            profile,
            seed: 1,
            events,
            connections: 8,
            batch: 100,
            classes: 2,
            learners: 30,
            base: 1_772_442_000_000,
        }
    }

    fn bodies(settings: &Settings) -> Vec<(String, usize)> {
        let world = settings.world();
        let all = (0..settings.connections).map(|c| {
            let mut stream = settings.stream(&world, c);
            std::iter::from_fn(move || stream.request()).collect::<Vec<_>>()
        });
        all.flatten().collect()
    }

    fn events(settings: &Settings) -> Vec<serde_json::Value> {
        let parsed = bodies(settings).into_iter().map(|(body, count)| {
            let list: Vec<serde_json::Value> = serde_json::from_str(&body).unwrap();
            assert_eq!(list.len(), count);
            list
        });
        parsed.flatten().collect()
    }

    #[test]
    fn the_same_settings_give_the_same_bytes() {
        let settings = settings(Profile::Soak, 5_000);
        assert_eq!(bodies(&settings), bodies(&settings));
        assert_eq!(bodies(&settings).iter().map(|(_, n)| n).sum::<usize>(), 5_000);
    }

    #[test]
    fn the_bench_profile_has_the_shares_of_the_document() {
        let events = events(&settings(Profile::Bench, 20_000));
        let (mut assessment, mut collection, mut single) = (0, 0, 0);
        for event in &events {
            let context = event.get("context");
            let kind = context.and_then(|c| c.get("collectionType")).and_then(|t| t.as_str());
            let kind = kind.or_else(|| event.get("collection_type").and_then(|t| t.as_str()));
            match kind {
                Some(text) if text.starts_with("assessment") => assessment += 1,
                Some(_) => collection += 1,
                None => single += 1,
            }
        }
        assert!((9_500..10_500).contains(&assessment), "{assessment}");
        assert!((5_500..6_500).contains(&collection), "{collection}");
        assert!((3_500..4_600).contains(&single), "{single}");
    }

    #[test]
    fn bodies_are_as_large_as_real_ones() {
        let settings = settings(Profile::Bench, 2_000);
        let bytes: usize = bodies(&settings).iter().map(|(b, _)| b.len()).sum();
        assert!((800..1_600).contains(&(bytes / 2_000)), "{}", bytes / 2_000);
    }
}
