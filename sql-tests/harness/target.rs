//! What a test runs against: a server of its own, or a database of its own on the server that the environment names.

use super::{Client, Server};
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::atomic::{AtomicU32, Ordering};

pub enum Target {
    Own(Server),
    Given { address: SocketAddr, user: String, maintenance: String, database: String },
}

/// The URL of a server to test instead of our own.
pub fn given() -> Option<String> {
    std::env::var("HEADWATER_TEST_URL").ok().filter(|url| !url.is_empty())
}

impl Target {
    /// An empty database.
    pub fn fresh() -> Target {
        Target::fresh_arguments(&[])
    }

    /// An empty database; a server of our own is started with these arguments.
    pub fn fresh_arguments(arguments: &[&str]) -> Target {
        match given() {
            Some(url) => Target::on(&url),
            None => Target::Own(Server::start_arguments(arguments)),
        }
    }

    fn on(url: &str) -> Target {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let config: tokio_postgres::Config = url.parse().expect("HEADWATER_TEST_URL is a URL");
        let host = match config.get_hosts() {
            [tokio_postgres::config::Host::Tcp(host)] => host.clone(),
            _ => panic!("HEADWATER_TEST_URL must name one host"),
        };
        let port = config.get_ports().first().copied().unwrap_or(5432);
        let address = (host.as_str(), port).to_socket_addrs().expect("the host is known").next().expect("an address");
        let user = config.get_user().unwrap_or("postgres").to_owned();
        let maintenance = config.get_dbname().unwrap_or("postgres").to_owned();
        let database = format!("headwater_test_{}_{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        let mut admin = Client::connect(address, &[("user", &user), ("database", &maintenance)]).expect("it answers");
        admin.run(&format!(
            "CREATE DATABASE {database} TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C.UTF-8' ENCODING 'UTF8'"
        ));
        Target::Given { address, user, maintenance, database }
    }

    pub fn address(&self) -> SocketAddr {
        match self {
            Target::Own(server) => server.address(),
            Target::Given { address, .. } => *address,
        }
    }

    pub fn user(&self) -> &str {
        match self {
            Target::Own(_) => "postgres",
            Target::Given { user, .. } => user,
        }
    }

    pub fn database(&self) -> &str {
        match self {
            Target::Own(_) => "postgres",
            Target::Given { database, .. } => database,
        }
    }

    pub fn connect(&self) -> Client {
        self.connect_with(&[])
    }

    pub fn connect_with(&self, more: &[(&str, &str)]) -> Client {
        let mut parameters = vec![("user", self.user()), ("database", self.database())];
        parameters.extend(more);
        Client::connect(self.address(), &parameters).expect("the server answers")
    }

    /// Ends the server in order, or with kill -9, and starts it again. A given server stays up.
    pub fn restart(&mut self, crash: bool) {
        if let Target::Own(server) = self {
            if crash {
                server.kill();
            } else {
                assert!(server.stop().success(), "it stops in order");
            }
            server.start_again();
        }
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        if let Target::Given { address, user, maintenance, database } = self {
            let parameters = [("user", user.as_str()), ("database", maintenance.as_str())];
            if let Ok(mut admin) = Client::connect(*address, &parameters) {
                let _ = admin.query(&format!("DROP DATABASE {database} WITH (FORCE)"));
            }
        }
    }
}
