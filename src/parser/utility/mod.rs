//! Statements about the session, roles, databases and maintenance.

mod copy;
mod database;
mod grant;
mod maintenance;
mod prepare;
mod role;
mod set;
mod transaction;
