//! What the owner of a running session can ask of it from a second terminal, and what can be done with a link.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::{Conditions, Json, LinkAccess, Reach, parse_duration};
use crate::control::message::Policy;

pub(super) const LINKS_EXAMPLES: &str = "\
Examples:
  cahoots links                                    lists them
  cahoots links add view --expires 2h --label ops  prints a new link, and nothing else to stdout
  cahoots links add interact --once --approve      for one person, whom you let in by hand
  cahoots links add interact --passphrase          asks for the words that guests need beside it
  cahoots links add interact --may-pass-on         its holders may make narrower links of it
  cahoots links revoke ops                         by label, or by the id that the list shows

Who came by a revoked link is cut off at once, and reads nothing that is said after.";

pub(super) const MEMBERS_EXAMPLES: &str = "\
Examples:
  cahoots members               who is here, and who waits
  cahoots members admit 3f2a    lets somebody in: by id, or by name once there is one
  cahoots members deny 3f2a
  cahoots members kick ben      cuts ben off and closes the link; prints a new link for the others

Names are not proven: in doubt go by the id, which the guest sees too.";

pub(super) const PANIC_HELP: &str = "\
Every link is revoked and every guest cut off, without a question. The shared command goes on.
`cahoots links add` makes new links.";

pub(super) const REKEY_HELP: &str = "\
Everybody who is in stays in. Revoking does this by itself; alone it limits what one stolen key can read.";

pub(super) const DRIVE_EXAMPLES: &str = "\
Examples:
  cahoots drive                        who drives which terminal
  cahoots drive policy one --lapse 2m  one at a time; who types nothing for 2 minutes gives it back
  cahoots drive policy lines           each line that a guest types waits for your yes
  cahoots drive policy all             everybody whose link allows it
  cahoots drive grant ben
  cahoots drive take-back
  cahoots drive accept ben             runs the line that ben proposed; `reject` drops it";

pub(super) const AUDIT_EXAMPLES: &str = "\
Examples:
  cahoots audit export session.audit                     of the session that you share
  cahoots audit export session.audit --without-contents  without what was said and typed
  cahoots audit session.audit                            verifies every signature, and prints it";

pub(super) const PASS_ON_EXAMPLES: &str = "\
Examples:
  cahoots pass-on view                    asks for your link; prints one that can only look
  cahoots pass-on view --file link.txt --expires 30m
  cahoots pass-on interact --once < link.txt

The new link allows no more than yours, and ends with it.";

/// Which running session is meant.
#[derive(Args, Debug)]
pub(crate) struct Target {
    /// Session, by the begin of its id [default: the only one]
    #[arg(long, value_name = "ID", global = true)]
    pub(crate) session: Option<String>,
    /// Print one JSON object per line
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

/// A command that needs nothing but its session.
#[derive(Args, Debug)]
pub(crate) struct Plain {
    #[command(flatten)]
    pub(crate) target: Target,
}

#[derive(Args, Debug)]
pub(crate) struct Links {
    #[command(flatten)]
    pub(crate) target: Target,
    #[command(subcommand)]
    pub(crate) command: Option<LinksCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum LinksCommand {
    /// List the links; so it does without a word
    List,
    /// Make a link and print it
    Add(AddLink),
    /// Close links: who came by them is cut off
    Revoke {
        /// Ids, as the list shows them, or labels
        #[arg(required = true, value_name = "LINK")]
        links: Vec<String>,
    },
}

#[derive(Args, Debug)]
pub(crate) struct AddLink {
    /// What it allows
    #[arg(value_enum)]
    pub(crate) access: LinkAccess,
    #[command(flatten)]
    pub(crate) conditions: Conditions,
    /// Let its holders make narrower links of it
    #[arg(long)]
    pub(crate) may_pass_on: bool,
    /// A word to know it by; only you see it
    #[arg(long)]
    pub(crate) label: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct Members {
    #[command(flatten)]
    pub(crate) target: Target,
    #[command(subcommand)]
    pub(crate) command: Option<MembersCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum MembersCommand {
    /// List who is here and who waits; so it does without a word
    List,
    /// Cut somebody off, and close the link they came by
    Kick(Kick),
    /// Let somebody in who waits
    Admit {
        /// Id, or how it begins
        member: String,
    },
    /// Turn somebody away who waits
    Deny {
        /// Id, or how it begins
        member: String,
    },
}

#[derive(Args, Debug)]
pub(crate) struct Kick {
    /// Id, how it begins, or name
    pub(crate) member: String,
    /// Print no link to replace the closed one
    #[arg(long)]
    pub(crate) no_new_link: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Drive {
    #[command(flatten)]
    pub(crate) target: Target,
    #[command(subcommand)]
    pub(crate) command: Option<DriveCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DriveCommand {
    /// List who drives which terminal; so it does without a word
    List,
    /// Say who may type
    Policy {
        /// Who may
        #[arg(value_enum)]
        policy: Policy,
        /// With `one`: who types nothing for so long gives it back
        #[arg(long, value_name = "TIME", value_parser = parse_duration)]
        lapse: Option<Duration>,
        #[command(flatten)]
        pane: Pane,
    },
    /// Let somebody drive
    Grant(PaneAndMember),
    /// Take the terminal back from who drives
    TakeBack(Pane),
    /// Run the line that somebody proposed
    Accept(PaneAndMember),
    /// Drop the line that somebody proposed
    Reject(PaneAndMember),
}

/// Which terminal is meant.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Pane {
    /// Number of the terminal
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) pane: u16,
}

#[derive(Args, Debug)]
pub(crate) struct PaneAndMember {
    /// Id, how it begins, or name
    pub(crate) member: String,
    #[command(flatten)]
    pub(crate) pane: Pane,
}

#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true, arg_required_else_help = true)]
pub(crate) struct Audit {
    /// File to verify and print
    pub(crate) file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) json: Json,
    #[command(subcommand)]
    pub(crate) command: Option<AuditCommand>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Write the signed history of a session that you share
    Export(Export),
}

#[derive(Args, Debug)]
pub(crate) struct Export {
    /// File to write; it must not be there yet
    pub(crate) file: PathBuf,
    /// Leave out what was said and typed
    #[arg(long)]
    pub(crate) without_contents: bool,
    #[command(flatten)]
    pub(crate) target: Target,
}

#[derive(Args, Debug)]
pub(crate) struct PassOn {
    /// What the new link allows
    #[arg(value_enum)]
    pub(crate) access: LinkAccess,
    /// Your link; `-` reads it from stdin [default: CAHOOTS_LINK, else stdin, else asks]
    pub(crate) link: Option<String>,
    /// Read your link from a file
    #[arg(long, value_name = "FILE", conflicts_with = "link")]
    pub(crate) file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) conditions: Conditions,
    #[command(flatten)]
    pub(crate) reach: Reach,
    /// Read your own link's passphrase from the first line of a file [default: asks, if it needs one]
    #[arg(long, value_name = "FILE")]
    pub(crate) own_passphrase_file: Option<PathBuf>,
    /// How long to look for the session
    #[arg(long, default_value = "10s", value_name = "TIME", value_parser = parse_duration)]
    pub(crate) patience: Duration,
    /// Do not warn about a link on the command line
    #[arg(short, long)]
    pub(crate) quiet: bool,
    #[command(flatten)]
    pub(crate) json: Json,
}
