//! What one simulated learner does in one sitting, and what a teacher does with it afterwards.
//!
//! Place: between the world and the stream of a connection. The shares follow public logs (performance.md §6 points 3
//! to 6); it knows nothing of dirt and sends nothing.

use super::course::{Client, Content, Item, Learner, World};
use super::envelope::{Said, Scene};
use super::grading;
use super::random::{Lognormal, Random};

/// Steps between and inside plays, in seconds.
const STEP: Lognormal = Lognormal(1.73, 1.47);
/// External exercises, in seconds.
const EXERCISE: Lognormal = Lognormal(6.80, 1.37);
/// Tail of the gaps, in seconds: p75 60, p90 180.
const TAIL: Lognormal = Lognormal(3.26, 1.5);
/// Events of a session: median 7, p75 15, p90 28.
const LENGTH: Lognormal = Lognormal(1.946, 1.08);
const HOUR: i64 = 3_600_000;

/// What kind of sitting it is; the bench profile fixes their shares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sitting {
    /// A session of an assessment.
    Assessment,
    /// A session of a collection.
    Collection,
    /// Single resources without an item.
    Single,
}

/// Who sits down, and when.
#[derive(Debug, Clone, Copy)]
pub struct Start<'w> {
    /// The learner.
    pub learner: &'w Learner,
    /// The first event's time by the learner's own clock, ms.
    pub at: i64,
    /// No event is later than this, ms.
    pub until: i64,
}

/// The events of one sitting in the order they happen, and when it ended.
#[derive(Debug, Default)]
pub struct Acts {
    /// The bodies.
    pub events: Vec<String>,
    /// End of the last play, ms.
    pub end: i64,
}

/// Plays one sitting.
pub fn sit(world: &World, random: &mut Random, start: Start<'_>, sitting: Sitting) -> Acts {
    let item = match sitting {
        Sitting::Single => None,
        Sitting::Assessment => choose(world, random, true),
        Sitting::Collection => choose(world, random, false),
    };
    let session = random.uuid();
    let scene = scene(world, random, (start.learner, &session, item));
    let mut player = Player { random, scene, at: start.at, until: start.until, events: Vec::new(), open: Vec::new() };
    match item {
        None => player.single(world),
        Some(item) if item.external => player.external(item),
        Some(item) => player.session(item),
    }
    Acts { events: player.events, end: player.at }
}

fn choose<'w>(world: &'w World, random: &mut Random, assessment: bool) -> Option<&'w Item> {
    (0..64).find_map(|_| world.items.get(random.weighted(&world.popularity)).filter(|i| i.assessment == assessment))
}

