//! `cahoots audit`: the signed history of a session, written to a file, verified and printed.

use std::fs::File;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::ExitCode;

use cahoots::Session;
use cahoots::audit::{Audit, Contents};

use crate::args::{self, AuditCommand};
use crate::control::message::{Reply, Request};
use crate::owner;
use crate::record;
use crate::text::{Failure, count, print_line};

/// Largest file that is read, in bytes: a session's log, entries and journal at their limits.
const AUDIT_BYTES_MAX: u64 = 512 * 1_048_576;

pub(crate) async fn run(args: args::Audit) -> Result<ExitCode, Failure> {
    match (args.command, args.file) {
        (Some(AuditCommand::Export(export)), _) => export_running(export).await,
        (None, Some(file)) => verify(&file, args.json.json),
        (None, None) => Err(Failure::new("there is no file to verify").hint("`cahoots audit export FILE` writes one")),
    }
}

async fn export_running(args: args::Export) -> Result<ExitCode, Failure> {
    check_new(&args.file)?;
    // The session runs in a folder of its own.
    let file = std::path::absolute(&args.file)?;
    let request = Request::ExportAudit { file, contents: !args.without_contents };
    let Reply::Exported { bytes } = owner::ask(&args.target, &request).await? else { return Err(owner::strange()) };
    let file = args.file.display();
    if args.target.json {
        let record = serde_json::json!({ "event": "exported", "file": file.to_string(), "bytes": bytes });
        record::print(&record)?;
    } else {
        print_line(format!("{bytes} bytes written to {file}"))?;
    }
    if !args.without_contents {
        crate::text::warn("whoever has the file can read the chat; --without-contents leaves that out");
    }
    Ok(ExitCode::SUCCESS)
}

/// Refuses to write over a file: it may be the audit of another session.
pub(crate) fn check_new(file: &Path) -> Result<(), Failure> {
    if file.symlink_metadata().is_ok() {
        return Err(Failure::new(format!("{} is there already", file.display())).hint("name another file"));
    }
    Ok(())
}

/// Writes the history of a session to a new file of this user alone; returns its length in bytes.
pub(crate) fn export(session: &Session, file: &Path, contents: bool) -> io::Result<usize> {
    let contents = if contents { Contents::Included } else { Contents::LeftOut };
    let bytes = session.export_audit(contents).ok_or(io::ErrorKind::NotConnected)?;
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(file)?;
    file.write_all(&bytes)?;
    file.sync_all()?;
    Ok(bytes.len())
}

fn verify(file: &Path, json: bool) -> Result<ExitCode, Failure> {
    let unreadable = |error| Failure::new(format!("cannot read {}: {error}", file.display()));
    let length = file.metadata().map_err(unreadable)?.len();
    if length > AUDIT_BYTES_MAX {
        return Err(Failure::new(format!("{} has {length} bytes, the limit is {AUDIT_BYTES_MAX}", file.display())));
    }
    let bytes = std::fs::read(file).map_err(unreadable)?;
    let audit = cahoots::audit::read(&bytes).map_err(|error| {
        Failure::new(format!("{} does not hold: {error}", file.display()))
            .hint("nothing in it can be trusted; ask its writer for another copy")
    })?;
    if json {
        print_json(&audit)?;
    } else {
        print(&audit)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn print(audit: &Audit) -> Result<(), Failure> {
    print_line(format!("session {}", audit.session))?;
    print_line(format!("written by {}", audit.writer))?;
    for event in &audit.events {
        print_line(event)?;
    }
    for edits in &audit.edits {
        let told = serde_json::to_value(edits).map_err(Failure::new)?;
        let (document, epoch) = (told["document"].as_str().unwrap_or_default(), edits.epoch.0);
        let changes = count(usize::try_from(edits.changes).unwrap_or(usize::MAX), "change", "changes");
        let missing = if edits.missing > 0 { format!(", {} not in the file", edits.missing) } else { String::new() };
        print_line(format!("{} wrote {changes} of the {document} under key {epoch}{missing}", edits.who))?;
    }
    let people = count(audit.members.len(), "member", "members");
    let events = count(audit.events.len(), "event", "events");
    Ok(print_line(format!("verified: {people}, {events}; every signature holds"))?)
}

fn print_json(audit: &Audit) -> Result<(), Failure> {
    let mut head = serde_json::to_value(audit).map_err(Failure::new)?;
    let mut events = Vec::new();
    if let Some(head) = head.as_object_mut() {
        if let Some(serde_json::Value::Array(list)) = head.remove("events") {
            events = list;
        }
        head.insert("event".to_owned(), "audit".into());
    }
    record::print(&head)?;
    for mut event in events {
        event["event"] = "audit_event".into();
        record::print(&event)?;
    }
    Ok(())
}
