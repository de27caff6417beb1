//! A PostgreSQL of our own to compare with: found on this machine, started in a temporary folder, stopped when dropped.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use tempfile::TempDir;

/// Where PostgreSQL's programs are.
pub struct Programs {
    pub initdb: PathBuf,
    pub pg_ctl: PathBuf,
    pub pgbench: PathBuf,
}

impl Programs {
    /// Looks on the PATH, then where Debian puts them, the newest version first.
    pub fn find() -> Result<Programs, String> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
        let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
            .map(|entries| entries.flatten().map(|e| e.path().join("bin")).collect())
            .unwrap_or_default();
        versions.sort();
        folders.extend(versions.into_iter().rev());
        let find = |name: &str| {
            let found = folders.iter().map(|f| f.join(name)).find(|p| p.is_file());
            found.ok_or_else(|| format!("{name} is neither on the PATH nor in /usr/lib/postgresql/*/bin"))
        };
        Ok(Programs { initdb: find("initdb")?, pg_ctl: find("pg_ctl")?, pgbench: find("pgbench")? })
    }
}

pub struct Postgres {
    folder: TempDir,
    pg_ctl: PathBuf,
    pub port: u16,
}

impl Postgres {
    /// Starts with durable commits, as it comes, but with memory and log enough not to be held back by them.
    pub fn start(programs: &Programs) -> Result<Postgres, String> {
        let folder = tempfile::Builder::new().prefix("versus-").tempdir().map_err(|e| e.to_string())?;
        if let Some((user, _)) = unprivileged() {
            std::os::unix::fs::chown(folder.path(), Some(user), None).map_err(|e| e.to_string())?;
        }
        let port = free_port().map_err(|e| e.to_string())?;
        let data = folder.path().join("data");
        let mut initdb = as_user(&programs.initdb);
        succeed(initdb.arg("-D").arg(&data).args(["-A", "trust", "-U", "postgres", "--no-sync"]))?;
        let options = format!(
            "-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={} -c shared_buffers=2GB \
             -c max_wal_size=8GB -c max_connections=200",
            folder.path().display()
        );
        let postgres = Postgres { folder, pg_ctl: programs.pg_ctl.clone(), port };
        let mut start = as_user(&programs.pg_ctl);
        succeed(
            start
                .arg("-D")
                .arg(&data)
                .arg("-l")
                .arg(postgres.folder.path().join("log"))
                .args(["-w", "-o", &options, "start"]),
        )?;
        Ok(postgres)
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let _ = as_user(&self.pg_ctl).arg("-D").arg(self.data()).args(["-m", "immediate", "stop"]).output();
    }
}

/// PostgreSQL refuses to run as root: then its own user, or nobody, takes over.
fn unprivileged() -> Option<(u32, u32)> {
    if !rustix::process::getuid().is_root() {
        return None;
    }
    let passwd = std::fs::read_to_string("/etc/passwd").ok()?;
    let ids = |name: &str| {
        let fields: Vec<&str> = passwd.lines().map(|l| l.split(':').collect::<Vec<_>>()).find(|f| f[0] == name)?;
        Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?))
    };
    ids("postgres").or_else(|| ids("nobody"))
}

fn as_user(program: &Path) -> Command {
    let mut command = Command::new(program);
    if let Some((user, group)) = unprivileged() {
        command.uid(user).gid(group).current_dir("/");
    }
    command
}

fn succeed(command: &mut Command) -> Result<(), String> {
    // pg_ctl leaves the server with the output it was given: a pipe would never end.
    let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
    let path = folder.path().join("output");
    let file = std::fs::File::create(&path).map_err(|e| e.to_string())?;
    let errors = file.try_clone().map_err(|e| e.to_string())?;
    let status = command.stdout(file).stderr(errors).status().map_err(|e| e.to_string())?;
    if status.success() {
        return Ok(());
    }
    let said = std::fs::read_to_string(&path).unwrap_or_default();
    Err(format!("{} failed: {}", command.get_program().to_string_lossy(), said.trim()))
}

fn free_port() -> std::io::Result<u16> {
    Ok(std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// What a program said, on failure.
pub fn complaint(out: &Output) -> String {
    let text = String::from_utf8_lossy(&out.stderr).trim().to_owned();
    text.chars().rev().take(400).collect::<Vec<_>>().into_iter().rev().collect()
}
