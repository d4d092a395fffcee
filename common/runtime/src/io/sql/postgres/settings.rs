//! How a database is reached, and what every connection to it is set to (delivery.md §4).
//!
//! Place: filled by the settings file, used by [`super::Connection`]. Reads no environment and no file.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use da_model::fault::{Cause, Fault};
use sqlx::ConnectOptions as _;
use sqlx::postgres::{PgConnectOptions, PgSslMode};

use crate::io::is_this_machine;

/// An open transaction that does nothing for this long is ended: a frozen owner blocks nobody longer.
const IDLE_IN_TRANSACTION: &str = "5s";
/// The longest statement.
const STATEMENT: &str = "30s";
/// The session's settings. Joins are by key only, so plans that read whole tables are never right; statistics of a
/// table that just grew must not say otherwise.
const SESSION: [(&str, &str); 12] = [
    ("synchronous_commit", "on"),
    ("idle_in_transaction_session_timeout", IDLE_IN_TRANSACTION),
    ("statement_timeout", STATEMENT),
    ("tcp_keepalives_idle", "5"),
    ("tcp_keepalives_interval", "2"),
    ("tcp_keepalives_count", "3"),
    ("tcp_user_timeout", "10000"),
    ("enable_seqscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    ("plan_cache_mode", "force_generic_plan"),
    ("jit", "off"),
];

/// Where the database is and who asks.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct PostgresSettings {
    /// `postgres://user@host:port/database`.
    pub url: String,
    /// The password, unless the URL holds one.
    pub password: Option<String>,
    /// The authority that signed the server's certificate, PEM.
    pub ca_file: Option<PathBuf>,
    /// A development machine: TLS is not demanded beyond loopback.
    pub dev: bool,
}

impl PostgresSettings {
    /// The settings of a URL alone.
    #[must_use]
    pub fn of(url: impl Into<String>) -> Self {
        Self { url: url.into(), ..Self::default() }
    }

    /// The driver's options: the session settings, and TLS as strict as the place demands.
    ///
    /// # Errors
    /// [`Fault::Fatal`] with a plain sentence where the URL cannot be read or asks for less than is demanded.
    pub(super) fn options(&self, application: &str, plans: Plans) -> Result<PgConnectOptions, Fault> {
        let fatal = |told: String| Fault::Fatal(Cause::new("settings of the database", told));
        let read = PgConnectOptions::from_str(&self.url)
            .map_err(|e| fatal(format!("the address is no postgres://user@host:port/database ({e})")))?;
        let mut options = read.application_name(application).statement_cache_capacity(512).disable_statement_logging();
        if let Some(password) = &self.password {
            options = options.password(password);
        }
        if let Some(ca) = &self.ca_file {
            if !ca.is_file() {
                return Err(fatal(format!("the file {} with the authority's certificate is not there", ca.display())));
            }
            options = options.ssl_root_cert(ca);
        }
        let mode = self.mode(&options)?;
        let session = match plans {
            Plans::Free => &SESSION[..1],
            Plans::ByKey => &SESSION[..],
        };
        Ok(options.ssl_mode(mode).options(session.iter().copied()))
    }

    /// `verify-full` beyond loopback and wherever an authority is named; less only on a development machine.
    fn mode(&self, options: &PgConnectOptions) -> Result<PgSslMode, Fault> {
        let near = options.get_socket().is_some() || is_this_machine(options.get_host());
        let asked = options.get_ssl_mode();
        if self.ca_file.is_some() || matches!(asked, PgSslMode::VerifyFull) {
            return Ok(PgSslMode::VerifyFull);
        }
        if near || self.dev {
            return Ok(asked);
        }
        let told = "the address asks for a connection that does not prove who the database is; beyond this machine \
                    sslmode=verify-full is demanded";
        match (asked, self.url.contains("sslmode") || self.url.contains("ssl-mode")) {
            (_, false) => Ok(PgSslMode::VerifyFull),
            (_, true) => Err(Fault::Fatal(Cause::new("settings of the database", told))),
        }
    }

    /// Host, port and database, for people; never a secret.
    #[must_use]
    pub fn place(&self) -> String {
        PgConnectOptions::from_str(&self.url).map_or_else(|_| "an unreadable address".to_owned(), |o| place(&o))
    }
}

/// What a connection is for, as the server plans and times its statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Plans {
    /// Rows by their keys, in bounded time.
    ByKey,
    /// Migrations and readers from outside: they may read whole tables and take their time.
    Free,
}

/// Database, host and port, for people.
pub(super) fn place(options: &PgConnectOptions) -> String {
    let database = options.get_database().unwrap_or_else(|| options.get_username());
    match options.get_socket() {
        Some(socket) => format!("{database} at {}", socket.display()),
        None => format!("{database} at {}:{}", options.get_host(), options.get_port()),
    }
}

impl fmt::Debug for PostgresSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { ca_file, dev, .. } = self;
        f.debug_struct("PostgresSettings")
            .field("place", &self.place())
            .field("ca_file", ca_file)
            .field("dev", dev)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(url: &str, dev: bool) -> Result<PgSslMode, Fault> {
        PostgresSettings { dev, ..PostgresSettings::of(url) }.options("t", Plans::ByKey).map(|o| o.get_ssl_mode())
    }

    #[test]
    fn beyond_this_machine_the_server_must_prove_itself() {
        assert!(matches!(mode("postgres://u@127.0.0.1:5432/d", false), Ok(PgSslMode::Prefer)));
        assert!(matches!(mode("postgres://u@[::1]/d?sslmode=disable", false), Ok(PgSslMode::Disable)));
        assert!(matches!(mode("postgres://u@db.example/d", false), Ok(PgSslMode::VerifyFull)));
        assert!(matches!(mode("postgres://u@db.example/d?sslmode=verify-full", false), Ok(PgSslMode::VerifyFull)));
        assert!(matches!(mode("postgres://u@db.example/d?sslmode=disable", true), Ok(PgSslMode::Disable)));
        let told = mode("postgres://u@db.example/d?sslmode=require", false).err().map(|f| f.to_string());
        assert!(told.is_some_and(|t| t.contains("sslmode=verify-full is demanded")));
    }

    #[test]
    fn nothing_shown_holds_a_secret() {
        let settings = PostgresSettings {
            password: Some("hush".to_owned()),
            ..PostgresSettings::of("postgres://u:secret@db.example:6432/scores")
        };
        let shown = format!("{settings:?} {}", settings.place());
        assert!(shown.contains("scores at db.example:6432"), "{shown}");
        assert!(!shown.contains("hush") && !shown.contains("secret"), "{shown}");
    }
}
