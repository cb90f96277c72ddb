//! The relay as a process: all of its memory, its log at its loudest, its folder and what it prints.

use crate::e2e::stage::{Process, Stage};
use crate::threats::canary::{Canary, contains, found};
use crate::threats::held::{Held, Trial};
use crate::threats::relay_disk_thief::read_all;
use crate::threats::stage::{OUTPUT, SAID, TYPED};
use cahoots::{Link, SessionId};
use serde_json::json;
use std::fs::File;
use std::os::unix::fs::FileExt;

const TITLE: &str = "title-of-the-badger";
const NAME: &str = "name-of-the-ocelot";
/// How large the terminal is, as the state document spells it: columns and rows that nobody has by chance.
const SIZE: &str = "137x41";
const PAGE_BYTES: usize = 4_096;

/// Reads all memory of a process that it can have written: every private, writable range, pages of zeros left out.
fn memory_of(process: u32) -> Vec<u8> {
    let maps = std::fs::read_to_string(format!("/proc/{process}/maps")).unwrap();
    let memory = File::open(format!("/proc/{process}/mem")).expect("a child's memory can be read");
    let mut found = Vec::new();
    for line in maps.lines().filter(|line| line.split(' ').nth(1).is_some_and(|flags| flags.starts_with("rw"))) {
        let (from, to) = line.split(' ').next().unwrap().split_once('-').unwrap();
        let [from, to] = [from, to].map(|address| u64::from_str_radix(address, 16).unwrap());
        let mut page = [0; PAGE_BYTES];
        for at in (from..to).step_by(PAGE_BYTES) {
            // Guard pages and the kernel's own cannot be read.
            if memory.read_exact_at(&mut page, at).is_ok() && page != [0; PAGE_BYTES] {
                found.extend_from_slice(&page);
            }
        }
    }
    found
}

/// A session with real programs in which everything is said and shown that a relay must not know.
struct Party {
    relay: crate::e2e::stage::RelayNode,
    share: crate::e2e::stage::Share,
    ben: Process,
    stage: Stage,
}

impl Party {
    async fn new() -> Self {
        let stage = Stage::new().logging("trace");
        let relay = stage.relay().await;
        let script = format!("echo {OUTPUT}; read line; echo seen; read more");
        let options = ["--title", TITLE, "--size", SIZE];
        let share = stage.share(Some(&relay), &options, &["sh", "-c", &script]).await;
        let mut ben = stage.join(share.link("interact"), &["--no-lan", "--json", "--name", NAME]);
        ben.shows(OUTPUT).await;
        ben.ask(&json!({ "do": "say", "text": SAID }));
        ben.types(&format!("{TYPED}\r"));
        ben.shows("seen").await;
        share.process.record("the words", |record| record["text"] == SAID).await;
        Self { relay, share, ben, stage }
    }

    fn canaries(&self) -> Vec<Canary> {
        let words = [OUTPUT, SAID, TYPED, TITLE, NAME];
        let mut canaries: Vec<Canary> = words.into_iter().map(|word| Canary::text(word, word)).collect();
        for access in ["view", "interact"] {
            let token = Link::parse(self.share.link(access)).unwrap().token;
            canaries.push(Canary::text("token", &token.reveal()[31..]));
            canaries.push(Canary::new("key of a share", token.secret().unwrap().kek().expose()));
        }
        canaries
    }

    fn session(&self) -> SessionId {
        Link::parse(self.share.link("view")).unwrap().token.session
    }
}

/// Who takes the whole machine that a relay runs on, while people talk by it, has nothing of what they say.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn memory_of_a_relay_holds_no_secret() -> Held {
    let mut trial = Trial::default();
    let party = Party::new().await;
    let canaries = party.canaries();
    let relay = memory_of(party.relay.process.id());
    trial.gets_nothing("it is in the relay's memory", found(&canaries, &relay));
    trial.fails("the terminal's size is in the relay's memory", contains(&relay, SIZE.as_bytes()), false);
    trial.works("what a relay may know is found there", contains(&relay, party.session().as_bytes()));

    let told = [party.relay.process.lines().join("\n"), party.relay.process.errors()].concat();
    trial.gets_nothing("it is in the relay's log", found(&canaries, told.as_bytes()));
    trial.works("the log is at its loudest", told.contains("TRACE") || told.contains("DEBUG"));
    let folder = read_all(&party.stage.path("relay"));
    trial.gets_nothing("it is in the relay's folder", found(&canaries, &folder));
    trial.works("the folder is read", contains(&folder, b"PRIVATE KEY"));

    // The same search where all of it has to be.
    let guest = memory_of(party.ben.id());
    let words = found(&canaries, &guest);
    let expected = [OUTPUT, SAID, TITLE, NAME, "key of a share"];
    trial.works("a guest's memory has it", expected.iter().all(|word| words.contains(word)));
    let host = found(&canaries, &memory_of(party.share.process.id()));
    trial.works("and the host's", [SAID, "token"].iter().all(|word| host.contains(word)));
    trial.works("sizes, too", contains(&guest, SIZE.as_bytes()));
    trial.held()
}
