//! What can be written on the command line, and the help that teaches it.
//!
//! Flags win over environment variables, those over defaults. Exit codes: 0 ok, 1 error, 2 usage, else the shared
//! command's own.

mod owner;
mod relay;

use std::ffi::OsString;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use serde::{Deserialize, Serialize};

use cahoots::{Access, RelayAddress, Size};

pub(crate) use owner::{
    AddLink, Audit, AuditCommand, Drive, DriveCommand, Export, Links, LinksCommand, Members, MembersCommand, PassOn,
    Plain, Target,
};
pub(crate) use relay::{Relay, RelayCommand, RelaySessions, Stats};

const EXIT_CODES: &str = "\
Exit codes:
  0  all went well; for `join` also: you left
  1  something failed; stderr says what and what to do
  2  the command line was wrong
  n  the shared command ended with n (`share`, and `join` if it was there at the end)

Environment:
  CAHOOTS_NAME   your name, as others see it
  CAHOOTS_RELAY  the relay to use
  CAHOOTS_LINK   the link to join
  CAHOOTS_LOG    what to log to stderr, such as info or cahoots=debug
  NO_COLOR       no colour in our own text";

const SHARE_EXAMPLES: &str = "\
Examples:
  cahoots share                            share a shell; a view and an interact link are printed
  cahoots share -- htop                    share one command
  cahoots share --relay relay.example.org  reach people outside of this network
  cahoots share --web                      let browsers on this network in, by a link and a QR code
  cahoots share --headless --size 100x30 -- make watch
  cahoots share -q --headless -- make watch > link.txt   only the link, for scripts
  cahoots share --json --headless -- ./deploy.sh
  cahoots share --approve                  asks you before it lets anybody in
  cahoots share --access view --once --passphrase      one person, and only with the words

From a second terminal: `cahoots links`, `members`, `panic`, `drive`, `audit`.
Inside the shared shell CAHOOTS=1 and CAHOOTS_SESSION are set.";

const JOIN_EXAMPLES: &str = "\
Examples:
  cahoots join                        asks for the link, which stays out of the process list
  cahoots join < link.txt             reads it from a file
  cahoots join 'https://relay.example.org/j#chr1…'
  cahoots join --dump < link.txt      prints the screen once, as text
  echo 'make test' | cahoots join --type --file link.txt
  cahoots join --json --until-exit --file link.txt

In the viewer: Ctrl-] and then c chat, p people, n notes, m pointer, d drive, s pass on, q leave, ? help.
With a view link the keys work without Ctrl-].

