//! What a node starts with: the configuration file, `-c` settings and the command line, in that order of increasing
//! weight, over the one table of settings (`session/settings_table.rs`).
//!
//! The file is TOML: each key is the name of a setting, each value a string, number or Boolean. `config/headwater.toml`
//! lists them all and is made from the table (a test holds the two together).

use headwater::base::{Error, Result, SqlState};
use headwater::replication::Target;
use headwater::session::settings::Defaults;
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};

/// The options of `headwater serve`.
#[derive(Debug, Default)]
pub struct Options {
    pub data: Option<PathBuf>,
    pub listen: Option<String>,
    pub config: Option<PathBuf>,
    /// Where the primary is that is to be followed.
    pub replica_of: Option<String>,
    /// `NAME=VALUE`, in order.
    pub settings: Vec<String>,
}

/// What the parts of a node are started with.
#[derive(Debug)]
pub struct Config {
    pub data: PathBuf,
    pub listen: SocketAddr,
    pub replica_of: Option<Target>,
    pub defaults: Defaults,
}

fn wrong(message: String) -> Error {
    Error::new(SqlState::CONFIG_FILE_ERROR, message)
}

/// Error: F0000 that names the file or option, the key and what is wrong with it.
pub fn load(options: &Options) -> Result<Config> {
    let mut defaults = Defaults::default();
    if let Some(path) = &options.config {
        read_file(path, &mut defaults)?;
    }
    for setting in &options.settings {
        let (name, value) =
            setting.split_once('=').ok_or_else(|| wrong(format!("-c {setting}: expected NAME=VALUE")))?;
        defaults.configure(name.trim(), value.trim()).map_err(|e| wrong(format!("-c {setting}: {e}")))?;
    }
    if let Some(data) = &options.data {
        defaults.fix("data_directory", &data.to_string_lossy());
    }
    let listen = match &options.listen {
        Some(text) => text.clone(),
        None => format!("{}:{}", defaults.get("listen_addresses"), defaults.get("port")),
    };
    let listen = resolve(&listen)?;
    defaults.fix("listen_addresses", &listen.ip().to_string());
    defaults.fix("port", &listen.port().to_string());
    let mut replica_of = options.replica_of.as_deref().map(Target::parse).transpose()?;
    let name = Some(defaults.get("cluster_name")).filter(|name| !name.is_empty());
    if let (Some(primary), Some(name)) = (&mut replica_of, name) {
        primary.application.get_or_insert_with(|| name.to_owned());
    }
    Ok(Config { data: PathBuf::from(defaults.get("data_directory")), listen, replica_of, defaults })
}

fn read_file(path: &Path, defaults: &mut Defaults) -> Result<()> {
    let shown = path.display();
    let text = std::fs::read_to_string(path).map_err(|e| wrong(format!("cannot read {shown}: {e}")))?;
    let table: toml::Table = text.parse().map_err(|e: toml::de::Error| {
        let line = e.span().map_or(1, |s| text[..s.start].lines().count().max(1));
        wrong(format!("{shown}, line {line}: {}", e.message()))
    })?;
    read_table("", &table, defaults).map_err(|e| wrong(format!("{shown}: {}", e.message())))
}

/// The keys of a table within a table are names with a dot: `[backup]` with `store` is `backup.store`.
fn read_table(prefix: &str, table: &toml::Table, defaults: &mut Defaults) -> Result<()> {
    for (key, value) in table {
        let name = format!("{prefix}{key}");
        let value = match value {
            toml::Value::Table(inner) if prefix.is_empty() => {
                read_table(&format!("{name}."), inner, defaults)?;
                continue;
            }
            toml::Value::String(s) => s.clone(),
            toml::Value::Integer(n) => n.to_string(),
            toml::Value::Float(n) => n.to_string(),
            toml::Value::Boolean(b) => b.to_string(),
            _ => return Err(wrong(format!("{name}: expected a string, a number or a Boolean"))),
        };
        defaults.configure(&name, &value).map_err(|e| wrong(format!("{name}: {e}")))?;
    }
    Ok(())
}

