//! kill -9 under load: every commit that was acknowledged is there afterwards, whole; nothing else is half there.
//!
//! Writers move money between accounts, note each transfer in a history and insert rows under numbers of their own, and write down on
//! their side what was acknowledged. The server is killed at a random moment and started again; then:
//!
//! 1. every acknowledged insert is there, and every acknowledged transfer is in the history;
//! 2. a commit whose answer was lost is there in full or not at all;
//! 3. the balances of accounts, branches and history agree, through the table and through the index.
//!
//! `HEADWATER_KILL_ROUNDS` sets how often, `HEADWATER_KILL_SEED` the moments.

mod harness;

use harness::message::{Binding, bind, execute, parse, sync};
use harness::{Client, Server, number};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const WRITERS: u64 = 6;
const ACCOUNTS: u64 = 200;
const BRANCHES: u64 = 4;

/// What one writer knows of its work.
#[derive(Default)]
struct Ledger {
    /// Numbers whose commit was acknowledged.
    acknowledged: BTreeSet<u64>,
    /// Numbers rolled back on purpose.
    abandoned: BTreeSet<u64>,
}

#[test]
fn acknowledged_commits_survive_kill_9_under_load() {
    let rounds = number("HEADWATER_KILL_ROUNDS", 3);
    let seed = number("HEADWATER_KILL_SEED", 9);
    let mut rng = StdRng::seed_from_u64(seed);
    let mut server = Server::start();
    prepare(server.address());
    let mut ledgers: Vec<Ledger> = (0..WRITERS).map(|_| Ledger::default()).collect();
    for round in 0..rounds {
        let wait = Duration::from_millis(rng.random_range(100..900));
        let before: usize = ledgers.iter().map(|l| l.acknowledged.len()).sum();
        load_and_kill(&mut server, &mut ledgers, round, wait);
        let after: usize = ledgers.iter().map(|l| l.acknowledged.len()).sum();
        if rng.random_ratio(1, 4) {
            // Killed again while it starts.
            server.start_and_kill(Duration::from_millis(rng.random_range(1..60)));
        }
        server.start_again();
        verify(server.address(), &ledgers, &format!("seed {seed}, round {round}"));
        println!("round {round}: {} commits in {wait:?}, {after} in all", after - before);
    }
    assert!(ledgers.iter().any(|l| !l.acknowledged.is_empty()), "there was load");
}

fn connect(address: SocketAddr) -> io::Result<Client> {
    Client::connect(address, &[("user", "postgres")])
}

fn prepare(address: SocketAddr) {
    let mut client = connect(address).expect("the server answers");
    client.run("CREATE TABLE accounts (id int PRIMARY KEY, branch int NOT NULL, balance int8 NOT NULL)");
    client.run("CREATE TABLE branches (id int PRIMARY KEY, balance int8 NOT NULL)");
    client.run("CREATE TABLE history (number int8 PRIMARY KEY, account int NOT NULL, delta int NOT NULL, pad text)");
    client.run("CREATE TABLE inserts (number int8 PRIMARY KEY, twin int8 NOT NULL)");
    client.run("CREATE INDEX ON inserts (twin)");
    client.run(&format!("INSERT INTO accounts SELECT g, g % {BRANCHES}, 0 FROM generate_series(1, {ACCOUNTS}) g"));
    client.run(&format!("INSERT INTO branches SELECT g, 0 FROM generate_series(0, {BRANCHES} - 1) g"));
}

fn load_and_kill(server: &mut Server, ledgers: &mut [Ledger], round: u64, wait: Duration) {
    let address = server.address();
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for (writer, ledger) in ledgers.iter_mut().enumerate() {
            let stop = &stop;
            scope.spawn(move || {
                let mut rng = StdRng::seed_from_u64(round * WRITERS + writer as u64);
                let mut next = (writer as u64) << 40 | round << 24;
                let Ok(mut client) = connect(address) else { return };
                while !stop.load(Ordering::Relaxed) {
                    next += 1;
                    if work(&mut client, next, ledger, &mut rng).is_err() {
                        return;
                    }
                }
            });
        }
        std::thread::sleep(wait);
        server.kill();
        stop.store(true, Ordering::Relaxed);
    });
}

