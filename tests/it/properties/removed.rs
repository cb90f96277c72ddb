//! P7: of whoever is cut off nothing counts behind the cut, in whatever order it comes, and from whomever.

use crate::attacks::eve::{Eve, frame};
use crate::attacks::table::{ADA, START, Table};
use cahoots::proto::doc::{DocKind, Document, Draft};
use cahoots::proto::id::Channel;
use cahoots::proto::seal::pad_durable;
use cahoots::proto::token::Access;
use cahoots::proto::wire::Frame;
use proptest::prelude::*;

const DAY_MS: u64 = 86_400_000;

/// Writes `count` lines, each the next of Eve's lane.
fn lines(eve: &Eve, count: usize) -> Vec<Frame> {
    let (mut document, mut writer) = (Document::new(DocKind::Chat, eve.me()), eve.writer(Channel::CHAT));
    let line = |n: usize| {
        let payload = document.say(&Draft::from(format!("line {n}").as_str()), START.wall).unwrap().unwrap();
        frame(&writer.seal(1, &eve.keys, &pad_durable(&payload)))
    };
    (0..count).map(line).collect()
}

fn linked(table: &mut Table, index: usize) {
    if !table.peers[index].is_linked() {
        table.connect(index);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    /// Eve's friends at the relay and among the members deliver what she wrote, old and new, as they like: all keep what
    /// the owner had when it cut her off, and nothing else.
    #[test]
    fn nothing_behind_the_cut_counts_in_any_order(
        owner_had in 0_usize..6,
        ben_had_more in 0_usize..6,
        deliveries in prop::collection::vec((0_usize..3, 0_usize..12), 0..40),
    ) {
        let mut table = Table::new();
        let tokens = [table.share(Access::Interact, DAY_MS), table.share(Access::Interact, DAY_MS)];
        let (ben, cat) = (table.join(&tokens[0]), table.join(&tokens[0]));
        let eve = Eve::join(&mut table, &tokens[1]).unwrap();
        let lane = lines(&eve, 12);
        lane[..owner_had].iter().for_each(|line| table.send(eve.conn, line));
        table.inject(ben, eve.member_frame());
        lane[..owner_had + ben_had_more].iter().for_each(|line| table.inject(ben, line.clone()));
        table.revoke(&tokens[1]);
        for (whom, line) in deliveries {
            let whom = [ADA, ben, cat][whom];
            linked(&mut table, whom);
            table.inject(whom, eve.member_frame());
            table.inject(whom, lane[line].clone());
        }
        [ADA, ben, cat].into_iter().for_each(|index| linked(&mut table, index));
        table.pass(3_000_000);
        let kept: Vec<String> = (0..owner_had).map(|n| format!("line {n}")).collect();
        for index in [ADA, ben, cat] {
            prop_assert_eq!(table.chat(index), kept.clone(), "member {}", index);
            let heads = |index: usize| table.peers[index].document(Channel::CHAT).unwrap().heads();
            prop_assert_eq!(heads(index), heads(ADA));
        }
        // Nor is anybody who stays any worse for it.
        let now = table.now;
        table.peers[ben].say(&"and on".into(), now).unwrap();
        table.pass(3_000_000);
        for index in [ADA, cat] {
            prop_assert_eq!(table.chat(index).pop(), Some("and on".to_owned()));
        }
    }
}
