//! Malformed, random and cut messages: they end their connection with 08P01 at worst, never the server.
//!
//! Each message of a seeded run goes to a session, or to a connection that has not started; what comes back must be well-formed. A new
//! connection is answered again and again in between. `HEADWATER_FUZZ_MESSAGES` sets how many are sent, `HEADWATER_FUZZ_SEED` which.

use crate::harness::message::{self, Binding, bind, close, describe, execute, framed, parse, query, sync};
use crate::harness::target::given;
use crate::harness::{Client, Target, number};
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use std::io::ErrorKind;
use std::time::Duration;

/// How long a session may be silent before the client gives up on it.
const SILENCE: Duration = Duration::from_millis(40);
/// How long the server may take to see that a client has left, statements under way included.
const PATIENCE: Duration = Duration::from_secs(10);
/// Messages between two checks of a new connection.
const CHECK_EVERY: u64 = 200;

#[test]
fn malformed_messages_end_connections_not_the_server() {
    let messages = number("HEADWATER_FUZZ_MESSAGES", 3000);
    let seed = number("HEADWATER_FUZZ_SEED", 15);
    let target = Target::fresh();
    prepare(&target);
    let mut rng = StdRng::seed_from_u64(seed);
    let mut victim: Option<Client> = None;
    let mut ended = 0u64;
    for n in 0..messages {
        // PostgreSQL repeats a start-up message's bytes in its answer, whatever they are.
        if rng.random_ratio(1, 12) && given().is_none() {
            let mut client =
                Client::silent(target.address()).unwrap_or_else(|e| panic!("seed {seed}, message {n}: {e}"));
            let bytes = wrong_start(&mut rng);
            provoke(&mut client, &bytes, false);
            continue;
        }
        let mut client = victim.take().unwrap_or_else(|| session(&target, seed, n));
        let bytes = wrong_message(&mut rng);
        match provoke(&mut client, &bytes, true) {
            true => victim = Some(client),
            false => ended += 1,
        }
        if n % CHECK_EVERY == 0 {
            let mut witness = session(&target, seed, n);
            assert_eq!(witness.rows("SELECT count(*) FROM seen"), ["3"], "seed {seed}, message {n}");
        }
    }
    assert!(ended > 0 || messages < 100, "some messages end their connection");
    drop(victim);
    let mut witness = session(&target, seed, messages);
    assert_eq!(witness.rows("SELECT count(*) FROM seen"), ["3"]);
}

fn prepare(target: &Target) {
    let mut client = target.connect();
    client.run("CREATE TABLE seen (id int PRIMARY KEY, v text)");
    client.run("INSERT INTO seen VALUES (1, 'a'), (2, 'b'), (3, NULL)");
    client.run("CREATE TABLE sink (id int, v text)");
}

fn session(target: &Target, seed: u64, n: u64) -> Client {
    let parameters = [("user", target.user()), ("database", target.database())];
    let mut client = Client::connect(target.address(), &parameters)
        .unwrap_or_else(|e| panic!("seed {seed}: no new connection after message {n}: {e}"));
    client.run("SET statement_timeout = '5s'");
    client
}

/// Sends bytes and then what a well-behaved client would; true while the session lives.
fn provoke(client: &mut Client, bytes: &[u8], started: bool) -> bool {
    if client.send(bytes).is_err() {
        return false;
    }
    if started {
        // Whatever state the bytes led to: a copy ends, a skipped pipeline comes to its Sync.
        let rescue = [framed(b'f', b"enough\0"), sync(), query("SELECT 'rescued'")].concat();
        if client.send(&rescue).is_err() {
            return false;
        }
    } else if client.shut().is_err() {
        return false;
    }
    let mut last_code = String::new();
    let mut open = started;
    loop {
        // A cut message swallows the rescue and the server waits for the rest: it then learns that there is none.
        let m = match client.read_within(if open { SILENCE } else { PATIENCE }) {
            Ok(Some(m)) => m,
            Ok(None) if open => {
                open = false;
                let _ = client.shut();
                continue;
            }
            Ok(None) => panic!("the connection is not ended after {bytes:?}"),
            Err(e)
                if matches!(
                    e.kind(),
                    ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe
                ) =>
            {
                // Terminate may be among the noise; where a start ends, and how PostgreSQL ends, is no matter here.
                let told = !started || !open || bytes.contains(&b'X') || given().is_some();
                assert!(told || last_code == "08P01" || last_code == "22021", "ended with {last_code} after {bytes:?}");
                return false;
            }
            Err(e) => panic!("{e} after {bytes:?}"),
        };
        match m.kind {
            b'E' => {
                let fields = m.fields();
                assert!(!fields[&'C'].starts_with("XX") || given().is_some(), "{fields:?} after {bytes:?}");
                last_code = fields[&'C'].clone();
            }
            b'D' if m.values() == [Some(b"rescued".to_vec())] => {
                while let Ok(Some(m)) = client.read_within(Duration::from_secs(5)) {
                    if m.kind == b'Z' {
                        return true;
                    }
                }
                return false;
            }
            _ => {}
        }
    }
}

