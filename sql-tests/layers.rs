//! Holds the layer table: every `use crate::` goes to a strictly lower layer. Adding an edge means editing this table,
//! where somebody sees it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Folder and layer, as in `ARCHITECTURE.md`.
const LAYERS: &[(&str, u32)] = &[
    ("base", 0),
    ("io", 1),
    ("types", 1),
    ("parser", 1),
    ("expr", 2),
    ("wal", 2),
    ("storage", 3),
    ("txn", 4),
    ("engine", 5),
    ("catalog", 6),
    ("table", 7),
    ("binder", 7),
    ("backup", 8),
    ("planner", 8),
    ("replication", 8),
    ("executor", 9),
    ("session", 10),
    ("server", 11),
];

fn layer(folder: &str) -> Option<u32> {
    LAYERS.iter().find(|(name, _)| *name == folder).map(|(_, n)| *n)
}

fn files(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
}

/// The folders that a source text names after `crate::`, tests and grouped imports included.
fn mentioned(text: &str) -> BTreeSet<String> {
    let code = text.lines().filter(|l| !l.trim_start().starts_with("//"));
    let mut found = BTreeSet::new();
    for line in code {
        for (at, _) in line.match_indices("crate::") {
            let whole_word = at == 0 || !line[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == '$');
            let name: String = line[at + 7..].chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect();
            if whole_word && !name.is_empty() {
                found.insert(name);
            }
        }
    }
    found
}

#[test]
fn imports_go_to_lower_layers_only() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    for entry in std::fs::read_dir(&src).unwrap() {
        let dir = entry.unwrap().path();
        if !dir.is_dir() {
            continue;
        }
        let folder = dir.file_name().unwrap().to_str().unwrap().to_owned();
        let own = layer(&folder).unwrap_or_else(|| panic!("src/{folder} is not in the layer table"));
        let mut all = Vec::new();
        files(&dir, &mut all);
        for file in all {
            let text = std::fs::read_to_string(&file).unwrap();
            for name in mentioned(&text) {
                let target = layer(&name).unwrap_or_else(|| panic!("{}: crate::{name} is no layer", file.display()));
                if name != folder && target >= own {
                    wrong.push(format!("{}: {folder} ({own}) uses {name} ({target})", file.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// Files, clocks and randomness have one door, `io`; so has everything else that a simulation must replace.
#[test]
fn only_io_touches_the_world() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut all = Vec::new();
    files(&src, &mut all);
    let doors = ["std::fs", "SystemTime", "Instant::now", "rand::rng()"];
    let mut wrong = Vec::new();
    for file in all {
        let inside = file.strip_prefix(&src).unwrap();
        if inside.starts_with("io") || inside == Path::new("config.rs") || inside == Path::new("main.rs") {
            continue;
        }
        let text = std::fs::read_to_string(&file).unwrap();
        let shipped = text.split("#[cfg(test)]").next().unwrap();
        for door in doors {
            if shipped.lines().any(|l| !l.trim_start().starts_with("//") && l.contains(door)) {
                wrong.push(format!("{}: {door}", file.display()));
            }
        }
    }
    // tokio's own clock paces sockets, which no simulation of the engine includes.
    wrong.retain(|w| !w.contains("src/server/") && !w.ends_with("src/replication/stream.rs: Instant::now"));
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// The invariants of `ARCHITECTURE.md`: each has a test of the name that it gives, which names it in turn.
#[test]
fn every_invariant_is_named_by_its_tests() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut all = Vec::new();
    files(&root.join("src"), &mut all);
    let sources: Vec<String> = all.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
    let page = std::fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
    let mut found = 0;
    for line in page.lines().filter(|line| line.starts_with("| I")) {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        let (name, tests) = (cells[1], cells[3]);
        found += 1;
        assert_eq!(name, format!("I{found}"));
        for test in tests.split(", ").map(|test| test.trim_matches('`')) {
            let named = sources.iter().any(|text| names(text, test, name));
            assert!(named, "no test {test} says that it is about {name}");
        }
    }
    assert_eq!(found, 16);
}

/// Whether the comment before a test names an invariant.
fn names(text: &str, test: &str, invariant: &str) -> bool {
    let function = format!("fn {test}(");
    text.match_indices(&function).any(|(at, _)| {
        let above = text[..at].lines().rev().skip(1);
        let comment = above.skip_while(|line| !line.trim_start().starts_with("///"));
        let mut words = comment
            .take_while(|line| line.trim_start().starts_with("///"))
            .flat_map(|line| line.split(|c: char| !c.is_alphanumeric()));
        words.any(|word| word == invariant)
    })
}
