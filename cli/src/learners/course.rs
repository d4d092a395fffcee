//! The world simulated learners live in: classes, their course, its items and what the items contain.
//!
//! Place: built once per run from the seed, shared by all connections. Holds no behaviour and no time.

use super::Profile;
use super::random::{Lognormal, Random};

/// Everything there is.
#[derive(Debug)]
pub struct World {
    /// The course that every class follows.
    pub course: String,
    /// Its items, the most played first.
    pub items: Vec<Item>,
    /// Cumulative weights of the items (Zipf; the first has a quarter of all plays).
    pub popularity: Vec<f64>,
    /// Class ids.
    pub classes: Vec<String>,
    /// Learners.
    pub learners: Vec<Learner>,
    /// Single resources outside items.
    pub resources: Vec<String>,
}

/// An assessment or a collection.
#[derive(Debug)]
pub struct Item {
    /// Its id.
    pub id: String,
    /// Whether it is a test.
    pub assessment: bool,
    /// Whether it reports one score instead of questions.
    pub external: bool,
    /// Its unit.
    pub unit: String,
    /// Its lesson.
    pub lesson: String,
    /// What it contains, in order.
    pub contents: Vec<Content>,
}

/// A question or a plain resource.
#[derive(Debug)]
pub struct Content {
    /// Its id.
    pub id: String,
    /// Type of a question; none for a plain resource.
    pub question: Option<&'static str>,
    /// Competency code.
    pub code: String,
}

/// A simulated learner.
#[derive(Debug)]
pub struct Learner {
    /// Its id.
    pub id: String,
    /// Its class; none for an independent learner.
    pub class: Option<String>,
    /// How active it is.
    pub weight: f64,
    /// The client it uses.
    pub client: Client,
    /// Its zone.
    pub zone: &'static str,
}

/// The clients that post in Gooru's forms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Client {
    /// Gooru 3.0.
    Web,
    /// Gooru 3.0 of old: times in seconds, metrics as text.
    OldWeb,
    /// Gooru 4.0.
    Mobile,
}

const QUESTIONS: [&str; 6] = ["MC", "MC", "MA", "T/F", "FIB", "HT_HL"];
const ZONES: [&str; 4] = ["Asia/Jakarta", "Asia/Kolkata", "America/Los_Angeles", "UTC"];
/// Spread that gives a Gini index of 0.4 (schools).
const ACTIVITY: Lognormal = Lognormal(0.0, 0.742);

impl World {
    /// The world of a seed.
    #[must_use]
    pub fn new(seed: u64, size: Size, profile: Profile) -> Self {
        let mut random = Random::new(seed, u64::MAX);
        let classes: Vec<String> = (0..size.classes.max(1)).map(|_| random.uuid()).collect();
        let items = items(&mut random, profile);
        let popularity = popularity(items.len());
        let learners = (0..size.learners.max(1)).map(|n| learner(&mut random, (n, &classes))).collect();
        let course = random.uuid();
        let resources = (0..40).map(|_| random.uuid()).collect();
        Self { course, items, popularity, classes, learners, resources }
    }
}

/// How many.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    /// Classes.
    pub classes: usize,
    /// Learners in all.
    pub learners: usize,
}

fn items(random: &mut Random, profile: Profile) -> Vec<Item> {
    let (units, lessons, per_lesson) = match profile {
        Profile::Demo => (3, 3, 4),
        Profile::Bench | Profile::Soak => (6, 5, 8),
    };
    let mut items = Vec::new();
    for _ in 0..units {
        let unit = random.uuid();
        for _ in 0..lessons {
            let lesson = random.uuid();
            items.extend((0..per_lesson).map(|n| item(random, (&unit, &lesson), n)));
        }
    }
    // A stride coprime to the length mixes lessons, so that the popular items are not all of the first one.
    let count = items.len();
    let mut order: Vec<(usize, Item)> = items.into_iter().enumerate().map(|(n, i)| (n * 7 % count.max(1), i)).collect();
    order.sort_by_key(|(n, _)| *n);
    order.into_iter().map(|(_, i)| i).collect()
}

fn item(random: &mut Random, place: (&str, &str), n: usize) -> Item {
    let assessment = n.is_multiple_of(2);
    let size = if assessment { random.between(4, 11) } else { random.between(2, 9) };
    let questions = if assessment { 0.95 } else { random.unit() };
    let contents = (0..size)
        .map(|_| Content {
            id: random.uuid(),
            question: random
                .chance(questions)
                .then(|| if random.chance(0.06) { "OE" } else { random.word(&QUESTIONS) }),
            code: format!("K12.MA-MAK-CC-A.{:02}", random.between(1, 9)),
        })
        .collect();
    let (unit, lesson) = (place.0.to_owned(), place.1.to_owned());
    Item { id: random.uuid(), assessment, external: random.chance(0.05), unit, lesson, contents }
}

/// Zipf over the rank, the first item lifted to a quarter of all plays.
#[expect(clippy::cast_precision_loss, reason = "ranks are small")]
fn popularity(count: usize) -> Vec<f64> {
    let rest: f64 = (2..=count).map(|rank| 1.0 / rank as f64).sum();
    let mut sum = 0.0;
    (1..=count)
        .map(|rank| {
            sum += if rank == 1 { rest / 3.0 } else { 1.0 / rank as f64 };
            sum
        })
        .collect()
}

fn learner(random: &mut Random, (n, classes): (usize, &[String])) -> Learner {
    let client = match random.below(10) {
        0 => Client::OldWeb,
        1..=4 => Client::Mobile,
        _ => Client::Web,
    };
    let class = classes.get(n % classes.len().max(1)).cloned().filter(|_| !random.chance(0.03));
    Learner { id: random.uuid(), class, weight: random.lognormal(ACTIVITY), client, zone: random.word(&ZONES) }
}