With --json, stdin takes requests, one JSON object per line:
  {\"do\":\"screen\"}   {\"do\":\"type\",\"text\":\"make\\r\"}   {\"do\":\"say\",\"text\":\"hello\"}   {\"do\":\"leave\"}
  {\"do\":\"notes\"}    {\"do\":\"edit_notes\",\"at\":0,\"delete\":0,\"insert\":\"first\"}
  {\"do\":\"drive\",\"wish\":true}   {\"do\":\"pass_on\",\"access\":\"view\"}";

const VIEW_EXAMPLES: &str = "\
Examples:
  cahoots view                    asks for the link, prints an address for a browser on this machine
  cahoots view --open < link.txt  reads it from a file, and opens the browser

The page in a relay's or host's link does the same, but whoever serves that page has to be trusted.";

/// Share a live terminal with people you trust.
///
/// Everything is encrypted from end to end: a relay in between carries it and cannot read it. On one network no
/// relay is needed. Who has a view link can look; who has an interact link can type, and so run anything as you.
#[derive(Debug, Parser)]
#[command(name = "cahoots", version, after_help = EXIT_CODES, max_term_width = 110, disable_help_subcommand = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Share your shell, or one command, under a link
    #[command(after_help = SHARE_EXAMPLES)]
    Share(Share),
    /// Watch or drive a shared terminal
    #[command(after_help = JOIN_EXAMPLES)]
    Join(Join),
    /// Watch or drive it in a browser, with a page that comes from this program
    #[command(after_help = VIEW_EXAMPLES)]
    View(View),
    /// Run the node that connects people who cannot reach each other
    #[command(after_help = relay::RELAY_EXAMPLES)]
    Relay(Relay),
    /// Ask how many are in a session, without joining it
    #[command(after_help = relay::STATS_EXAMPLES)]
    Stats(Stats),
    /// List, add and revoke links of a session that you share
    #[command(after_help = owner::LINKS_EXAMPLES)]
    Links(Links),
    /// List who is in a session that you share; let in, turn away, kick
    #[command(after_help = owner::MEMBERS_EXAMPLES)]
    Members(Members),
    /// Revoke every link at once, and cut everybody off
    #[command(after_help = owner::PANIC_HELP)]
    Panic(Plain),
    /// Change the key of a session that you share
    #[command(after_help = owner::REKEY_HELP)]
    Rekey(Plain),
    /// Say who may type into your terminal: all, one at a time, or line by line
    #[command(after_help = owner::DRIVE_EXAMPLES)]
    Drive(Drive),
    /// Export the signed history of a session, or verify and print one
    #[command(after_help = owner::AUDIT_EXAMPLES)]
    Audit(Audit),
    /// Make a narrower link out of one that may be passed on
    #[command(after_help = owner::PASS_ON_EXAMPLES)]
    PassOn(PassOn),
    /// List the sessions that you share on this machine
    Sessions(Json),
}

/// For commands whose only choice is how to print.
#[derive(Args, Clone, Copy, Debug)]
pub(crate) struct Json {
    /// Print one JSON object per line
    #[arg(long)]
    pub(crate) json: bool,
}

/// What a link asks of who uses it; `share` and `links add` have it in common.
#[derive(Args, Debug)]
pub(crate) struct Conditions {
    /// How long the links work: 30m, 2h, 7d
    #[arg(long, default_value = "24h", value_name = "TIME", value_parser = parse_duration)]
    pub(crate) expires: Duration,
    /// How many people may be in by one link at a time
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) max_members: Option<u32>,
    /// Ask you before anybody is let in
    #[arg(long)]
    pub(crate) approve: bool,
    /// Good for one person, once
    #[arg(long)]
    pub(crate) once: bool,
    /// Ask for a passphrase now; guests need it beside the link
    #[arg(long, conflicts_with = "passphrase_file")]
    pub(crate) passphrase: bool,
    /// Read the passphrase from the first line of a file; `-` is stdin
    #[arg(long, value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
}

/// How to find the other side; `share` and `join` have it in common.
#[derive(Args, Debug)]
pub(crate) struct Reach {
    /// Relay to meet at: HOST[:PORT][#fp=HASH]
    #[arg(long, env = "CAHOOTS_RELAY", hide_env_values = true, value_name = "ADDR", value_parser = RelayAddress::parse)]
    pub(crate) relay: Option<RelayAddress>,
    /// Stay off the local network: no announcement, no search
    #[arg(long)]
    pub(crate) no_lan: bool,
    /// Your name, as others see it [default: the user's name]
    #[arg(long, env = "CAHOOTS_NAME", hide_env_values = true)]
    pub(crate) name: Option<String>,
}

#[derive(Args, Debug)]
pub(crate) struct Share {
    /// Command to share, with its arguments [default: $SHELL]
    #[arg(last = true, value_name = "COMMAND")]
    pub(crate) command: Vec<OsString>,
    #[command(flatten)]
    pub(crate) reach: Reach,
    /// UDP port for people on this network [default: any]
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    pub(crate) port: u16,
    /// Serve the viewer to browsers on this network, too: at a PORT, an IP or an IP:PORT [default: any port]
    #[arg(long, value_name = "ADDR", num_args = 0..=1, default_missing_value = "0", value_parser = parse_web)]
    pub(crate) web: Option<SocketAddr>,
    /// Title that others see [default: the command]
    #[arg(long)]
    pub(crate) title: Option<String>,
    /// What the link allows: view, interact or own; may be given more than once [default: view and interact]
    #[arg(long, value_enum, value_name = "WHAT", hide_possible_values = true)]
    pub(crate) access: Vec<LinkAccess>,
    #[command(flatten)]
    pub(crate) conditions: Conditions,
    /// Let holders of a link make narrower ones of it
    #[arg(long)]
    pub(crate) may_pass_on: bool,
    /// Write the signed history to this file at the end
    #[arg(long, value_name = "FILE")]
    pub(crate) audit: Option<PathBuf>,
    /// Share without showing it here; so it is without a terminal, too
    #[arg(long)]
    pub(crate) headless: bool,
    /// Size of the shared terminal when headless
    #[arg(long, default_value = "80x24", value_name = "COLSxROWS", value_parser = parse_size)]
    pub(crate) size: Size,
    /// Print one link and nothing else [default: the interact link]
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// Print one JSON object per line; implies --headless
    #[arg(long, conflicts_with = "quiet")]
    pub(crate) json: bool,
}

#[derive(Args, Debug)]
pub(crate) struct Join {
    /// Link or token; `-` reads it from stdin [default: CAHOOTS_LINK, else stdin, else asks]
    pub(crate) link: Option<String>,
    /// Read the link from a file
    #[arg(long, value_name = "FILE", conflicts_with = "link")]
    pub(crate) file: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) reach: Reach,
    /// Read the link's passphrase from the first line of a file [default: asks, if the link needs one]
    #[arg(long, value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,
    /// How long to look for the host
    #[arg(long, default_value = "10s", value_name = "TIME", value_parser = parse_duration)]
    pub(crate) patience: Duration,
    /// Do not warn about a link on the command line
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// Print the screen as text once it is there, and leave
    #[arg(long, group = "plain")]
    pub(crate) dump: bool,
    /// Type what stdin says, and leave; needs an interact link
    #[arg(long = "type", group = "plain")]
    pub(crate) typing: bool,
    /// Print one JSON object per event instead of showing the screen
    #[arg(long)]
    pub(crate) json: bool,
    /// Stay until the shared command ends and print its last screen
    #[arg(long)]
    pub(crate) until_exit: bool,
}