/// `HOST:PORT`; a name is looked up.
fn resolve(text: &str) -> Result<SocketAddr> {
    let bad = || wrong(format!("cannot listen on \"{text}\": expected HOST:PORT"));
    text.to_socket_addrs().map_err(|_| bad())?.next().ok_or_else(bad)
}

#[cfg(test)]
mod tests {
    use super::*;
    use headwater::session::settings::{Context, Effect, Kind};
    use headwater::session::settings_table::SETTINGS;

    /// The text of `config/headwater.toml`.
    fn listing() -> String {
        let mut out = String::from(
            "# Every setting of Headwater with its default. Remove the # before a line to change it.\n\
             # The same names work with -c NAME=VALUE on the command line and, for most, with SET in a session.\n",
        );
        let configurable =
            |effect| SETTINGS.iter().filter(move |s| s.context != Context::Internal && s.effect == effect);
        for s in configurable(Effect::Used) {
            let unit = match s.kind {
                Kind::Int { unit, .. } | Kind::Real { unit, .. } if !unit.is_empty() => format!(" (in {unit})"),
                _ => String::new(),
            };
            out += &format!("\n# {}{unit}\n# {} = {}\n", s.description, s.name, toml_value(s.kind, s.default));
        }
        out += "\n# Accepted so that clients and configurations of PostgreSQL work; these have no effect.\n\n";
        for s in configurable(Effect::Unused) {
            out += &format!("# {} = {}\n", s.name, toml_value(s.kind, s.default));
        }
        out
    }

    fn toml_value(kind: Kind, value: &str) -> String {
        match kind {
            Kind::Bool => (value == "on").to_string(),
            Kind::Int { .. } | Kind::Real { .. } => value.to_owned(),
            _ => format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\"")),
        }
    }

    #[test]
    fn the_listing_is_that_of_the_table() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/config/headwater.toml");
        if std::env::var_os("HEADWATER_REGENERATE").is_some() {
            std::fs::write(path, listing()).unwrap();
        }
        assert_eq!(std::fs::read_to_string(path).unwrap(), listing(), "run with HEADWATER_REGENERATE=1");
    }

    #[test]
    fn the_listing_with_everything_switched_on_is_accepted() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("all.toml");
        let on: String = listing()
            .lines()
            .map(|l| l.strip_prefix("# ").filter(|l| l.contains(" = ")).unwrap_or(""))
            .fold(String::new(), |all, line| all + line + "\n");
        std::fs::write(&path, on).unwrap();
        load(&Options { config: Some(path), ..Options::default() }).unwrap();
    }

    #[test]
    fn what_is_wrong_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("h.toml");
        for (text, said) in [
            ("work_mem = \"1 elephant\"", "h.toml: work_mem: invalid value for parameter \"work_mem\": \"1 elephant\""),
            ("wrok_mem = 1", "h.toml: wrok_mem: unrecognized configuration parameter \"wrok_mem\""),
            ("[backup]\nstroe = 1", "h.toml: backup.stroe: unrecognized configuration parameter \"backup.stroe\""),
            ("a = 1\nb = = 2", "h.toml, line 2: "),
        ] {
            std::fs::write(&path, text).unwrap();
            let e = load(&Options { config: Some(path.clone()), ..Options::default() }).unwrap_err();
            assert!(e.message().contains(said), "{e}");
        }
        let e = load(&Options { settings: vec!["work_mem".into()], ..Options::default() }).unwrap_err();
        assert_eq!(e.message(), "-c work_mem: expected NAME=VALUE");
        let e = load(&Options { listen: Some("nowhere".into()), ..Options::default() }).unwrap_err();
        assert_eq!(e.message(), "cannot listen on \"nowhere\": expected HOST:PORT");
    }
}
