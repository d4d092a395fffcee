//! What an error of PostgreSQL means for the loop: repeat, split the batch, or stop with a plain sentence.
//!
//! Place: every error of [`super::Connection`] goes through here. The event's data never decides; the SQLSTATE does.

use da_model::fault::{Cause, Fault};

/// Whether the connection must be dropped after this error: nothing more can be known over it.
pub(super) fn is_lost(error: &sqlx::Error) -> bool {
    match error.as_database_error().and_then(|e| e.code()) {
        // admin_shutdown, crash_shutdown, cannot_connect_now, database_dropped, idle session and transaction timeouts.
        Some(code) => code.starts_with("57P") || code.starts_with("08") || code == "25P03",
        None => !matches!(error, sqlx::Error::RowNotFound | sqlx::Error::Encode(_) | sqlx::Error::ColumnDecode { .. }),
    }
}

/// What to do about an error of a statement.
pub(super) fn of(what: &str, place: &str, error: &sqlx::Error) -> Fault {
    let code = error.as_database_error().and_then(|e| e.code()).map(std::borrow::Cow::into_owned).unwrap_or_default();
    let cause = Cause::new(format!("{what} in {place}"), error);
    match code.as_bytes() {
        b"42P01" | b"42703" | b"3F000" => Fault::Fatal(told(
            what,
            format!("the tables in {place} are not those of this program ({error}); run `da migrate`"),
        )),
        b"42501" => Fault::Fatal(told(what, format!("the database user may not do this in {place} ({error})"))),
        // `da_demand`: positions or rows are another owner's.
        b"DA001" => Fault::Fenced(cause),
        // Data exceptions, violated rules, and rows too large for an index: this batch, not the database.
        [b'2', b'2' | b'3', ..] | [b'5', b'4', ..] => Fault::Refused(cause),
        // Bad SQL, features that are missing, corrupted files: no repetition helps.
        [b'4', b'2', ..] | [b'0', b'A', ..] | [b'X', b'X', ..] => Fault::Fatal(cause),
        [_, ..] => Fault::Transient(cause),
        [] if matches!(error, sqlx::Error::Encode(_)) => Fault::Refused(cause),
        [] => Fault::Transient(cause),
    }
}

/// What to do about an error while connecting.
pub(super) fn of_connect(who: &str, place: &str, error: &sqlx::Error) -> Fault {
    const WHAT: &str = "connection to the database";
    let code = error.as_database_error().and_then(|e| e.code()).map(std::borrow::Cow::into_owned).unwrap_or_default();
    match (code.as_str(), error) {
        ("28P01", _) => Fault::Fatal(told(
            WHAT,
            format!(
                "the password of user {who} is wrong, or there is no such user, for {place}; correct postgres.url or \
                 postgres.password_file"
            ),
        )),
        ("28000", _) => Fault::Fatal(told(WHAT, format!("{place} does not let user {who} in ({error})"))),
        ("3D000", _) => Fault::Fatal(told(WHAT, format!("there is no such database: {place}; create it first"))),
        ("42501", _) => Fault::Fatal(told(WHAT, format!("user {who} may not connect to {place} ({error})"))),
        (_, sqlx::Error::Tls(cause)) => Fault::Fatal(told(WHAT, tls(place, &cause.to_string()))),
        (_, sqlx::Error::Io(cause)) if is_certificate(&cause.to_string()) => {
            Fault::Fatal(told(WHAT, tls(place, &cause.to_string())))
        }
        (_, sqlx::Error::Io(cause)) => {
            Fault::Transient(told(WHAT, format!("{place} does not answer ({cause}); it will be tried again")))
        }
        (_, sqlx::Error::Configuration(cause)) => Fault::Fatal(told(WHAT, format!("{place}: {cause}"))),
        (_, other) => of(WHAT, place, other),
    }
}

fn told(what: &str, sentence: String) -> Cause {
    Cause::new(what, sentence)
}

fn is_certificate(cause: &str) -> bool {
    cause.contains("certificate")
}

fn tls(place: &str, cause: &str) -> String {
    if cause.contains("does not support TLS") {
        return format!("{place} offers no TLS, but sslmode=verify-full is demanded; switch TLS on at the server");
    }
    if cause.contains("NotValidForName") || cause.contains("not valid for name") {
        return format!("the certificate of {place} is made out for another host name ({cause})");
    }
    format!(
        "the certificate of {place} is not signed by an authority that is trusted here; set postgres.ca_file to \
             the file of the right authority ({cause})"
    )
}
