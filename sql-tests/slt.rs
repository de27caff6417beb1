//! Runs `sql-tests/slt/**/*.slt` over the real wire: a behaviour is a script.
//!
//! Files are in the form of the crate `sqllogictest`, run in the simple protocol with results as text: NULL, `(empty)`, white space
//! collapsed, `rowsort` and `valuesort`, `hash-threshold`, `statement error (SQLSTATE)`, `connection NAME`. Each file has a server
//! with an empty data directory. Two lines of our own, each alone on its line, end every connection of the file:
//!
//! - `restart` stops the server in order and starts it again over the same data;
//! - `crash` kills it with -9 before that.
//!
//! `HEADWATER_SLT` names further files to run instead, separated by white space: paths, globs, or lists of paths relative to the
//! list's folder (`.txt`).
//! With `HEADWATER_TEST_URL` all of it runs against the server named there.

mod harness;

use harness::{Answer, Client, Fault, Target};
use sqllogictest::harness::{Arguments, Failed, Trial, glob, run};
use sqllogictest::{DB, DBOutput, DefaultColumnType, Normalizer, Record, Runner, parse_with_name};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// How many failures of one file are shown.
const SHOWN: usize = 20;

fn main() {
    let files = match std::env::var("HEADWATER_SLT") {
        Ok(wanted) => wanted.split_whitespace().flat_map(files_of).collect(),
        Err(_) => files_of(concat!(env!("CARGO_MANIFEST_DIR"), "/sql-tests/slt/**/*.slt")),
    };
    assert!(!files.is_empty(), "there are no scripts");
    let trial = |file: PathBuf| Trial::test(name_of(&file), move || run_file(&file));
    run(&Arguments::from_args(), files.into_iter().map(trial).collect()).exit();
}

/// The files that a path, a glob or a list stands for.
fn files_of(wanted: &str) -> Vec<PathBuf> {
    if wanted.ends_with(".txt") {
        let list = std::fs::read_to_string(wanted).unwrap_or_else(|e| panic!("{wanted}: {e}"));
        let folder = Path::new(wanted).parent().expect("a file is in a folder");
        return list.lines().map(str::trim).filter(|l| !l.is_empty()).map(|l| folder.join(l)).collect();
    }
    glob(wanted).expect("a pattern").map(|entry| entry.expect("a readable folder")).collect()
}

fn name_of(file: &Path) -> String {
    let own = concat!(env!("CARGO_MANIFEST_DIR"), "/sql-tests/slt/");
    file.strip_prefix(own).unwrap_or(file).display().to_string()
}

/// One connection, as the runner sees it.
struct Session {
    client: Client,
}

/// Why a statement gave no result.
#[derive(Debug)]
enum Trouble {
    Said(Fault),
    Lost(std::io::Error),
}

impl std::fmt::Display for Trouble {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Trouble::Said(fault) => write!(f, "{fault}"),
            Trouble::Lost(e) => write!(f, "connection lost: {e}"),
        }
    }
}

impl std::error::Error for Trouble {}

impl DB for Session {
    type Error = Trouble;
    type ColumnType = DefaultColumnType;

    fn run(&mut self, sql: &str) -> Result<DBOutput<DefaultColumnType>, Trouble> {
        let answers = self.client.query(sql).map_err(Trouble::Lost)?;
        if let Some(fault) = answers.iter().find_map(|a| a.error.clone()) {
            return Err(Trouble::Said(fault));
        }
        let first = answers.iter().find(|a| a.columns.is_some());
        Ok(first.map_or_else(|| DBOutput::StatementComplete(count(&answers)), rows))
    }

    fn engine_name(&self) -> &str {
        "postgres"
    }

    fn error_sql_state(e: &Trouble) -> Option<String> {
        match e {
            Trouble::Said(fault) => Some(fault.code().to_owned()),
            Trouble::Lost(_) => None,
        }
    }
}

/// The last word of a command tag such as `INSERT 0 3`.
fn count(answers: &[Answer]) -> u64 {
    let last = answers.last().and_then(|a| a.tag.split_whitespace().last());
    last.and_then(|word| word.parse().ok()).unwrap_or(0)
}

fn rows(answer: &Answer) -> DBOutput<DefaultColumnType> {
    let width = answer.columns.as_ref().map_or(0, Vec::len);
    let shown = |value: &Option<String>| match value.as_deref() {
        None => "NULL".to_owned(),
        Some("") => "(empty)".to_owned(),
        Some(text) => text.to_owned(),
    };
    DBOutput::Rows {
        types: vec![DefaultColumnType::Any; width],
        rows: answer.rows.iter().map(|row| row.iter().map(shown).collect()).collect(),
    }
}

/// White space is collapsed once more over the whole row: a value that is only blanks leaves no trace.
fn same(normalize: Normalizer, actual: &[Vec<String>], expected: &[String]) -> bool {
    let row = |values: &Vec<String>| normalize(&values.iter().map(normalize).collect::<Vec<_>>().join(" "));
    actual.iter().map(row).eq(expected.iter().map(normalize))
}

/// What a file consists of: scripts, with ends of the server between them.
enum Part {
    Records(Vec<Record<DefaultColumnType>>),
    Restart { crash: bool },
}

/// Line numbers stay those of the file: what belongs to other parts is blank in each.
fn parts(file: &Path) -> Result<Vec<Part>, Failed> {
    let text = std::fs::read_to_string(file).map_err(|e| format!("{}: {e}", file.display()))?;
    let mut all = Vec::new();
    let (mut script, mut blank) = (String::new(), String::new());
    let records = |script: &str| match parse_with_name(script, file.display().to_string()) {
        Ok(records) => Ok(Part::Records(records)),
        Err(e) => Err(Failed::from(e)),
    };
    for line in text.lines() {
        blank.push('\n');
        match line.trim_end() {
            directive @ ("restart" | "crash") => {
                all.push(records(&script)?);
                all.push(Part::Restart { crash: directive == "crash" });
                script.clone_from(&blank);
            }
            line => {
                script.push_str(line);
                script.push('\n');
            }
        }
    }
    all.push(records(&script)?);
    Ok(all)
}

fn connect(target: &Target) -> Session {
    let mut client = target.connect();
    client.run("SET TIME ZONE 'UTC'");
    Session { client }
}

/// Runs every record of a file; what failed is told together.
fn run_file(file: &Path) -> Result<(), Failed> {
    let target = Arc::new(Mutex::new(Target::fresh()));
    let mut failures = Vec::new();
    for part in parts(file)? {
        match part {
            Part::Restart { crash } => target.lock().expect("no one panicked").restart(crash),
            Part::Records(records) => failures.extend(run_records(&target, records)),
        }
    }
    if failures.is_empty() {
        return Ok(());
    }
    let more = failures.len().saturating_sub(SHOWN);
    let mut text = failures.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join("\n");
    if more > 0 {
        text += &format!("\n... and {more} more failures");
    }
    Err(Failed::from(text))
}

fn run_records(target: &Arc<Mutex<Target>>, records: Vec<Record<DefaultColumnType>>) -> Vec<String> {
    let target = target.clone();
    let mut runner = Runner::new(move || {
        let session = connect(&target.lock().expect("no one panicked"));
        async { Ok(session) }
    });
    runner.with_validator(same);
    let mut failures = Vec::new();
    for record in records {
        if matches!(record, Record::Halt { .. }) {
            break;
        }
        if let Err(e) = runner.run(record) {
            let lost = e.to_string().contains("connection lost");
            failures.push(e.to_string());
            if lost {
                break;
            }
        }
    }
    failures
}