#[derive(Args, Debug)]
pub(crate) struct View {
    /// Link or token; `-` reads it from stdin [default: CAHOOTS_LINK, else stdin, else asks]
    pub(crate) link: Option<String>,
    /// Read the link from a file
    #[arg(long, value_name = "FILE", conflicts_with = "link")]
    pub(crate) file: Option<PathBuf>,
    /// Relay to meet at, if the link names none: HOST[:PORT][#fp=HASH]
    #[arg(long, env = "CAHOOTS_RELAY", hide_env_values = true, value_name = "ADDR", value_parser = RelayAddress::parse)]
    pub(crate) relay: Option<RelayAddress>,
    /// Stay off the local network: no search
    #[arg(long)]
    pub(crate) no_lan: bool,
    /// TCP port for the browser, on 127.0.0.1 [default: any]
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    pub(crate) port: u16,
    /// Open the browser
    #[arg(long)]
    pub(crate) open: bool,
    /// Print the address and nothing else, and do not warn about a link on the command line
    #[arg(short, long, conflicts_with = "json")]
    pub(crate) quiet: bool,
    /// Print one JSON object per line
    #[arg(long)]
    pub(crate) json: bool,
}

/// [`Access`] as an option's value.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LinkAccess {
    /// Look and chat
    View,
    /// Type as well: whoever has it runs commands as you
    Interact,
    /// All that the host may: hand it to yourself only
    Own,
}

impl From<LinkAccess> for Access {
    fn from(access: LinkAccess) -> Self {
        match access {
            LinkAccess::View => Self::View,
            LinkAccess::Interact => Self::Interact,
            LinkAccess::Own => Self::Own,
        }
    }
}

/// Reads `90s`, `30m`, `2h`, `7d`; a number needs its unit.
fn parse_duration(text: &str) -> Result<Duration, String> {
    let problem = || format!("expected a number and a unit such as 30m, 2h or 7d, found `{text}`");
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let seconds_each: u64 = match &text[digits.len()..] {
        "s" => 1,
        "m" | "min" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return Err(problem()),
    };
    let count: u64 = digits.parse().map_err(|_| problem())?;
    match count.checked_mul(seconds_each) {
        Some(0) => Err("expected more than zero".to_owned()),
        Some(seconds) if seconds <= EXPIRY_S_MAX => Ok(Duration::from_secs(seconds)),
        _ => Err(format!("{text} is too long, the limit is {} d", EXPIRY_S_MAX / 86_400)),
    }
}

