//! Several sessions at once: `sql-tests/isolation/*.txt` are transcripts that are held against what happens.
//!
//! `s1> SQL` sends a statement in session `s1`; what follows is what the sessions then said, in the order of their names: rows, notices,
//! the command tag or the error. A statement that blocks prints `s1: waiting`, and its answer after the step that let it go on.
//! Lines that begin with `#` are comments; steps before the first session step may be sent as `setup>`.
//!
//! The expected transcript says what to wait for: an answer that it names is awaited for as long as it takes, and where it says
//! `waiting` the statement has to stay silent for [`SILENCE`]. `HEADWATER_REGENERATE=1` writes the transcripts anew; with
//! `HEADWATER_TEST_URL` as PostgreSQL gives them.

mod harness;

use harness::client::answers;
use harness::{Answer, Client, Message, Target, message};
use sqllogictest::harness::{Arguments, Failed, Trial, glob, run};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How long a statement must say nothing to count as blocked.
const SILENCE: Duration = Duration::from_millis(150);
/// The same when nothing is known of what to expect.
const CAUTION: Duration = Duration::from_millis(600);

fn main() {
    let files = glob(concat!(env!("CARGO_MANIFEST_DIR"), "/sql-tests/isolation/*.txt")).expect("a pattern");
    let trial = |file: PathBuf| {
        let name = file.file_stem().expect("a file has a name").to_string_lossy().into_owned();
        Trial::test(name, move || run_file(&file))
    };
    let trials = files.map(|f| trial(f.expect("a readable folder"))).collect();
    run(&Arguments::from_args(), trials).exit();
}

fn run_file(file: &Path) -> Result<(), Failed> {
    let expected = std::fs::read_to_string(file)?;
    let regenerate = std::env::var_os("HEADWATER_REGENERATE").is_some();
    // So that a transcript that is about it need not write a million rows.
    let target = Target::fresh_arguments(&["-c", "table_lock_threshold=50000"]);
    let mut sessions = Sessions { target: &target, all: BTreeMap::new() };
    let mut actual = String::new();
    for part in split(&expected) {
        match part {
            Part::Text(line) => actual += &format!("{line}\n"),
            Part::Step { session, sql, said } => {
                actual += &format!("{session}> {sql}\n");
                let hints = (!regenerate).then(|| Hints::read(&said));
                for line in sessions.step(session, sql, hints.as_ref())? {
                    actual += &format!("{line}\n");
                }
            }
        }
    }
    if regenerate {
        return Ok(std::fs::write(file, actual)?);
    }
    if actual == expected {
        return Ok(());
    }
    Err(Failed::from(format!("{}:\n{}", file.display(), difference(&expected, &actual))))
}

enum Part<'a> {
    Text(&'a str),
    Step { session: &'a str, sql: &'a str, said: Vec<&'a str> },
}

/// Steps with what was said after each; comments and empty lines are kept as they are.
fn split(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    for line in text.lines() {
        if line.is_empty() || line.starts_with('#') {
            parts.push(Part::Text(line));
        } else if let Some((session, sql)) = line.split_once("> ").filter(|(s, _)| s.chars().all(char::is_alphanumeric))
        {
            parts.push(Part::Step { session, sql, said: Vec::new() });
        } else {
            match parts.last_mut() {
                Some(Part::Step { said, .. }) => said.push(line),
                _ => panic!("an answer without a step: {line}"),
            }
        }
    }
    parts
}

/// Which sessions are expected to answer, and which to keep waiting.
struct Hints<'a> {
    answer: BTreeSet<&'a str>,
}