fn scene<'w>(world: &'w World, random: &mut Random, who: (&'w Learner, &'w str, Option<&'w Item>)) -> Scene<'w> {
    let (learner, session, item) = who;
    let track = random.below(100);
    let daily = track < 4 && learner.class.is_some();
    let course = item.is_some() && !daily && track != 99;
    Scene {
        user: &learner.id,
        session,
        client: learner.client,
        zone: learner.zone,
        class: learner.class.as_deref().filter(|_| daily || course),
        course: course.then_some(world.course.as_str()),
        unit: item.filter(|_| course).map(|i| i.unit.as_str()),
        lesson: item.filter(|_| course).map(|i| i.lesson.as_str()),
        path: if (4..8).contains(&track) { 1 + random.below(50) } else { 0 },
        source: if daily { "dailyclassactivity" } else { "coursemap" },
        student: !random.chance(0.01),
    }
}

struct Player<'r, 'w> {
    random: &'r mut Random,
    scene: Scene<'w>,
    at: i64,
    until: i64,
    events: Vec<String>,
    /// Open-ended answers that wait for a grade.
    open: Vec<&'w str>,
}

impl<'w> Player<'_, 'w> {
    fn say(&mut self, said: &Said<'_>) {
        self.events.push(said.posted(&self.scene));
    }

    fn wait(&mut self) {
        let gap = if self.random.chance(0.75) { STEP } else { TAIL };
        self.at = self.at.saturating_add(self.random.seconds(gap, 1_800.0)).min(self.until);
    }

    /// Start and end of a step: a quarter take no time, one in a hundred is impossible.
    fn step(&mut self) -> (i64, i64) {
        let start = self.at;
        let length = if self.random.chance(0.26) { 0 } else { self.random.seconds(STEP, 3_600.0) };
        self.at = start.saturating_add(length).min(self.until);
        match self.random.below(200) {
            0 => (self.at.saturating_add(50_000), self.at),
            1 => (self.at.saturating_sub(25 * HOUR), self.at),
            _ => (start, self.at),
        }
    }

    fn play<'s>(&self, item: &'s Item, id: &str, kind: &'static str) -> Said<'s> {
        Said {
            id: id.to_owned(),
            name: "collection.play",
            kind: Some(kind),
            start: self.at,
            end: self.at,
            content: &item.id,
            collection_type: Some(collection_type(item)),
            question_count: Some(item.contents.iter().filter(|c| c.question.is_some()).count()),
            payload: "\"gradingType\":\"system\"".to_owned(),
            ..Said::default()
        }
    }

    fn session(&mut self, item: &'w Item) {
        let length = self.random.seconds(LENGTH, 60.0) / 1000;
        let (id, opened) = (self.random.uuid(), self.at);
        self.say(&self.play(item, &id, "start"));
        let visits = usize::try_from((length - 2) / 2).unwrap_or(0).max(1);
        for content in item.contents.iter().cycle().take(visits) {
            self.visits(item, content);
        }
        self.wait();
        if item.assessment && self.random.chance(0.1) {
            return;
        }
        let stop = Said { start: opened, ..self.play(item, &id, "stop") };
        self.say(&stop);
        self.correct(item);
    }

    fn visits(&mut self, item: &'w Item, content: &'w Content) {
        let mut tries = 1;
        while content.question.is_some() && tries < 4_000 && self.random.chance(0.375) {
            tries += 1;
        }
        for _ in 0..tries {
            self.wait();
            self.visit(Some(item), content);
        }
        if content.question == Some("OE") {
            self.open.push(&content.id);
        }
        if self.random.chance(0.06) {
            self.react(Some(item), &content.id);
        }
    }

    fn visit(&mut self, item: Option<&'w Item>, content: &'w Content) {
        let (start, end) = self.step();
        let opened = Said {
            id: self.random.uuid(),
            name: if item.is_some() { "collection.resource.play" } else { "resource.play" },
            kind: Some("start"),
            start,
            end: start,
            content: &content.id,
            parent: item.map(|i| i.id.as_str()),
            collection_type: item.map(collection_type),
            resource_type: Some(if content.question.is_some() { "question" } else { "resource" }),
            reaction: (self.scene.client == Client::Web).then_some(0),
            payload: question_type(content),
            ..Said::default()
        };
        self.say(&opened);
        let payload = self.answer(content);
        self.say(&Said { kind: Some("stop"), end, payload, ..opened });
    }

    fn answer(&mut self, content: &Content) -> String {
        let Some(kind) = content.question else {
            return question_type(content);
        };
        let point = self.random.unit();
        let status = match (kind, point) {
            (_, p) if p < 0.03 => "skipped",
            ("OE", _) => "attempted",
            (_, p) if p < 0.65 => "correct",
            _ => "incorrect",
        };
        let words = if self.random.chance(0.001) { 110 } else { 2 };
        let text = "words of a simulated learner about counting ".repeat(words);
        let at = self.at / 1000;
        format!(
            "{},\"attemptStatus\":\"{status}\",\"gradingType\":\"system\",\"taxonomyIds\":{{\"{}\":\"K.CC.A.1\"}},\
             \"answerObject\":[{{\"text\":\"{text}\",\"status\":\"{status}\",\"order\":1,\"answerId\":\"{}\",\
             \"timeStamp\":{at},\"skip\":{}}}]",
            question_type(content),
            content.code,
            self.random.uuid(),
            status == "skipped"
        )
    }

    fn react(&mut self, item: Option<&'w Item>, content: &'w str) {
        let said = Said {
            id: self.random.uuid(),
            name: "reaction.create",
            start: self.at,
            end: self.at,
            content,
            parent: item.map(|i| i.id.as_str()),
            collection_type: item.filter(|_| self.scene.client != Client::Mobile).map(collection_type),
            reaction: Some(self.random.below(6)),
            ..Said::default()
        };
        self.say(&said);
    }

    fn external(&mut self, item: &'w Item) {
        let id = self.random.uuid();
        self.say(&self.play(item, &id, "start"));
        let (opened, length) = (self.at, self.random.seconds(EXERCISE, 7_000.0));
        self.at = self.at.saturating_add(length).min(self.until);
        let (max, time) = (10 * (1 + self.random.below(5)), self.at - opened);
        let raw = self.random.below(max * 10 + 1);
        let metrics = format!("\"score\":{}.{},\"maxScore\":{max},\"timeSpent\":{time}", raw / 10, raw % 10);
        self.say(&Said { start: opened, metrics, ..self.play(item, &id, "stop") });
    }

    fn single(&mut self, world: &'w World) {
        for _ in 0..=self.random.below(3) {
            let Some(id) = self.random.pick(&world.resources) else { return };
            let content = Content { id: id.clone(), question: None, code: String::new() };
            self.wait();
            self.lone(&content);
            if self.random.chance(0.05) {
                self.react(None, id);
            }
        }
    }

    fn lone(&mut self, content: &Content) {
        let (start, end) = self.step();
        let opened = Said {
            id: self.random.uuid(),
            name: "resource.play",
            kind: Some("start"),
            start,
            end: start,
            content: &content.id,
            resource_type: Some("resource"),
            ..Said::default()
        };
        self.say(&opened);
        self.say(&Said { kind: Some("stop"), end, ..opened });
    }

    /// Grades of open answers, overrides, new results and withdrawals, in small shares.
    fn correct(&mut self, item: &'w Item) {
        let at = self.at.saturating_add(HOUR).min(self.until);
        let desk = grading::Desk { scene: &self.scene, item, at };
        for question in std::mem::take(&mut self.open) {
            if self.random.chance(0.7) {
                self.events.push(desk.grade(self.random, question));
            }
        }
        let asked = item.contents.iter().find(|c| c.question.is_some());
        match (self.random.below(1_000), asked) {
            (0..=4, Some(content)) => self.events.push(desk.set_status(self.random, &content.id)),
            (5..=7, _) => self.events.push(desk.new_result(self.random)),
            (8, _) if item.assessment => self.events.push(desk.withdraw(self.random)),
            _ => {}
        }
    }
}

fn collection_type(item: &Item) -> &'static str {
    match (item.assessment, item.external) {
        (true, true) => "assessment-external",
        (true, false) => "assessment",
        (false, true) => "collection-external",
        (false, false) => "collection",
    }
}

fn question_type(content: &Content) -> String {
    content.question.map_or_else(String::new, |kind| format!("\"questionType\":\"{kind}\""))
}
