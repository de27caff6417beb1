//! Where a server is: `postgresql://[USER@]HOST[:PORT][/DATABASE][?application_name=NAME]`.

use crate::base::{Error, Result, SqlState};
use std::fmt;

const PORT: u16 = 5432;
const DATABASE: &str = "postgres";

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub user: String,
    pub host: String,
    pub port: u16,
    /// For SQL; the log is of all databases.
    pub database: String,
    /// What a replica calls itself there.
    pub application: Option<String>,
}

impl Target {
    /// Errors: F0000 for what is no such URL, 0A000 for a password or options in it.
    pub fn parse(url: &str) -> Result<Target> {
        let wrong = || {
            let message = format!("\"{url}\" is not where a server is: expected postgresql://HOST:PORT");
            Error::new(SqlState::CONFIG_FILE_ERROR, message)
        };
        let rest = url.strip_prefix("postgresql://").or_else(|| url.strip_prefix("postgres://")).ok_or_else(wrong)?;
        let (rest, options) = rest.split_once('?').unwrap_or((rest, ""));
        let mut application = None;
        for option in options.split('&').filter(|option| !option.is_empty()) {
            match option.split_once('=') {
                Some(("application_name", name)) => application = Some(decode(name).ok_or_else(wrong)?),
                _ => return Err(Error::unsupported(format!("the option \"{option}\" in \"{url}\""))),
            }
        }
        let (address, database) = rest.split_once('/').unwrap_or((rest, ""));
        let (user, address) = address.rsplit_once('@').unwrap_or(("postgres", address));
        if user.contains(':') {
            return Err(Error::unsupported(format!("a password in \"{url}\"")));
        }
        let (host, port) = match address.strip_prefix('[') {
            Some(v6) => {
                let (host, port) = v6.split_once(']').ok_or_else(wrong)?;
                (host, port.strip_prefix(':').unwrap_or(port))
            }
            None => address.split_once(':').unwrap_or((address, "")),
        };
        let port = if port.is_empty() { PORT } else { port.parse().map_err(|_| wrong())? };
        if host.is_empty() || user.is_empty() {
            return Err(wrong());
        }
        let database = if database.is_empty() { DATABASE } else { database };
        let [user, host, database] = [user, host, database].map(str::to_owned);
        Ok(Target { user, host, port, database, application })
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let v6 = self.host.contains(':');
        let (open, close) = if v6 { ("[", "]") } else { ("", "") };
        write!(f, "postgresql://{}@{open}{}{close}:{}", self.user, self.host, self.port)?;
        if self.database != DATABASE {
            write!(f, "/{}", self.database)?;
        }
        match &self.application {
            None => Ok(()),
            Some(name) => write!(f, "?application_name={}", encode(name)),
        }
    }
}

/// `%20` and its like as what they stand for.
fn decode(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'%' => {
                let digits = [bytes.next()?, bytes.next()?];
                u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
            }
            byte => byte,
        });
    }
    String::from_utf8(out).ok()
}

fn encode(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~$*".contains(&b);
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls() {
        let target = |user: &str, host: &str, port, database: &str| {
            let [user, host, database] = [user, host, database].map(str::to_owned);
            Target { user, host, port, database, application: None }
        };
        for (url, expected) in [
            ("postgresql://127.0.0.1:5433", target("postgres", "127.0.0.1", 5433, "postgres")),
            ("postgres://me@db/any", target("me", "db", 5432, "any")),
            ("postgresql://[::1]", target("postgres", "::1", 5432, "postgres")),
            ("postgresql://[::1]:99/", target("postgres", "::1", 99, "postgres")),
        ] {
            let parsed = Target::parse(url).unwrap();
            assert_eq!(parsed, expected);
            assert_eq!(Target::parse(&parsed.to_string()).unwrap(), expected);
        }
        for (url, name) in
            [("postgresql://h?application_name=b1", "b1"), ("postgresql://h/d?application_name=a%20%26b", "a &b")]
        {
            let parsed = Target::parse(url).unwrap();
            assert_eq!(parsed.application.as_deref(), Some(name));
            assert_eq!(Target::parse(&parsed.to_string()).unwrap(), parsed);
        }
        for wrong in [
            "postgresql://h?application_name=%4",
            "127.0.0.1:1",
            "postgresql://",
            "postgresql://h:x",
            "postgresql://a:b@h",
            "postgresql://h?x=1",
            "http://h",
        ] {
            assert!(Target::parse(wrong).is_err(), "{wrong}");
        }
    }
}