impl<'a> Hints<'a> {
    fn read(said: &[&'a str]) -> Hints<'a> {
        let spoken = said.iter().filter_map(|l| l.split_once(": ")).filter(|(_, what)| *what != "waiting");
        Hints { answer: spoken.map(|(s, _)| s).collect() }
    }
}

struct Sessions<'a> {
    target: &'a Target,
    all: BTreeMap<String, Session>,
}

struct Session {
    client: Client,
    /// What has come of the answer to the statement under way.
    pending: Option<Vec<Message>>,
}

impl Sessions<'_> {
    /// Sends a statement and gathers what all sessions say.
    fn step(&mut self, name: &str, sql: &str, hints: Option<&Hints>) -> Result<Vec<String>, Failed> {
        let target = self.target;
        let session =
            self.all.entry(name.to_owned()).or_insert_with(|| Session { client: target.connect(), pending: None });
        if session.pending.is_some() {
            return Err(Failed::from(format!("{name} is still waiting when the script says: {sql}")));
        }
        session.client.send(&message::query(sql))?;
        session.pending = Some(Vec::new());
        self.gather(name, hints)
    }

    fn gather(&mut self, stepping: &str, hints: Option<&Hints>) -> Result<Vec<String>, Failed> {
        let mut said: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let mut silent_since = Instant::now();
        let started = Instant::now();
        loop {
            for (name, session) in self.all.iter_mut() {
                if session.poll()? {
                    let messages = session.pending.take().expect("it was pending");
                    said.insert(name.clone(), transcript(name, &messages));
                    silent_since = Instant::now();
                }
            }
            let waiting = self.all.values().any(|s| s.pending.is_some());
            let owed = hints.is_some_and(|h| h.answer.iter().any(|s| !said.contains_key(*s) && self.is_pending(s)));
            let silence = if hints.is_some() { SILENCE } else { CAUTION };
            let quiet = silent_since.elapsed() > silence && (!owed || started.elapsed() > Duration::from_secs(20));
            if !waiting || quiet {
                break;
            }
        }
        if self.is_pending(stepping) {
            said.insert(stepping.to_owned(), vec![format!("{stepping}: waiting")]);
        }
        Ok(said.into_values().flatten().collect())
    }

    fn is_pending(&self, name: &str) -> bool {
        self.all.get(name).is_some_and(|s| s.pending.is_some())
    }
}

impl Session {
    /// True when the statement under way has been answered in full.
    fn poll(&mut self) -> std::io::Result<bool> {
        let Some(pending) = &mut self.pending else { return Ok(false) };
        while let Some(m) = self.client.read_within(Duration::from_millis(2))? {
            let ready = m.kind == b'Z';
            pending.push(m);
            if ready {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

fn transcript(name: &str, messages: &[Message]) -> Vec<String> {
    let mut lines = Vec::new();
    for answer in answers(messages) {
        lines.extend(shown(&answer));
    }
    lines.into_iter().map(|l| format!("{name}: {l}")).collect()
}

fn shown(answer: &Answer) -> Vec<String> {
    let mut lines: Vec<String> = answer.notices.iter().map(|n| format!("{} {}", n.field('S'), n.message())).collect();
    let value = |v: &Option<String>| v.clone().unwrap_or_else(|| "NULL".to_owned());
    lines.extend(answer.rows.iter().map(|row| row.iter().map(value).collect::<Vec<_>>().join(" | ")));
    match &answer.error {
        Some(e) => lines.push(format!("{} {} {}", e.field('S'), e.code(), e.message())),
        None => lines.push(answer.tag.clone()),
    }
    lines
}

/// The first lines that differ, with what came before.
fn difference(expected: &str, actual: &str) -> String {
    let (e, a): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), actual.lines().collect());
    let at = e.iter().zip(&a).take_while(|(x, y)| x == y).count();
    let before = e[at.saturating_sub(6)..at].iter().map(|l| format!("  {l}\n"));
    let wanted = e[at..].iter().take(8).map(|l| format!("- {l}\n"));
    let got = a[at..].iter().take(8).map(|l| format!("+ {l}\n"));
    format!("line {}\n{}", at + 1, before.chain(wanted).chain(got).collect::<String>())
}