/// One transaction of a random kind. Error: the connection is gone.
fn work(client: &mut Client, number: u64, ledger: &mut Ledger, rng: &mut StdRng) -> io::Result<()> {
    let account = rng.random_range(1..=ACCOUNTS);
    let delta: i32 = rng.random_range(-100..100);
    let acknowledged = match rng.random_range(0..4) {
        0 => {
            client.query("BEGIN")?;
            let done = transfer(client, number, account, delta)?;
            let abandon = rng.random_ratio(1, 6);
            let end = client.query(if abandon { "ROLLBACK" } else { "COMMIT" })?;
            if abandon {
                ledger.abandoned.insert(number);
            }
            done && !abandon && end[0].tag == "COMMIT"
        }
        1 => {
            let sql = format!(
                "BEGIN; {}; {}; {}; INSERT INTO inserts VALUES ({number}, -{number}); COMMIT",
                history(number, account, delta),
                balance("accounts", account, delta),
                balance("branches", account % BRANCHES, delta)
            );
            client.query(&sql)?.iter().all(|a| a.error.is_none())
        }
        2 => succeeded(client.query(&format!("INSERT INTO inserts VALUES ({number}, -{number})"))?),
        _ => {
            let text = number.to_string();
            let twin = format!("-{number}");
            let values = [Some(text.as_bytes()), Some(twin.as_bytes())];
            let with = Binding { values: &values, ..Binding::default() };
            let steps =
                [parse("", "INSERT INTO inserts VALUES ($1, $2)", &[]), bind("", "", &with), execute("", 0), sync()];
            client.exchange(&steps.concat())?.iter().any(|m| m.kind == b'C')
        }
    };
    if acknowledged {
        ledger.acknowledged.insert(number);
    } else {
        client.query("ROLLBACK")?;
    }
    Ok(())
}

fn succeeded(answers: Vec<harness::Answer>) -> bool {
    answers.iter().all(|a| a.error.is_none())
}

fn history(number: u64, account: u64, delta: i32) -> String {
    format!("INSERT INTO history VALUES ({number}, {account}, {delta}, repeat('x', {}))", number % 300)
}

fn balance(table: &str, id: u64, delta: i32) -> String {
    format!("UPDATE {table} SET balance = balance + {delta} WHERE id = {id}")
}

/// The statements of a transfer one by one; false when one failed.
fn transfer(client: &mut Client, number: u64, account: u64, delta: i32) -> io::Result<bool> {
    let steps = [
        history(number, account, delta),
        balance("accounts", account, delta),
        balance("branches", account % BRANCHES, delta),
        format!("INSERT INTO inserts VALUES ({number}, -{number})"),
    ];
    for sql in steps {
        if !succeeded(client.query(&sql)?) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn numbers(client: &mut Client, sql: &str) -> BTreeSet<u64> {
    client.rows(sql).iter().map(|r| r.parse().expect("a number")).collect()
}

fn verify(address: SocketAddr, ledgers: &[Ledger], when: &str) {
    let mut client = connect(address).expect("it starts again");
    let there = numbers(&mut client, "SELECT number FROM inserts");
    for ledger in ledgers {
        let lost: Vec<_> = ledger.acknowledged.difference(&there).collect();
        assert!(lost.is_empty(), "{when}: {} acknowledged commits are lost, such as {}", lost.len(), lost[0]);
        let risen: Vec<_> = ledger.abandoned.intersection(&there).collect();
        assert!(risen.is_empty(), "{when}: {} rolled back transactions are there", risen.len());
    }
    let halves = "SELECT count(*) FROM history h LEFT JOIN inserts i ON i.number = h.number WHERE i.number IS NULL";
    assert_eq!(client.rows(halves), ["0"], "{when}: transfers that are there in part");
    let sums = "SELECT (SELECT sum(balance) FROM accounts) = (SELECT coalesce(sum(delta), 0) FROM history), \
                (SELECT sum(balance) FROM accounts) = (SELECT sum(balance) FROM branches)";
    assert_eq!(client.rows(sums), ["t|t"], "{when}");
    let accounts = "SELECT count(*) FROM accounts a \
                    LEFT JOIN (SELECT account, sum(delta) AS moved FROM history GROUP BY account) h ON h.account = a.id \
                    WHERE a.balance <> coalesce(h.moved, 0)";
    assert_eq!(client.rows(accounts), ["0"], "{when}: accounts that differ from their history");
    let branches = "SELECT count(*) FROM branches b \
                    JOIN (SELECT branch, sum(balance) AS held FROM accounts GROUP BY branch) a ON a.branch = b.id \
                    WHERE a.held <> b.balance";
    assert_eq!(client.rows(branches), ["0"], "{when}: branches that differ from their accounts");
    assert_eq!(client.rows("SELECT count(*) FROM accounts"), [ACCOUNTS.to_string()], "{when}");
    if let Some(&one) = there.iter().next_back() {
        assert_eq!(
            client.rows(&format!("SELECT number FROM inserts WHERE twin = -{one}")),
            [one.to_string()],
            "{when}"
        );
    }
    let through_index = client.rows("SELECT count(*) FROM inserts WHERE twin < 0");
    assert_eq!(through_index, [there.len().to_string()], "{when}");
}
