//! The sorted maps beside the standard library's trees.

use super::*;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Clone, Debug)]
enum Step {
    Insert(u8, u16),
    Remove(u8),
    Count(u8, u16),
    Change(u8, u16),
    PopFirst,
    Retain(u8),
    Extract(u8),
    Extend(Vec<(u8, u16)>),
    Clear,
}

fn step() -> impl Strategy<Value = Step> {
    let entries = proptest::collection::vec((0..40_u8, any::<u16>()), 0..20);
    prop_oneof![
        6 => (0..40_u8, any::<u16>()).prop_map(|(key, value)| Step::Insert(key, value)),
        3 => (0..40_u8).prop_map(Step::Remove),
        3 => (0..40_u8, any::<u16>()).prop_map(|(key, value)| Step::Count(key, value)),
        2 => (0..40_u8, any::<u16>()).prop_map(|(key, value)| Step::Change(key, value)),
        1 => Just(Step::PopFirst),
        1 => (2..5_u8).prop_map(Step::Retain),
        1 => (2..5_u8).prop_map(Step::Extract),
        2 => entries.prop_map(Step::Extend),
        1 => Just(Step::Clear),
    ]
}

/// Takes the step in both maps and tells whether they answer alike.
fn answers_alike(step: Step, map: &mut SortedMap<u8, u16>, tree: &mut BTreeMap<u8, u16>) -> bool {
    match step {
        Step::Insert(key, value) => map.insert(key, value) == tree.insert(key, value),
        Step::Remove(key) => map.remove(&key) == tree.remove(&key),
        Step::Count(key, value) => {
            let bump = |old: &mut u16| *old = old.wrapping_add(1);
            *map.entry(key).and_modify(bump).or_insert(value) == *tree.entry(key).and_modify(bump).or_insert(value)
        }
        Step::Change(key, value) => {
            let both = (map.get_mut(&key), tree.get_mut(&key));
            if let (Some(one), Some(other)) = both {
                (*one, *other) = (value, value);
                return true;
            }
            !map.contains_key(&key) && !tree.contains_key(&key)
        }
        Step::PopFirst => map.pop_first() == tree.pop_first(),
        Step::Retain(by) => {
            map.retain(|key, _| key % by != 0);
            tree.retain(|key, _| key % by != 0);
            true
        }
        Step::Extract(by) => map.extract_if(|key, _| key % by == 0).eq(tree.extract_if(.., |key, _| key % by == 0)),
        Step::Extend(entries) => {
            map.extend(entries.iter().copied());
            tree.extend(entries);
            true
        }
        Step::Clear => {
            map.clear();
            tree.clear();
            true
        }
    }
}

proptest! {
    /// The session's state machines were written for trees: whatever is done, nobody may see a difference.
    #[test]
    fn map_does_what_a_tree_does(steps in proptest::collection::vec(step(), 0..80), from in 0..40_u8) {
        let (mut map, mut tree) = (SortedMap::new(), BTreeMap::new());
        for step in steps {
            prop_assert!(answers_alike(step, &mut map, &mut tree));
            prop_assert!(map.iter().eq(tree.iter()));
            prop_assert!(map.range_from(&from).eq(tree.range(from..)));
            prop_assert_eq!(map.first_key_value(), tree.first_key_value());
            prop_assert_eq!(map.last_key_value(), tree.last_key_value());
            prop_assert_eq!((map.get(&from), map.len()), (tree.get(&from), tree.len()));
        }
        prop_assert!(map.keys().eq(tree.keys()) && map.values().eq(tree.values()));
        prop_assert!(map.into_iter().eq(tree));
    }

    /// Peers that were told the same in another order have to say the same: a set has one order and no doubles.
    #[test]
    fn set_does_what_a_tree_does(items in proptest::collection::vec(0..40_u8, 0..80), gone in 0..40_u8) {
        let (mut set, mut tree) = (SortedSet::new(), BTreeSet::new());
        for item in items {
            prop_assert_eq!(set.insert(item), tree.insert(item));
        }
        prop_assert_eq!(set.contains(&gone), tree.contains(&gone));
        prop_assert_eq!(set.remove(&gone), tree.remove(&gone));
        prop_assert_eq!(set.first(), tree.first());
        prop_assert!(set.iter().eq(tree.iter()) && (&set).into_iter().eq(&tree));
        prop_assert_eq!(set.iter().copied().collect::<SortedSet<_>>(), set.clone());
        prop_assert_eq!(set.pop_first(), tree.pop_first());
        prop_assert_eq!((set.len(), set.is_empty()), (tree.len(), tree.is_empty()));
        prop_assert!(set.into_iter().eq(tree));
    }
}