/// Reads where browsers may come to. A port alone is one of all addresses of this machine.
fn parse_web(text: &str) -> Result<SocketAddr, String> {
    let port = |text: &str| text.parse().ok().map(|port: u16| SocketAddr::from((Ipv6Addr::UNSPECIFIED, port)));
    let ip = |text: &str| text.parse().ok().map(|ip: IpAddr| SocketAddr::from((ip, 0)));
    let address = port(text).or_else(|| ip(text)).or_else(|| text.parse().ok());
    address.ok_or_else(|| format!("expected a port such as 8080, an IP address, or both, found `{text}`"))
}

/// Longest time that a link may work, in seconds: ten years, far from where clocks overflow.
const EXPIRY_S_MAX: u64 = 3_650 * 86_400;

/// Reads `COLSxROWS` within what the protocol carries.
fn parse_size(text: &str) -> Result<Size, String> {
    use cahoots::proto::limits::{COLS, ROWS};
    let numbers = text.split_once(['x', 'X']).and_then(|(cols, rows)| Some((cols.parse().ok()?, rows.parse().ok()?)));
    match numbers {
        Some((cols, rows)) if COLS.contains(&cols) && ROWS.contains(&rows) => Ok(Size { cols, rows }),
        Some((cols, rows)) => Err(format!(
            "{cols}x{rows} is outside of {}x{} to {}x{}",
            COLS.start(),
            ROWS.start(),
            COLS.end(),
            ROWS.end()
        )),
        None => Err(format!("expected COLSxROWS such as 100x30, found `{text}`")),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    /// clap finds contradictions between options only when asked.
    #[test]
    fn options_do_not_contradict_each_other() {
        Cli::command().debug_assert();
    }

    /// A link that lives 30 days instead of 30 minutes is a security hole: no unit is ever guessed.
    #[test]
    fn durations_need_a_unit() {
        assert_eq!(parse_duration("30m"), Ok(Duration::from_secs(1_800)));
        assert_eq!(parse_duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(parse_duration("2h"), Ok(Duration::from_secs(7_200)));
        assert_eq!(parse_duration("7d"), Ok(Duration::from_secs(604_800)));
        for wrong in ["", "30", "m", "-1h", "1.5h", "1h30m", "0m", "99999999d", "18446744073709551615d", "3½", "2ч"] {
            assert!(parse_duration(wrong).is_err(), "{wrong}");
        }
    }

    /// `share --web -- htop` takes no program for an address, and a typing mistake opens nothing.
    #[test]
    fn web_takes_an_address_or_none() {
        let web = |words: &[&str]| {
            let words = ["cahoots", "share"].iter().chain(words);
            match Cli::try_parse_from(words).map(|cli| cli.command) {
                Ok(Command::Share(share)) => Ok(share.web.map(|address| address.to_string())),
                Ok(other) => panic!("{other:?}"),
                Err(_) => Err(()),
            }
        };
        let any = Ok(Some("[::]:0".to_owned()));
        assert_eq!((web(&[]), web(&["--web"]), web(&["--web", "--", "htop"])), (Ok(None), any.clone(), any));
        for (text, address) in [("8080", "[::]:8080"), ("192.0.2.7", "192.0.2.7:0"), ("[fd00::1]:81", "[fd00::1]:81")] {
            assert_eq!(web(&["--web", text]), Ok(Some(address.to_owned())), "{text}");
        }
        for wrong in ["htop", "70000", "192.0.2.7:x", "localhost:80"] {
            assert_eq!(web(&["--web", wrong]), Err(()), "{wrong}");
        }
    }

    /// Sizes that the wire cannot carry must fail here, with the limits, not later.
    #[test]
    fn sizes_stay_within_the_protocol() {
        assert_eq!(parse_size("100x30"), Ok(Size { cols: 100, rows: 30 }));
        for wrong in ["", "100", "1x30", "100x1", "2000x30", "100x30x2", "axb", "70000x2"] {
            assert!(parse_size(wrong).is_err(), "{wrong}");
        }
    }

    /// The command after `--` is taken as it stands, even where it looks like our own options.
    #[test]
    fn shared_command_keeps_its_own_options() {
        let cli = Cli::try_parse_from(["cahoots", "share", "-q", "--", "ls", "-q", "--json"]).unwrap();
        let Command::Share(share) = cli.command else { panic!("not share") };
        assert_eq!(share.command, ["ls", "-q", "--json"]);
        assert!(share.quiet && !share.json);
    }
}