/// A well-formed message.
fn message(rng: &mut StdRng) -> Vec<u8> {
    let texts = [
        "SELECT 1",
        "SELECT * FROM seen WHERE id = $1",
        "INSERT INTO sink VALUES ($1, $2)",
        "COPY sink FROM STDIN",
        "COPY sink FROM STDIN (FORMAT binary)",
        "COPY seen TO STDOUT",
        "BEGIN",
        "ROLLBACK",
        "SELECT $1::numeric, $2::int[], $3::date",
        "",
        "SELECT 'h\u{e9}' || $1",
        "SELEC",
    ];
    let names = ["", "s", "p", "long name"];
    let text = *texts.choose(rng).expect("there are some");
    let name = *names.choose(rng).expect("there are some");
    let blob: Vec<u8> = (0..rng.random_range(0..40)).map(|_| rng.random()).collect();
    let values = [Some(&blob[..]), None, Some(b"1")];
    let formats = [rng.random_range(0..2), 0, 1];
    let (few, some) = (rng.random_range(0..=3), rng.random_range(0..=3));
    match rng.random_range(0..12) {
        0..3 => query(text),
        3 | 4 => parse(name, text, &[23, 25, 1700, 0][..rng.random_range(0..4)]),
        5 | 6 => {
            bind(name, name, &Binding { formats: &formats[..few], values: &values[..some], results: &formats[..few] })
        }
        7 => describe(*b"SPx".choose(rng).expect("there are some"), name),
        8 => execute(name, rng.random_range(-1..3)),
        9 => close(*b"SPx".choose(rng).expect("there are some"), name),
        10 => framed(b'd', &blob),
        _ => framed(*b"cHSFp".choose(rng).expect("there are some"), &blob),
    }
}

/// A message with something wrong: bytes changed, cut, added, a false length, another kind, or noise alone.
fn wrong_message(rng: &mut StdRng) -> Vec<u8> {
    let mut bytes = message(rng);
    if rng.random_ratio(1, 3) {
        bytes = [message(rng), bytes].concat();
    }
    match rng.random_range(0..8) {
        0 => {
            for _ in 0..rng.random_range(1..6) {
                let at = rng.random_range(0..bytes.len());
                bytes[at] = rng.random();
            }
        }
        1 => bytes.truncate(rng.random_range(0..bytes.len())),
        2 => {
            let length: u32 =
                *[0, 1, 3, 4, 5, 6, 100, 10_000, 0x3fff_ffff, 0x7fff_ffff, u32::MAX].choose(rng).expect("some");
            bytes[1..5].copy_from_slice(&length.to_be_bytes());
        }
        3 => bytes[0] = rng.random(),
        4 => {
            let at = rng.random_range(5..=bytes.len());
            let more: Vec<u8> = (0..rng.random_range(1..20)).map(|_| rng.random()).collect();
            bytes.splice(at..at, more);
        }
        5 => bytes = (0..rng.random_range(1..60)).map(|_| rng.random()).collect(),
        6 => {
            let body: Vec<u8> = (0..rng.random_range(0..60)).map(|_| rng.random()).collect();
            bytes = framed(*b"QPBDECSHFdcfpX?".choose(rng).expect("some"), &body);
        }
        _ => {}
    }
    bytes
}

/// The bytes of a connection that never becomes a session.
fn wrong_start(rng: &mut StdRng) -> Vec<u8> {
    let version =
        *[3 << 16, (3 << 16) + 9, 2 << 16, 80_877_102, 80_877_103, 80_877_104, 0, u32::MAX].choose(rng).expect("some");
    let mut bytes = message::startup(version, &[("user", "postgres"), ("database", "no_such_database"), ("x", "y")]);
    match rng.random_range(0..5) {
        0 => bytes.truncate(rng.random_range(0..bytes.len())),
        1 => {
            for _ in 0..rng.random_range(1..6) {
                let at = rng.random_range(0..bytes.len());
                bytes[at] = rng.random();
            }
        }
        2 => bytes = (0..rng.random_range(1..60)).map(|_| rng.random()).collect(),
        3 => {
            let length: u32 = *[0, 4, 7, 8, 9, 10_000, 10_001, u32::MAX].choose(rng).expect("some");
            bytes[..4].copy_from_slice(&length.to_be_bytes());
        }
        _ => {}
    }
    bytes
}
