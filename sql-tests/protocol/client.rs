//! The protocol as a client library speaks it, `tokio-postgres`: prepared statements with binary values, pipelines, row streams, COPY,
//! cancelling, transactions.

use crate::harness::Target;
use std::future::Future;
use std::time::Duration;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Client, NoTls};

/// Runs a test with a connected client.
fn with_client<F: Future<Output = ()>>(test: impl FnOnce(Client) -> F) {
    let target = Target::fresh();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut config = tokio_postgres::Config::new();
        config.host(target.address().ip().to_string()).port(target.address().port());
        config.user(target.user()).dbname(target.database());
        let (client, connection) = config.connect(NoTls).await.unwrap();
        tokio::spawn(connection);
        test(client).await;
    });
}

#[test]
fn values_go_both_ways() {
    with_client(|client| async move {
        let sql = "SELECT $1::bool, $2::int2, $3::int4, $4::int8, $5::float4, $6::float8, $7::text, $8::bytea, $9::int4[], $10::varchar";
        let none: Option<&str> = None;
        let row = client
            .query_one(
                sql,
                &[&true, &-2i16, &3i32, &-4i64, &0.5f32, &-0.25f64, &"h\u{e9}", &&b"\0\xff"[..], &vec![1, 2], &none],
            )
            .await
            .unwrap();
        assert!(row.get::<_, bool>(0));
        assert_eq!((row.get::<_, i16>(1), row.get::<_, i32>(2), row.get::<_, i64>(3)), (-2, 3, -4));
        assert_eq!((row.get::<_, f32>(4), row.get::<_, f64>(5), row.get::<_, &str>(6)), (0.5, -0.25, "h\u{e9}"));
        assert_eq!((row.get::<_, &[u8]>(7), row.get::<_, Vec<i32>>(8)), (&b"\0\xff"[..], vec![1, 2]));
        assert_eq!(row.get::<_, Option<&str>>(9), None);
    });
}

#[test]
fn statements_are_prepared_once_and_run_often() {
    with_client(|client| async move {
        client.batch_execute("CREATE TABLE t (id int8 PRIMARY KEY, v text)").await.unwrap();
        let insert = client.prepare("INSERT INTO t VALUES ($1, $2)").await.unwrap();
        let runs = (0..200i64).map(|i| {
            let (client, insert) = (&client, &insert);
            async move { client.execute(insert, &[&i, &format!("v{i}")]).await }
        });
        for outcome in futures::future::join_all(runs).await {
            assert_eq!(outcome.unwrap(), 1);
        }
        let select = client.prepare("SELECT v FROM t WHERE id = $1").await.unwrap();
        for i in [0i64, 57, 199] {
            assert_eq!(client.query_one(&select, &[&i]).await.unwrap().get::<_, &str>(0), format!("v{i}"));
        }
        assert!(client.query_opt(&select, &[&1000i64]).await.unwrap().is_none());
        let e = client.execute(&insert, &[&5i64, &"again"]).await.unwrap_err();
        assert_eq!(e.code(), Some(&SqlState::UNIQUE_VIOLATION));
    });
}

#[test]
fn transactions_savepoints_and_portals() {
    with_client(|mut client| async move {
        client.batch_execute("CREATE TABLE t AS SELECT g AS id FROM generate_series(1, 100) g").await.unwrap();
        let mut transaction = client.transaction().await.unwrap();
        let portal = transaction.bind("SELECT id FROM t ORDER BY id", &[]).await.unwrap();
        let first = transaction.query_portal(&portal, 30).await.unwrap();
        let rest = transaction.query_portal(&portal, 0).await.unwrap();
        assert_eq!((first.len(), rest.len(), rest[0].get::<_, i32>(0)), (30, 70, 31));
        let savepoint = transaction.savepoint("s").await.unwrap();
        savepoint.execute("DELETE FROM t", &[]).await.unwrap();
        savepoint.rollback().await.unwrap();
        transaction.commit().await.unwrap();
        let count: i64 = client.query_one("SELECT count(*) FROM t", &[]).await.unwrap().get(0);
        assert_eq!(count, 100);
    });
}

#[test]
fn copies_in_and_out() {
    use futures::{SinkExt, StreamExt, pin_mut};
    with_client(|client| async move {
        client.batch_execute("CREATE TABLE t (id int, v text)").await.unwrap();
        let sink = client.copy_in("COPY t FROM STDIN").await.unwrap();
        pin_mut!(sink);
        sink.send(bytes::Bytes::from_static(b"1\tone\n2\t")).await.unwrap();
        sink.send(bytes::Bytes::from_static(b"two\n")).await.unwrap();
        assert_eq!(sink.finish().await.unwrap(), 2);
        let out = client.copy_out("COPY t TO STDOUT (FORMAT csv)").await.unwrap();
        let chunks: Vec<_> = out.map(|c| c.unwrap()).collect().await;
        assert_eq!(chunks.concat(), b"1,one\n2,two\n");
    });
}

#[test]
fn a_running_query_is_cancelled() {
    with_client(|client| async move {
        let token = client.cancel_token();
        let cancel = async {
            tokio::time::sleep(Duration::from_millis(200)).await;
            token.cancel_query(NoTls).await
        };
        let (outcome, cancelled) = tokio::join!(client.batch_execute("SELECT pg_sleep(30)"), cancel);
        cancelled.unwrap();
        assert_eq!(outcome.unwrap_err().code(), Some(&SqlState::QUERY_CANCELED));
    });
}
